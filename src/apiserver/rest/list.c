#include "list.h"

#include "base/str.h"
#include "codec/base64.h"
#include "kube/object.h"
#include "objects/object_view.h"
#include "respond.h"
#include "server.h"
#include "table.h"

#include <inttypes.h>

#define LIST_MAX ((size_t)1024 * 1024 * 1024)
#define INCONSISTENT INT64_C(-1) /* a token's version: whatever is there now */
#define EXPIRED_WORDS                                                                                               \
	"The provided continue parameter is too old to display a consistent list result. You can start a new list "     \
	"without the "                                                                                                  \
	"continue parameter, or use the continue token in this response to retrieve the remainder of the results. "     \
	"Continuing with "                                                                                              \
	"the provided token results in an inconsistent list - objects that were created, modified, or deleted between " \
	"the time the "                                                                                                 \
	"first chunk was returned and now may show up in the list."

/* ---- selectors ---- */

static const char *lookup_label(const void *self, const char *name)
{
	return store_object_label(self, name);
}

struct field_lookup {
	const struct api_strategy *strategy;
	const struct store_object *object;
};

static const char *lookup_field(const void *self, const char *name)
{
	const struct field_lookup *l = self;
	const struct store_object *o = l->object;
	const char *alias = l->strategy->field_alias ? l->strategy->field_alias(name) : NULL;

	if (strcmp(name, "metadata.name") == 0)
		return o->name;
	if (strcmp(name, "metadata.namespace") == 0)
		return o->ns;
	const char *value = store_object_field(o, alias ? alias : name);
	return value ? value : "";
}

bool list_selects(const struct list_selection *s, const struct store_object *o)
{
	const struct field_lookup lookup = { .strategy = s->type->strategy, .object = o };

	return (!s->labels || kube_selector_matches(s->labels, lookup_label, o)) &&
	       (!s->fields || kube_selector_matches(s->fields, lookup_field, &lookup));
}

static bool select_object(const void *self, const struct store_object *o)
{
	return list_selects(self, o);
}

