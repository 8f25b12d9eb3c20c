#include "webhook.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/object.h"

#define DEFAULT_TIMEOUT_S 10
#define TIMEOUT_MAX_S 30
#define HOOKS_MAX 1000 /* of one configuration; an object of 3 MiB could hold more */

/* ---- making ---- */

static char **strings(const json_t *array)
{
	char **v = NULL;
	size_t i;
	json_t *s;

	json_array_foreach (array, i, s)
		if (json_is_string(s))
			strv_push(&v, json_string_value(s));
	return v;
}

static unsigned operations_of(const json_t *array)
{
	static const struct {
		const char *name;
		unsigned bits;
	} names[] = { { "CREATE", ADMISSION_CREATE },
		          { "UPDATE", ADMISSION_UPDATE },
		          { "DELETE", ADMISSION_DELETE },
		          { "CONNECT", ADMISSION_CONNECT },
		          { "*", ADMISSION_ALL } };
	unsigned bits = 0;
	size_t i;
	json_t *s;

	json_array_foreach (array, i, s)
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (str_eq(json_string_value(s), names[k].name))
				bits |= names[k].bits;
	return bits;
}

static void set_rule(struct webhook_rule *r, const json_t *v)
{
	const char *scope = json_get_str(v, "scope");

	r->operations = operations_of(json_object_get(v, "operations"));
	r->groups = strings(json_object_get(v, "apiGroups"));
	r->versions = strings(json_object_get(v, "apiVersions"));
	r->resources = strings(json_object_get(v, "resources"));
	r->scope = str_eq(scope, "Cluster") ? SCOPE_CLUSTER : str_eq(scope, "Namespaced") ? SCOPE_NAMESPACED : SCOPE_ALL;
}

/* The first version that is spoken here; without any, v1, so that the answer decides. */
static const char *review_version(const json_t *versions)
{
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v) {
		if (str_eq(json_string_value(v), "v1"))
			return "v1";
		if (str_eq(json_string_value(v), "v1beta1"))
			return "v1beta1";
	}
	return "v1";
}

static struct kube_selector *selector(const json_t *v)
{
	return v ? kube_selector_from_json(v, NULL) : NULL;
}

static void set_hook(struct webhook *h, const char *configuration, const json_t *v)
{
	const json_t *rules = json_object_get(v, "rules");
	const char *name = json_get_str(v, "name"), *effects = json_get_str(v, "sideEffects");
	int64_t timeout_s = json_get_int(v, "timeoutSeconds", DEFAULT_TIMEOUT_S);
	_cleanup_err_ struct err err = { 0 };

	h->name = xstrdup(name ? name : "");
	h->configuration = xstrdup(configuration);
	h->review_version = review_version(json_object_get(v, "admissionReviewVersions"));
	h->rules_len = json_array_size(rules);
	h->rules = xcalloc(h->rules_len, sizeof(*h->rules));
	for (size_t i = 0; i < h->rules_len; i++)
		set_rule(&h->rules[i], json_array_get(rules, i));
	h->exact = str_eq(json_get_str(v, "matchPolicy"), "Exact");
	h->fail_open = str_eq(json_get_str(v, "failurePolicy"), "Ignore");
	h->reinvoke = str_eq(json_get_str(v, "reinvocationPolicy"), "IfNeeded");
	h->dry_run_safe = str_eq(effects, "None") || str_eq(effects, "NoneOnDryRun");
	h->timeout_ns = (timeout_s < 1 ? 1 : timeout_s > TIMEOUT_MAX_S ? TIMEOUT_MAX_S : timeout_s) * NS_PER_S;
	h->namespaces = selector(json_object_get(v, "namespaceSelector"));
	h->objects = selector(json_object_get(v, "objectSelector"));
	if (webhook_client_new(json_object_get(v, "clientConfig"), &h->client, &err) < 0)
		h->client_error = xstrdup(err_message(&err));
}

struct webhook_configuration *webhook_configuration_new(const json_t *obj)
{
	struct webhook_configuration *c = new0(struct webhook_configuration);
	const json_t *hooks = json_object_get(obj, "webhooks");

	atomic_init(&c->refs, 1);
	c->name = xstrdup(kube_name(obj));
	c->len = json_array_size(hooks) < HOOKS_MAX ? json_array_size(hooks) : HOOKS_MAX;
	c->hooks = xcalloc(c->len, sizeof(*c->hooks));
	for (size_t i = 0; i < c->len; i++)
		set_hook(&c->hooks[i], c->name, json_array_get(hooks, i));
	return c;
}

/* ---- life ---- */

static void hook_clear(struct webhook *h)
{
	for (size_t i = 0; i < h->rules_len; i++) {
		strv_free(h->rules[i].groups);
		strv_free(h->rules[i].versions);
		strv_free(h->rules[i].resources);
	}
	free(h->rules);
	free(h->name);
	free(h->configuration);
	kube_selector_free(h->namespaces);
	kube_selector_free(h->objects);
	webhook_client_unref(h->client);
	free(h->client_error);
}

struct webhook_configuration *webhook_configuration_ref(struct webhook_configuration *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct webhook_configuration *webhook_configuration_unref(struct webhook_configuration *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return NULL;
	for (size_t i = 0; i < c->len; i++)
		hook_clear(&c->hooks[i]);
	free(c->hooks);
	free(c->name);
	free(c);
	return NULL;
}
