/* The composition functions that are part of this program. */

#include "compose/compose.h"

#include "base/str.h"

#define PROCESS_NAME "app"
#define NOP_NAME "nop"

static json_t *parameters_of(const json_t *request)
{
	return json_at(request, "observed", "composite", "resource", "spec", "parameters", NULL);
}

static json_t *respond_with(const char *name, json_t *resource)
{
	return json_pack("{s:{s:{s:{s:o}}}, s:[]}", "desired", "resources", name, "resource", resource, "results");
}

static json_t *new_managed(const struct kube_type *type, const json_t *parameters, json_t *for_provider)
{
	json_t *resource = kube_object_new(type, "", "");
	/* From its first moment on, or its provider would have to begin with another write. */
	json_put(resource, "metadata", json_pack("{s:[s]}", "finalizers", SCIA_MANAGED_FINALIZER));
	const char *policy = json_get_str(parameters, "deletionPolicy");
	json_put(resource, "spec",
	         json_pack("{s:s, s:o}", "deletionPolicy", policy ? policy : "Delete", "forProvider", for_provider));
	return resource;
}

/* Copies from[key], when it is there, to to[as]. */
static void carry(const json_t *from, const char *key, json_t *to, const char *as)
{
	json_t *value = json_object_get(from, key);
	if (value)
		json_object_set(to, as, value);
}

/* The parameters that mean the same to a Process; {their name, its name}. */
static const char *const PROCESS_FIELDS[][2] = {
	{ "strategy", "mode" },
	{ "installCommand", "installCommand" },
	{ "buildCommand", "buildCommand" },
	{ "startCommand", "startCommand" },
	{ "appPort", "port" },
	{ "replicas", "replicas" },
	{ "idleSeconds", "idleSeconds" },
	{ "revision", "revision" },
	{ "env", "env" },
	{ "healthCheck", "healthCheck" },
};

static json_t *process_source(const json_t *parameters)
{
	json_t *source = json_object();
	carry(parameters, "repositoryUrl", source, "url");
	carry(parameters, "commit", source, "commit");
	carry(parameters, "ref", source, "ref");
	carry(parameters, "path", source, "path");
	const char *secret = json_get_str(parameters, "secretName");
	if (!str_empty(secret))
		json_put(source, "secretRef", json_pack("{s:s}", "name", secret));
	return source;
}

static int compose_process(void *self _unused_, const json_t *request, json_t **ret, struct err *err)
{
	const json_t *parameters = parameters_of(request);
	if (str_empty(json_get_str(parameters, "startCommand")))
		return err_set(err, ERR_INVALID,
		               "spec.parameters.startCommand is missing: nothing says how to start the application; set "
		               "spec.overrides.startCommand of the Deployment");
	json_t *for_provider = json_pack("{s:o}", "source", process_source(parameters));
	for (size_t i = 0; i < ARRAY_SIZE(PROCESS_FIELDS); i++)
		carry(parameters, PROCESS_FIELDS[i][0], for_provider, PROCESS_FIELDS[i][1]);
	json_t *resources = json_object();
	carry(parameters, "cpu", resources, "cpu");
	carry(parameters, "memory", resources, "memory");
	json_put(for_provider, "resources", resources);
	*ret = respond_with(PROCESS_NAME, new_managed(&SCIA_PROCESS, parameters, for_provider));
	return 0;
}

static int compose_nop(void *self _unused_, const json_t *request, json_t **ret, struct err *err _unused_)
{
	json_t *parameters = parameters_of(request);
	*ret = respond_with(NOP_NAME,
	                    new_managed(&SCIA_NOP, parameters, parameters ? json_incref(parameters) : json_object()));
	return 0;
}

static const struct compose_function LOCAL_PIPELINE[] = { { .name = "process", .run = compose_process } };
static const struct compose_function NONE_PIPELINE[] = { { .name = "nop", .run = compose_nop } };

static const struct compose_composition LOCAL = { "infrastructure-local", LOCAL_PIPELINE, ARRAY_SIZE(LOCAL_PIPELINE) };
static const struct compose_composition NONE = { "infrastructure-none", NONE_PIPELINE, ARRAY_SIZE(NONE_PIPELINE) };

const struct compose_composition *const COMPOSE_BUILTIN[] = { &LOCAL, &NONE };
const size_t COMPOSE_BUILTIN_LEN = ARRAY_SIZE(COMPOSE_BUILTIN);

const char *compose_for_provider_type(const char *type)
{
	if (str_eq(type, "local"))
		return LOCAL.name;
	if (str_eq(type, "none"))
		return NONE.name;
	return NULL;
}
