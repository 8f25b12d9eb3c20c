#include "base/str.h"
#include "openapi.h"

#include <ctype.h>
#include <stdio.h>

struct parameter {
	const char *name, *in, *type, *description;
	bool required;
};

static const struct parameter PRETTY = { "pretty", "query", "string", "If 'true', the output is indented.", false };
static const struct parameter DRY_RUN = { "dryRun", "query", "string",
	                                      "All: run every stage of the request but store nothing.", false };
static const struct parameter MANAGER = { "fieldManager", "query", "string",
	                                      "Name of who makes this change, for tracking the ownership of fields.",
	                                      false };
static const struct parameter VALIDATION = { "fieldValidation", "query", "string",
	                                         "What to do about unknown and duplicate fields: Ignore, Warn or Strict.",
	                                         false };
static const struct parameter FORCE = { "force", "query", "boolean", "Take over fields that other managers applied.",
	                                    false };
static const struct parameter NAMESPACE = { "namespace", "path", "string", "Namespace of the object.", true };
static const struct parameter NAME = { "name", "path", "string", "Name of the object.", true };
static const struct parameter GRACE = { "gracePeriodSeconds", "query", "integer",
	                                    "Seconds before the object is deleted.", false };
static const struct parameter PROPAGATION = { "propagationPolicy", "query", "string",
	                                          "What happens to dependents: Orphan, Background or Foreground.", false };
static const struct parameter LABELS = { "labelSelector", "query", "string", "Only objects with these labels.", false };
static const struct parameter FIELDS = { "fieldSelector", "query", "string", "Only objects with these fields.", false };
static const struct parameter LIMIT = { "limit", "query", "integer", "At most so many objects in one answer.", false };
static const struct parameter CONTINUE = { "continue", "query", "string", "Where the answer before this one ended.",
	                                       false };
static const struct parameter VERSION = { "resourceVersion", "query", "string", "Which state to read.", false };
static const struct parameter MATCH = { "resourceVersionMatch", "query", "string", "How resourceVersion is meant.",
	                                    false };
static const struct parameter WATCH = { "watch", "query", "boolean", "Follow changes.", false };
static const struct parameter BOOKMARKS = { "allowWatchBookmarks", "query", "boolean",
	                                        "Events that only tell the version.", false };
static const struct parameter INITIAL = { "sendInitialEvents", "query", "boolean", "Begin a watch with what is there.",
	                                      false };
static const struct parameter TIMEOUT = { "timeoutSeconds", "query", "integer", "How long to follow changes.", false };

static json_t *parameter_json(enum openapi_version api, const struct parameter *p)
{
	json_t *v = json_object(), *where = v;

	json_put_str(v, "name", p->name);
	json_put_str(v, "in", p->in);
	json_put_str(v, "description", p->description);
	if (p->required)
		json_put_bool(v, "required", true);
	if (api == OPENAPI_V3)
		where = json_ensure_object(v, "schema");
	json_put_str(where, "type", p->type);
	json_put_bool(where, "uniqueItems", true);
	return v;
}

static void add_parameters(json_t *list, enum openapi_version api, const struct parameter *const *parameters)
{
	for (; *parameters; parameters++)
		json_array_append_new(list, parameter_json(api, *parameters));
}

/* An operation on a type. */
struct operation {
	const char *method, *action; /* x-kubernetes-action */
	const struct parameter *const *parameters;
	enum { BODY_NONE, BODY_OBJECT, BODY_PATCH, BODY_DELETE } body;
	enum { ANSWER_OBJECT, ANSWER_LIST, ANSWER_STATUS } answer;
	unsigned verb;
};

#define PARAMETERS(...) ((const struct parameter *const[]){ __VA_ARGS__, NULL })

static const struct operation ON_COLLECTION[] = {
	{ "get", "list",
	  PARAMETERS(&BOOKMARKS, &CONTINUE, &FIELDS, &LABELS, &LIMIT, &VERSION, &MATCH, &INITIAL, &TIMEOUT, &WATCH),
	  BODY_NONE, ANSWER_LIST, VERB_LIST },
	{ "post", "post", PARAMETERS(&DRY_RUN, &MANAGER, &VALIDATION), BODY_OBJECT, ANSWER_OBJECT, VERB_CREATE },
	{ "delete", "deletecollection",
	  PARAMETERS(&CONTINUE, &DRY_RUN, &FIELDS, &GRACE, &LABELS, &LIMIT, &PROPAGATION, &VERSION, &MATCH, &TIMEOUT),
	  BODY_DELETE, ANSWER_STATUS, VERB_DELETE_COLLECTION },
};
static const struct operation ON_OBJECT[] = {
	{ "get", "get", PARAMETERS(&VERSION), BODY_NONE, ANSWER_OBJECT, VERB_GET },
	{ "put", "put", PARAMETERS(&DRY_RUN, &MANAGER, &VALIDATION), BODY_OBJECT, ANSWER_OBJECT, VERB_UPDATE },
	{ "patch", "patch", PARAMETERS(&DRY_RUN, &MANAGER, &VALIDATION, &FORCE), BODY_PATCH, ANSWER_OBJECT, VERB_PATCH },
	{ "delete", "delete", PARAMETERS(&DRY_RUN, &GRACE, &PROPAGATION), BODY_DELETE, ANSWER_STATUS, VERB_DELETE },
};

