/* The paths of a type and what can be done there (k8s.io/apiserver pkg/endpoints/installer.go; of custom resources
 * apiextensions-apiserver pkg/controller/openapi/builder). */
#include "base/str.h"
#include "openapi.h"
#include "openapi_parameters.h"

#include <ctype.h>
#include <stdio.h>

#define WRITE_PARAMETERS (PARAMETER(DRY_RUN) | PARAMETER(MANAGER) | PARAMETER(VALIDATION))
#define SELECTION                                                                                          \
	(PARAMETER(CONTINUE) | PARAMETER(FIELDS) | PARAMETER(LABELS) | PARAMETER(LIMIT) | PARAMETER(VERSION) | \
	 PARAMETER(MATCH) | PARAMETER(TIMEOUT))
#define LIST_PARAMETERS (SELECTION | PARAMETER(BOOKMARKS) | PARAMETER(INITIAL) | PARAMETER(WATCH))
#define DELETE_PARAMETERS (PARAMETER(DRY_RUN) | PARAMETER(GRACE) | PARAMETER(ORPHAN) | PARAMETER(PROPAGATION))

/* An operation on a type. */
struct operation {
	const char *method, *action; /* x-kubernetes-action */
	const char *id;              /* begins its name */
	unsigned parameters, verb;
	enum { BODY_NONE, BODY_OBJECT, BODY_PATCH, BODY_DELETE } body;
	enum { ANSWER_OBJECT, ANSWER_LIST, ANSWER_STATUS, ANSWER_EVENT } answer;
	bool creates, defers; /* may answer 201 Created, 202 Accepted */
};

static const struct operation ON_COLLECTION[] = {
	{ "get", "list", "list", LIST_PARAMETERS, VERB_LIST, BODY_NONE, ANSWER_LIST, false, false },
	{ "post", "post", "create", WRITE_PARAMETERS, VERB_CREATE, BODY_OBJECT, ANSWER_OBJECT, true, true },
	{ "delete", "deletecollection", "delete", SELECTION | DELETE_PARAMETERS, VERB_DELETE_COLLECTION, BODY_DELETE,
	  ANSWER_STATUS, false, false },
};
static const struct operation ON_OBJECT[] = {
	{ "get", "get", "read", 0, VERB_GET, BODY_NONE, ANSWER_OBJECT, false, false },
	{ "put", "put", "replace", WRITE_PARAMETERS, VERB_UPDATE, BODY_OBJECT, ANSWER_OBJECT, true, false },
	{ "patch", "patch", "patch", WRITE_PARAMETERS | PARAMETER(FORCE), VERB_PATCH, BODY_PATCH, ANSWER_OBJECT, true,
	  false },
	{ "delete", "delete", "delete", DELETE_PARAMETERS, VERB_DELETE, BODY_DELETE, ANSWER_STATUS, false, true },
};
/* The deprecated paths below /watch/. */
static const struct operation ON_WATCHED_COLLECTION[] = {
	{ "get", "watchlist", "watch", LIST_PARAMETERS, VERB_WATCH, BODY_NONE, ANSWER_EVENT, false, false },
};
static const struct operation ON_WATCHED_OBJECT[] = {
	{ "get", "watch", "watch", LIST_PARAMETERS, VERB_WATCH, BODY_NONE, ANSWER_EVENT, false, false },
};

/* A path and the type it is of. */
struct target {
	enum openapi_version api;
	const struct api_type *type;
	const struct api_version *version;
	const char *subresource; /* "" */
	bool all_namespaces;
	unsigned own;       /* parameters of the path itself */
	const char *schema; /* name of the object's schema */
};

/* ---- names ---- */

/* "rbac.authorization.k8s.io" → "rbacAuthorization". */
static void append_camel(struct buf *out, const char *text, bool upper)
{
	size_t len = strlen(text);

	if (str_ends_with(text, ".k8s.io"))
		len -= strlen(".k8s.io");
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i])) {
			upper = true;
			continue;
		}
		buf_putc(out, upper ? (char)toupper((unsigned char)text[i]) : text[i]);
		upper = false;
	}
}

static const char *group_of(const struct target *t)
{
	return *t->type->group ? t->type->group : "core";
}

/* As in Kubernetes: listSciaIoV1alpha1NamespacedDeployment. */
static json_t *operation_id(const struct target *t, const struct operation *op)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024);

	buf_puts(&out, op->id);
	append_camel(&out, group_of(t), true);
	append_camel(&out, t->version->name, true);
	if (strcmp(op->action, "deletecollection") == 0)
		buf_puts(&out, "Collection");
	if (t->type->namespaced && !t->all_namespaces)
		buf_puts(&out, "Namespaced");
	buf_puts(&out, t->type->kind);
	append_camel(&out, t->subresource, true);
	if (strcmp(op->action, "watchlist") == 0)
		buf_puts(&out, "List");
	if (t->all_namespaces)
		buf_puts(&out, "ForAllNamespaces");
	return json_string(buf_str(&out));
}

