#include "store_keys_internal.h"
#include "store_row.h"
#include "store_testing.h"

#define KEY_A "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define KEY_B "YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk="
#define HEAD "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
#define RULE(resource, providers) "- resources: [" resource "]\n  providers: [" providers "]\n"
#define AES(keys) "{aesgcm: {keys: [" keys "]}}"
#define KEY(name, secret) "{name: " name ", secret: \"" secret "\"}"

static struct store_keys *keys_of(const char *text)
{
	struct store_keys *keys = NULL;
	_cleanup_err_ struct err err = { 0 };

	if (store_keys_parse(text, strlen(text), "test.yaml", &keys, &err) < 0)
		fail_msg("%s", err_message(&err));
	return keys;
}

static void test_keys_configuration_is_checked(void **state _unused_)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "kind: Secret\n", "it must be an EncryptionConfiguration" },
		{ HEAD "- resources: []\n  providers: [{identity: {}}]\n", "resources[0].resources" },
		{ HEAD RULE("secrets", ""), "resources[0].providers: at least one" },
		{ HEAD RULE("secrets", "{aescbc: {keys: []}}"), "the provider \"aescbc\" is not supported" },
		{ HEAD RULE("secrets", "{kms: {name: x}}"), "the provider \"kms\" is not supported" },
		{ HEAD RULE("secrets", "{aesgcm: {keys: []}}"), "aesgcm.keys: 1 to" },
		{ HEAD RULE("secrets", "{aesgcm: {}, identity: {}}"), "exactly one provider" },
		{ HEAD RULE("secrets", AES(KEY("a", "dG9vIHNob3J0"))), "16, 24 or 32 random bytes" },
		{ HEAD RULE("secrets", AES(KEY("a", "!!!"))), "16, 24 or 32 random bytes" },
		{ HEAD RULE("secrets", AES("{secret: \"" KEY_A "\"}")), "a key needs a name" },
		{ HEAD RULE("secrets", AES(KEY("a", KEY_A) ", " KEY("a", KEY_B))), "two keys \"a\"" },
		{ "{", "test.yaml" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct store_keys *keys = NULL;
		assert_int_equal(store_keys_parse(cases[i].text, strlen(cases[i].text), "test.yaml", &keys, &err), -1);
		if (!strstr(err_message(&err), cases[i].message))
			fail_msg("%s: lacks \"%s\"", err_message(&err), cases[i].message);
		assert_null(strstr(err_message(&err), "MDEyMzQ1"));
	}
}

static void test_keys_resources_are_named_as_kubernetes_names_them(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("events", "{identity: {}}") RULE(
		"secrets, deployments.apps, \"*.example.org\"", AES(KEY("a", KEY_A))) RULE("\"*.\"", AES(KEY("core", KEY_B))));
	static const struct {
		const char *resource, *key;
	} cases[] = {
		{ "/secrets", "a" },          { "apps/deployments", "a" },
		{ "apps/replicasets", NULL }, { "example.org/things", "a" },
		{ "/configmaps", "core" },    { "/events", NULL }, /* the first rule that names it */
		{ "apps/secrets", NULL },     { "/deployments", "core" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *key = store_keys_writer(keys, cases[i].resource);
		assert_true(str_eq(key, cases[i].key));
	}
	_cleanup_(store_keys_freep) struct store_keys *all = keys_of(HEAD RULE("\"*.*\"", AES(KEY("x", KEY_A))));
	assert_string_equal(store_keys_writer(all, "a.b/c"), "x");
	assert_string_equal(store_keys_writer(all, "/c"), "x");
	assert_null(store_keys_writer(NULL, "/secrets"));
}

static void test_keys_made_at_first_start_are_valid_and_never_the_same(void **state _unused_)
{
	_cleanup_free_ char *one = store_keys_new_text(), *two = store_keys_new_text();
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(one);

	assert_string_not_equal(one, two);
	assert_non_null(store_keys_writer(keys, "/secrets"));
	assert_null(store_keys_writer(keys, "/configmaps"));
}

static const struct store_row ROW = {
	.id = 1,
	.version = 7,
	.resource = "/secrets",
	.ns = "default",
	.name = "db",
	.uid = "u",
	.labels = "app\0db\0",
	.fields = "type\0Opaque\0",
	.text = "{\"password\":\"hunter2\"}",
	.text_len = 22,
	.text_version_offset = 3,
};

