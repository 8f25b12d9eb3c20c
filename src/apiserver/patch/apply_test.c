#include "apply.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/yaml.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static json_t *yaml(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = yaml_parse(text, strlen(text), NULL, &err);

	if (!v)
		fail_msg("%s: %s", err_message(&err), text);
	return v;
}

static struct schema *kinds(void)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml(
		"type: object\n"
		"properties:\n"
		"  data: {type: object, additionalProperties: {type: string}}\n"
		"  spec:\n"
		"    type: object\n"
		"    properties:\n"
		"      replicas: {type: integer}\n"
		"      image: {type: string}\n"
		"      args: {type: array, items: {type: string}}\n"
		"      tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}\n"
		"      env: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: "
		"object, "
		"required: [name], properties: {name: {type: string}, value: {type: string}, secret: {type: boolean}}}}\n"
		"      atom: {type: object, x-kubernetes-map-type: atomic, properties: {x: {type: string}, w: {type: "
		"string}}}\n"
		"  status: {type: object, properties: {phase: {type: string}}}\n");
	struct schema *s = schema_compile(v, "s", &err);

	if (!s)
		fail_msg("%s", err_message(&err));
	return s;
}

/* An object that is created, applied to and updated by managers, a second after each other. */
struct scene {
	struct schema *schema;
	json_t *obj;
	int64_t now;
	struct err err;
	bool has_status;
};

static void scene_start(struct scene *s)
{
	*s = (struct scene){ .schema = kinds() };
}

static void scene_end(struct scene *s)
{
	schema_unref(s->schema);
	json_decref(s->obj);
	err_clear(&s->err);
}

static struct apply_request request_of(struct scene *s, const char *manager, const char *subresource)
{
	s->now += SECOND;
	return (struct apply_request){
		.schema = s->schema,
		.manager = manager,
		.api_version = "scia.io/v1",
		.subresource = subresource,
		.has_status = s->has_status,
		.now_wall_ns = s->now,
	};
}

/* The body without apiVersion, kind and name. */
static json_t *object_of(const char *body)
{
	json_t *v = yaml(body), *meta = json_ensure_object(v, "metadata");

	json_put_str(v, "apiVersion", "scia.io/v1");
	json_put_str(v, "kind", "Thing");
	json_put_str(meta, "name", "x");
	return v;
}

static int apply_as(struct scene *s, const char *manager, const char *subresource, bool force, const char *body)
{
	_cleanup_json_ json_t *config = object_of(body), *fresh = object_of("{}");
	struct apply_request request = request_of(s, manager, subresource);
	json_t *applied = NULL;

	request.force = force;
	err_clear(&s->err);
	if (apply_server_side(&request, s->obj ? s->obj : fresh, config, &applied, &s->err) < 0)
		return -1;
	json_decref(s->obj);
	s->obj = applied;
	return 0;
}

static void apply(struct scene *s, const char *manager, const char *body)
{
	if (apply_as(s, manager, "", false, body) < 0)
		fail_msg("%s", err_message(&s->err));
}

static void update_as(struct scene *s, const char *manager, const char *subresource, json_t *updated)
{
	struct apply_request request = request_of(s, manager, subresource);

	managed_fields_update(&request, s->obj, updated);
	json_decref(s->obj);
	s->obj = updated;
}

/* Replaces everything beside metadata. */
static void update(struct scene *s, const char *manager, const char *body)
{
	json_t *updated = object_of(body);

	if (s->obj)
		json_object_set(updated, "metadata", json_object_get(s->obj, "metadata"));
	_cleanup_json_ json_t *own = json_clone(updated);
	json_decref(updated);
	update_as(s, manager, "", json_incref(own));
}

/* The object without identity and managedFields. */
static void assert_object(struct scene *s, const char *wanted, const char *why)
{
	_cleanup_json_ json_t *v = json_clone(s->obj), *w = object_of(wanted);

	json_object_del(json_object_get(v, "metadata"), "managedFields");
	if (json_same(v, w))
		return;
	_cleanup_free_ char *found = json_to_str(v);
	fail_msg("%s: found %s instead of %s", why, found, wanted);
}