static json_t *tag_of(const struct target *t)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024);

	append_camel(&out, group_of(t), false);
	buf_printf(&out, "_%s", t->version->name);
	return json_pack("[s]", buf_str(&out));
}

static json_t *gvk(const struct target *t)
{
	bool scale = !t->type->custom && strcmp(t->subresource, "scale") == 0;

	return json_pack("{s:s,s:s,s:s}", "group", scale ? "autoscaling" : t->type->group, "kind",
	                 scale ? "Scale" : t->type->kind, "version", scale ? "v1" : t->version->name);
}

/* ---- bodies and answers ---- */

static const char *const PATCHES[] = { "application/apply-patch+yaml", "application/json-patch+json",
	                                   "application/merge-patch+json", "application/strategic-merge-patch+json", NULL };
static const char *const DOCUMENTS[] = { "application/json", "application/yaml", NULL };
static const char *const STREAMS[] = { "application/json", "application/yaml", "application/json;stream=watch", NULL };
static const char *const ANY[] = { "*/*", NULL };

static json_t *patches_of(const struct target *t)
{
	json_t *list = json_array();

	for (size_t i = 0; PATCHES[i]; i++)
		if (!t->type->custom || !str_starts_with(PATCHES[i], "application/strategic"))
			json_push_str(list, PATCHES[i]);
	return list;
}

static json_t *types_of(const char *const *media)
{
	return json_strings((char *const *)(uintptr_t)media);
}

/* Media types it takes. */
static json_t *consumed(const struct target *t, const struct operation *op)
{
	return op->body == BODY_PATCH ? patches_of(t) : types_of(t->type->custom ? DOCUMENTS : ANY);
}

/* Custom resources are not told to come as a stream, though they do. */
static json_t *produced(const struct target *t, const struct operation *op)
{
	bool stream = !t->type->custom && (op->answer == ANSWER_LIST || op->answer == ANSWER_EVENT);

	return types_of(stream ? STREAMS : DOCUMENTS);
}

/* v3: { media type: { schema } } for each of the types, which are taken. */
static json_t *content_of(json_t *stolen, json_t *schema)
{
	_cleanup_json_ json_t *media = stolen;
	json_t *content = json_object(), *type;
	size_t i;

	json_array_foreach (media, i, type)
		json_put(content, json_string_value(type), json_pack("{s:O}", "schema", schema));
	return content;
}

static json_t *answer_schema(const struct target *t, const struct operation *op)
{
	_cleanup_free_ char *list = xasprintf("%sList", t->schema);

	switch (op->answer) {
	case ANSWER_LIST:
		return openapi_ref(t->api, list);
	case ANSWER_STATUS:
		return openapi_ref(t->api, OPENAPI_META "Status");
	case ANSWER_EVENT:
		return openapi_ref(t->api, OPENAPI_META "WatchEvent");
	default:
		return openapi_ref(t->api, t->schema);
	}
}

static void add_body(json_t *operation, json_t *parameters, const struct target *t, const struct operation *op)
{
	_cleanup_json_ json_t *schema = openapi_ref(t->api, op->body == BODY_OBJECT  ? t->schema
	                                                    : op->body == BODY_PATCH ? OPENAPI_META "Patch"
	                                                                             : OPENAPI_META "DeleteOptions");

	if (t->api == OPENAPI_V2) {
		json_t *body = json_pack("{s:s,s:s,s:O}", "name", "body", "in", "body", "schema", schema);
		if (op->body != BODY_DELETE)
			json_put_bool(body, "required", true);
		json_array_insert_new(parameters, 0, body);
		return;
	}
	json_put(operation, "requestBody", json_pack("{s:o}", "content", content_of(consumed(t, op), schema)));
}

static json_t *answers(const struct target *t, const struct operation *op)
{
	static const struct {
		const char *code, *description;
	} codes[] = { { "200", "OK" }, { "201", "Created" }, { "202", "Accepted" } };
	/* No patch of a custom resource creates one. */
	bool creates = op->creates && !(t->type->custom && op->body == BODY_PATCH);
	const bool may[] = { true, creates, op->defers };
	_cleanup_json_ json_t *schema = answer_schema(t, op);
	json_t *responses = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!may[i])
			continue;
		json_t *answer = json_pack("{s:s}", "description", codes[i].description);
		if (t->api == OPENAPI_V2)
			json_object_set(answer, "schema", schema);
		else
			json_put(answer, "content", content_of(produced(t, op), schema));
		json_put(responses, codes[i].code, answer);
	}
	json_put(responses, "401", json_pack("{s:s}", "description", "Unauthorized"));
	return responses;
}

/* ---- operations and paths ---- */

/* GET is told to know a version where it is of custom resources. */
static unsigned parameters_of(const struct target *t, const struct operation *op)
{
	if (t->type->custom && strcmp(op->action, "get") == 0)
		return PARAMETER(VERSION);
	return op->parameters;
}