static void test_keys_sealed_row_opens_to_what_it_was(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("secrets", AES(KEY("a", KEY_A))));
	_cleanup_buf_ struct buf one = { 0 }, two = { 0 }, out = { 0 };
	struct store_row sealed, again, plain;

	assert_int_equal(store_keys_seal(keys, &ROW, &one, &sealed, NULL), 0);
	assert_int_equal(store_keys_seal(keys, &ROW, &two, &again, NULL), 0);
	assert_string_equal(sealed.key, "a");
	assert_null(sealed.labels);
	assert_null(memmem(one.data, one.len, "hunter2", 7));
	assert_null(memmem(one.data, one.len, "Opaque", 6));
	assert_memory_not_equal(one.data, two.data, 16); /* another nonce each time */
	assert_false(store_keys_is_stale(keys, &sealed));
	assert_true(store_keys_is_stale(keys, &ROW));

	assert_int_equal(store_keys_open(keys, &sealed, &out, &plain, NULL), 0);
	assert_int_equal(plain.text_len, ROW.text_len);
	assert_memory_equal(plain.text, ROW.text, ROW.text_len);
	assert_string_equal(store_pairs_get(plain.labels, "app"), "db");
	assert_string_equal(store_pairs_get(plain.fields, "type"), "Opaque");
	assert_null(plain.key);
}

/* Each part of what a row stands for, and each byte of its ciphertext, is authenticated. */
static void test_keys_changed_row_does_not_open(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("secrets", AES(KEY("a", KEY_A))));
	_cleanup_buf_ struct buf one = { 0 };
	struct store_row sealed, plain;

	assert_int_equal(store_keys_seal(keys, &ROW, &one, &sealed, NULL), 0);
	struct store_row swapped[] = { sealed, sealed, sealed, sealed, sealed, sealed };
	swapped[0].name = "db2";
	swapped[1].ns = "defaul"; /* moving a letter over is noticed too */
	swapped[1].name = "tdb";
	swapped[2].resource = "/configmaps";
	swapped[3].version = 8;
	swapped[4].uid = "v";
	swapped[5].text_len -= 1;
	for (size_t i = 0; i < ARRAY_SIZE(swapped); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_buf_ struct buf out = { 0 };
		assert_int_equal(store_keys_open(keys, &swapped[i], &out, &plain, &err), -1);
		assert_non_null(strstr(err_message(&err), swapped[i].name));
	}
	for (size_t i = 0; i < one.len; i++) {
		_cleanup_buf_ struct buf out = { 0 };
		one.data[i] ^= 1;
		assert_int_equal(store_keys_open(keys, &sealed, &out, &plain, NULL), -1);
		one.data[i] ^= 1;
	}
}

static void test_keys_missing_and_wrong_keys_are_named(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *a = keys_of(HEAD RULE("secrets", AES(KEY("key-a", KEY_A)))),
												  *b = keys_of(HEAD RULE("secrets", AES(KEY("key-b", KEY_B)))),
												  *wrong = keys_of(HEAD RULE("secrets", AES(KEY("key-a", KEY_B)))),
												  *both = keys_of(HEAD RULE(
													  "secrets", AES(KEY("key-b", KEY_B) ", " KEY("key-a", KEY_A))));
	_cleanup_buf_ struct buf one = { 0 }, out = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct store_row sealed, plain;

	assert_int_equal(store_keys_seal(a, &ROW, &one, &sealed, NULL), 0);
	assert_int_equal(store_keys_open(b, &sealed, &out, &plain, &err), -1);
	assert_non_null(
		strstr(err_message(&err), "/secrets default/db is encrypted with the key \"key-a\", which is not in"));
	err_clear(&err);
	assert_int_equal(store_keys_open(NULL, &sealed, &out, &plain, NULL), -1);
	assert_int_equal(store_keys_open(wrong, &sealed, &out, &plain, &err), -1);
	assert_non_null(strstr(err_message(&err), "another key that was called \"key-a\""));
	err_clear(&err);
	assert_true(store_keys_is_stale(both, &sealed));
	assert_int_equal(store_keys_open(both, &sealed, &out, &plain, NULL), 0);
	/* Without identity, plain text is refused, as Kubernetes does. */
	assert_int_equal(store_keys_open(a, &ROW, &out, &plain, &err), -1);
	assert_non_null(strstr(err_message(&err), "stored in plain text"));
}

/* ---- within a store ---- */

static void configure(struct fixture *f, struct store_keys **keys, const char *text)
{
	f->store = store_close(f->store);
	store_keys_free(*keys);
	*keys = keys_of(text);
	f->config.keys = *keys;
}

static void wait_until_sealed(struct store *s)
{
	for (int i = 0; i < 1000 && store_stale(s) > 0; i++)
		clock_sleep_ns(5 * NS_PER_MS);
	assert_int_equal(store_stale(s), 0);
}

