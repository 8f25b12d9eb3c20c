/* EncryptionConfiguration: reading it, and finding the rule of a resource. */
#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/sha256.h"
#include "codec/yaml.h"
#include "store_keys_internal.h"

#include <gnutls/crypto.h>

#define FILE_MAX ((size_t)1024 * 1024)
#define KEYS_MAX 64
#define RULES_MAX 64

static void rule_clear(struct store_key_rule *rule)
{
	for (size_t i = 0; i < rule->len; i++) {
		free(rule->keys[i].name);
		explicit_bzero(rule->keys[i].secret, sizeof(rule->keys[i].secret));
	}
	free(rule->keys);
	strv_free(rule->resources);
}

static void rules_free(struct store_key_rules *rules)
{
	while (rules) {
		struct store_key_rules *older = rules->older;
		for (size_t i = 0; i < rules->len; i++)
			rule_clear(&rules->list[i]);
		free(rules->list);
		free(rules);
		rules = older;
	}
}

static struct store_keys *keys_new(void)
{
	struct store_keys *keys = new0(struct store_keys);

	pthread_rwlock_init(&keys->lock, NULL);
	keys->current = new0(struct store_key_rules);
	return keys;
}

struct store_keys *store_keys_free(struct store_keys *keys)
{
	if (!keys)
		return NULL;
	rules_free(keys->current);
	while (keys->uses) {
		struct store_key_use *use = keys->uses;
		keys->uses = use->next;
		free(use->name);
		free(use);
	}
	pthread_rwlock_destroy(&keys->lock);
	free(keys);
	return NULL;
}

static pthread_rwlock_t *lock_of(const struct store_keys *keys)
{
	return (pthread_rwlock_t *)(uintptr_t)&keys->lock;
}

void store_keys_lock(const struct store_keys *keys)
{
	if (keys)
		pthread_rwlock_rdlock(lock_of(keys));
}

void store_keys_unlock(const struct store_keys *keys)
{
	if (keys)
		pthread_rwlock_unlock(lock_of(keys));
}

/* ---- reading ---- */

static int parse_key(const json_t *v, const char *where, struct store_key *ret, struct err *err)
{
	const char *name = json_get_str(v, "name"), *secret = json_get_str(v, "secret");
	uint8_t digest[32];
	size_t len = 0;

	if (str_empty(name) || strlen(name) > 63)
		return err_set(err, ERR_INVALID, "%s.name: a key needs a name of at most 63 characters", where);
	_cleanup_free_ char *bytes = secret ? base64_decode(secret, strlen(secret), &len) : NULL;
	bool fits = bytes && (len == 16 || len == 24 || len == 32);
	if (fits) {
		sha256(bytes, len, digest);
		memcpy(ret->secret, bytes, len);
		memcpy(ret->print, digest, sizeof(ret->print));
		ret->secret_len = len;
		ret->name = xstrdup(name);
	}
	if (bytes)
		explicit_bzero(bytes, len);
	return fits ? 0
	            : err_set(err, ERR_INVALID,
	                      "%s.secret: the key \"%s\" must be 16, 24 or 32 random bytes in base64 "
	                      "(head -c 32 /dev/urandom | base64)",
	                      where, name);
}

static int parse_aesgcm(const json_t *v, const char *where, struct store_key_rule *rule, struct err *err)
{
	const json_t *keys = json_at(v, "keys", NULL), *key;
	size_t i;

	if (json_array_size(keys) == 0 || json_array_size(keys) + rule->len > KEYS_MAX)
		return err_set(err, ERR_INVALID, "%s.keys: 1 to %d keys are needed", where, KEYS_MAX);
	rule->keys = xreallocarray(rule->keys, rule->len + json_array_size(keys), sizeof(rule->keys[0]));
	json_array_foreach (keys, i, key) {
		_cleanup_free_ char *at = xasprintf("%s.keys[%zu]", where, i);
		rule->keys[rule->len] = (struct store_key){ 0 };
		if (parse_key(key, at, &rule->keys[rule->len], err) < 0)
			return -1;
		for (size_t k = 0; k < rule->len; k++)
			if (strcmp(rule->keys[k].name, rule->keys[rule->len].name) == 0) {
				free(rule->keys[rule->len].name);
				return err_set(err, ERR_INVALID, "%s.name: there are two keys \"%s\"", at, rule->keys[k].name);
			}
		rule->len++;
	}
	return 0;
}

