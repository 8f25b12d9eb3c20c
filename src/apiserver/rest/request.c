#include "request.h"

#include "base/str.h"

#include <stdio.h>

#define PARTS_MAX 16

/* ---- paths ---- */

static char *copy_or_empty(const char *s)
{
	return xstrdup(s ? s : "");
}

/* The parts behind the version: [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE…]]. */
static int parse_rest(char **parts, size_t len, struct api_path *ret, struct err *err)
{
	const char *ns = NULL;

	if (len >= 2 && strcmp(parts[0], "namespaces") == 0) {
		ns = parts[1];
		bool own = len == 2 || (len == 3 && (strcmp(parts[2], "status") == 0 || strcmp(parts[2], "finalize") == 0));
		if (!own) {
			parts += 2;
			len -= 2;
		}
	}
	if (len > 3)
		return err_set(err, ERR_NOT_FOUND, "the server could not find the requested resource");
	ret->ns = copy_or_empty(ns);
	ret->resource = copy_or_empty(len > 0 ? parts[0] : NULL);
	ret->name = copy_or_empty(len > 1 ? parts[1] : NULL);
	ret->subresource = copy_or_empty(len > 2 ? parts[2] : NULL);
	return 0;
}

int api_path_parse(const char *path, struct api_path *ret, struct err *err)
{
	_cleanup_strv_ char **parts = str_split(path, "/");
	struct api_path p = { 0 };
	size_t len = strv_len(parts), head = 0;

	if (len > PARTS_MAX)
		return err_set(err, ERR_NOT_FOUND, "the server could not find the requested resource");
	for (size_t i = 0; i < len; i++)
		if (!http_unescape(parts[i], false) || strchr(parts[i], '/'))
			return err_set(err, ERR_BAD_REQUEST, "the path %s is not valid", path);
	if (len >= 2 && strcmp(parts[0], "api") == 0)
		head = 2;
	else if (len >= 3 && strcmp(parts[0], "apis") == 0)
		head = 3;
	if (head == 0) {
		p.group = xstrdup("");
		p.version = xstrdup("");
		p.ns = xstrdup("");
		p.resource = xstrdup("");
		p.name = xstrdup("");
		p.subresource = xstrdup("");
		*ret = p;
		return 0;
	}
	if (parse_rest(parts + head, len - head, &p, err) < 0)
		return -1;
	p.is_api = true;
	p.group = xstrdup(head == 3 ? parts[1] : "");
	p.version = xstrdup(parts[head - 1]);
	*ret = p;
	return 0;
}

void api_path_clear(struct api_path *p)
{
	free(p->group);
	free(p->version);
	free(p->ns);
	free(p->resource);
	free(p->name);
	free(p->subresource);
	*p = (struct api_path){ 0 };
}

static const char *lower_method(const char *method)
{
	static const char *const methods[] = { "get", "post", "put", "patch", "delete", "head", "options" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcasecmp(methods[i], method) == 0)
			return methods[i];
	return "";
}

const char *api_verb_of(const char *method, const struct api_path *path, const struct api_options *options)
{
	bool named = path->name && *path->name, get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (!path->is_api || !*path->resource)
		return lower_method(method);
	if (get)
		return named ? "get" : options->watch ? "watch" : "list";
	if (strcmp(method, "POST") == 0)
		return "create";
	if (strcmp(method, "PUT") == 0)
		return "update";
	if (strcmp(method, "PATCH") == 0)
		return "patch";
	if (strcmp(method, "DELETE") == 0)
		return named ? "delete" : "deletecollection";
	return "";
}

/* ---- options ---- */

static int parse_bool(const char *query, const char *name, bool *ret, struct err *err)
{
	_cleanup_free_ char *value = http_query_get(query, name);

	if (!value)
		return 0;
	/* As Kubernetes' conversion: present and not "0" or "false" is true. */
	(void)err;
	*ret = strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
	return 0;
}

static int parse_int(const char *query, const char *name, int64_t *ret, struct err *err)
{
	_cleanup_free_ char *value = http_query_get(query, name);

	if (value && *value && !str_to_i64(value, INT64_MIN, INT64_MAX, ret))
		return err_set(err, ERR_BAD_REQUEST, "unable to parse the query parameter %s: \"%s\" is not a number", name,
		               value);
	return 0;
}

static char *parse_str(const char *query, const char *name)
{
	char *value = http_query_get(query, name);

	if (value && !*value) {
		free(value);
		return NULL;
	}
	return value;
}

static int parse_dry_run(const char *value, bool *ret, struct err *err)
{
	if (value && strcmp(value, "All") != 0)
		return err_set(err, ERR_INVALID, "dryRun: Unsupported value: \"%s\": supported values: \"All\"", value);
	*ret = *ret || value;
	return 0;
}

static int parse_propagation(const char *value, enum propagation *ret, struct err *err)
{
	if (!value)
		return 0;
	if (strcmp(value, "Foreground") == 0)
		*ret = PROPAGATION_FOREGROUND;
	else if (strcmp(value, "Background") == 0)
		*ret = PROPAGATION_BACKGROUND;
	else if (strcmp(value, "Orphan") == 0)
		*ret = PROPAGATION_ORPHAN;
	else
		return err_set(err, ERR_INVALID,
		               "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"%s\": "
		               "supported values: "
		               "\"Foreground\", \"Background\", \"Orphan\"",
		               value);
	return 0;
}