/* A path and the type it is of. */
struct target {
	enum openapi_version api;
	const struct api_type *type;
	const struct api_version *version;
	const char *subresource; /* "" */
	bool all_namespaces;
	char *schema; /* name of the object's schema */
};

static void append_camel(struct buf *out, const char *text)
{
	bool upper = true;

	for (; *text; text++) {
		if (!isalnum((unsigned char)*text)) {
			upper = true;
			continue;
		}
		buf_putc(out, upper ? (char)toupper((unsigned char)*text) : *text);
		upper = false;
	}
}

/* As in Kubernetes: listSciaIoV1alpha1NamespacedDeployment. */
static json_t *operation_id(const struct target *t, const struct operation *op)
{
	static const char *const verbs[][2] = {
		{ "list", "list" },    { "post", "create" }, { "deletecollection", "deleteCollection" },
		{ "get", "read" },     { "put", "replace" }, { "patch", "patch" },
		{ "delete", "delete" }
	};
	_cleanup_buf_ struct buf out = BUF_INIT(1024);

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i][0], op->action) == 0)
			buf_puts(&out, verbs[i][1]);
	append_camel(&out, *t->type->group ? t->type->group : "core");
	append_camel(&out, t->version->name);
	if (t->type->namespaced && !t->all_namespaces)
		buf_puts(&out, "Namespaced");
	buf_puts(&out, t->type->kind);
	append_camel(&out, t->subresource);
	if (t->all_namespaces)
		buf_puts(&out, "ForAllNamespaces");
	return json_string(buf_str(&out));
}

static json_t *gvk(const struct target *t)
{
	bool scale = strcmp(t->subresource, "scale") == 0;

	return json_pack("{s:s,s:s,s:s}", "group", scale ? "autoscaling" : t->type->group, "kind",
	                 scale ? "Scale" : t->type->kind, "version", scale ? "v1" : t->version->name);
}

static json_t *schema_of(const struct target *t, const char *suffix)
{
	_cleanup_free_ char *name = xasprintf("%s%s", t->schema, suffix);

	return openapi_ref(t->api, name);
}

