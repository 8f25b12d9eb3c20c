/* What programs with a service account find: the certificate of the CA in each namespace (ConfigMap kube-root-ca.crt),
 * and tokens in secrets of type kubernetes.io/service-account-token. */
#include "auth/account_tokens.h"
#include "base/str.h"
#include "codec/base64.h"
#include "controllers.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"

#define CA_MAP "kube-root-ca.crt"
#define CA_KEY "ca.crt"
#define SECRET_TYPE "kubernetes.io/service-account-token"
#define ACCOUNT_NAME "kubernetes.io/service-account.name"
#define ACCOUNT_UID "kubernetes.io/service-account.uid"
#define DESCRIPTION                                                                                                 \
	"Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the " \
	"internal "                                                                                                     \
	"service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."

static const struct internal_identity CA_PUBLISHER = { INTERNAL_ACCOUNT("root-ca-cert-publisher"), NULL };
/* In Kubernetes too it has no account of its own: it makes accounts' tokens. */
static const struct internal_identity TOKENS = { "system:kube-controller-manager", NULL };

enum watched { NAMESPACES, CONFIG_MAPS, SECRETS, ACCOUNTS, WATCHED_LEN };

struct account_controller {
	struct apiserver *server;
	struct api_type *types[WATCHED_LEN];
	struct store_watch *watches[WATCHED_LEN];
	struct loop *loop;
};

/* Keys of the loop: "NS" is about the certificate there, "NS/NAME" about a secret, "NS/" about all secrets there. */
static void add_secret(struct account_controller *c, const struct store_object *o)
{
	_cleanup_free_ char *key = xasprintf("%s/%s", o->ns, o->name);

	loop_add(c->loop, key);
}

static bool may_hold_token(const struct store_object *o)
{
	return strstr(o->text->data, SECRET_TYPE) != NULL;
}

/* ---- the certificate ---- */

static json_t *new_ca_map(const struct account_controller *c, const char *ns)
{
	json_t *obj = kube_object_new(&KUBE_CONFIGMAP, ns, CA_MAP);

	kube_set_annotation(obj, "kubernetes.io/description", DESCRIPTION);
	json_put(obj, "data", json_pack("{s:s}", CA_KEY, server_ca_pem(c->server)));
	return obj;
}

static int ensure_ca(struct account_controller *c, const char *ns, struct err *err)
{
	struct store *store = c->server->store;
	_cleanup_(store_object_unrefp) struct store_object *space = store_get(store, "/namespaces", "", ns);
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(store, "/configmaps", ns, CA_MAP);

	if (!c->server->publish_ca || !space || str_eq(store_object_field(space, "status.phase"), "Terminating"))
		return 0;
	_cleanup_json_ json_t *wanted = new_ca_map(c, ns);
	if (!current)
		return internal_create(c->server, &CA_PUBLISHER, c->types[CONFIG_MAPS], wanted, err) < 0 ? -1 : 0;
	_cleanup_json_ json_t *obj = object_stored_value(c->types[CONFIG_MAPS], current);
	if (json_same(json_object_get(obj, "data"), json_object_get(wanted, "data")))
		return 0;
	json_object_set(obj, "data", json_object_get(wanted, "data"));
	return internal_update(c->server, &CA_PUBLISHER, c->types[CONFIG_MAPS], current, obj, err);
}

/* ---- tokens in secrets ---- */

static void put_data(json_t *obj, const char *key, const char *text)
{
	json_t *data = json_ensure_object(obj, "data");
	_cleanup_free_ char *encoded = base64_encode(text, strlen(text));

	if (!str_eq(json_get_str(data, key), encoded))
		json_put_str(data, key, encoded);
}

static int fill(struct account_controller *c, json_t *obj, const struct store_object *account, struct err *err)
{
	kube_set_annotation(obj, ACCOUNT_UID, account->uid);
	put_data(obj, CA_KEY, server_ca_pem(c->server));
	put_data(obj, "namespace", account->ns);
	if (!str_empty(json_str_at(obj, "data", "token", NULL)))
		return 0;
	_cleanup_free_ char *token = account_tokens_issue_for_secret(c->server->account_tokens, account->ns, account->name,
	                                                             account->uid, kube_name(obj), err);
	if (!token)
		return -1;
	put_data(obj, "token", token);
	return 0;
}