static bool on_disk(const struct fixture *f, const char *word)
{
	static const char *const names[] = { "store.db", "store.db-wal" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = fs_join(f->dir, names[i]), *data = NULL;
		size_t len;
		if (fs_read_file(path, (size_t)64 << 20, &data, &len, NULL) == 0)
			found = found || memmem(data, len, word, strlen(word));
	}
	return found;
}

#define THINGS "things.example.org"
#define CONFIG(keys) HEAD RULE(THINGS, AES(keys) ", {identity: {}}")

static void test_store_nothing_plain_touches_the_disk(void **state)
{
	struct fixture *f = *state;
	struct store_keys *keys = NULL;

	configure(f, &keys, CONFIG(KEY("a", KEY_A)));
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	put(f->store, 'c', "ns", "one", "topsecret", 0);
	put(f->store, 'u', "ns", "one", "topsecret2", 0);
	put(f->store, 'd', "ns", "one", "", 0);
	put(f->store, 'c', "ns", "two", "topsecret", 0);
	assert_false(on_disk(f, "topsecret")); /* in the log */
	reopen(f);
	assert_false(on_disk(f, "topsecret")); /* in the file */
	assert_text(f->store, "ns", "two", "{\"name\":\"two\",\"v\":\"4\",\"value\":\"topsecret\"}");
	f->store = store_close(f->store);
	store_keys_free(keys);
}

/* Plain → key a → keys b, a → key b alone; then what was once there in plain text is not on the disk either. */
static void test_store_keys_are_rotated(void **state)
{
	struct fixture *f = *state;
	struct store_keys *keys = NULL;
	_cleanup_err_ struct err err = { 0 };
	char name[16];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "n%03d", i);
		struct store_write w = write_of('c', "ns", name, "topsecret", 0);
		assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
	}
	assert_true(on_disk(f, "topsecret"));
	configure(f, &keys, CONFIG(KEY("a", KEY_A)));
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	put(f->store, 'u', "ns", "n300", "changed", 0); /* meanwhile */
	put(f->store, 'd', "ns", "n599", "", 0);
	wait_until_sealed(f->store);
	configure(f, &keys, CONFIG(KEY("b", KEY_B)));
	assert_false(on_disk(f, "topsecret"));
	assert_int_equal(store_open(&f->config, &f->store, &err), -1); /* still sealed with a */
	assert_non_null(strstr(err_message(&err), "the key \"a\", which is not in"));
	f->store = NULL;
	configure(f, &keys, CONFIG(KEY("b", KEY_B) ", " KEY("a", KEY_A)));
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	wait_until_sealed(f->store);
	configure(f, &keys, CONFIG(KEY("b", KEY_B)));
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	assert_int_equal(store_count(f->store, "example.org/things", "ns"), 599);
	assert_int_equal(store_stale(f->store), 0);
	assert_text(f->store, "ns", "n300", "{\"name\":\"n300\",\"v\":\"601\",\"value\":\"changed\"}");
	f->store = store_close(f->store);
	store_keys_free(keys);
}

/* A crash in the middle of sealing anew leaves each row readable, one way or the other, and the next start goes on. */
static void test_store_crash_while_sealing_anew(void **state)
{
#ifdef SCIA_FAULT_POINTS
	struct fixture *f = *state;
	struct store_keys *keys = NULL;
	static const char *const faults[] = { "store.reencrypt.before-commit=kill@2",
		                                  "store.reencrypt.after-commit=kill@2" };
	char name[16];
	int status;

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "n%03d", i);
		put(f->store, 'c', "ns", name, "topsecret", 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		configure(f, &keys, i ? CONFIG(KEY("b", KEY_B) ", " KEY("a", KEY_A)) : CONFIG(KEY("a", KEY_A)));
		pid_t pid = fork();
		if (pid == 0) {
			struct store *s;
			setenv("SCIA_FAULT", faults[i], 1);
			if (store_open(&f->config, &s, NULL) == 0)
				clock_sleep_ns(20 * NS_PER_S);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
		assert_int_equal(store_count(f->store, "example.org/things", "ns"), 600);
		assert_true(store_stale(f->store) > 0);
		wait_until_sealed(f->store);
	}
	f->store = store_close(f->store);
	store_keys_free(keys);
#else
	(void)state;
	skip();
#endif
}

static int replace_with(struct store_keys *keys, const char *text, bool resealing, struct err *err)
{
	struct store_keys *next = keys_of(text);
	int r = store_keys_replace(keys, next, resealing, err);

	if (r < 0)
		store_keys_free(next);
	return r;
}

