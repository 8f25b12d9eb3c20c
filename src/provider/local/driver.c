/* What the managed reconciler says to the local provider. Nothing here waits for the world: the supervisor moves it. */

#include "app.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#define HOLD_NS (60 * NS_PER_S)

/* ---- the endpoint ---- */

/* On the proxies' thread: must not wait for our lock, which may be held while a proxy is changed. */
static void on_demand(void *self)
{
	struct app *a = self;
	struct local_provider *p = a->provider;
	if (pthread_mutex_trylock(&p->lock) != 0)
		return; /* asked again in 100 ms, as long as the request waits */
	app_demand(a, clock_mono_ns());
	pthread_mutex_unlock(&p->lock);
	supervisor_wake(p);
}

int app_open_proxy(struct app *a, struct err *err)
{
	struct proxy_config config = { .port = a->port, .on_demand = on_demand, .self = a, .hold_ns = HOLD_NS };
	if (a->proxy)
		return 0;
	if (proxy_open(a->provider->proxies, &config, &a->proxy, err) < 0) {
		if (a->port == 0 || err->kind != ERR_ALREADY_EXISTS)
			return err_wrap(err, "opening the endpoint of process %s", a->key);
		log_warn(a->provider->config.log, "process %s: port %d is taken by another program: its URL changes", a->key,
		         a->port);
		err_clear(err);
		config.port = 0;
		if (proxy_open(a->provider->proxies, &config, &a->proxy, err) < 0)
			return err_wrap(err, "opening the endpoint of process %s", a->key);
	}
	a->port = proxy_port(a->proxy);
	return 0;
}

/* The port of an endpoint that a Process had before: its status knows when our files do not. */
static int remembered_port(const json_t *managed)
{
	const char *url = json_str_at(managed, "status", "url", NULL),
			   *rest = str_after(url ? url : "", "http://127.0.0.1:");
	_cleanup_free_ char *digits = rest ? xstrndup(rest, strcspn(rest, "/")) : NULL;
	int64_t port;
	return digits && str_to_i64(digits, 1024, PORTS - 1, &port) ? (int)port : 0;
}

/* ---- the environment ---- */

static int read_secret_value(struct local_provider *p, const char *ns, const json_t *reference, char **ret,
                             struct err *err)
{
	const char *name = json_get_str(reference, "name"), *key = json_get_str(reference, "key");
	_cleanup_json_ json_t *secret = NULL;
	if (str_empty(name) || str_empty(key))
		return err_set(err, ERR_INVALID, "valueFrom.secretKeyRef of an environment variable needs name and key");
	if (kube_get(p->config.client, &KUBE_SECRET, ns, name, &secret, err) < 0)
		return err_wrap(err, "reading Secret %s/%s for an environment variable", ns, name);
	if (!json_str_at(secret, "data", key, NULL))
		return err_set(err, ERR_NOT_FOUND, "Secret %s/%s has no key \"%s\", which an environment variable wants", ns,
		               name, key);
	*ret = kube_secret_text(secret, key);
	if (!*ret)
		return err_set(err, ERR_INVALID, "key \"%s\" of Secret %s/%s cannot be an environment variable: it is binary",
		               key, ns, name);
	return 0;
}

/* The variables with their values, and those values that come from Secrets. */
struct environment {
	char **env, **secrets;
};

static void environment_clear(struct environment *e)
{
	strv_free(e->env);
	strv_free(e->secrets);
}

static int resolve_environment(struct local_provider *p, const json_t *managed, struct environment *ret,
                               struct err *err)
{
	size_t i;
	json_t *variable;
	json_array_foreach (json_at(managed, "spec", "forProvider", "env", NULL), i, variable) {
		const char *name = json_get_str(variable, "name"), *value = json_get_str(variable, "value");
		const json_t *reference = json_at(variable, "valueFrom", "secretKeyRef", NULL);
		_cleanup_free_ char *secret = NULL;
		if (str_empty(name) || strchr(name, '='))
			return err_set(err, ERR_INVALID, "an environment variable cannot be called \"%s\"", name ? name : "");
		if (reference && read_secret_value(p, kube_namespace(managed), reference, &secret, err) < 0)
			return -1;
		if (secret) {
			strv_push(&ret->secrets, secret);
			value = secret;
		}
		_cleanup_free_ char *assignment = xasprintf("%s=%s", name, value ? value : "");
		strv_push(&ret->env, assignment);
	}
	return 0;
}

/* ---- the driver ---- */

static struct app *find_app(struct local_provider *p, const json_t *managed)
{
	_cleanup_free_ char *key = kube_key_str(kube_namespace(managed), kube_name(managed));
	return map_get(p->apps, key);
}

static bool is_same_process(const struct app *a, const json_t *managed)
{
	return str_eq(kube_uid(a->about), kube_uid(managed));
}

static int driver_observe(void *self, struct kube_pass *pass, const json_t *managed, struct provider_observation *ret)
{
	struct local_provider *p = self;
	const char *reason;
	_cleanup_free_ char *message = NULL;
	*ret = (struct provider_observation){ 0 };
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a)
		return 0;
	ret->exists = true;
	ret->up_to_date = a->has_env && !a->is_orphaned && is_same_process(a, managed) &&
	                  json_same(a->spec, json_at(managed, "spec", "forProvider", NULL));
	ret->status = app_status(a, &ret->ready, &reason, &message);
	ret->reason = arena_strdup(pass->arena, reason);
	ret->message = arena_strdup(pass->arena, message);
	return 0;
}

static int driver_apply(void *self, struct kube_pass *pass, const json_t *managed)
{
	struct local_provider *p = self;
	_cleanup_(environment_clear) struct environment environment = { 0 };
	if (err_is_set(&p->isolation)) {
		err_copy(pass->err, &p->isolation);
		return -1;
	}
	if (resolve_environment(p, managed, &environment, pass->err) < 0)
		return -1;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (a && a->is_deleting)
		return err_set(pass->err, ERR_CONFLICT, "process %s: its predecessor of the same name is still being removed",
		               a->key);
	if (!a) {
		a = app_new(p, kube_namespace(managed), kube_name(managed));
		a->port = remembered_port(managed);
		map_set(p->apps, a->key, a);
	}
	app_set_spec(a, managed, environment.env, environment.secrets);
	a->is_orphaned = false;
	/* What is going to exist is on disk before it does. */
	if (app_open_proxy(a, pass->err) < 0 || app_save(a, pass->err) < 0)
		return -1;
	fault_point("local.after-save");
	a->due_ns = 0;
	supervisor_wake(p);
	return 0;
}

static int driver_delete(void *self, struct kube_pass *pass _unused_, const json_t *managed)
{
	struct local_provider *p = self;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a || !is_same_process(a, managed))
		return 0;
	a->is_deleting = true;
	a->due_ns = 0;
	supervisor_wake(p);
	return 1;
}

static void driver_forget(void *self, struct kube_pass *pass _unused_, const json_t *managed)
{
	struct local_provider *p = self;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a)
		return;
	a->is_orphaned = true;
	app_save_or_warn(a);
}

struct provider_driver local_provider_driver(struct local_provider *p)
{
	return (struct provider_driver){
		.type = &SCIA_PROCESS,
		.observe = driver_observe,
		.create = driver_apply,
		.update = driver_apply,
		.del = driver_delete,
		.forget = driver_forget,
		.self = p,
	};
}