static bool field_is_supported(const struct api_type *t, const char *name)
{
	if (strcmp(name, "metadata.name") == 0 || (strcmp(name, "metadata.namespace") == 0 && t->namespaced))
		return true;
	if (t->strategy->field_alias && t->strategy->field_alias(name))
		return true;
	/* An empty object has every selectable field of its type. */
	_cleanup_json_ json_t *empty = json_object();
	_cleanup_free_ char *fields = object_fields(t, empty);
	for (const char *p = fields; p && *p; p += strlen(p) + 1, p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

int list_selection_parse(const struct api_request *req, struct list_selection *ret, struct err *err)
{
	struct list_selection s = { .type = req->type };
	const char *key, *equals;

	if (req->options.label_selector) {
		s.labels = kube_selector_parse_labels(req->options.label_selector, err);
		if (!s.labels)
			return -1;
	}
	if (req->options.field_selector) {
		s.fields = kube_selector_parse_fields(req->options.field_selector, err);
		if (!s.fields) {
			list_selection_clear(&s);
			return -1;
		}
	}
	for (size_t i = 0; s.fields && kube_selector_requirement(s.fields, i, &key, &equals); i++) {
		if (field_is_supported(req->type, key))
			continue;
		err_set(err, ERR_BAD_REQUEST, "field label not supported: %s", key);
		list_selection_clear(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void list_selection_clear(struct list_selection *s)
{
	s->labels = kube_selector_free(s->labels);
	s->fields = kube_selector_free(s->fields);
}

const char *list_namespace(const struct api_request *req)
{
	return req->type->namespaced ? req->path.ns : "";
}

/* ---- continue tokens: base64url of {"v":"meta.k8s.io/v1","rv":N,"start":"NS/NAME"} ---- */

static char *token_new(int64_t version, const struct store_object *last)
{
	_cleanup_json_ json_t *v = json_object();

	json_put_str(v, "v", "meta.k8s.io/v1");
	json_put_int(v, "rv", version);
	json_put(v, "start", json_strf("%s/%s", last->ns, last->name));
	_cleanup_free_ char *text = json_to_str(v);
	return base64url_encode(text, strlen(text));
}

struct token {
	int64_t version;
	char *ns, *name;
};

static int token_parse(const char *text, struct token *ret, struct err *err)
{
	size_t len;
	_cleanup_free_ char *decoded = base64url_decode(text, strlen(text), &len);
	_cleanup_json_ json_t *v = decoded ? json_parse(decoded, len, 0, NULL) : NULL;
	const char *start = json_get_str(v, "start"), *slash = start ? strchr(start, '/') : NULL;

	if (!slash)
		return err_set(err, ERR_BAD_REQUEST, "continue key is not valid: the token was not made by this server");
	ret->version = json_get_int(v, "rv", INCONSISTENT);
	ret->ns = xstrndup(start, (size_t)(slash - start));
	ret->name = xstrdup(slash + 1);
	return 0;
}

/* ---- resource versions ---- */

static int invalid_options(struct err *err, const char *field, const char *what)
{
	return err_set(err, ERR_INVALID, "ListOptions.meta.k8s.io \"\" is invalid: %s: %s", field, what);
}

static int parse_version(const struct api_request *req, uint64_t *ret, struct err *err)
{
	const char *text = req->options.resource_version;
	int64_t n = 0;

	if (text && !str_to_i64(text, 0, INT64_MAX, &n)) {
		_cleanup_free_ char *what = xasprintf(
			"Invalid value: \"%s\": strconv.ParseUint: parsing \"%s\": invalid syntax", text, text);
		return invalid_options(err, "resourceVersion", what);
	}
	*ret = (uint64_t)n;
	return 0;
}

static int check_match(const struct api_request *req, uint64_t version, struct err *err)
{
	const struct api_options *o = &req->options;
	const char *match = o->version_match;

	if (!match)
		return 0;
	if (!o->resource_version)
		return invalid_options(err, "resourceVersionMatch",
		                       "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
	if (o->continue_token)
		return invalid_options(err, "resourceVersionMatch",
		                       "Forbidden: resourceVersionMatch is forbidden when continue is provided");
	if (strcmp(match, "Exact") != 0 && strcmp(match, "NotOlderThan") != 0) {
		_cleanup_free_ char *what = xasprintf(
			"Unsupported value: \"%s\": supported values: \"Exact\", \"NotOlderThan\", \"\"", match);
		return invalid_options(err, "resourceVersionMatch", what);
	}
	if (strcmp(match, "Exact") == 0 && version == 0)
		return invalid_options(err, "resourceVersionMatch",
		                       "Forbidden: resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"");
	return 0;
}

/* The version to list at; 0: now. */
static int version_of(struct api_request *req, uint64_t *ret, struct err *err)
{
	const struct api_options *o = &req->options;
	uint64_t version = 0;

	if (parse_version(req, &version, err) < 0 || check_match(req, version, err) < 0)
		return -1;
	bool exact = o->version_match ? strcmp(o->version_match, "Exact") == 0 : o->limit > 0 && version > 0;
	uint64_t now = store_version(req->server->store);
	if (!exact && version > now) {
		err_set(err, ERR_TIMEOUT, "Too large resource version: %" PRIu64 ", current: %" PRIu64, version, now);
		err_add_cause(err, "ResourceVersionTooLarge", NULL, "Too large resource version");
		return -1;
	}
	*ret = exact ? version : 0;
	return 0;
}

/* The error carries a token to go on with, though not consistently. */
static int expired(const struct token *token, struct err *err, char **ret_continue)
{
	struct store_object last = { .ns = token->ns, .name = token->name };

	*ret_continue = token_new(INCONSISTENT, &last);
	err_clear(err);
	return err_set(err, ERR_EXPIRED, "%s", EXPIRED_WORDS);
}

int list_run(struct api_request *req, const struct list_selection *selection, struct store_list *ret,
             char **ret_continue, struct err *err)
{
	struct token token = { 0 };
	struct store_list_query query = {
		.resource = req->type->resource,
		.ns = list_namespace(req),
		.limit = req->options.limit > 0 ? (size_t)req->options.limit : 0,
		.select = selection->labels || selection->fields ? select_object : NULL,
		.self = selection,
	};
	int r = 0;

	*ret_continue = NULL;
	if (req->options.limit < 0)
		return invalid_options(err, "limit", "Invalid value: must be a non-negative integer");
	if (req->options.continue_token) {
		if (req->options.resource_version && strcmp(req->options.resource_version, "0") != 0)
			return err_set(err, ERR_BAD_REQUEST, "specifying resource version is not allowed when using continue");
		if (token_parse(req->options.continue_token, &token, err) < 0)
			return -1;
		query.after_ns = token.ns;
		query.after_name = token.name;
		query.at_version = token.version > 0 ? (uint64_t)token.version : 0;
	} else {
		r = version_of(req, &query.at_version, err);
	}
	if (r == 0)
		r = store_list(req->server->store, &query, ret, err);
	if (r < 0 && err && err->kind == ERR_EXPIRED && token.name)
		expired(&token, err, ret_continue);
	else if (r == 0 && ret->more)
		*ret_continue = token_new((int64_t)ret->version, ret->items[ret->len - 1]);
	free(token.ns);
	free(token.name);
	return r;
}

/* ---- answers ---- */

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

static char *list_head(const char *kind, const char *api_version, const struct store_list *list, const char *token)
{
	_cleanup_json_ json_t *meta = list_meta(list, token);
	_cleanup_free_ char *meta_text = json_to_str(meta);

	return xasprintf("{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":%s,\"items\":[", kind, api_version,
	                 meta_text);
}

/* The items' texts are copied once, into their place. */
static struct bytes *list_text(const struct api_request *req, const struct store_list *list, const char *token)
{
	_cleanup_free_ char *head = list_head(req->type->list_kind, req->version->api_version, list, token);
	struct bytes **texts = xcalloc(list->len, sizeof(*texts));
	size_t size = strlen(head) + 3;

	for (size_t i = 0; i < list->len; i++) {
		texts[i] = object_view_text(req->type, req->version, list->items[i]);
		size += texts[i]->len + 1;
	}
	struct bytes *out = bytes_new(NULL, size);
	size_t at = strlen(head);
	memcpy(out->data, head, at);
	for (size_t i = 0; i < list->len; i++) {
		if (i > 0)
			out->data[at++] = ',';
		memcpy(out->data + at, texts[i]->data, texts[i]->len);
		at += texts[i]->len;
		bytes_unref(texts[i]);
	}
	memcpy(out->data + at, "]}\n", 4);
	out->len = at + 3;
	free(texts);
	return out;
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
	return table_row(req->version, obj, req->options.include_object);
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

static void respond_list(struct api_request *req, struct store_list *list, const char *token)
{
	_cleanup_(bytes_unrefp) struct bytes *text = NULL;

	if (req->accept.form == FORM_TABLE)
		text = list_table(req, list, token);
	else if (req->accept.form == FORM_PARTIAL)
		text = list_partial(req, list, token);
	else
		text = list_text(req, list, token);
	store_list_clear(list);
	api_respond_json_bytes(req, 200, text);
}

void handle_list(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *token = NULL;
	struct list_selection selection;
	struct store_list list;

	if (list_selection_parse(req, &selection, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	int r = list_run(req, &selection, &list, &token, &err);
	list_selection_clear(&selection);
	if (r == 0) {
		respond_list(req, &list, token);
	} else if (token) {
		json_t *status = api_status_value(NULL, NULL, &err);
		json_put_str(json_ensure_object(status, "metadata"), "continue", token);
		api_respond_value(req, 410, status);
	} else {
		api_respond_err(req, &err);
	}
}