/* A secret is filled for the account it names; one whose account is gone, or is another one of that name, goes too. */
static int reconcile_secret(struct account_controller *c, const char *ns, const char *name, struct err *err)
{
	struct store *store = c->server->store;
	_cleanup_(store_object_unrefp) struct store_object *secret = store_get(store, "/secrets", ns, name);
	_cleanup_json_ json_t *obj = secret ? object_stored_value(c->types[SECRETS], secret) : NULL;

	if (!obj || kube_is_deleting(obj) || !str_eq(json_get_str(obj, "type"), SECRET_TYPE))
		return 0;
	const char *account_name = kube_annotation(obj, ACCOUNT_NAME), *uid = kube_annotation(obj, ACCOUNT_UID);
	if (str_empty(account_name))
		return 0;
	_cleanup_(store_object_unrefp) struct store_object *account = store_get(store, "/serviceaccounts", ns,
	                                                                        account_name);
	if (!account || (!str_empty(uid) && strcmp(uid, account->uid) != 0))
		return internal_delete(c->server, &TOKENS, c->types[SECRETS], secret, err);
	if (fill(c, obj, account, err) < 0)
		return -1;
	return internal_update(c->server, &TOKENS, c->types[SECRETS], secret, obj, err);
}

static bool selects_token(const void *self _unused_, const struct store_object *o)
{
	return may_hold_token(o);
}

static int add_secrets(struct account_controller *c, const char *ns, struct err *err)
{
	const struct store_list_query query = { .resource = "/secrets", .ns = ns, .select = selects_token };
	struct store_list list;

	if (store_list(c->server->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		add_secret(c, list.items[i]);
	store_list_clear(&list);
	return 0;
}

static int reconcile(void *self, const char *key, int64_t *ret_after_ns _unused_, struct err *err)
{
	struct account_controller *c = self;
	const char *slash = strchr(key, '/');
	_cleanup_free_ char *ns = slash ? xstrndup(key, (size_t)(slash - key)) : xstrdup(key);
	_cleanup_err_ struct err failed = { 0 };

	int r;
	if (!slash)
		r = ensure_ca(c, ns, &failed);
	else
		r = slash[1] ? reconcile_secret(c, ns, slash + 1, &failed) : add_secrets(c, ns, &failed);
	/* Whoever was faster has queued it again. */
	if (r == 0 || failed.kind == ERR_CONFLICT || failed.kind == ERR_NOT_FOUND)
		return 0;
	err_move(err, &failed);
	return -1;
}

/* ---- what happens ---- */

static void on_namespace(void *self, const struct store_change *change)
{
	struct account_controller *c = self;

	if (change->type == STORE_ADDED)
		loop_add(c->loop, change->object->name);
}

static void on_config_map(void *self, const struct store_change *change)
{
	struct account_controller *c = self;

	if (change->type != STORE_ADDED && strcmp(change->object->name, CA_MAP) == 0)
		loop_add(c->loop, change->object->ns);
}

static void on_secret(void *self, const struct store_change *change)
{
	if (change->type != STORE_DELETED && may_hold_token(change->object))
		add_secret(self, change->object);
}

/* Tokens of an account that went, or that secrets waited for. */
static void on_account(void *self, const struct store_change *change)
{
	struct account_controller *c = self;

	if (change->type == STORE_MODIFIED)
		return;
	_cleanup_free_ char *key = xasprintf("%s/", change->object->ns);
	loop_add(c->loop, key);
}

void account_controller_ca_changed(struct account_controller *c)
{
	const struct store_list_query query = { .resource = "/namespaces", .ns = "" };
	struct store_list list;

	if (store_list(c->server->store, &query, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.len; i++)
		loop_add(c->loop, list.items[i]->name);
	store_list_clear(&list);
	(void)add_secrets(c, "", NULL);
}

static int start(struct account_controller *c, struct err *err)
{
	static void (*const on_change[])(void *self, const struct store_change *change) = {
		[NAMESPACES] = on_namespace, [CONFIG_MAPS] = on_config_map, [SECRETS] = on_secret, [ACCOUNTS] = on_account
	};
	struct store *store = c->server->store;
	uint64_t version = store_version(store);

	if (loop_start("api-accounts", reconcile, c, c->server->log, &c->loop, err) < 0)
		return -1;
	for (size_t i = 0; i < WATCHED_LEN; i++)
		if (store_watch(store, c->types[i]->resource, "", version, on_change[i], c, &c->watches[i], err) < 0)
			return -1;
	account_controller_ca_changed(c);
	return 0;
}

int account_controller_start(struct apiserver *s, struct account_controller **ret, struct err *err)
{
	static const char *const plurals[] = {
		[NAMESPACES] = "namespaces", [CONFIG_MAPS] = "configmaps", [SECRETS] = "secrets", [ACCOUNTS] = "serviceaccounts"
	};
	struct account_controller *c = *ret = new0(struct account_controller);

	c->server = s;
	for (size_t i = 0; i < WATCHED_LEN; i++)
		c->types[i] = registry_find(s->registry, "", "v1", plurals[i]);
	return start(c, err);
}

struct account_controller *account_controller_stop(struct account_controller *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < WATCHED_LEN; i++)
		store_unwatch(c->watches[i]);
	loop_stop(c->loop);
	for (size_t i = 0; i < WATCHED_LEN; i++)
		api_type_unref(c->types[i]);
	free(c);
	return NULL;
}
