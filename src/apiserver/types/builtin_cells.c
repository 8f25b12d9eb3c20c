/* Printer columns of built-in kinds that no JSONPath can give (the models are kubectl's own tables). */
#include "base/clock.h"
#include "base/str.h"
#include "builtin_types.h"

#include <string.h>

static json_t *data_count(const json_t *obj, int64_t now_ns)
{
	(void)now_ns;
	return json_integer((json_int_t)json_object_size(json_object_get(obj, "data")) +
	                    (json_int_t)json_object_size(json_object_get(obj, "binaryData")));
}

static json_t *secrets_count(const json_t *obj, int64_t now_ns)
{
	(void)now_ns;
	return json_integer((json_int_t)json_array_size(json_object_get(obj, "secrets")));
}

static json_t *created_at(const json_t *obj, int64_t now_ns)
{
	const char *time = json_str_at(obj, "metadata", "creationTimestamp", NULL);

	(void)now_ns;
	return json_string(time ? time : "<unknown>");
}

static json_t *age(const json_t *obj, int64_t now_ns)
{
	const char *time = json_str_at(obj, "metadata", "creationTimestamp", NULL);
	char text[64];
	int64_t then;

	if (!time || !rfc3339_parse(time, &then))
		return json_string("<unknown>");
	return json_string(duration_human(now_ns > then ? now_ns - then : 0, text, sizeof(text)));
}

/* The first of two members that is set: core/v1 and events.k8s.io/v1 name them differently. */
static const json_t *either(const json_t *obj, const char *a, const char *b)
{
	const json_t *v = json_object_get(obj, a);

	return v && !json_is_null(v) ? v : json_object_get(obj, b);
}

static const char *either_str(const json_t *obj, const char *a, const char *b)
{
	const char *v = json_string_value(either(obj, a, b));

	return v ? v : "";
}

/* Into ret; false when there is no such time. */
static bool since(const json_t *time, int64_t now_ns, char *ret, size_t size)
{
	int64_t then;

	if (!json_is_string(time) || !rfc3339_parse(json_string_value(time), &then))
		return false;
	duration_human(now_ns > then ? now_ns - then : 0, ret, size);
	return true;
}

static json_t *first_seen(const json_t *obj, int64_t now_ns)
{
	char text[64];

	if (since(either(obj, "firstTimestamp", "deprecatedFirstTimestamp"), now_ns, text, sizeof(text)) ||
	    since(json_object_get(obj, "eventTime"), now_ns, text, sizeof(text)))
		return json_string(text);
	return json_string("<unknown>");
}

static json_t *last_seen(const json_t *obj, int64_t now_ns)
{
	char text[64];

	if (since(json_at(obj, "series", "lastObservedTime", NULL), now_ns, text, sizeof(text)) ||
	    since(either(obj, "lastTimestamp", "deprecatedLastTimestamp"), now_ns, text, sizeof(text)))
		return json_string(text);
	return first_seen(obj, now_ns);
}

static json_t *event_object(const json_t *obj, int64_t now_ns)
{
	const json_t *about = either(obj, "involvedObject", "regarding");
	const char *name = json_get_str(about, "name");
	_cleanup_free_ char *kind = xstrdup(json_get_str(about, "kind") ? json_get_str(about, "kind") : "");

	(void)now_ns;
	str_lower(kind);
	return str_empty(name) ? json_string(kind) : json_strf("%s/%s", kind, name);
}

static json_t *event_subobject(const json_t *obj, int64_t now_ns)
{
	const char *path = json_get_str(either(obj, "involvedObject", "regarding"), "fieldPath");

	(void)now_ns;
	return json_string(path ? path : "");
}

static json_t *event_source(const json_t *obj, int64_t now_ns)
{
	const json_t *source = either(obj, "source", "deprecatedSource");
	const char *component = json_get_str(source, "component"), *host = json_get_str(source, "host");

	(void)now_ns;
	if (str_empty(component))
		component = either_str(obj, "reportingComponent", "reportingController");
	if (str_empty(host))
		host = either_str(obj, "reportingInstance", "reportingInstance");
	return *host ? json_strf("%s, %s", component, host) : json_string(component);
}

static json_t *event_message(const json_t *obj, int64_t now_ns)
{
	_cleanup_free_ char *text = xstrdup(either_str(obj, "message", "note"));

	(void)now_ns;
	return json_string(str_strip(text));
}

static json_t *event_count(const json_t *obj, int64_t now_ns)
{
	int64_t count = json_int(either(obj, "count", "deprecatedCount"), 0);

	(void)now_ns;
	if (json_is_object(json_object_get(obj, "series")))
		count = json_get_int(json_object_get(obj, "series"), "count", count);
	return json_integer(count ? count : 1);
}

builtin_cell_fn builtin_cell(const char *name)
{
	static builtin_cell_fn (*const PARTS[])(const char *) = { builtin_cell_of_policy, builtin_cell_of_network,
		                                                      builtin_cell_of_workload, builtin_cell_of_cluster };
	static const struct {
		const char *name;
		builtin_cell_fn cell;
	} CELLS[] = {
		{ "data-count", data_count },     { "secrets-count", secrets_count },
		{ "created-at", created_at },     { "age", age },
		{ "event-last-seen", last_seen }, { "event-first-seen", first_seen },
		{ "event-object", event_object }, { "event-subobject", event_subobject },
		{ "event-source", event_source }, { "event-message", event_message },
		{ "event-count", event_count },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CELLS); i++)
		if (strcmp(CELLS[i].name, name) == 0)
			return CELLS[i].cell;
	builtin_cell_fn cell = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(PARTS) && !cell; i++)
		cell = PARTS[i](name);
	return cell;
}