/* While the server runs: what was sealed before stays readable until nothing is sealed so any more. */
static void test_keys_can_be_replaced(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("secrets", AES(KEY("a", KEY_A))));
	_cleanup_buf_ struct buf one = { 0 }, two = { 0 }, out = { 0 }, out2 = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct store_row old, fresh, plain;

	assert_int_equal(store_keys_seal(keys, &ROW, &one, &old, NULL), 0);
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("b", KEY_B))), false, &err), -1);
	assert_non_null(strstr(err_message(&err), "the key \"a\", which is not there any more"));
	err_clear(&err);
	/* the same name, another secret */
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("a", KEY_B))), false, &err), -1);
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("b", KEY_B) ", " KEY("a", KEY_A))), false, NULL),
	                 0);
	assert_string_equal(store_keys_writer(keys, "/secrets"), "b");
	assert_true(store_keys_is_stale(keys, &old));
	assert_int_equal(store_keys_open(keys, &old, &out, &plain, NULL), 0);
	assert_int_equal(store_keys_seal(keys, &ROW, &two, &fresh, NULL), 0);
	/* "a" may go once all is sealed with "b", not before */
	err_clear(&err);
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("b", KEY_B))), true, &err), -1);
	store_keys_settle(keys, store_keys_generation(keys));
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("b", KEY_B))), false, NULL), 0);
	assert_int_equal(store_keys_open(keys, &fresh, &out2, &plain, NULL), 0);
	store_keys_settle(keys, store_keys_generation(keys));
	err_clear(&err);
	assert_int_equal(store_keys_open(keys, &old, &out, &plain, &err), -1);
	assert_non_null(strstr(err_message(&err), "which is not in the encryption configuration"));
	assert_string_equal(old.key, "a"); /* names outlive their keys */
}

/* From plain text to a key without "identity", and back. */
static void test_keys_plain_rows_stay_readable_while_they_are_sealed(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("events", "{identity: {}}"));
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row plain;

	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("a", KEY_A))), false, NULL), 0);
	assert_true(store_keys_is_stale(keys, &ROW));
	assert_int_equal(store_keys_open(keys, &ROW, &out, &plain, NULL), 0);
	store_keys_settle(keys, store_keys_generation(keys));
	assert_int_equal(store_keys_open(keys, &ROW, &out, &plain, NULL), -1);
}

static int find_use(void *self, struct store_key_use *use, struct err *err _unused_)
{
	*(struct store_key_use **)self = use;
	return 0;
}

/* A key is good for 2^32 messages, over all processes that used it. */
static void test_keys_are_not_used_for_ever(void **state _unused_)
{
	_cleanup_(store_keys_freep) struct store_keys *keys = keys_of(HEAD RULE("secrets", AES(KEY("a", KEY_A))));
	_cleanup_buf_ struct buf one = { 0 }, two = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct store_key_use *use = NULL;
	struct store_row sealed;
	uint64_t uses;

	assert_int_equal(store_keys_seal(keys, &ROW, &one, &sealed, NULL), 0);
	assert_string_equal(store_keys_most_used(keys, &uses), "a");
	assert_int_equal(uses, 1);
	store_keys_each_use(keys, find_use, &use, NULL);
	store_keys_set_bound(keys, "a", use->print, STORE_KEY_USES_MAX - 1);
	assert_true(store_keys_most_used(keys, &uses) && uses >= STORE_KEY_USES_WORN);
	assert_int_equal(store_keys_seal(keys, &ROW, &two, &sealed, &err), -1);
	assert_non_null(strstr(err_message(&err), "the encryption key \"a\" was used"));
	/* another one before it, and all is well; the count stays with the key */
	assert_int_equal(replace_with(keys, HEAD RULE("secrets", AES(KEY("b", KEY_B) ", " KEY("a", KEY_A))), false, NULL),
	                 0);
	assert_int_equal(store_keys_seal(keys, &ROW, &two, &sealed, NULL), 0);
	assert_string_equal(store_keys_most_used(keys, &uses), "b");
	assert_int_equal(uses, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_configuration_is_checked),
		cmocka_unit_test(test_keys_can_be_replaced),
		cmocka_unit_test(test_keys_plain_rows_stay_readable_while_they_are_sealed),
		cmocka_unit_test(test_keys_are_not_used_for_ever),
		cmocka_unit_test(test_keys_resources_are_named_as_kubernetes_names_them),
		cmocka_unit_test(test_keys_made_at_first_start_are_valid_and_never_the_same),
		cmocka_unit_test(test_keys_sealed_row_opens_to_what_it_was),
		cmocka_unit_test(test_keys_changed_row_does_not_open),
		cmocka_unit_test(test_keys_missing_and_wrong_keys_are_named),
		TEST(test_store_nothing_plain_touches_the_disk),
		TEST(test_store_keys_are_rotated),
		TEST(test_store_crash_while_sealing_anew),
	};
	return cmocka_run_group_tests_name("store keys", tests, NULL, NULL);
}
