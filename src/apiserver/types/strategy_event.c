/* Events: stored in the form of core/v1, seen as events.k8s.io/v1 too. */
#include "base/str.h"
#include "builtin.h"
#include "objects/invalid.h"
#include "kube/object.h"

static const struct {
	const char *core, *v1;
} RENAMED[] = {
	{ "involvedObject", "regarding" },
	{ "message", "note" },
	{ "source", "deprecatedSource" },
	{ "firstTimestamp", "deprecatedFirstTimestamp" },
	{ "lastTimestamp", "deprecatedLastTimestamp" },
	{ "count", "deprecatedCount" },
	{ "reportingComponent", "reportingController" },
};

static void rename_member(json_t *obj, const char *from, const char *to)
{
	json_t *v = json_object_get(obj, from);

	if (!v)
		return;
	json_object_set(obj, to, v);
	json_object_del(obj, from);
}

void event_to_events_v1(json_t *obj)
{
	for (size_t i = 0; i < ARRAY_SIZE(RENAMED); i++)
		rename_member(obj, RENAMED[i].core, RENAMED[i].v1);
}

void event_from_events_v1(json_t *obj)
{
	for (size_t i = 0; i < ARRAY_SIZE(RENAMED); i++)
		rename_member(obj, RENAMED[i].v1, RENAMED[i].core);
}

static void add_field(struct buf *out, const char *key, const char *value)
{
	value = value ? value : "";
	buf_append(out, key, strlen(key) + 1);
	buf_append(out, value, strlen(value) + 1);
}

static void event_fields(const json_t *obj, struct buf *out)
{
	static const char *const about[] = { "kind",       "namespace",       "name",     "uid",
		                                 "apiVersion", "resourceVersion", "fieldPath" };
	const char *source = json_str_at(obj, "source", "component", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(about); i++) {
		_cleanup_free_ char *key = xasprintf("involvedObject.%s", about[i]);
		add_field(out, key, json_str_at(obj, "involvedObject", about[i], NULL));
	}
	add_field(out, "reason", json_get_str(obj, "reason"));
	add_field(out, "reportingComponent", json_get_str(obj, "reportingComponent"));
	add_field(out, "source", !str_empty(source) ? source : json_get_str(obj, "reportingComponent"));
	add_field(out, "type", json_get_str(obj, "type"));
}

/* Runs on either version's form. */
static int event_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	bool core = str_eq(json_get_str(obj, "apiVersion"), "v1");
	const char *member = core ? "involvedObject" : "regarding";
	const char *about_ns = json_str_at(obj, member, "namespace", NULL), *ns = kube_namespace(obj);
	_cleanup_free_ char *field = xasprintf("%s.namespace", member);

	/* An event about a cluster-scoped object lies in "default" (or kube-system). */
	if (str_empty(about_ns)) {
		if (strcmp(ns, "default") != 0 && strcmp(ns, "kube-system") != 0)
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"\": does not match event.namespace");
	} else if (strcmp(about_ns, ns) != 0) {
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": does not match event.namespace", about_ns);
	}
	return err_is_set(err) ? -1 : 0;
}

/* Field selectors in the words of events.k8s.io. */
static const char *event_field_alias(const char *name)
{
	static const char *const about[][2] = {
		{ "regarding.kind", "involvedObject.kind" },
		{ "regarding.namespace", "involvedObject.namespace" },
		{ "regarding.name", "involvedObject.name" },
		{ "regarding.uid", "involvedObject.uid" },
		{ "regarding.apiVersion", "involvedObject.apiVersion" },
		{ "regarding.resourceVersion", "involvedObject.resourceVersion" },
		{ "regarding.fieldPath", "involvedObject.fieldPath" },
		{ "reportingController", "reportingComponent" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(about); i++)
		if (strcmp(name, about[i][0]) == 0)
			return about[i][1];
	return NULL;
}

const struct api_strategy STRATEGY_EVENT = {
	.create_on_update = true,
	.unconditional_update = true,
	.validate = event_validate,
	.fields = event_fields,
	.field_alias = event_field_alias,
};