static int parse_provider(json_t *v, const char *where, struct store_key_rule *rule, struct err *err)
{
	const char *kind = json_object_iter_key(json_object_iter(v));

	if (json_object_size(v) != 1)
		return err_set(err, ERR_INVALID, "%s: exactly one provider is wanted: aesgcm or identity", where);
	if (strcmp(kind, "identity") == 0) {
		rule->plain = true;
		rule->plain_first = rule->plain_first || rule->len == 0;
		return 0;
	}
	if (strcmp(kind, "aesgcm") != 0)
		return err_set(err, ERR_INVALID, "%s: the provider \"%s\" is not supported: use aesgcm or identity", where,
		               kind);
	_cleanup_free_ char *at = xasprintf("%s.aesgcm", where);
	return parse_aesgcm(json_at(v, "aesgcm", NULL), at, rule, err);
}

static int parse_rule(const json_t *v, size_t number, struct store_key_rule *rule, struct err *err)
{
	const json_t *resources = json_at(v, "resources", NULL), *providers = json_at(v, "providers", NULL);
	json_t *item;
	size_t i;

	if (json_array_size(resources) == 0 || json_array_size(resources) > 1000)
		return err_set(err, ERR_INVALID, "resources[%zu].resources: name what is to be encrypted, such as secrets",
		               number);
	if (json_array_size(providers) == 0)
		return err_set(err, ERR_INVALID, "resources[%zu].providers: at least one provider is needed", number);
	json_array_foreach (resources, i, item) {
		if (!json_is_string(item) || !*json_string_value(item))
			return err_set(err, ERR_INVALID, "resources[%zu].resources[%zu]: a resource's name is wanted", number, i);
		strv_push(&rule->resources, json_string_value(item));
	}
	json_array_foreach (providers, i, item) {
		_cleanup_free_ char *where = xasprintf("resources[%zu].providers[%zu]", number, i);
		if (parse_provider(item, where, rule, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_config(const json_t *v, struct store_key_rules *ret, struct err *err)
{
	const json_t *rules = json_at(v, "resources", NULL);

	if (!str_eq(json_get_str(v, "kind"), "EncryptionConfiguration") ||
	    !str_eq(json_get_str(v, "apiVersion"), "apiserver.config.k8s.io/v1"))
		return err_set(err, ERR_INVALID, "it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1");
	if (json_array_size(rules) == 0 || json_array_size(rules) > RULES_MAX)
		return err_set(err, ERR_INVALID, "resources: 1 to %d entries are needed", RULES_MAX);
	ret->list = xcalloc(json_array_size(rules), sizeof(ret->list[0]));
	for (size_t i = 0; i < json_array_size(rules); i++) {
		ret->len++;
		if (parse_rule(json_array_get(rules, i), i, &ret->list[i], err) < 0)
			return -1;
	}
	return 0;
}

static struct store_key_use *use_of(struct store_keys *keys, const char *name, const unsigned char *print)
{
	struct store_key_use *use = keys->uses;

	while (use && (strcmp(use->name, name) != 0 || memcmp(use->print, print, STORE_KEY_PRINT) != 0))
		use = use->next;
	if (use)
		return use;
	use = new0(struct store_key_use);
	use->name = xstrdup(name);
	memcpy(use->print, print, STORE_KEY_PRINT);
	use->next = keys->uses;
	keys->uses = use;
	return use;
}

static void bind_uses(struct store_keys *keys, struct store_key_rules *rules)
{
	for (size_t i = 0; i < rules->len; i++)
		for (size_t k = 0; k < rules->list[i].len; k++)
			rules->list[i].keys[k].use = use_of(keys, rules->list[i].keys[k].name, rules->list[i].keys[k].print);
}

int store_keys_parse(const char *text, size_t len, const char *name, struct store_keys **ret, struct err *err)
{
	_cleanup_json_ json_t *v = yaml_parse(text, len, name, err);
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_new();

	if (!v)
		return -1;
	if (parse_config(v, keys->current, err) < 0)
		return err_wrap(err, "%s", name);
	bind_uses(keys, keys->current);
	*ret = TAKE_PTR(keys);
	return 0;
}

int store_keys_load(const char *path, struct store_keys **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read_file(path, FILE_MAX, &text, &len, err) < 0)
		return err_wrap(err, "reading the encryption configuration");
	int r = store_keys_parse(text, len, path, ret, err);
	explicit_bzero(text, len);
	return r;
}

char *store_keys_new_text(void)
{
	unsigned char secret[32], id[4];

	/* Only fails when the system has no randomness, and then nothing may go on. */
	if (gnutls_rnd(GNUTLS_RND_KEY, secret, sizeof(secret)) < 0 || gnutls_rnd(GNUTLS_RND_NONCE, id, sizeof(id)) < 0)
		abort();
	_cleanup_free_ char *text = base64_encode(secret, sizeof(secret));
	char *config = xasprintf("# Made at the first start. Who has this key can read every Secret in the store and its\n"
	                         "# backups; without it they are lost. docs/operating.md says how to change keys.\n"
	                         "apiVersion: apiserver.config.k8s.io/v1\n"
	                         "kind: EncryptionConfiguration\n"
	                         "resources:\n"
	                         "- resources:\n"
	                         "  - secrets\n"
	                         "  providers:\n"
	                         "  - aesgcm:\n"
	                         "      keys:\n"
	                         "      - name: key-%02x%02x%02x%02x\n"
	                         "        secret: %s\n"
	                         "  - identity: {}\n",
	                         id[0], id[1], id[2], id[3], text);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, strlen(text));
	return config;
}

/* ---- finding ---- */

/* "secrets", "deployments.apps", "*.apps" (a group), "*." (the core group), "*.*" (all). */
static bool names_resource(const char *pattern, const char *group, size_t group_len, const char *plural)
{
	const char *dot = strchr(pattern, '.');
	size_t plural_len = dot ? (size_t)(dot - pattern) : strlen(pattern);
	const char *pattern_group = dot ? dot + 1 : "";

	if (strcmp(pattern, "*.*") == 0)
		return true;
	if (strlen(pattern_group) != group_len || memcmp(pattern_group, group, group_len) != 0)
		return false;
	return (dot && plural_len == 1 && pattern[0] == '*') ||
	       (strlen(plural) == plural_len && memcmp(plural, pattern, plural_len) == 0);
}

const struct store_key_rule *store_keys_rule(const struct store_key_rules *rules, const char *resource)
{
	const char *slash = strchr(resource, '/');
	size_t group_len = slash ? (size_t)(slash - resource) : 0;

	for (size_t i = 0; rules && i < rules->len; i++)
		for (char **p = rules->list[i].resources; *p; p++)
			if (names_resource(*p, resource, group_len, slash ? slash + 1 : resource))
				return &rules->list[i];
	return NULL;
}

/* ---- replacing ---- */

static const struct store_key *writer_of(const struct store_key_rule *rule)
{
	return !rule->plain_first && rule->len > 0 ? &rule->keys[0] : NULL;
}

static bool has_key(const struct store_key_rules *rules, const struct store_key *key)
{
	for (size_t i = 0; i < rules->len; i++)
		for (size_t k = 0; k < rules->list[i].len; k++)
			if (strcmp(rules->list[i].keys[k].name, key->name) == 0 &&
			    memcmp(rules->list[i].keys[k].print, key->print, STORE_KEY_PRINT) == 0)
				return true;
	return false;
}

/* Nothing may become unreadable, now or at the next start. */
static int check_keys_in_use(const struct store_key_rules *present, const struct store_key_rules *next, bool all,
                             struct err *err)
{
	for (size_t i = 0; i < present->len; i++)
		for (size_t k = 0; k < present->list[i].len; k++) {
			const struct store_key *key = &present->list[i].keys[k];
			if ((all || key == writer_of(&present->list[i])) && !has_key(next, key))
				return err_set(err, ERR_INVALID,
				               "objects may still be encrypted with the key \"%s\", which is not there any more: put "
				               "new keys before it, and remove it when all objects are encrypted with another one",
				               key->name);
		}
	return 0;
}

int store_keys_replace(struct store_keys *keys, struct store_keys *next, bool resealing, struct err *err)
{
	int r = -1;

	pthread_rwlock_wrlock(&keys->lock);
	if (check_keys_in_use(keys->current, next->current, resealing, err) == 0) {
		struct store_key_rules *rules = TAKE_PTR(next->current);
		bind_uses(keys, rules);
		rules->generation = keys->current->generation + 1;
		rules->older = keys->current;
		keys->current = rules;
		r = 0;
	}
	pthread_rwlock_unlock(&keys->lock);
	if (r == 0)
		store_keys_free(next);
	return r;
}

unsigned store_keys_generation(const struct store_keys *keys)
{
	if (!keys)
		return 0;
	store_keys_lock(keys);
	unsigned generation = keys->current->generation;
	store_keys_unlock(keys);
	return generation;
}

void store_keys_settle(const struct store_keys *keys, unsigned generation)
{
	if (!keys)
		return;
	pthread_rwlock_wrlock(lock_of(keys));
	for (struct store_key_rules *rules = keys->current->older; rules; rules = rules->older) {
		if (rules->generation >= generation)
			continue;
		rules->wiped = true;
		for (size_t i = 0; i < rules->len; i++)
			for (size_t k = 0; k < rules->list[i].len; k++)
				explicit_bzero(rules->list[i].keys[k].secret, sizeof(rules->list[i].keys[k].secret));
	}
	pthread_rwlock_unlock(lock_of(keys));
}

/* ---- counting ---- */

const char *store_keys_most_used(const struct store_keys *keys, uint64_t *ret_uses)
{
	const char *name = NULL;

	*ret_uses = 0;
	if (!keys)
		return NULL;
	store_keys_lock(keys);
	for (size_t i = 0; i < keys->current->len; i++) {
		const struct store_key *key = writer_of(&keys->current->list[i]);
		uint64_t uses = key ? atomic_load(&key->use->sealed) : 0;
		if (key && uses >= *ret_uses) {
			*ret_uses = uses;
			name = key->name;
		}
	}
	store_keys_unlock(keys);
	return name;
}

void store_keys_set_bound(const struct store_keys *keys, const char *name, const unsigned char *print, uint64_t bound)
{
	pthread_rwlock_wrlock(lock_of(keys));
	struct store_key_use *use = use_of((struct store_keys *)(uintptr_t)keys, name, print);
	atomic_store(&use->sealed, bound - 1);
	use->saved = bound;
	pthread_rwlock_unlock(lock_of(keys));
}

int store_keys_each_use(const struct store_keys *keys,
                        int (*each)(void *self, struct store_key_use *use, struct err *err), void *self,
                        struct err *err)
{
	int r = 0;

	if (!keys)
		return 0;
	store_keys_lock(keys);
	for (struct store_key_use *use = keys->uses; use && r == 0; use = use->next)
		r = each(self, use, err);
	store_keys_unlock(keys);
	return r;
}
