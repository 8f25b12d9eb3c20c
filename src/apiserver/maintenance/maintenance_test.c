#include "maintenance.h"
#include "maintenance/encryption.h"
#include "store/store_keys.h"
#include "store/store_row.h"
#include "store/store_testing.h"

#include <sys/stat.h>

/* A data folder with a store of 50 things, one of them encrypted, and keys. */
struct folder {
	char *dir, *data, *backup;
	struct maintenance m;
	struct buf said, damages;
	int damaged;
};

static void say(void *self, const char *text)
{
	struct folder *f = self;

	buf_printf(&f->said, "%s\n", text);
}

static void say_damage(void *self, const char *text)
{
	struct folder *f = self;

	buf_printf(&f->damages, "%s\n", text);
	f->damaged++;
}

static struct store_write thing(int op, const char *resource, const char *name, const char *value)
{
	struct store_write w = { .resource = resource, .ns = "ns", .name = name };
	char head[160];

	w.op = op == 'c' ? STORE_CREATE : STORE_UPDATE;
	snprintf(head, sizeof(head), "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"resourceVersion\":\"", name);
	_cleanup_free_ char *text = xasprintf("%s\"},\"value\":\"%s\"}", head, value);
	w.text = bytes_new(text, strlen(text));
	w.text_version_offset = strlen(head);
	w.uid = xstrdup("u1");
	return w;
}

static void with_store(const struct folder *f, const char *data, void (*use)(struct store *s))
{
	_cleanup_free_ char *path = fs_join(data, "store.db"), *keys_path = fs_join(data, "pki/encryption.yaml");
	_cleanup_(store_keys_freep) struct store_keys *keys = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct store *s;

	(void)f;
	assert_int_equal(store_keys_load(keys_path, &keys, NULL), 0);
	if (store_open(&(struct store_config){ .path = path, .keys = keys }, &s, &err) < 0)
		fail_msg("%s", err_message(&err));
	use(s);
	store_close(s);
}

static void fill(struct store *s)
{
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		struct store_write w = thing('c', i == 7 ? "/secrets" : "example.org/things", name, i == 7 ? "topsecret" : "x");
		assert_int_equal(store_commit(s, &w, NULL, NULL), 0);
	}
}

