#ifndef APISERVER_RESPOND_H
#define APISERVER_RESPOND_H
/* Answers. Each of these ends the request: it is freed. Callable from any thread once it was deferred, from the event
 * thread before. */

#include "document.h"
#include "request.h"
#include "store/store.h"

/* A Status for the error, about the object in the path. */
void api_respond_err(struct api_request *req, const struct err *err);
/* The same about another name. */
void api_respond_err_about(struct api_request *req, const char *name, const struct err *err);
/* A value as JSON or YAML; steals it. */
void api_respond_value(struct api_request *req, int code, json_t *value);
/* A JSON text that is final. */
void api_respond_json_bytes(struct api_request *req, int code, struct bytes *text);
/* The same of many pieces, taken over (http_respond_parts()). They are sent as they lie; only what needs the whole text
 * (YAML, indentation, gzip, the audit log) has it put together. */
void api_respond_json_parts(struct api_request *req, int code, struct http_part *parts, size_t len);
/* A document that changes seldom (discovery, OpenAPI): with an ETag, and 304 without a body for whoever has it. */
void api_respond_document(struct api_request *req, const char *content_type, struct document *document);
/* Any text. */
void api_respond_bytes(struct api_request *req, int code, const char *content_type, struct bytes *body);
void api_respond_text(struct api_request *req, int code, const char *content_type, const char *text);
/* A stored object in the request's version and form. */
void api_respond_object(struct api_request *req, int code, const struct store_object *o);
/* The same of a value in the request's version. */
void api_respond_object_value(struct api_request *req, int code, json_t *obj);
/* True when the above would take long (another form than JSON as stored), so that it belongs on a worker. */
bool api_respond_object_is_slow(const struct api_request *req);
/* Headers that any answer carries: content type and warnings. For streams. */
void api_respond_headers(const struct api_request *req, const char *content_type, struct http_headers *ret);
/* Notes the outcome in the metrics and frees the request; for those who answered by themselves (streams). */
void api_request_done(struct api_request *req, int code);
/* A Status about success. */
json_t *api_status_success(const struct api_type *t, const char *name, const char *uid);
/* A Status value of an error, for the type. */
json_t *api_status_value(const struct api_type *t, const char *name, const struct err *err);

/* Runs req->run on a worker (deferring the request first if need be). */
void api_request_to_worker(struct api_request *req, void (*run)(struct api_request *req));

#endif