/* A line for each entry: "MANAGER OPERATION[ SUBRESOURCE] SECOND FIELDS". */
static void assert_owners(struct scene *s, const char *wanted, const char *why)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	size_t i;
	json_t *e;

	json_array_foreach (json_at(s->obj, "metadata", "managedFields", NULL), i, e) {
		_cleanup_free_ char *fields = json_to_str(json_object_get(e, "fieldsV1"));
		const char *time = json_get_str(e, "time"), *sub = json_get_str(e, "subresource");
		assert_string_equal(json_get_str(e, "fieldsType"), "FieldsV1");
		assert_string_equal(json_get_str(e, "apiVersion"), "scia.io/v1");
		for (char *p = fields; *p; p++)
			*p = *p == '"' ? '\'' : *p;
		buf_printf(&out, "%s%s %s%s%s %.2s %s", i ? "\n" : "", json_get_str(e, "manager"), json_get_str(e, "operation"),
		           sub ? " " : "", sub ? sub : "", time ? time + 17 : "--", fields);
	}
	if (strcmp(buf_str(&out), wanted) != 0)
		fail_msg("%s: found\n%s\ninstead of\n%s", why, buf_str(&out), wanted);
}

static void test_apply_creates(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a", "{metadata: {labels: {l: v}}, spec: {replicas: 1, env: [{name: A, value: x}], tags: [t]}}");
	assert_object(&s, "{metadata: {labels: {l: v}}, spec: {replicas: 1, env: [{name: A, value: x}], tags: [t]}}",
	              "as applied");
	assert_owners(
		&s,
		"a Apply 01 "
		"{'f:metadata':{'f:labels':{'f:l':{}}},'f:spec':{'f:env':{'k:{\\'name\\':\\'A\\'}':{'.':{},'f:name':{},"
		"'f:value':{}}},'f:replicas':{},'f:tags':{'v:\\'t\\'':{}}}}",
		"its fields");
	scene_end(&s);
}

static void test_apply_again_changes_nothing(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a", "{data: {k: v}}");
	_cleanup_json_ json_t *before = json_incref(s.obj);
	apply(&s, "a", "{data: {k: v}}");
	assert_true(json_equal(s.obj, before));
	scene_end(&s);
}

static void test_apply_removes_what_is_no_longer_applied(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a",
	      "{metadata: {labels: {l: v}}, data: {k: v, l: w}, spec: {env: [{name: A}, {name: B}], tags: [t, u], "
	      "replicas: 1}}");
	apply(&s, "a", "{data: {l: w}, spec: {env: [{name: B}], tags: [u]}}");
	assert_object(&s, "{data: {l: w}, spec: {env: [{name: B}], tags: [u]}}", "members, items, values, fields");
	assert_owners(&s,
	              "a Apply 02 "
	              "{'f:data':{'f:l':{}},'f:spec':{'f:env':{'k:{\\'name\\':\\'B\\'}':{'.':{},'f:name':{}}},'f:tags':{'v:"
	              "\\'u\\'':{}}}}",
	              "its fields");
	apply(&s, "a", "{}");
	assert_object(&s, "{}", "everything");
	assert_owners(&s, "", "nobody owns anything");
	scene_end(&s);
}

static void test_apply_keeps_what_others_own(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a", "{data: {k: v, l: w}, spec: {env: [{name: A, value: x}]}}");
	apply(&s, "b", "{data: {k: v}, spec: {env: [{name: A, secret: true}]}}");
	assert_owners(
		&s,
		"a Apply 01 "
		"{'f:data':{'f:k':{},'f:l':{}},'f:spec':{'f:env':{'k:{\\'name\\':\\'A\\'}':{'.':{},'f:name':{},'f:value':{}}}}}"
		"\n"
		"b Apply 02 "
		"{'f:data':{'f:k':{}},'f:spec':{'f:env':{'k:{\\'name\\':\\'A\\'}':{'.':{},'f:name':{},'f:secret':{}}}}}",
		"the same value is shared");
	apply(&s, "a", "{data: {}}");
	assert_object(&s, "{data: {k: v}, spec: {env: [{name: A, secret: true}]}}", "what b owns stays");
	apply(&s, "b", "{}");
	assert_object(&s, "{data: null}", "a map that is owned without members stays, though empty");
	scene_end(&s);
}

