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

struct store_keys *store_keys_free(struct store_keys *keys)
{
	if (!keys)
		return NULL;
	for (size_t i = 0; i < keys->len; i++)
		rule_clear(&keys->rules[i]);
	free(keys->rules);
	free(keys);
	return NULL;
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

static int parse_config(const json_t *v, struct store_keys *keys, struct err *err)
{
	const json_t *rules = json_at(v, "resources", NULL);

	if (!str_eq(json_get_str(v, "kind"), "EncryptionConfiguration") ||
	    !str_eq(json_get_str(v, "apiVersion"), "apiserver.config.k8s.io/v1"))
		return err_set(err, ERR_INVALID, "it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1");
	if (json_array_size(rules) == 0 || json_array_size(rules) > RULES_MAX)
		return err_set(err, ERR_INVALID, "resources: 1 to %d entries are needed", RULES_MAX);
	keys->rules = xcalloc(json_array_size(rules), sizeof(keys->rules[0]));
	for (size_t i = 0; i < json_array_size(rules); i++) {
		keys->len++;
		if (parse_rule(json_array_get(rules, i), i, &keys->rules[i], err) < 0)
			return -1;
	}
	return 0;
}

int store_keys_parse(const char *text, size_t len, const char *name, struct store_keys **ret, struct err *err)
{
	_cleanup_json_ json_t *v = yaml_parse(text, len, name, err);
	_cleanup_(store_keys_freep) struct store_keys *keys = new0(struct store_keys);

	if (!v)
		return -1;
	if (parse_config(v, keys, err) < 0)
		return err_wrap(err, "%s", name);
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

const struct store_key_rule *store_keys_rule(const struct store_keys *keys, const char *resource)
{
	const char *slash = strchr(resource, '/');
	size_t group_len = slash ? (size_t)(slash - resource) : 0;

	for (size_t i = 0; keys && i < keys->len; i++)
		for (char **p = keys->rules[i].resources; *p; p++)
			if (names_resource(*p, resource, group_len, slash ? slash + 1 : resource))
				return &keys->rules[i];
	return NULL;
}
