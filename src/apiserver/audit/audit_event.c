/* Completes an event with what was sent and answered. */
#include "audit_log.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kube/object.h"
#include "wire/proto.h"

#define STATUS_BODY_MAX ((size_t)64 * 1024)

static json_t *parse(const struct bytes *body, const char *type)
{
	if (!body || body->len == 0)
		return NULL;
	if (type && str_contains(type, "yaml"))
		return yaml_parse(body->data, body->len, NULL, NULL);
	if (type && str_starts_with(type, "application/vnd.kubernetes.protobuf"))
		return proto_decode(body->data, body->len, NULL);
	return json_parse(body->data, body->len, 0, NULL);
}

/* Secrets and tokens are never written: only which object it is. */
static json_t *identity_of(const json_t *obj)
{
	static const char *const kept[] = { "name", "generateName", "namespace", "uid", "resourceVersion", "labels" };
	json_t *v = json_object(), *meta = json_object();

	json_put_str(v, "kind", json_get_str(obj, "kind"));
	json_put_str(v, "apiVersion", json_get_str(obj, "apiVersion"));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_get(kube_meta(obj), kept[i]))
			json_object_set(meta, kept[i], json_object_get(kube_meta(obj), kept[i]));
	json_put(v, "metadata", meta);
	return v;
}

static void drop_managed_fields(json_t *obj)
{
	size_t i;
	json_t *item;

	json_object_del(kube_meta(obj), "managedFields");
	json_array_foreach (json_object_get(obj, "items"), i, item)
		json_object_del(kube_meta(item), "managedFields");
}

/* ,"KEY":BODY */
static void add_body(const struct audit_entry *e, const char *key, json_t *body, struct buf *out)
{
	if (e->omit_managed_fields)
		drop_managed_fields(body);
	_cleanup_json_ json_t *shown = e->sensitive ? identity_of(body) : json_incref(body);
	buf_printf(out, ",\"%s\":", key);
	json_write(shown, out);
}

/* A Status itself, or what a kube-apiserver makes of a success. */
static void add_status(const struct audit_entry *e, const json_t *response, struct buf *out)
{
	static const char *const kept[] = { "status", "message", "reason", "details" };
	_cleanup_json_ json_t *v = json_object();

	json_put(v, "metadata", json_object());
	if (str_eq(json_get_str(response, "kind"), "Status"))
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			if (json_object_get(response, kept[i]))
				json_object_set(v, kept[i], json_object_get(response, kept[i]));
	json_put_int(v, "code", e->code);
	buf_puts(out, ",\"responseStatus\":");
	json_write(v, out);
}

/* {…} with the mark of Kubernetes for events that lost their bodies. */
static void add_annotations(const char *annotations, bool truncated, struct buf *out)
{
	if (!truncated && !annotations)
		return;
	buf_puts(out, ",\"annotations\":");
	if (!truncated) {
		buf_puts(out, annotations);
		return;
	}
	bool more = annotations && annotations[1] != '}';
	buf_printf(out, "{\"audit.k8s.io/truncated\":\"true\"%s%s", more ? "," : "", more ? annotations + 1 : "}");
}

static bool fits(const struct bytes *body)
{
	return body && body->len <= AUDIT_BODY_MAX;
}

void audit_entry_write(const struct audit_entry *e, struct buf *out)
{
	bool wants_request = e->with_request && e->request, wants_response = e->with_response && e->response;
	bool has_request = wants_request && !e->truncated && fits(e->request);
	bool has_response = wants_response && !e->truncated && fits(e->response);
	bool wants_status = e->code > 0 && e->response && e->response->len <= STATUS_BODY_MAX;
	_cleanup_json_ json_t *request = has_request ? parse(e->request, e->request_type) : NULL;
	_cleanup_json_ json_t *response = has_response || wants_status ? parse(e->response, e->response_type) : NULL;

	buf_puts(out, e->head);
	if (e->code > 0)
		add_status(e, response, out);
	if (request && (json_is_object(request) || !e->sensitive))
		add_body(e, "requestObject", request, out);
	if (has_response && json_is_object(response))
		add_body(e, "responseObject", response, out);
	add_annotations(e->annotations, (wants_request && !has_request) || (wants_response && !has_response), out);
	buf_puts(out, "}\n");
}