static void test_apply_keeps_what_nobody_applied(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "creator", "{data: {k: v}, spec: {replicas: 3}}");
	apply(&s, "a", "{spec: {image: i}}");
	apply(&s, "a", "{}");
	assert_object(&s, "{data: {k: v}, spec: {replicas: 3}}", "an updater's fields are not removed by an applier");
	scene_end(&s);
}

static void test_apply_conflicts_in_kubernetes_words(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "kubectl-client-side-apply", "{data: {x: a, w: b}}");
	assert_int_equal(apply_as(&s, "ci", "", false, "{data: {x: other}}"), -1);
	assert_int_equal(s.err.kind, ERR_CONFLICT);
	assert_string_equal(
		err_message(&s.err),
		"Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using scia.io/v1: .data.x");
	assert_int_equal(s.err.causes_len, 1);
	assert_string_equal(s.err.causes[0].reason, "FieldManagerConflict");
	assert_string_equal(s.err.causes[0].field, ".data.x");
	assert_string_equal(s.err.causes[0].message, "conflict with \"kubectl-client-side-apply\" using scia.io/v1");
	apply(&s, "other", "{spec: {env: [{name: A B, value: c}]}}");
	assert_int_equal(apply_as(&s, "ci", "", false, "{data: {x: n1, w: n2}, spec: {env: [{name: A B, value: d}]}}"), -1);
	assert_string_equal(
		err_message(&s.err),
		"Apply failed with 3 conflicts: conflicts with \"kubectl-client-side-apply\" using scia.io/v1:\n"
		"- .data.w\n- .data.x\nconflicts with \"other\":\n- .spec.env[name=\"A B\"].value");
	assert_int_equal(s.err.causes_len, 3);
	assert_string_equal(s.err.causes[2].field, ".spec.env[name=\"A B\"].value");
	assert_string_equal(s.err.causes[2].message, "conflict with \"other\"");
	scene_end(&s);
}

static void test_apply_conflicts_name_the_subresource(void **state)
{
	(void)state;
	struct scene s;
	json_t *updated = object_of("{status: {phase: Running}}");

	scene_start(&s);
	s.has_status = true;
	apply(&s, "a", "{spec: {replicas: 1}}");
	json_object_set_new(updated, "metadata", json_clone(json_object_get(s.obj, "metadata")));
	json_object_set_new(updated, "spec", json_clone(json_object_get(s.obj, "spec")));
	update_as(&s, "controller", "status", updated);
	assert_int_equal(apply_as(&s, "a", "status", false, "{status: {phase: Failed}}"), -1);
	assert_string_equal(err_message(&s.err),
	                    "Apply failed with 1 conflict: conflict with \"controller\" with subresource \"status\" using "
	                    "scia.io/v1: .status.phase");
	scene_end(&s);
}

static void test_apply_force_takes_over(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "editor", "{data: {k: v, l: w}}");
	assert_int_equal(apply_as(&s, "a", "", true, "{data: {k: new}}"), 0);
	assert_object(&s, "{data: {k: new, l: w}}", "changed");
	assert_owners(&s, "a Apply 02 {'f:data':{'f:k':{}}}\neditor Update 01 {'f:data':{'.':{},'f:l':{}}}",
	              "the editor lost one");
	scene_end(&s);
}

static void test_apply_lists_of_values(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a", "{spec: {args: [x], tags: [t], atom: {x: a}}}");
	apply(&s, "b", "{spec: {tags: [u]}}");
	assert_object(&s, "{spec: {args: [x], tags: [t, u], atom: {x: a}}}", "sets are merged");
	assert_int_equal(apply_as(&s, "b", "", false, "{spec: {args: [x, z]}}"), -1);
	assert_string_equal(err_message(&s.err), "Apply failed with 1 conflict: conflict with \"a\": .spec.args");
	assert_int_equal(apply_as(&s, "b", "", false, "{spec: {atom: {w: b}}}"), -1);
	assert_string_equal(err_message(&s.err), "Apply failed with 1 conflict: conflict with \"a\": .spec.atom");
	apply(&s, "a", "{spec: {args: [z], atom: {w: b}}}");
	assert_object(&s, "{spec: {args: [z], tags: [u], atom: {w: b}}}", "atomic ones are replaced, b's value stays");
	scene_end(&s);
}

