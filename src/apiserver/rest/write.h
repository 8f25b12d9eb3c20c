#ifndef APISERVER_WRITE_H
#define APISERVER_WRITE_H
/* Writes: create, update, patch, delete. A worker prepares the new state from the present one and hands it to the
 * store; the committer answers once it is durable. A conflict that is not the client's fault sends it back to a worker.
 */

#include "admission/quota.h"
#include "patch_body.h"
#include "request.h"
#include "respond.h"
#include "store/store.h"

enum write_next {
	WRITE_COMMIT,  /* op->write is ready */
	WRITE_CURRENT, /* nothing changes: answer with op->current */
	WRITE_VALUE,   /* answer with op->value (dry run) */
};

struct api_op {
	/* Computes the next step from the present state; called again after a conflict. Returns enum write_next or -1. */
	int (*prepare)(struct api_request *req, struct api_op *op, struct err *err);
	json_t *body;    /* what was sent; NULL once it was taken as the new state */
	json_t *dropped; /* unknown fields of the body, once told */
	json_t *seen;    /* those of its metadata, found at the first look */
	struct store_object *current;
	json_t *value;
	struct store_write write;
	struct quota_charge *charge; /* what the write adds to quotas; NULL: nothing */
	int code;
	bool body_taken;
	bool retry;          /* a conflict is ours: the client named no version */
	bool generated_name; /* AlreadyExists is ours too */
	bool no_namespace;   /* the error is about the namespace */
	bool anonymous;      /* the error is about no object: its details have no name */
	bool gone;           /* answer a delete with a Status, not with the object */
	enum patch_form patch_form;
	unsigned attempts;
	char *ns, *name;
};

/* Takes the request over; body may be NULL and is stolen. Runs prepare at once (on a worker). */
void write_start(struct api_request *req, int (*prepare)(struct api_request *req, struct api_op *op, struct err *err),
                 json_t *body);

/* What was sent, to be made the new state in place: a retry reads it anew. */
json_t *write_take_body(struct api_op *op);
/* The same for a PATCH. */
void write_start_patch(struct api_request *req,
                       int (*prepare)(struct api_request *req, struct api_op *op, struct err *err), json_t *body,
                       enum patch_form form);

/* The common end of create, update and patch: obj is the wanted state in the request's version (stolen), old the
 * present one in that version or NULL. Defaults, prunes, keeps managed fields (unless applied), validates, and fills
 * op. Returns as prepare does. */
struct write_input {
	json_t *obj;
	const json_t *old;
	bool applied;            /* managedFields are done */
	bool has_version;        /* a new object came with a resourceVersion, which it cannot have */
	const char *subresource; /* "" or the one written through */
};
int write_finish(struct api_request *req, struct api_op *op, struct write_input *in, struct err *err);
/* Fills op->write for a deletion of op->current. */
void write_delete(struct api_request *req, struct api_op *op);
/* Fills op->write with a new state in the storage version, as it is. */
void write_store(struct api_request *req, struct api_op *op, json_t *obj);
/* op->current becomes the present object in the request's version, or NULL when there is none. */
int write_read_current(struct api_request *req, struct api_op *op, struct err *err);
/* The first look at what was sent: type and metadata, so that its address can be checked. */
int write_decode_meta(struct api_request *req, struct api_op *op, json_t *obj, struct err *err);
/* What a client sent, in place: form, defaults, nothing unknown. Of what is dropped it tells once an operation. */
int write_decode(struct api_request *req, struct api_op *op, json_t *obj, struct err *err);
/* Tells of unknown fields as fieldValidation wants: a warning each, or ERR_BAD_REQUEST. */
int write_report_dropped(struct api_request *req, const json_t *dropped, struct err *err);
/* The subresource's part of body put into a copy of old. */
/* The patched object as Go's decoder reads it, in place; unknown fields are dropped and told of, once. */
int write_decode_patched(struct api_request *req, struct api_op *op, json_t *patched, struct err *err);
/* A version in a patched object that is not the present one came from the patch: the client wants no other. */
int write_check_patched_version(struct api_request *req, struct api_op *op, const json_t *obj, struct err *err);
/* Repeated keys of an applied configuration; told once. */
int write_check_repeated(struct api_request *req, struct api_op *op, struct err *err);
/* An err about the patch, or about the object's form, says nothing of the object's name. Returns r. */
int write_without_name(struct api_op *op, int r);
/* An update is of the object it names, in the version it names; may_lack: it need not name one. */
int write_check_version(struct api_request *req, struct api_op *op, bool may_lack, struct err *err);
json_t *write_subresource(const json_t *old, const json_t *body, const char *subresource);

/* Forgets the write that is under way, if any, so that something else may be answered. */
void api_write_drop(struct api_request *req);

/* The Scale of an object, a new reference. */
json_t *scale_view(const struct api_version *v, const json_t *obj);
/* Takes spec.replicas over from a Scale. */
void scale_take(const struct api_version *v, json_t *obj, const json_t *scale);

/* Request handlers, on a worker. */
void handle_create(struct api_request *req);
void handle_update(struct api_request *req);
void handle_patch(struct api_request *req);
void handle_delete(struct api_request *req);
void handle_delete_collection(struct api_request *req);
void handle_scale(struct api_request *req);

/* api_op.prepare of a PATCH of a scale subresource. */
int scale_prepare_patch(struct api_request *req, struct api_op *op, struct err *err);
int scale_prepare_apply(struct api_request *req, struct api_op *op, struct err *err);

#endif
