#ifndef KUBE_CLIENT_INTERNAL_H
#define KUBE_CLIENT_INTERNAL_H
/* What the files of the client share. Private to this folder. */

#include "kube/client.h"
#include "transport.h"

#include "base/clock.h"

#include <pthread.h>

struct kube_discovery;

struct kube_client {
	atomic_size_t refs;
	struct kube_client_config config;
	struct kube_transport *transport;
	struct kube_discovery *discovery;
	atomic_bool cancelled;
};

#define KUBE_REQUEST_TIMEOUT_NS (60 * NS_PER_S)

struct kube_request {
	const char *method, *path;         /* path below the server's URL, with query */
	const char *content_type, *accept; /* NULL: JSON */
	const void *body;
	size_t body_len;
	int64_t timeout_ns;        /* 0: KUBE_REQUEST_TIMEOUT_NS; negative: none */
	int attempts;              /* 0: 5 */
	const atomic_bool *cancel; /* besides the client's; may be NULL */
	bool (*on_data)(void *self, const char *data, size_t len);
	void *self;
};

/* 0: a 2xx came, *ret holds it (http_response_clear()). Else the error that the server or the connection gave. */
int kube_request(struct kube_client *c, const struct kube_request *req, struct http_response *ret, struct err *err);
/* The same, with the answer parsed; ret may be NULL. */
int kube_request_json(struct kube_client *c, const struct kube_request *req, json_t **ret, struct err *err);

/* Path of a type's collection, of one object, of a subresource (ns, name, sub may be NULL), without query.
 * ERR_BAD_REQUEST for names that cannot be a part of a path. free(). */
int kube_path(const struct kube_type *type, const char *ns, const char *name, const char *sub, char **ret,
              struct err *err);
/* Appends "?name=value" or "&name=value"; nothing when value is NULL or "". */
void kube_query(struct buf *path, const char *name, const char *value);

/* One page of a list after another, item by item. */
struct kube_list_sink {
	/* Borrowed; with apiVersion and kind. false ends the list (0). */
	bool (*on_item)(void *self, json_t *item);
	/* The list begins anew (its pages expired): forget what came. */
	void (*on_restart)(void *self);
	/* An item that is valid for the server but not for us (a NUL in a string): true goes on without it. NULL: it fails
	 * the list. */
	bool (*on_unreadable)(void *self, const struct err *why);
	void *self;
};
int kube_list_items(struct kube_client *c, const struct kube_type *type, const char *ns,
                    const struct kube_list_options *options, const atomic_bool *cancel,
                    const struct kube_list_sink *sink, char **ret_resource_version, struct err *err);

/* kube_watch() that asks the server to end it after so many seconds. */
int kube_watch_for(struct kube_client *c, const struct kube_type *type, const char *ns,
                   const struct kube_list_options *options, int seconds, const atomic_bool *cancel,
                   bool (*on_event)(void *self, const char *event_type, json_t *obj), void *self, struct err *err);

struct kube_discovery *kube_discovery_new(void);
struct kube_discovery *kube_discovery_free(struct kube_discovery *d);

/* A random number in [0, 1), for jitter. */
double kube_random(void);

#endif