static void test_apply_status_is_its_own(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	s.has_status = true;
	apply(&s, "a", "{spec: {replicas: 1}}");
	assert_int_equal(apply_as(&s, "a", "status", false, "{spec: {replicas: 1}, status: {phase: Running}}"), 0);
	assert_owners(&s, "a Apply 01 {'f:spec':{'f:replicas':{}}}\na Apply status 02 {'f:status':{'f:phase':{}}}",
	              "two entries");
	apply(&s, "a", "{spec: {replicas: 2}}");
	assert_object(&s, "{spec: {replicas: 2}, status: {phase: Running}}", "status is not given up by the main resource");
	scene_end(&s);
}

static void test_apply_takes_an_unmanaged_object_over(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	s.obj = object_of("{metadata: {uid: u}, data: {k: v}}");
	assert_int_equal(apply_as(&s, "a", "", false, "{data: {k: new}}"), -1);
	assert_string_equal(err_message(&s.err),
	                    "Apply failed with 1 conflict: conflict with \"before-first-apply\" using scia.io/v1: .data.k");
	apply(&s, "a", "{spec: {image: i}}");
	assert_owners(&s, "a Apply 02 {'f:spec':{'f:image':{}}}\nbefore-first-apply Update 02 {'f:data':{'.':{},'f:k':{}}}",
	              "someone did");
	scene_end(&s);
}

static void test_apply_by_kubectl_follows_its_own_annotation(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "kubectl-client-side-apply",
	       "{metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "
	       "'{\"apiVersion\":\"scia.io/"
	       "v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\"},\"data\":{\"k\":\"v\"}}'}}, data: {k: v}}");
	assert_int_equal(apply_as(&s, "ci", "", false, "{data: {k: new}}"), -1);
	assert_int_equal(apply_as(&s, "kubectl", "", false, "{data: {k: new}}"), 0);
	assert_string_equal(json_str_at(s.obj, "data", "k", NULL), "new");
	assert_string_equal(
		json_str_at(s.obj, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration", NULL),
		"{\"apiVersion\":\"scia.io/v1\",\"data\":{\"k\":\"new\"},\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\"}}\n");
	scene_end(&s);
}

static void test_apply_by_kubectl_minds_later_changes(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "kubectl-client-side-apply",
	       "{metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "
	       "'{\"apiVersion\":\"scia.io/v1\",\"kind\":\"Thing\",\"data\":{\"k\":\"v\"}}'}}, data: {k: v}}");
	update(&s, "kubectl-edit", "{data: {k: edited}}");
	assert_int_equal(apply_as(&s, "kubectl", "", false, "{data: {k: new}}"), -1);
	assert_string_equal(err_message(&s.err),
	                    "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using scia.io/v1: .data.k");
	scene_end(&s);
}

static void test_apply_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *body, *message, *why;
	} CASES[] = {
		{ "{metadata: {managedFields: []}}", "metadata.managedFields must be nil", "managed fields" },
		{ "{spec: {tags: [a, a]}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .spec.tags: duplicate entries for key "
		  "[=\"a\"]",
		  "repeated value" },
		{ "{spec: {env: [{name: A}, {name: A}]}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .spec.env: duplicate entries for key "
		  "[name=\"A\"]",
		  "repeated key" },
		{ "{spec: {env: [{value: v}]}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .spec.env: element 0: associative list "
		  "with keys has an element "
		  "that omits all key fields [\"name\"] (and doesn't have default values for any key fields)",
		  "no key" },
		{ "{spec: {env: [1]}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .spec.env: element 0: associative list "
		  "with keys may not have "
		  "non-map elements",
		  "no map" },
		{ "{spec: {size: 1}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .spec.size: field not declared in schema",
		  "undeclared" },
		{ "{metadata: {colour: red}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): .metadata.colour: field not declared in "
		  "schema",
		  "undeclared in metadata" },
		{ "{spec: {replicas: '2', image: 5, env: [{name: A, secret: 'no'}], args: x, atom: [1]}}",
		  "failed to create typed patch object (/x; scia.io/v1, Kind=Thing): errors:\n"
		  "  .spec.replicas: expected numeric (int or float), got string\n"
		  "  .spec.image: expected string, got &value.valueUnstructured{Value:5}\n"
		  "  .spec.env[name=\"A\"].secret: expected boolean, got &{no}\n"
		  "  .spec.args: expected list, got &{x}\n"
		  "  .spec.atom: expected map, got &{[1]}",
		  "other types" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		struct scene s;
		print_message("%s\n", CASES[i].why);
		scene_start(&s);
		assert_int_equal(apply_as(&s, "a", "", true, CASES[i].body), -1);
		assert_int_equal(s.err.kind, strstr(CASES[i].message, "typed") ? ERR_UNKNOWN : ERR_BAD_REQUEST);
		assert_string_equal(err_message(&s.err), CASES[i].message);
		scene_end(&s);
	}
}

