/* What option() gives to a program: params, the resource list of a KRM function, and what the input configures. */

#include "kcl/kcl_function.h"

#include "base/str.h"
#include "functions.h"
#include "lang/kcl/kcl_maker.h"

#define CONFIGURED_MAX 256
#define OWN_OPTIONS 5

struct kcl_arguments {
	const struct kcl_run *run;
	struct kcl_option options[CONFIGURED_MAX + OWN_OPTIONS];
	size_t len;
	json_t *owned;  /* an array of the values, which keeps them */
	char **names;   /* of what is configured */
	json_t *params; /* those of the input, and null for each of the request's; by their keys, as upstream has it */
};

/* A member that is made, where others are copied. */
struct made_member {
	const char *name;
	void (*make)(const struct kcl_arguments *a, struct kcl_maker *m);
};

static void make_text(struct kcl_maker *m, const char *text)
{
	kcl_make_text(m, text, strlen(text));
}

static const struct made_member *find_made(const struct made_member *made, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(made[i].name, name))
			return &made[i];
	return NULL;
}

/* The object's members, those that are made in their places, or at the end. */
static void make_object(const struct kcl_arguments *a, struct kcl_maker *m, const json_t *object,
                        const struct made_member *made, size_t n)
{
	const char *name;
	json_t *value;

	kcl_make_dict(m, json_object_size(object) + n);
	json_object_foreach (json_unconst(object), name, value) {
		const struct made_member *member = find_made(made, n, name);

		kcl_make_key(m, name);
		if (member)
			member->make(a, m);
		else
			kcl_make_json(m, value);
	}
	for (size_t i = 0; i < n; i++)
		if (!json_object_get(object, made[i].name)) {
			kcl_make_key(m, made[i].name);
			made[i].make(a, m);
		}
	kcl_make_end(m);
}

/* ---- params: of the request ---- */

/* Of either form; NULL is an empty one. */
static void make_struct(const struct kcl_arguments *a, struct kcl_maker *m, const json_t *v)
{
	if (call_is_kept(a->run->call, v)) {
		kcl_make_struct(m, json_string_value(v), json_string_length(v));
	} else if (v) {
		kcl_make_json(m, v);
	} else {
		kcl_make_dict(m, 0);
		kcl_make_end(m);
	}
}

static void make_oxr(const struct kcl_arguments *a, struct kcl_maker *m)
{
	make_struct(a, m, a->run->oxr);
}

static void make_dxr(const struct kcl_arguments *a, struct kcl_maker *m)
{
	kcl_make_json(m, a->run->dxr);
}

static void make_context(const struct kcl_arguments *a, struct kcl_maker *m)
{
	make_struct(a, m, json_object_get(a->run->call->request, "context"));
}

/* name -> { Resource, ConnectionDetails } */
static void make_observed(const struct kcl_arguments *a, struct kcl_maker *m)
{
	const json_t *resources = call_resources(a->run->call, "observed");
	const char *name;
	json_t *entry;

	kcl_make_dict(m, json_object_size(resources));
	json_object_foreach (json_unconst(resources), name, entry) {
		kcl_make_key(m, name);
		kcl_make_dict(m, 2);
		kcl_make_key(m, "Resource");
		make_struct(a, m, json_object_get(entry, "resource"));
		kcl_make_key(m, "ConnectionDetails");
		make_struct(a, m, json_object_get(entry, "connection_details"));
		kcl_make_end(m);
	}
	kcl_make_end(m);
}

/* name -> { Resource, Ready } */
static void make_desired(const struct kcl_arguments *a, struct kcl_maker *m)
{
	static const char *const words[] = { "Unspecified", "True", "False" };
	const json_t *resources = call_resources(a->run->call, "desired");
	const char *name;
	json_t *entry;

	kcl_make_dict(m, json_object_size(resources));
	json_object_foreach (json_unconst(resources), name, entry) {
		int64_t ready = json_get_int(entry, "ready", FUNCTION_READY_UNSPECIFIED);

		kcl_make_key(m, name);
		kcl_make_dict(m, 2);
		kcl_make_key(m, "Resource");
		make_struct(a, m, json_object_get(entry, "resource"));
		kcl_make_key(m, "Ready");
		make_text(m, words[ready >= 0 && ready <= FUNCTION_READY_FALSE ? ready : 0]);
		kcl_make_end(m);
	}
	kcl_make_end(m);
}

/* name -> [{ Resource }] */
static void make_found(const struct kcl_arguments *a, struct kcl_maker *m, const char *field)
{
	const json_t *found = json_object_get(a->run->call->request, field);
	json_t *entry, *item;
	const char *name;
	size_t i;

	kcl_make_dict(m, json_object_size(found));
	json_object_foreach (json_unconst(found), name, entry) {
		kcl_make_key(m, name);
		kcl_make_list(m, json_array_size(json_object_get(entry, "items")));
		json_array_foreach (json_object_get(entry, "items"), i, item) {
			kcl_make_dict(m, 1);
			kcl_make_key(m, "Resource");
			make_struct(a, m, json_object_get(item, "resource"));
			kcl_make_end(m);
		}
		kcl_make_end(m);
	}
	kcl_make_end(m);
}

static void make_extra(const struct kcl_arguments *a, struct kcl_maker *m)
{
	make_found(a, m, "extra_resources");
}