static int parse_validation(const char *value, struct api_options *o, struct err *err)
{
	o->validation_said = value != NULL;
	if (!value || strcmp(value, "Warn") == 0)
		o->validation = VALIDATION_WARN;
	else if (strcmp(value, "Strict") == 0)
		o->validation = VALIDATION_STRICT;
	else if (strcmp(value, "Ignore") == 0)
		o->validation = VALIDATION_IGNORE;
	else
		return err_set(
			err, ERR_INVALID,
			"fieldValidation: Unsupported value: \"%s\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
			value);
	return 0;
}

static int parse_manager(const char *manager, struct err *err)
{
	if (!manager)
		return 0;
	if (strlen(manager) > 128)
		return err_set(err, ERR_INVALID, "fieldManager: Too long: may not be more than 128 bytes");
	for (const char *c = manager; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(err, ERR_INVALID,
			               "fieldManager: Invalid value: \"%s\": should only contain printable characters", manager);
	return 0;
}

int api_options_parse(const char *query, struct api_options *ret, struct err *err)
{
	struct api_options o = { .send_initial_events = -1, .timeout_s = -1 };
	bool initial = false, orphan = false;

	if (!query) {
		*ret = o;
		return 0;
	}
	o.label_selector = parse_str(query, "labelSelector");
	o.field_selector = parse_str(query, "fieldSelector");
	o.resource_version = parse_str(query, "resourceVersion");
	o.version_match = parse_str(query, "resourceVersionMatch");
	o.continue_token = parse_str(query, "continue");
	o.field_manager = parse_str(query, "fieldManager");
	o.include_object = parse_str(query, "includeObject");
	_cleanup_free_ char *dry_run = http_query_get(query, "dryRun");
	_cleanup_free_ char *propagation = parse_str(query, "propagationPolicy");
	_cleanup_free_ char *validation = parse_str(query, "fieldValidation");
	_cleanup_free_ char *said_initial = parse_str(query, "sendInitialEvents");
	_cleanup_free_ char *said_orphan = parse_str(query, "orphanDependents");
	if (parse_bool(query, "watch", &o.watch, err) < 0 || parse_bool(query, "pretty", &o.pretty, err) < 0 ||
	    parse_bool(query, "force", &o.force, err) < 0 ||
	    parse_bool(query, "allowWatchBookmarks", &o.bookmarks, err) < 0 ||
	    parse_bool(query, "sendInitialEvents", &initial, err) < 0 ||
	    parse_bool(query, "orphanDependents", &orphan, err) < 0 || parse_int(query, "limit", &o.limit, err) < 0 ||
	    parse_int(query, "timeoutSeconds", &o.timeout_s, err) < 0 || parse_dry_run(dry_run, &o.dry_run, err) < 0 ||
	    parse_propagation(propagation, &o.propagation, err) < 0 || parse_validation(validation, &o, err) < 0 ||
	    parse_manager(o.field_manager, err) < 0) {
		api_options_clear(&o);
		return -1;
	}
	if (said_initial)
		o.send_initial_events = initial;
	if (said_orphan)
		o.propagation = orphan ? PROPAGATION_ORPHAN : PROPAGATION_BACKGROUND;
	*ret = o;
	return 0;
}

int api_options_from_delete_body(const json_t *body, struct api_options *o, struct err *err)
{
	const json_t *pre = json_object_get(body, "preconditions"), *orphan = json_object_get(body, "orphanDependents");
	const char *kind = json_get_str(body, "kind");
	size_t i;
	json_t *dry_run;

	if (body && !json_is_object(body))
		return err_set(err, ERR_BAD_REQUEST, "the body of a delete request must be DeleteOptions");
	if (kind && strcmp(kind, "DeleteOptions") != 0)
		return err_set(err, ERR_BAD_REQUEST, "the body of a delete request must be DeleteOptions, not %s", kind);
	json_array_foreach (json_object_get(body, "dryRun"), i, dry_run)
		if (parse_dry_run(json_string_value(dry_run), &o->dry_run, err) < 0)
			return -1;
	if (parse_propagation(json_get_str(body, "propagationPolicy"), &o->propagation, err) < 0)
		return -1;
	if (json_is_boolean(orphan))
		o->propagation = json_is_true(orphan) ? PROPAGATION_ORPHAN : PROPAGATION_BACKGROUND;
	o->precondition_uid = xstrdup_or_null(json_get_str(pre, "uid"));
	o->precondition_version = xstrdup_or_null(json_get_str(pre, "resourceVersion"));
	return 0;
}

void api_options_clear(struct api_options *o)
{
	free(o->label_selector);
	free(o->field_selector);
	free(o->resource_version);
	free(o->version_match);
	free(o->continue_token);
	free(o->field_manager);
	free(o->include_object);
	free(o->precondition_uid);
	free(o->precondition_version);
	*o = (struct api_options){ 0 };
}