static json_t *operation_json(const struct target *t, const struct operation *op, unsigned shared)
{
	json_t *v = json_object(), *parameters = openapi_parameters(t->api, parameters_of(t, op) & ~shared);

	json_put(v, "tags", tag_of(t));
	json_put(v, "description",
	         json_strf("%s %s%s%s", op->action, t->type->kind, *t->subresource ? " " : "", t->subresource));
	json_put(v, "operationId", operation_id(t, op));
	if (t->api == OPENAPI_V2) {
		json_put(v, "consumes", consumed(t, op));
		json_put(v, "produces", produced(t, op));
		json_put(v, "schemes", json_pack("[s]", "https"));
	}
	if (op->body != BODY_NONE)
		add_body(v, parameters, t, op);
	if (json_array_size(parameters) > 0)
		json_put(v, "parameters", json_incref(parameters));
	json_decref(parameters);
	json_put(v, "responses", answers(t, op));
	json_put_str(v, "x-kubernetes-action", op->action);
	json_put(v, "x-kubernetes-group-version-kind", gvk(t));
	return v;
}

/* Parameters that all operations there have are told once, of the path. */
static void add_path(json_t *paths, const char *path, const struct target *t, const struct operation *ops,
                     size_t ops_len, unsigned verbs)
{
	_cleanup_json_ json_t *item = json_object();
	unsigned shared = ~0u;
	bool any = false;

	for (size_t i = 0; i < ops_len; i++)
		if (verbs & ops[i].verb) {
			shared &= parameters_of(t, &ops[i]);
			any = true;
		}
	if (!any)
		return;
	for (size_t i = 0; i < ops_len; i++)
		if (verbs & ops[i].verb)
			json_put(item, ops[i].method, operation_json(t, &ops[i], shared));
	json_put(item, "parameters", openapi_parameters(t->api, shared | t->own | PARAMETER(PRETTY)));
	json_object_set(paths, path, item);
}

static void add_object_paths(json_t *paths, const struct target *of, const char *collection)
{
	static const char *const subresources[] = { "status", "scale", "finalize", "approval" };
	_cleanup_free_ char *object = xasprintf("%s/{name}", collection);
	struct target t = *of;
	unsigned verbs = t.type->verbs;

	t.own |= PARAMETER(NAME);
	if (verbs & (VERB_GET | VERB_UPDATE | VERB_PATCH | VERB_DELETE))
		add_path(paths, object, &t, ON_OBJECT, ARRAY_SIZE(ON_OBJECT), verbs);
	for (size_t i = 0; i < ARRAY_SIZE(subresources); i++) {
		if (!api_type_has_subresource(t.type, t.version, subresources[i]))
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", object, subresources[i]);
		struct target sub = t;
		sub.subresource = subresources[i];
		if (strcmp(subresources[i], "scale") == 0)
			sub.schema = "io.k8s.api.autoscaling.v1.Scale";
		verbs = strcmp(subresources[i], "finalize") == 0 ? VERB_UPDATE : VERB_GET | VERB_UPDATE | VERB_PATCH;
		add_path(paths, path, &sub, ON_OBJECT, ARRAY_SIZE(ON_OBJECT), verbs);
	}
}

/* below: "" or "/watch". */
static char *path_of(const struct target *t, const char *below)
{
	return xasprintf("%s/%s%s/%s%s", *t->type->group ? "/apis" : "/api", t->version->api_version, below,
	                 t->own & PARAMETER(NAMESPACE) ? "namespaces/{namespace}/" : "", t->type->plural);
}

static void add_watched_paths(json_t *paths, const struct target *of)
{
	_cleanup_free_ char *collection = path_of(of, "/watch"), *object = xasprintf("%s/{name}", collection);
	struct target t = *of;

	add_path(paths, collection, &t, ON_WATCHED_COLLECTION, 1, VERB_WATCH);
	t.own |= PARAMETER(NAME);
	if (!t.all_namespaces)
		add_path(paths, object, &t, ON_WATCHED_OBJECT, 1, VERB_WATCH);
}

void openapi_add_paths(json_t *paths, enum openapi_version api, const struct api_type *type,
                       const struct api_version *v)
{
	_cleanup_free_ char *schema = openapi_schema_name(type, v);
	struct target t = { .api = api, .type = type, .version = v, .subresource = "", .schema = schema };
	bool watched = !type->custom && type->verbs & VERB_WATCH;

	if (type->namespaced)
		t.own = PARAMETER(NAMESPACE);
	_cleanup_free_ char *collection = path_of(&t, "");
	add_path(paths, collection, &t, ON_COLLECTION, ARRAY_SIZE(ON_COLLECTION), type->verbs);
	add_object_paths(paths, &t, collection);
	if (watched)
		add_watched_paths(paths, &t);
	if (!type->namespaced || !(type->verbs & VERB_LIST))
		return;
	t.all_namespaces = true;
	t.own = 0;
	_cleanup_free_ char *all = path_of(&t, "");
	add_path(paths, all, &t, ON_COLLECTION, 1, VERB_LIST);
	if (watched)
		add_watched_paths(paths, &t);
}