static int make_folder(void **state)
{
	struct folder *f = new0(struct folder);
	const char *tmp = getenv("TMPDIR");

	f->dir = xasprintf("%s/maintenance-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->data = fs_join(f->dir, "data");
	f->backup = fs_join(f->dir, "backup");
	f->said = BUF_INIT(1 << 20);
	f->damages = BUF_INIT(1 << 20);
	f->m = (struct maintenance){ .data_dir = f->data, .say = say, .damage = say_damage, .self = f };
	_cleanup_free_ char *pki = fs_join(f->data, "pki"), *keys = fs_join(pki, "encryption.yaml");
	_cleanup_free_ char *ca = fs_join(pki, "ca.crt"), *kubeconfig = fs_join(f->data, "kubeconfig");
	_cleanup_free_ char *text = store_keys_new_text();
	assert_int_equal(fs_mkdir_p(pki, 0700, NULL), 0);
	assert_int_equal(fs_write_atomic(keys, text, strlen(text), 0600, NULL), 0);
	assert_int_equal(fs_write_atomic(ca, "a certificate", 13, 0644, NULL), 0);
	assert_int_equal(fs_write_atomic(kubeconfig, "config", 6, 0600, NULL), 0);
	with_store(f, f->data, fill);
	*state = f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;

	fs_remove_tree(f->dir, NULL);
	buf_clear(&f->said);
	buf_clear(&f->damages);
	free(f->dir);
	free(f->data);
	free(f->backup);
	free(f);
	return 0;
}

static void back_up(struct folder *f, bool objects_only)
{
	struct maintenance_backup *b;
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(maintenance_backup_begin(&f->m, f->backup, &b, NULL), 0);
	assert_int_equal(maintenance_backup_folder(b, NULL), 0);
	if (maintenance_backup_finish(b, objects_only, &err) < 0)
		fail_msg("%s", err_message(&err));
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void assert_all_there(struct store *s)
{
	assert_int_equal(store_count(s, "example.org/things", "ns"), 49);
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(s, "/secrets", "ns", "n07");
	assert_non_null(o);
	assert_string_equal(o->text->data,
	                    "{\"metadata\":{\"name\":\"n07\",\"namespace\":\"ns\",\"resourceVersion\":\"8\"},"
	                    "\"value\":\"topsecret\"}");
	/* Far behind what was given out, and so is the next. */
	assert_true(store_version(s) >= 1000000050);
	struct store_write w = thing('u', "example.org/things", "n01", "new");
	struct store_object *changed;
	assert_int_equal(store_commit(s, &w, &changed, NULL), 0);
	assert_true(changed->version > 1000000050);
	store_object_unref(changed);
	/* A watch that resumes where it was before is told so. */
	_cleanup_err_ struct err err = { 0 };
	struct store_watch *watch;
	assert_int_equal(store_watch(s, "example.org/things", "", 60, NULL, NULL, &watch, &err), -1);
	assert_int_equal(err.kind, ERR_EXPIRED);
}

static void test_backup_is_restored_into_a_new_folder(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *other = fs_join(f->dir, "other"), *ca = fs_join(other, "pki/ca.crt"), *text = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct stat st;

	back_up(f, false);
	assert_int_equal(stat(f->backup, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(maintenance_check(&f->m, f->backup, NULL), 0);
	assert_contains(buf_str(&f->said), "50 objects, resource version 50");
	assert_contains(buf_str(&f->said), "1 encrypted with the key \"key-");

	struct maintenance m = f->m;
	m.data_dir = other;
	if (maintenance_restore(&m, f->backup, false, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_int_equal(fs_read_file(ca, 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "a certificate");
	assert_int_equal(maintenance_check(&m, NULL, NULL), 0);
	with_store(f, other, assert_all_there);
	/* A second time, the folder is not empty. */
	assert_int_equal(maintenance_restore(&m, f->backup, false, &err), -1);
	assert_int_equal(err.kind, ERR_ALREADY_EXISTS);
	assert_contains(err_message(&err), "--replace");
}

static uint64_t seen_version;

static void note_version(struct store *s)
{
	seen_version = store_version(s);
}

static void test_restore_replaces_and_keeps_what_was_there(void **state)
{
	struct folder *f = *state;
	_cleanup_err_ struct err err = { 0 };

	back_up(f, false);
	for (int round = 0; round < 2; round++) {
		uint64_t before = round ? seen_version : 50;
		if (maintenance_restore(&f->m, f->backup, true, &err) < 0)
			fail_msg("%s", err_message(&err));
		assert_contains(buf_str(&f->said), "before-restore-");
		with_store(f, f->data, note_version);
		assert_true(seen_version > before); /* never back, also when the same backup is restored twice */
		with_store(f, f->data, assert_all_there);
	}
}

static void test_backup_without_keys_needs_them_given(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *other = fs_join(f->dir, "other"), *keys = fs_join(f->data, "pki/encryption.yaml");
	_cleanup_err_ struct err err = { 0 };
	struct maintenance m = f->m;

	back_up(f, true);
	m.data_dir = other;
	assert_int_equal(maintenance_restore(&m, f->backup, false, &err), -1);
	assert_contains(err_message(&err), "/secrets ns/n07 is encrypted with the key \"key-");
	err_clear(&err);
	m.encryption_config = keys;
	if (maintenance_restore(&m, f->backup, false, &err) < 0)
		fail_msg("%s", err_message(&err));
}

/* Whatever byte of a backup is changed, and wherever it ends, it is noticed, and nothing is restored. */
static void test_damaged_backup_is_never_restored(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *other = fs_join(f->dir, "other"), *bad = fs_join(f->dir, "bad"), *data = NULL;
	struct maintenance m = f->m;
	size_t len;

	back_up(f, false);
	assert_int_equal(fs_read_file(f->backup, (size_t)1 << 24, &data, &len, NULL), 0);
	m.data_dir = other;
	for (size_t i = 0; i < len; i += 211) {
		_cleanup_err_ struct err err = { 0 };
		data[i] ^= 0x10;
		assert_int_equal(fs_replace(bad, data, len, 0600, NULL), 0);
		data[i] ^= 0x10;
		assert_int_equal(maintenance_restore(&m, bad, false, &err), -1);
		assert_false(fs_exists(other));
		int64_t damages = maintenance_check(&m, bad, &err);
		assert_true(damages != 0 || i >= len); /* negative: not even a backup */
	}
	for (size_t n = 0; n < len; n += len / 23) {
		assert_int_equal(fs_replace(bad, data, n, 0600, NULL), 0);
		assert_int_equal(maintenance_restore(&m, bad, false, NULL), -1);
		assert_false(fs_exists(other));
	}
}

static void run_sql(const char *dir, const char *statement)
{
	_cleanup_free_ char *path = fs_join(dir, "store.db");
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sql);
}

/* All damages are told, not only the first. */
static void test_check_names_every_damage(void **state)
{
	struct folder *f = *state;
	static const struct {
		const char *statement, *told;
	} cases[] = {
		{ "UPDATE objects SET text=replace(CAST(text AS TEXT),'x','y') WHERE name='n01'",
		  "row 2 (example.org/things ns/n01): its checksum does not match" },
		{ "UPDATE objects SET ns='other' WHERE name='n02'", "row 3 (example.org/things other/n02): its checksum" },
		{ "UPDATE objects SET text=zeroblob(100) WHERE name='n07'", "row 8 (/secrets ns/n07): its checksum" },
		{ "UPDATE meta SET value=3", "the newest resource version is damaged" },
	};

	assert_int_equal(maintenance_check(&f->m, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_sql(f->data, cases[i].statement);
	assert_int_equal(maintenance_check(&f->m, NULL, NULL), (int)ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_contains(buf_str(&f->damages), cases[i].told);
}

/* A page that is overwritten takes some objects with it; those behind it are still looked at. */
static void test_check_goes_on_behind_a_damaged_page(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *path = fs_join(f->data, "store.db");
	char garbage[4096];

	memset(garbage, 0xa5, sizeof(garbage));
	run_sql(f->data, "UPDATE objects SET text=replace(CAST(text AS TEXT),'x','y') WHERE name='n49'");
	FILE *file = fopen(path, "r+b");
	/* A leaf of the table: before it are the schema, the root of the table and the other table. */
	assert_int_equal(fseek(file, 3 * 4096, SEEK_SET), 0);
	assert_int_equal(fwrite(garbage, sizeof(garbage), 1, file), 1);
	fclose(file);
	assert_true(maintenance_check(&f->m, NULL, NULL) >= 3);
	assert_contains(buf_str(&f->damages), " cannot be read");
	assert_contains(buf_str(&f->damages), "ns/n49): its checksum does not match");
}

static void check_meanwhile(struct store *s)
{
	(void)s;
}

static void test_check_changes_nothing(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *path = fs_join(f->data, "store.db"), *before = NULL, *after = NULL;
	size_t before_len, after_len;

	with_store(f, f->data, check_meanwhile);
	assert_int_equal(fs_read_file(path, (size_t)1 << 24, &before, &before_len, NULL), 0);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(maintenance_check(&f->m, NULL, NULL), 0);
	assert_int_equal(fs_read_file(path, (size_t)1 << 24, &after, &after_len, NULL), 0);
	assert_int_equal(before_len, after_len);
	assert_memory_equal(before, after, before_len);
}

static void test_reencrypt_follows_the_configuration(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *path = fs_join(f->dir, "plain.yaml");
	static const char plain[] =
		"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
		"- resources: [\"*.*\"]\n  providers: [{identity: {}}, {aesgcm: {keys: [{name: x, secret: "
		"MDEyMzQ1Njc4OWFiY2RlZg==}]}}]\n";
	_cleanup_err_ struct err err = { 0 };
	int64_t count = -1;

	assert_int_equal(maintenance_reencrypt(&f->m, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(fs_write_atomic(path, plain, strlen(plain), 0600, NULL), 0);
	f->m.encryption_config = path;
	assert_int_equal(maintenance_reencrypt(&f->m, &count, &err), -1); /* the key is not among these */
	assert_contains(err_message(&err), "is not in the encryption configuration");
	f->m.encryption_config = NULL;
	/* Everything, with a new key first. */
	_cleanup_free_ char *own = fs_join(f->data, "pki/encryption.yaml"), *text = NULL;
	assert_int_equal(fs_read_file(own, 10000, &text, NULL, NULL), 0);
	_cleanup_strv_ char **halves = str_split(text, "\001");
	char *at = strstr(halves[0], "- resources:\n  - secrets");
	assert_non_null(at);
	at[0] = '\0';
	_cleanup_free_ char *all = xasprintf(
		"%s- resources:\n  - '*.*'\n  providers:\n  - aesgcm:\n      keys:\n      - name: new\n"
		"        secret: MDEyMzQ1Njc4OWFiY2RlZg==\n%s",
		halves[0], strstr(text, "      - name:"));
	assert_int_equal(fs_write_atomic(own, all, strlen(all), 0600, NULL), 0);
	if (maintenance_reencrypt(&f->m, &count, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_int_equal(count, 50);
	buf_reset(&f->said);
	assert_int_equal(maintenance_check(&f->m, NULL, NULL), 0);
	assert_contains(buf_str(&f->said), "50 encrypted with the key \"new\"");
}

/* Killed at any step, a restore leaves either what was there before, or what servers refuse until it is repeated. */
static void test_killed_restore_is_repeated(void **state)
{
#ifdef SCIA_FAULT_POINTS
	struct folder *f = *state;
	static const char *const faults[] = {
		"store.vfs.wal-sync=kill@1",  "store.restore.staged=kill",   "store.restore.marked=kill",
		"store.restore.moved=kill@1", "store.restore.moved=kill@3",  "store.restore.moved=kill@7",
		"store.restore.moved=kill@9", "store.restore.moved=kill@12", "store.restore.before-unmark=kill",
	};
	int refused = 0;

	back_up(f, false);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			setenv("SCIA_FAULT", faults[i], 1);
			maintenance_restore(&f->m, f->backup, true, NULL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			fail_msg("%s did not kill", faults[i]);
		_cleanup_free_ char *path = fs_join(f->data, "store.db");
		_cleanup_err_ struct err err = { 0 };
		struct store *s = NULL;
		int r = store_open(&(struct store_config){ .path = path }, &s, &err);
		bool interrupted = r < 0 && strstr(err_message(&err), "was interrupted");
		refused += interrupted;
		/* Without keys a whole store is refused too, for its Secret. */
		if (!interrupted && (r == 0 || !strstr(err_message(&err), "is encrypted with the key")))
			fail_msg("after %s: %s", faults[i], err_message(&err));
		if (!interrupted)
			with_store(f, f->data, note_version);
		err_clear(&err);
		if (maintenance_restore(&f->m, f->backup, !interrupted, &err) < 0)
			fail_msg("after %s: %s", faults[i], err_message(&err));
		with_store(f, f->data, assert_all_there);
	}
	assert_int_equal(refused, 7);
#else
	(void)state;
	skip();
#endif
}

static const char *writer_in(const char *path, struct store_keys **ret)
{
	_cleanup_err_ struct err err = { 0 };

	if (store_keys_load(path, ret, &err) < 0)
		fail_msg("%s", err_message(&err));
	return store_keys_writer(*ret, "/secrets");
}

static void test_encryption_rotate_puts_a_new_key_first(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *path = fs_join(f->dir, "rotated.yaml"), *text = store_keys_new_text();
	_cleanup_(store_keys_freep) struct store_keys *old = NULL, *fresh = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct stat st;

	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
	const char *before = writer_in(path, &old);
	if (encryption_rotate(path, &err) < 0)
		fail_msg("%s", err_message(&err));
	const char *after = writer_in(path, &fresh);
	assert_string_not_equal(before, after);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What is sealed with the old one can still be read: the new file replaces it. */
	assert_int_equal(store_keys_replace(old, TAKE_PTR(fresh), true, &err), 0);
	assert_string_equal(store_keys_writer(old, "/secrets"), after);
	assert_int_equal(fs_replace(path, "a: b\n", 5, 0600, &err), 0);
	assert_int_equal(encryption_rotate(path, &err), -1);
}

#define MANY 200

static void write_and_delete_much(struct store *s)
{
	char *value = xcalloc(1, 64 * 1024);

	memset(value, 'x', 64 * 1024 - 1);
	for (int i = 0; i < 2 * MANY; i++) {
		char name[16];
		snprintf(name, sizeof(name), "big-%d", i % MANY);
		struct store_write w = { .resource = "/things", .ns = "ns", .name = name, .op = STORE_DELETE };
		if (i < MANY)
			w = thing('c', "/things", name, value);
		assert_int_equal(store_commit(s, &w, NULL, NULL), 0);
	}
	free(value);
}

static void test_compact_gives_space_back(void **state)
{
	struct folder *f = *state;
	_cleanup_err_ struct err err = { 0 };
	int64_t before = 0, after = 0;

	with_store(f, f->data, write_and_delete_much);
	if (maintenance_compact(&f->m, &before, &after, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_true(before > MANY * 64 * 1024);
	assert_true(after < 1024 * 1024);
	assert_int_equal(maintenance_check(&f->m, NULL, NULL), 0);
	assert_contains(buf_str(&f->said), "50 objects");
}

static void write_secret(struct store *s)
{
	struct store_write w = thing('u', "/secrets", "n07", "again");

	w.expected_version = 0;
	assert_int_equal(store_commit(s, &w, NULL, NULL), 0);
}

/* The count of a key's uses goes on over a start, and is never less than what was used. */
static void test_encryption_uses_are_counted_over_starts(void **state)
{
	struct folder *f = *state;
	_cleanup_free_ char *path = fs_join(f->data, "store.db"), *keys_path = fs_join(f->data, "pki/encryption.yaml");
	uint64_t uses[3];

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		_cleanup_(store_keys_freep) struct store_keys *keys = NULL;
		struct store *s;
		assert_int_equal(store_keys_load(keys_path, &keys, NULL), 0);
		assert_int_equal(store_open(&(struct store_config){ .path = path, .keys = keys }, &s, NULL), 0);
		write_secret(s);
		assert_non_null(store_keys_most_used(keys, &uses[i]));
		store_close(s);
	}
	assert_true(uses[0] > 1);
	assert_true(uses[1] > uses[0] && uses[2] > uses[1]);
	assert_true(uses[2] - uses[1] <= 65537 + 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(test_backup_is_restored_into_a_new_folder),
		TEST(test_restore_replaces_and_keeps_what_was_there),
		TEST(test_backup_without_keys_needs_them_given),
		TEST(test_damaged_backup_is_never_restored),
		TEST(test_check_names_every_damage),
		TEST(test_check_goes_on_behind_a_damaged_page),
		TEST(test_check_changes_nothing),
		TEST(test_reencrypt_follows_the_configuration),
		TEST(test_encryption_rotate_puts_a_new_key_first),
		TEST(test_encryption_uses_are_counted_over_starts),
		TEST(test_compact_gives_space_back),
		TEST(test_killed_restore_is_repeated),
	};
	return cmocka_run_group_tests_name("maintenance", tests, NULL, NULL);
}
