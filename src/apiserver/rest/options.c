/* Query parameters and DeleteOptions. */
#include "base/str.h"
#include "codec/go_json.h"
#include "codec/go_time.h"
#include "kinds/kinds.h"
#include "request.h"

#define VALUES_MAX 64
#define DELETE_OPTIONS "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

/* Present and not "0" or "false" is true, also when empty. False when absent. */
static bool parse_bool(const char *query, const char *name, bool *ret)
{
	_cleanup_free_ char *value = http_query_get(query, name);

	if (!value)
		return false;
	*ret = strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
	return true;
}

static void parse_tristate(const char *query, const char *name, int *ret)
{
	bool value;

	if (parse_bool(query, name, &value))
		*ret = value;
}

/* Go's strconv.ParseBool(); empty is not said. */
static void parse_pretty(const char *query, int *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL };
	_cleanup_free_ char *value = http_query_get(query, "pretty");

	if (!str_empty(value))
		*ret = str_in(value, yes);
}

static bool is_integer(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');

	return *digits && strspn(digits, "0123456789") == strlen(digits);
}

/* The first fault of several numbers is kept. */
static void parse_int(const char *query, const char *name, int64_t *ret, char **fault)
{
	_cleanup_free_ char *value = http_query_get(query, name);

	if (!value || str_to_i64(value, INT64_MIN, INT64_MAX, ret) || *fault)
		return;
	*fault = xasprintf("strconv.ParseInt: parsing \"%s\": %s", value,
	                   is_integer(value) ? "value out of range" : "invalid syntax");
}

char **api_query_values(const char *query, const char *name)
{
	_cleanup_strv_ char **parts = str_split(query ? query : "", "&");
	char **values = NULL;
	size_t len = strlen(name);

	for (size_t i = 0; parts && parts[i] && strv_len(values) < VALUES_MAX; i++) {
		if (strncmp(parts[i], name, len) != 0 || (parts[i][len] != '=' && parts[i][len]))
			continue;
		char *value = parts[i] + len + (parts[i][len] == '=');
		if (http_unescape(value, true))
			strv_push(&values, value);
	}
	return values;
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

static void parse_validation(const char *query, struct api_options *o)
{
	o->validation_text = parse_str(query, "fieldValidation");
	o->validation_said = o->validation_text != NULL;
	o->validation = VALIDATION_WARN;
	if (str_eq(o->validation_text, "Strict"))
		o->validation = VALIDATION_STRICT;
	else if (str_eq(o->validation_text, "Ignore"))
		o->validation = VALIDATION_IGNORE;
}

static void parse_timeout(const char *query, struct api_options *o)
{
	_cleanup_free_ char *value = http_query_get(query, "timeout"), *fault = NULL;

	if (str_empty(value))
		return;
	fault = go_duration_fault(value, &o->timeout_ns);
	if (fault)
		o->timeout_fault = xasprintf("invalid timeout specified in the request URL - %s", fault);
}

void api_options_parse(const char *query, struct api_options *ret)
{
	struct api_options o = { .send_initial_events = -1, .orphan = -1, .pretty = -1, .timeout_s = -1 };
	int64_t grace;

	*ret = o;
	if (!query)
		return;
	parse_int(query, "limit", &o.limit, &o.list_fault);
	parse_int(query, "timeoutSeconds", &o.timeout_s, &o.list_fault);
	parse_int(query, "gracePeriodSeconds", &grace, &o.delete_fault);
	parse_timeout(query, &o);
	o.label_selector = parse_str(query, "labelSelector");
	o.field_selector = parse_str(query, "fieldSelector");
	o.resource_version = parse_str(query, "resourceVersion");
	o.version_match = parse_str(query, "resourceVersionMatch");
	o.continue_token = parse_str(query, "continue");
	o.field_manager = parse_str(query, "fieldManager");
	o.include_object = parse_str(query, "includeObject");
	o.propagation_text = http_query_get(query, "propagationPolicy");
	o.precondition_uid = parse_str(query, "uid");
	o.dry_runs = api_query_values(query, "dryRun");
	o.dry_run = o.dry_runs != NULL;
	parse_validation(query, &o);
	parse_bool(query, "watch", &o.watch);
	parse_bool(query, "export", &o.export);
	o.force_said = parse_bool(query, "force", &o.force);
	parse_bool(query, "allowWatchBookmarks", &o.bookmarks);
	parse_tristate(query, "sendInitialEvents", &o.send_initial_events);
	parse_tristate(query, "orphanDependents", &o.orphan);
	parse_pretty(query, &o.pretty);
	*ret = o;
}

/* ---- DeleteOptions ---- */

static void forget_delete_options(struct api_options *o)
{
	o->dry_runs = strv_free(o->dry_runs);
	free(o->propagation_text);
	free(o->precondition_uid);
	free(o->precondition_version);
	o->propagation_text = o->precondition_uid = o->precondition_version = NULL;
	o->dry_run = false;
	o->orphan = -1;
}

static void take_dry_run(const json_t *body, struct api_options *o)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(body, "dryRun"), i, item)
		if (i < VALUES_MAX)
			strv_push(&o->dry_runs, json_is_string(item) ? json_string_value(item) : "");
	o->dry_run = o->dry_runs != NULL;
}

/* What cannot be decoded is an error without a reason in Kubernetes. */
static int check_delete_fields(const json_t *body, struct err *err)
{
	_cleanup_json_ json_t *copy = json_clone(body);
	_cleanup_err_ struct err why = { 0 };

	if (kinds_normalize(kinds_find_message(DELETE_OPTIONS), copy, &why) == 0)
		return 0;
	return err_set(err, ERR_UNKNOWN, "%s", err_message(&why));
}

static int check_delete_type(const json_t *body, struct err *err)
{
	const char *kind = json_get_str(body, "kind"), *api_version = json_get_str(body, "apiVersion");

	if (!json_is_object(body) && !json_is_null(body))
		return err_set(err, ERR_UNKNOWN, "couldn't get version/kind; json parse error: " GO_NO_OBJECT,
		               go_json_type(body));
	if (!str_empty(kind) && strcmp(kind, "DeleteOptions") != 0)
		return err_set(err, ERR_UNKNOWN,
		               "no kind \"%s\" is registered for version \"%s\" in scheme "
		               "\"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\"",
		               kind, api_version ? api_version : "v1");
	return json_is_null(body) ? 0 : check_delete_fields(body, err);
}

int api_options_from_delete_body(const json_t *body, struct api_options *o, struct err *err)
{
	const json_t *pre = json_object_get(body, "preconditions"), *orphan = json_object_get(body, "orphanDependents");
	const char *propagation = json_get_str(body, "propagationPolicy");

	if (check_delete_type(body, err) < 0)
		return -1;
	forget_delete_options(o);
	take_dry_run(body, o);
	o->propagation_text = xstrdup_or_null(propagation);
	if (json_is_boolean(orphan))
		o->orphan = json_is_true(orphan);
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
	strv_free(o->dry_runs);
	free(o->list_fault);
	free(o->delete_fault);
	free(o->timeout_fault);
	free(o->validation_text);
	free(o->propagation_text);
	*o = (struct api_options){ 0 };
}
