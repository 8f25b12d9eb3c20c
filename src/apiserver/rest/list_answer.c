/* A list as text: objects, a table, or their metadata only. */
#include "base/str.h"
#include "list.h"
#include "objects/object_view.h"
#include "respond.h"
#include "table.h"

#include <inttypes.h>

#define LIST_MAX ((size_t)1024 * 1024 * 1024)

static json_t *list_meta(const struct store_list *list, const char *token)
{
	json_t *meta = json_object();

	json_put(meta, "resourceVersion", json_strf("%" PRIu64, list->version));
	if (token) {
		json_put_str(meta, "continue", token);
		if (list->remaining > 0)
			json_put_int(meta, "remainingItemCount", (int64_t)list->remaining);
	}
	return meta;
}

/* Kubernetes writes the token of a custom resources' list even where there is none. */
static const char *object_list_token(const struct api_request *req, const char *token)
{
	return !token && req->type->custom ? "" : token;
}

static char *list_head(const char *kind, const char *api_version, const struct store_list *list, const char *token)
{
	_cleanup_json_ json_t *meta = list_meta(list, token);
	_cleanup_free_ char *meta_text = json_to_str(meta);

	return xasprintf("{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":%s,\"items\":[", kind, api_version,
	                 meta_text);
}

/* What the text of each item begins with and its list says for all: Kubernetes leaves it out in the lists of its typed
 * kinds, not in those of custom resources. free() */
static char *repeated_head(const struct api_request *req)
{
	if (req->type->custom)
		return xstrdup("");
	return xasprintf("{\"apiVersion\":\"%s\",\"kind\":\"%s\",", req->version->api_version, req->type->kind);
}

/* What is stored is referred to, not copied: most of a long list is. */
static void respond_texts(struct api_request *req, const struct store_list *list, const char *token)
{
	_cleanup_free_ char *head = list_head(req->type->list_kind, req->version->api_version, list,
	                                      object_list_token(req, token));
	_cleanup_free_ char *repeated = repeated_head(req);
	size_t repeated_len = strlen(repeated);
	struct http_part *parts = xcalloc(list->len + 2, sizeof(*parts));

	parts[0] = (struct http_part){ .before = "", .bytes = bytes_new(head, strlen(head)) };
	for (size_t i = 0; i < list->len; i++) {
		struct bytes *text = object_view_text(req->type, req->version, list->items[i]);
		struct http_part *part = &parts[i + 1];
		bool cut = repeated_len > 0 && text->len > repeated_len && memcmp(text->data, repeated, repeated_len) == 0;

		part->before = i > 0 ? (cut ? ",{" : ",") : (cut ? "{" : "");
		part->bytes = text;
		part->skip = cut ? repeated_len : 0;
	}
	parts[list->len + 1] = (struct http_part){ .before = "]}\n" };
	api_respond_json_parts(req, 200, parts, list->len + 2);
}

/* Forms that are computed are written object by object, so that never more than one of them is taken apart. */
static struct bytes *list_text_of(const struct api_request *req, const struct store_list *list, char *head,
                                  json_t *(*item)(const struct api_request *req, json_t *obj))
{
	_cleanup_buf_ struct buf out = BUF_INIT(LIST_MAX);

	buf_puts(&out, head);
	free(head);
	for (size_t i = 0; i < list->len; i++) {
		_cleanup_json_ json_t *obj = object_view_value(req->type, req->version, list->items[i]);
		_cleanup_json_ json_t *v = item(req, obj);
		if (i > 0)
			buf_putc(&out, ',');
		json_write(v, &out);
	}
	buf_puts(&out, "]}\n");
	return bytes_new(buf_str(&out), out.len);
}

static json_t *table_item(const struct api_request *req, json_t *obj)
{
	return table_row(req->version, req->accept.v1beta1, obj, req->options.include_object);
}

static struct bytes *list_table(const struct api_request *req, const struct store_list *list, const char *token)
{
	_cleanup_json_ json_t *table = table_new(req->version, req->accept.v1beta1, "");

	json_put(table, "metadata", list_meta(list, token));
	json_object_del(table, "rows");
	_cleanup_free_ char *text = json_to_str(table);
	text[strlen(text) - 1] = '\0'; /* the closing brace */
	return list_text_of(req, list, xasprintf("%s,\"rows\":[", text), table_item);
}

static json_t *partial_item(const struct api_request *req, json_t *obj)
{
	return object_partial(obj, req->accept.v1beta1);
}

static struct bytes *list_partial(const struct api_request *req, const struct store_list *list, const char *token)
{
	const char *api_version = req->accept.v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1";

	return list_text_of(req, list, list_head("PartialObjectMetadataList", api_version, list, token), partial_item);
}

/* As Go names the type, which clients get to read; free(). */
static char *go_type(const struct api_type *t, bool is_list)
{
	int package_len = (int)strcspn(t->group, ".");

	if (t->custom)
		return xasprintf("unstructured.Unstructured%s", is_list ? "List" : "");
	return *t->group ? xasprintf("%.*s.%s", package_len, t->group, is_list ? t->list_kind : t->kind)
	                 : xasprintf("core.%s", is_list ? t->list_kind : t->kind);
}

int list_check_form(const struct api_request *req, bool is_list, struct err *err)
{
	if (req->accept.form != FORM_PARTIAL || req->accept.list == is_list)
		return 0;
	if (!is_list && req->type->custom) /* one type is both, there */
		return err_set(err, ERR_UNKNOWN, "content is not a list");
	_cleanup_free_ char *name = go_type(req->type, is_list);
	return err_set(err, ERR_NOT_ACCEPTABLE,
	               "you requested PartialObjectMetadata%s, but the requested object is %sa list (*%s)",
	               is_list ? "" : "List", is_list ? "" : "not ", name);
}

void list_respond(struct api_request *req, struct store_list *list, const char *token)
{
	_cleanup_(bytes_unrefp) struct bytes *text = NULL;
	_cleanup_err_ struct err err = { 0 };

	if (list_check_form(req, true, &err) == 0 && req->accept.form == FORM_OBJECT) {
		respond_texts(req, list, token);
		store_list_clear(list);
		return;
	}
	if (err_is_set(&err))
		text = NULL;
	else if (req->accept.form == FORM_PARTIAL)
		text = list_partial(req, list, token);
	else
		text = list_table(req, list, token);
	store_list_clear(list);
	if (text)
		api_respond_json_bytes(req, 200, text);
	else
		api_respond_err(req, &err);
}