static json_t *body_schema(const struct target *t, int body)
{
	if (body == BODY_OBJECT)
		return schema_of(t, "");
	return openapi_ref(t->api, body == BODY_PATCH ? "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
	                                              : "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
}

static void add_body(json_t *operation, json_t *parameters, const struct target *t, const struct operation *op)
{
	static const char *const patches[] = { "application/apply-patch+yaml", "application/json-patch+json",
		                                   "application/merge-patch+json", "application/strategic-merge-patch+json" };
	json_t *schema = body_schema(t, op->body);

	if (t->api == OPENAPI_V2) {
		json_array_append_new(parameters, json_pack("{s:s,s:s,s:b,s:o}", "name", "body", "in", "body", "required",
		                                            op->body != BODY_DELETE, "schema", schema));
		return;
	}
	json_t *content = json_ensure_object(json_ensure_object(operation, "requestBody"), "content");
	if (op->body != BODY_PATCH) {
		json_put(content, "*/*", json_pack("{s:O}", "schema", schema));
	} else {
		size_t len = ARRAY_SIZE(patches) - (t->type->custom ? 1 : 0);
		for (size_t i = 0; i < len; i++)
			json_put(content, patches[i], json_pack("{s:O}", "schema", schema));
	}
	json_decref(schema);
}

static json_t *answers(const struct target *t, const struct operation *op)
{
	json_t *schema, *ok = json_object(), *responses = json_object();

	if (op->answer == ANSWER_STATUS)
		schema = openapi_ref(t->api, "io.k8s.apimachinery.pkg.apis.meta.v1.Status");
	else
		schema = schema_of(t, op->answer == ANSWER_LIST ? "List" : "");
	json_put_str(ok, "description", "OK");
	if (t->api == OPENAPI_V2)
		json_put(ok, "schema", schema);
	else
		json_put(json_ensure_object(json_ensure_object(ok, "content"), "application/json"), "schema", schema);
	json_put(responses, "200", ok);
	json_put(responses, "401", json_pack("{s:s}", "description", "Unauthorized"));
	return responses;
}

static json_t *operation_json(const struct target *t, const struct operation *op)
{
	json_t *v = json_object(), *parameters = json_array();
	_cleanup_free_ char *tag = xasprintf("%s_%s", *t->type->group ? t->type->group : "core", t->version->name);

	json_put(v, "tags", json_pack("[s]", tag));
	json_put(v, "description",
	         json_strf("%s %s%s%s", op->action, t->type->kind, *t->subresource ? " " : "", t->subresource));
	json_put(v, "operationId", operation_id(t, op));
	add_parameters(parameters, t->api, op->parameters);
	if (op->body != BODY_NONE)
		add_body(v, parameters, t, op);
	json_put(v, "parameters", parameters);
	json_put(v, "responses", answers(t, op));
	json_put_str(v, "x-kubernetes-action", op->action);
	json_put(v, "x-kubernetes-group-version-kind", gvk(t));
	return v;
}

static void add_path(json_t *paths, const char *path, const struct target *t, const struct operation *ops,
                     size_t ops_len, unsigned verbs, const struct parameter *const *own)
{
	json_t *item = json_object(), *parameters = json_array();

	for (size_t i = 0; i < ops_len; i++)
		if (verbs & ops[i].verb)
			json_put(item, ops[i].method, operation_json(t, &ops[i]));
	add_parameters(parameters, t->api, own);
	json_array_append_new(parameters, parameter_json(t->api, &PRETTY));
	json_put(item, "parameters", parameters);
	json_put(paths, path, item);
}

static void add_object_paths(json_t *paths, struct target *t, const char *collection,
                             const struct parameter *const *own)
{
	static const char *const subresources[] = { "status", "scale", "finalize", "approval" };
	_cleanup_free_ char *object = xasprintf("%s/{name}", collection);
	unsigned verbs = t->type->verbs;

	if (verbs & (VERB_GET | VERB_UPDATE | VERB_PATCH | VERB_DELETE))
		add_path(paths, object, t, ON_OBJECT, ARRAY_SIZE(ON_OBJECT), verbs, own);
	for (size_t i = 0; i < ARRAY_SIZE(subresources); i++) {
		if (!api_type_has_subresource(t->type, t->version, subresources[i]))
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", object, subresources[i]);
		struct target sub = *t;
		sub.subresource = subresources[i];
		if (strcmp(subresources[i], "scale") == 0)
			sub.schema = (char *)(uintptr_t) "io.k8s.api.autoscaling.v1.Scale";
		verbs = strcmp(subresources[i], "finalize") == 0 ? VERB_UPDATE : VERB_GET | VERB_UPDATE | VERB_PATCH;
		add_path(paths, path, &sub, ON_OBJECT, ARRAY_SIZE(ON_OBJECT), verbs, own);
	}
}

void openapi_add_paths(json_t *paths, enum openapi_version api, const struct api_type *type,
                       const struct api_version *v)
{
	_cleanup_free_ char *schema = openapi_schema_name(type, v);
	_cleanup_free_ char *base = xasprintf("%s/%s", *type->group ? "/apis" : "/api", v->api_version);
	_cleanup_free_ char *all = xasprintf("%s/%s", base, type->plural);
	_cleanup_free_ char *in_ns = xasprintf("%s/namespaces/{namespace}/%s", base, type->plural);
	struct target t = { .api = api, .type = type, .version = v, .subresource = "", .schema = schema };
	const struct parameter *const *const ns = PARAMETERS(&NAMESPACE), *const *const ns_name = PARAMETERS(&NAMESPACE,
	                                                                                                     &NAME);
	const struct parameter *const *const name = PARAMETERS(&NAME), *const *const none =
																	   (const struct parameter *const[]){ NULL };

	if (!type->namespaced) {
		add_path(paths, all, &t, ON_COLLECTION, ARRAY_SIZE(ON_COLLECTION), type->verbs, none);
		add_object_paths(paths, &t, all, name);
		return;
	}
	add_path(paths, in_ns, &t, ON_COLLECTION, ARRAY_SIZE(ON_COLLECTION), type->verbs, ns);
	add_object_paths(paths, &t, in_ns, ns_name);
	if (type->verbs & VERB_LIST) {
		t.all_namespaces = true;
		add_path(paths, all, &t, ON_COLLECTION, 1, VERB_LIST, none);
	}
}