static void make_required(const struct kcl_arguments *a, struct kcl_maker *m)
{
	make_found(a, m, "required_resources");
}

static const struct made_member OF_REQUEST[] = {
	{ "oxr", make_oxr },
	{ "dxr", make_dxr },
	{ "ocds", make_observed },
	{ "dcds", make_desired },
	{ "ctx", make_context },
	{ "extraResources", make_extra },
	{ "requiredResources", make_required },
};

/* ---- params: all of them ---- */

/* Those of the input, under those of the request. */
static json_t *list_params(const json_t *given)
{
	_cleanup_json_ json_t *all = json_is_object(given) ? json_copy(json_unconst(given)) : json_object();

	for (size_t i = 0; i < ARRAY_SIZE(OF_REQUEST); i++)
		json_object_set_new(all, OF_REQUEST[i].name, json_null());
	return json_in_order(all);
}

static void make_params(const struct kcl_arguments *a, struct kcl_maker *m)
{
	make_object(a, m, a->params, OF_REQUEST, ARRAY_SIZE(OF_REQUEST));
}

static void make_params_option(void *self, struct kcl_maker *m)
{
	make_params(self, m);
}

/* ---- the KRM function's own view of its input ---- */

static void make_version(const struct kcl_arguments *a _unused_, struct kcl_maker *m)
{
	make_text(m, "krm.kcl.dev/v1alpha1");
}

static void make_kind(const struct kcl_arguments *a _unused_, struct kcl_maker *m)
{
	make_text(m, "KCLRun");
}

static void make_spec(const struct kcl_arguments *a, struct kcl_maker *m)
{
	static const struct made_member made[] = { { "params", make_params } };

	if (a->run->spec && !json_is_object(a->run->spec))
		kcl_make_json(m, a->run->spec);
	else
		make_object(a, m, a->run->spec, made, ARRAY_SIZE(made));
}

static void make_resource_list(void *self, struct kcl_maker *m)
{
	static const struct made_member made[] = { { "apiVersion", make_version },
		                                       { "kind", make_kind },
		                                       { "spec", make_spec } };
	const struct kcl_arguments *a = self;

	kcl_make_dict(m, 4);
	kcl_make_key(m, "apiVersion");
	make_text(m, "config.kubernetes.io/v1");
	kcl_make_key(m, "kind");
	make_text(m, "ResourceList");
	kcl_make_key(m, "items");
	kcl_make_list(m, 0);
	kcl_make_end(m);
	kcl_make_key(m, "functionConfig");
	make_object(a, m, json_object_get(a->run->call->request, "input"), made, ARRAY_SIZE(made));
	kcl_make_end(m);
}

/* ---- all options ---- */

/* Steals value. */
static void add(struct kcl_arguments *a, const char *name, json_t *value)
{
	json_array_append_new(a->owned, value);
	a->options[a->len++] = (struct kcl_option){ .name = name, .value = value };
}

static void add_made(struct kcl_arguments *a, const char *name, void (*make)(void *self, struct kcl_maker *m))
{
	a->options[a->len++] = (struct kcl_option){ .name = name, .make = make, .self = a };
}

/* kcl_options of spec.config.settings. */
static void add_settings(struct kcl_arguments *a, const json_t *values)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_unconst(values), name, value)
		if (a->len < CONFIGURED_MAX)
			add(a, name, json_incref(value));
}

/* spec.config.arguments: NAME=JSON, or NAME=TEXT. */
static void add_configured(struct kcl_arguments *a, const json_t *arguments)
{
	json_t *argument;
	size_t i;

	json_array_foreach (arguments, i, argument) {
		const char *text = json_string_value(argument), *equals = text ? strchr(text, '=') : NULL;

		if (!equals || a->len >= CONFIGURED_MAX)
			continue;
		_cleanup_free_ char *name = xstrndup(text, (size_t)(equals - text));
		json_t *value = json_parse(equals + 1, strlen(equals + 1), 0, NULL);
		strv_push(&a->names, name);
		add(a, a->names[strv_len(a->names) - 1], value ? value : json_string(equals + 1));
	}
}

struct kcl_arguments *kcl_arguments_new(const struct kcl_run *run)
{
	const struct functions *f = run->call->functions;
	struct kcl_arguments *a = new0(struct kcl_arguments);

	a->run = run;
	a->owned = json_array();
	a->params = list_params(json_object_get(run->spec, "params"));
	add_settings(a, run->settings.values);
	add_configured(a, json_at(run->spec, "config", "arguments", NULL));
	add_made(a, "resource_list", make_resource_list);
	add(a, "items", json_array());
	add_made(a, "params", make_params_option);
	add(a, "PATH", json_string_lossy(f->environment_path, strlen(f->environment_path)));
	add(a, "env", json_incref(f->environments[run->call->worker]));
	return a;
}

struct kcl_arguments *kcl_arguments_free(struct kcl_arguments *a)
{
	if (!a)
		return NULL;
	json_decref(a->owned);
	json_decref(a->params);
	strv_free(a->names);
	free(a);
	return NULL;
}

const struct kcl_option *kcl_arguments_options(const struct kcl_arguments *a, size_t *ret_len)
{
	*ret_len = a->len;
	return a->options;
}