static void test_apply_refuses_another_version(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *live = object_of("{}"), *config = yaml("{apiVersion: scia.io/v2, kind: Thing}");
	const struct apply_request request = { .manager = "a", .api_version = "scia.io/v1", .subresource = "" };
	json_t *applied = NULL;

	assert_int_equal(apply_server_side(&request, live, config, &applied, &err), -1);
	assert_string_equal(
		err_message(&err),
		"Incorrect version specified in apply patch. Specified patch version: scia.io/v2, expected: scia.io/v1");
}

static void test_managed_fields_of_updates(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	update(&s, "a", "{data: {k: v}}");
	assert_owners(&s, "a Update 01 {'f:data':{'.':{},'f:k':{}}}", "created");
	update(&s, "b", "{data: {k: new, l: w}}");
	assert_owners(&s, "a Update 01 {'f:data':{}}\nb Update 02 {'f:data':{'f:k':{},'f:l':{}}}",
	              "b changed one and added one");
	update(&s, "a", "{data: {k: new}}");
	assert_owners(&s, "a Update 01 {'f:data':{}}\nb Update 02 {'f:data':{'f:k':{}}}", "a removal changes no time");
	update(&s, "a", "{data: {k: new}}");
	assert_owners(&s, "a Update 01 {'f:data':{}}\nb Update 02 {'f:data':{'f:k':{}}}", "nothing changed");
	update(&s, "a", "{}");
	assert_owners(&s, "", "nothing is left");
	scene_end(&s);
}

static void test_managed_fields_update_takes_from_appliers(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "a", "{data: {k: v, l: w}}");
	update(&s, "editor", "{data: {k: new, l: w}}");
	assert_owners(&s, "a Apply 01 {'f:data':{'f:l':{}}}\neditor Update 02 {'f:data':{'f:k':{}}}",
	              "the applier lost one");
	scene_end(&s);
}

static void test_managed_fields_can_be_reset(void **state)
{
	(void)state;
	static const char *const RESETS[] = { "[]", "[{}]" };

	for (size_t i = 0; i < ARRAY_SIZE(RESETS); i++) {
		struct scene s;
		scene_start(&s);
		update(&s, "a", "{data: {k: v}}");
		json_t *updated = json_clone(s.obj);
		json_object_set_new(json_object_get(updated, "metadata"), "managedFields", yaml(RESETS[i]));
		update_as(&s, "b", "", updated);
		assert_owners(&s, "", "nobody is known");
		update(&s, "b", "{data: {k: new}}");
		assert_owners(&s, "", "until the next apply");
		scene_end(&s);
	}
}

static void test_managed_fields_are_the_servers(void **state)
{
	(void)state;
	static const struct {
		const char *fields, *owners, *why;
	} CASES[] = {
		{ "null", "a Update 01 {'f:data':{'.':{},'f:k':{}}}", "left out by a client that does not know them" },
		{ "[{manager: m, operation: Other, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {}}]",
		  "a Update 01 {'f:data':{'.':{},'f:k':{}}}", "malformed" },
		{ "[{manager: m, operation: Update, apiVersion: scia.io/v1, time: '2026-01-01T00:00:09Z', fieldsType: "
		  "FieldsV1, fieldsV1: {'f:data': {'f:k': {}}}}]",
		  "m Update 09 {'f:data':{'f:k':{}}}", "set on purpose" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		struct scene s;
		scene_start(&s);
		update(&s, "a", "{data: {k: v}}");
		json_t *updated = json_clone(s.obj), *fields = yaml(CASES[i].fields);
		json_put(json_object_get(updated, "metadata"), "managedFields",
		         json_is_null(fields) ? NULL : json_incref(fields));
		json_decref(fields);
		update_as(&s, "b", "", updated);
		assert_owners(&s, CASES[i].owners, CASES[i].why);
		scene_end(&s);
	}
}

static void test_managed_fields_of_status(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	s.has_status = true;
	update(&s, "a", "{spec: {replicas: 1}, status: {phase: New}}");
	assert_owners(&s, "a Update 01 {'f:spec':{'.':{},'f:replicas':{}}}", "the main resource has no say in status");
	json_t *updated = json_clone(s.obj);
	json_put_str(json_ensure_object(updated, "status"), "phase", "Running");
	update_as(&s, "a", "status", updated);
	assert_owners(&s, "a Update 01 {'f:spec':{'.':{},'f:replicas':{}}}\na Update status 02 {'f:status':{'f:phase':{}}}",
	              "its own entry");
	scene_end(&s);
}

static void test_managed_fields_keep_ten_updaters_apart(void **state)
{
	(void)state;
	struct scene s;
	_cleanup_json_ json_t *data = json_object();
	size_t i, found = 0;
	json_t *e;

	scene_start(&s);
	for (int n = 0; n < 15; n++) {
		_cleanup_free_ char *manager = xasprintf("m%02d", n), *key = xasprintf("k%02d", n);
		json_t *updated = s.obj ? json_clone(s.obj) : object_of("{}");
		json_put_str(data, key, "v");
		json_object_set_new(updated, "data", json_clone(data));
		update_as(&s, manager, "", updated);
	}
	const json_t *fields = json_at(s.obj, "metadata", "managedFields", NULL);
	assert_int_equal(json_array_size(fields), 10);
	json_array_foreach (fields, i, e)
		if (str_eq(json_get_str(e, "manager"), "ancient-changes")) {
			found++;
			assert_int_equal(json_object_size(json_at(e, "fieldsV1", "f:data", NULL)), 7); /* six keys and "." */
		}
	assert_int_equal(found, 1);
	scene_end(&s);
}

static void test_managed_fields_time_order(void **state)
{
	(void)state;
	struct scene s;

	scene_start(&s);
	apply(&s, "z", "{data: {a: v}}");
	apply(&s, "y", "{data: {b: v}}");
	json_t *updated = json_clone(s.obj);
	json_put_str(json_object_get(updated, "data"), "c", "v");
	update_as(&s, "b", "", updated);
	apply(&s, "z", "{data: {a: w}}");
	assert_owners(
		&s, "y Apply 02 {'f:data':{'f:b':{}}}\nz Apply 04 {'f:data':{'f:a':{}}}\nb Update 03 {'f:data':{'f:c':{}}}",
		"applies first, then by time");
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply_creates),
		cmocka_unit_test(test_apply_again_changes_nothing),
		cmocka_unit_test(test_apply_removes_what_is_no_longer_applied),
		cmocka_unit_test(test_apply_keeps_what_others_own),
		cmocka_unit_test(test_apply_keeps_what_nobody_applied),
		cmocka_unit_test(test_apply_conflicts_in_kubernetes_words),
		cmocka_unit_test(test_apply_conflicts_name_the_subresource),
		cmocka_unit_test(test_apply_force_takes_over),
		cmocka_unit_test(test_apply_lists_of_values),
		cmocka_unit_test(test_apply_status_is_its_own),
		cmocka_unit_test(test_apply_takes_an_unmanaged_object_over),
		cmocka_unit_test(test_apply_by_kubectl_follows_its_own_annotation),
		cmocka_unit_test(test_apply_by_kubectl_minds_later_changes),
		cmocka_unit_test(test_apply_refuses),
		cmocka_unit_test(test_apply_refuses_another_version),
		cmocka_unit_test(test_managed_fields_of_updates),
		cmocka_unit_test(test_managed_fields_update_takes_from_appliers),
		cmocka_unit_test(test_managed_fields_can_be_reset),
		cmocka_unit_test(test_managed_fields_are_the_servers),
		cmocka_unit_test(test_managed_fields_of_status),
		cmocka_unit_test(test_managed_fields_keep_ten_updaters_apart),
		cmocka_unit_test(test_managed_fields_time_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
