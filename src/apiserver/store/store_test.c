#include "store_testing.h"

/* "ns/name ns/name …" of a list. */
static char *list_keys(struct store *s, const struct store_list_query *query, struct store_list *ret_rest)
{
	struct store_list list;
	struct buf out = BUF_INIT(1 << 20);

	assert_int_equal(store_list(s, query, &list, NULL), 0);
	for (size_t i = 0; i < list.len; i++)
		buf_printf(&out, "%s%s/%s", i ? " " : "", list.items[i]->ns, list.items[i]->name);
	if (ret_rest) {
		*ret_rest = list;
		ret_rest->items = NULL;
	}
	store_list_clear(&list);
	return buf_steal(&out);
}

static void test_store_write_and_read(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->store;

	assert_int_equal(put(s, 'c', "a", "one", "1", 0), 1);
	assert_text(s, "a", "one", "{\"name\":\"one\",\"v\":\"1\",\"value\":\"1\"}");
	assert_int_equal(put(s, 'c', "a", "one", "1", 0), -ERR_ALREADY_EXISTS);
	assert_int_equal(put(s, 'u', "a", "two", "1", 0), -ERR_NOT_FOUND);
	assert_int_equal(put(s, 'd', "a", "two", "", 0), -ERR_NOT_FOUND);
	assert_int_equal(put(s, 'u', "a", "one", "2", 7), -ERR_CONFLICT);
	assert_int_equal(put(s, 'u', "a", "one", "2", 1), 2);
	assert_text(s, "a", "one", "{\"name\":\"one\",\"v\":\"2\",\"value\":\"2\"}");
	assert_int_equal(put(s, 'd', "a", "one", "", 1), -ERR_CONFLICT);
	assert_int_equal(store_version(s), 2); /* refused writes use no version */

	struct store_write w = write_of('d', "a", "one", "", 2);
	struct store_object *last;
	assert_int_equal(store_commit(s, &w, &last, NULL), 0);
	assert_string_equal(last->text->data, "{\"name\":\"one\",\"v\":\"3\",\"value\":\"2\"}");
	assert_int_equal(last->version, 3);
	store_object_unref(last);
	assert_text(s, "a", "one", NULL);
}

/* All of a batch is there when it is finished; the one that cannot be written says so, and keeps no other back. */
static void test_store_batch_waits_for_all_and_tells_the_first_error(void **state)
{
	struct fixture *f = *state;
	struct store_batch *batch = store_batch_new(f->store);
	_cleanup_err_ struct err err = { 0 };
	char name[16];

	assert_int_equal(store_batch_finish(batch, &err), 0); /* an empty one has nothing to wait for */
	assert_true(put(f->store, 'c', "ns", "n3", "old", 0) > 0);
	batch = store_batch_new(f->store);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		struct store_write w = write_of('c', "ns", name, "new", 0);
		store_batch_add(batch, &w);
	}
	assert_int_equal(store_batch_finish(batch, &err), -1);
	assert_int_equal(err.kind, ERR_ALREADY_EXISTS);
	assert_non_null(strstr(err_message(&err), "n3"));
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		_cleanup_(store_object_unrefp) struct store_object *o = store_get(f->store, "example.org/things", "ns", name);
		assert_non_null(o);
		assert_non_null(strstr(o->text->data, i == 3 ? "old" : "new"));
	}
}

static void test_store_error_messages_are_kubernetes_words(void **state)
{
	struct fixture *f = *state;
	struct store_write w = write_of('u', "a", "one", "1", 0);
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(store_commit(f->store, &w, NULL, &err), -1);
	assert_string_equal(err.message, "things.example.org \"one\" not found");
	err_clear(&err);
	w = write_of('d', "", "x", "", 0);
	w.resource = "/secrets";
	assert_int_equal(store_commit(f->store, &w, NULL, &err), -1);
	assert_string_equal(err.message, "secrets \"x\" not found");
}

static void test_store_survives_reopening(void **state)
{
	struct fixture *f = *state;

	put(f->store, 'c', "a", "one", "1", 0);
	put(f->store, 'c', "a", "two", "2", 0);
	put(f->store, 'c', "", "three", "3", 0);
	put(f->store, 'u', "a", "two", "22", 0);
	put(f->store, 'd', "a", "one", "", 0);
	reopen(f);
	assert_int_equal(store_version(f->store), 5); /* that of the deletion too: versions never repeat */
	assert_text(f->store, "a", "one", NULL);
	assert_text(f->store, "a", "two", "{\"name\":\"two\",\"v\":\"4\",\"value\":\"22\"}");
	assert_text(f->store, "", "three", "{\"name\":\"three\",\"v\":\"3\",\"value\":\"3\"}");
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(f->store, "example.org/things", "a", "two");
	assert_string_equal(store_object_label(o, "app"), "x");
	assert_null(store_object_label(o, "x"));
	assert_string_equal(store_object_field(o, "metadata.name"), "y");
	assert_string_equal(o->uid, "u1");
	assert_int_equal(put(f->store, 'u', "a", "two", "222", 4), 6);
	assert_int_equal(put(f->store, 'd', "a", "two", "", 6), 7);
}

static void test_store_second_opening_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	struct store *second = NULL;

	assert_int_equal(store_open(&f->config, &second, &err), -1);
	assert_int_equal(err.kind, ERR_ALREADY_EXISTS);
	assert_non_null(strstr(err.message, "in use by another process (pid "));
}

static void test_store_damaged_row_is_named(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	sqlite3 *sql;

	put(f->store, 'c', "a", "good", "1", 0);
	put(f->store, 'c', "a", "bad", "1", 0);
	f->store = store_close(f->store);
	assert_int_equal(sqlite3_open(f->path, &sql), SQLITE_OK);
	const char *damage = "UPDATE objects SET text=replace(CAST(text AS TEXT),'value','valve') WHERE name='bad'";
	assert_int_equal(sqlite3_exec(sql, damage, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sql);
	assert_int_equal(store_open(&f->config, &f->store, &err), -1);
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_non_null(strstr(err.message, "(example.org/things a/bad) is damaged"));
}

static void test_store_foreign_file_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	f->store = store_close(f->store);
	_cleanup_free_ char *other = fs_join(f->dir, "other.db");
	assert_int_equal(fs_write_atomic(other, "not a database at all, but a text", 33, 0600, NULL), 0);
	f->config.path = other;
	assert_int_equal(store_open(&f->config, &f->store, &err), -1);
	assert_non_null(strstr(err.message, "damaged"));
}

/* A file of an earlier program is brought up to date, and has all that it had. */
static void test_store_format_1_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	sqlite3 *sql;

	put(f->store, 'c', "a", "one", "1", 0);
	put(f->store, 'c', "a", "two", "2", 0);
	for (int round = 0; round < 2; round++) {
		f->store = store_close(f->store);
		assert_int_equal(sqlite3_open(f->path, &sql), SQLITE_OK);
		const char *back =
			"ALTER TABLE objects DROP COLUMN key; ALTER TABLE meta DROP COLUMN checksum; PRAGMA user_version=1";
		assert_int_equal(sqlite3_exec(sql, back, NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(sql);
		assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
		assert_int_equal(store_version(f->store), 2 + round);
		assert_text(f->store, "a", "two", "{\"name\":\"two\",\"v\":\"2\",\"value\":\"2\"}");
		assert_int_equal(put(f->store, 'u', "a", "one", "3", 0), 3 + round);
		reopen(f);
		assert_int_equal(store_version(f->store), 3 + round);
	}
}

static bool select_odd(const void *self _unused_, const struct store_object *o)
{
	return (o->name[strlen(o->name) - 1] - '0') % 2 == 1;
}

static void test_store_list_order_and_pages(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[][2] = { { "b", "2" },   { "a", "1" }, { "b", "1" },
		                                   { "a-b", "1" }, { "a", "2" }, { "ab", "1" } };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		put(f->store, 'c', keys[i][0], keys[i][1], "", 0);
	static const struct {
		const char *ns, *after_ns, *after_name;
		size_t limit;
		bool odd;
		const char *expected;
		bool more;
		size_t remaining;
	} cases[] = {
		{ "", NULL, NULL, 0, false, "a/1 a/2 a-b/1 ab/1 b/1 b/2", false, 0 },
		{ "a", NULL, NULL, 0, false, "a/1 a/2", false, 0 },
		{ "ab", NULL, NULL, 0, false, "ab/1", false, 0 },
		{ "zz", NULL, NULL, 0, false, "", false, 0 },
		{ "", NULL, NULL, 2, false, "a/1 a/2", true, 4 },
		{ "", "a", "2", 3, false, "a-b/1 ab/1 b/1", true, 1 },
		{ "", "b", "1", 3, false, "b/2", false, 0 },
		{ "a", "a", "1", 3, false, "a/2", false, 0 },
		{ "a", NULL, NULL, 1, false, "a/1", true, 1 },
		{ "", "b", "2", 3, false, "", false, 0 },
		{ "", NULL, NULL, 2, true, "a/1 a-b/1", true, 0 }, /* nobody counts what a filter would let through */
		{ "", "a", "15", 1, false, "a/2", true, 4 },       /* behind a key that is not there */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store_list rest;
		struct store_list_query q = { .resource = "example.org/things",
			                          .ns = cases[i].ns,
			                          .after_ns = cases[i].after_ns,
			                          .after_name = cases[i].after_name,
			                          .limit = cases[i].limit };
		q.select = cases[i].odd ? select_odd : NULL;
		_cleanup_free_ char *got = list_keys(f->store, &q, &rest);
		assert_string_equal(got, cases[i].expected);
		assert_int_equal(rest.more, cases[i].more);
		assert_int_equal(rest.remaining, cases[i].remaining);
	}
	assert_int_equal(store_count(f->store, "example.org/things", ""), 6);
	assert_int_equal(store_count(f->store, "example.org/things", "a"), 2);
	assert_int_equal(store_count(f->store, "example.org/things", "a-b"), 1);
	assert_int_equal(store_count(f->store, "example.org/others", "a"), 0);
}

/* A model to compare with: 200 keys, their version at each of the recorded versions. */
#define KEYS 200
#define STEPS 500

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void model_key(int i, char ns[8], char name[16])
{
	snprintf(ns, 8, "n%d", i % 7);
	snprintf(name, 16, "k%03d", i);
}

static void random_step(struct store *s, uint32_t *seed, uint64_t model[KEYS])
{
	int i = (int)(next_random(seed) % KEYS);
	char ns[8], name[16];

	model_key(i, ns, name);
	if (!model[i])
		model[i] = (uint64_t)put(s, 'c', ns, name, "x", 0);
	else if (next_random(seed) % 3 == 0)
		model[i] = put(s, 'd', ns, name, "", model[i]) > 0 ? 0 : 1;
	else
		model[i] = (uint64_t)put(s, 'u', ns, name, "y", model[i]);
}

static void assert_snapshot(struct store *s, uint64_t version, const uint64_t model[KEYS], const char *ns)
{
	struct store_list_query q = { .resource = "example.org/things", .ns = ns, .at_version = version, .limit = 37 };
	char after_ns[8], after_name[16], key_ns[8], name[16];
	size_t seen = 0, expected = 0, left = 0;
	bool more = true;

	for (int i = 0; i < KEYS; i++) {
		model_key(i, key_ns, name);
		expected += model[i] && (!*ns || strcmp(ns, key_ns) == 0);
	}
	while (more) {
		struct store_list list;
		assert_int_equal(store_list(s, &q, &list, NULL), 0);
		assert_int_equal(list.version, version);
		for (size_t i = 0; i < list.len; i++) {
			const struct store_object *o = list.items[i];
			int64_t key;
			assert_true(str_to_i64(o->name + 1, 0, KEYS, &key));
			assert_int_equal(o->version, model[key]);
			if (q.after_ns) /* ascending, also across pages */
				assert_true(strcmp(o->ns, after_ns) > 0 ||
				            (strcmp(o->ns, after_ns) == 0 && strcmp(o->name, after_name) > 0));
			snprintf(after_ns, sizeof(after_ns), "%s", o->ns);
			snprintf(after_name, sizeof(after_name), "%s", o->name);
			q.after_ns = after_ns;
			q.after_name = after_name;
		}
		seen += list.len;
		left = list.remaining;
		more = list.more;
		assert_int_equal(left, more ? expected - seen : 0);
		store_list_clear(&list);
	}
	assert_int_equal(seen, expected);
}

static void test_store_snapshot_lists_equal_the_past(void **state)
{
	struct fixture *f = *state;
	static uint64_t models[4][KEYS], model[KEYS], versions[4];
	uint32_t seed = 42;

	memset(model, 0, sizeof(model));
	for (int step = 0; step < STEPS; step++) {
		random_step(f->store, &seed, model);
		if (step % 120 == 100) {
			versions[step / 120] = store_version(f->store);
			memcpy(models[step / 120], model, sizeof(model));
		}
	}
	for (int i = 0; i < 4; i++) {
		assert_snapshot(f->store, versions[i], models[i], "");
		assert_snapshot(f->store, versions[i], models[i], "n3");
	}
	assert_snapshot(f->store, store_version(f->store), model, "");
	reopen(f);
	assert_snapshot(f->store, store_version(f->store), model, "");
	_cleanup_err_ struct err err = { 0 };
	struct store_list list;
	struct store_list_query q = { .resource = "example.org/things", .ns = "", .at_version = versions[0] };
	assert_int_equal(store_list(f->store, &q, &list, &err), -1); /* history does not outlive the process */
	assert_int_equal(err.kind, ERR_EXPIRED);
	err_clear(&err);
	q.at_version = store_version(f->store) + 1;
	assert_int_equal(store_list(f->store, &q, &list, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
}

/* Collects "A1 M2 D3". */
struct seen {
	pthread_mutex_t lock;
	struct buf text;
	uint64_t last;
	size_t count;
	bool disorder;
};

static void see(void *self, const struct store_change *c)
{
	struct seen *seen = self;

	MUTEX_GUARD(&seen->lock);
	buf_printf(&seen->text, "%s%c%" PRIu64, seen->text.len ? " " : "", "AMD"[c->type], c -> version);
	seen->disorder = seen->disorder || c->version <= seen->last || c->object->version != c->version ||
	                 (c->type == STORE_ADDED) != (c->previous == NULL);
	seen->last = c->version;
	seen->count++;
}

#define SEEN_INIT                                                    \
	{                                                                \
		.lock = PTHREAD_MUTEX_INITIALIZER, .text = BUF_INIT(1 << 20) \
	}

static void test_store_watch_history_then_live(void **state)
{
	struct fixture *f = *state;
	struct seen all = SEEN_INIT, one = SEEN_INIT, every = SEEN_INIT;
	struct store_watch *wall, *wone, *wevery;

	put(f->store, 'c', "a", "x", "1", 0);
	put(f->store, 'c', "b", "x", "1", 0);
	put(f->store, 'u', "a", "x", "1", 0);
	assert_int_equal(store_watch(f->store, "example.org/things", "", 1, see, &all, &wall, NULL), 0);
	assert_int_equal(store_watch(f->store, "example.org/things", "b", 0, see, &one, &wone, NULL), 0);
	assert_int_equal(store_watch(f->store, NULL, "", 3, see, &every, &wevery, NULL), 0);
	put(f->store, 'd', "a", "x", "", 0);
	put(f->store, 'u', "b", "x", "1", 0);
	struct store_write w = write_of('c', "b", "y", "", 0);
	w.resource = "/others";
	assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
	store_unwatch(wall);
	store_unwatch(wone);
	store_unwatch(wevery);
	assert_string_equal(buf_str(&all.text), "A2 M3 D4 M5");
	assert_string_equal(buf_str(&one.text), "A2 M5");
	assert_string_equal(buf_str(&every.text), "D4 M5 A6");
	buf_clear(&all.text);
	buf_clear(&one.text);
	buf_clear(&every.text);
}

static void test_store_watch_out_of_reach(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	struct seen seen = SEEN_INIT;
	struct store_watch *w;

	f->store = store_close(f->store);
	f->config.history_max = 3;
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	for (int i = 0; i < 5; i++)
		put(f->store, i ? 'u' : 'c', "a", "x", "1", 0);
	assert_int_equal(store_watch(f->store, "example.org/things", "", 1, see, &seen, &w, &err), -1);
	assert_int_equal(err.kind, ERR_EXPIRED);
	assert_string_equal(err.message, "too old resource version: 1 (3)");
	err_clear(&err);
	assert_int_equal(store_watch(f->store, "example.org/things", "", 6, see, &seen, &w, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_string_equal(err.message, "Too large resource version: 6, current: 5");
	assert_int_equal(store_watch(f->store, "example.org/things", "", 2, see, &seen, &w, NULL), 0);
	store_unwatch(w);
	assert_string_equal(buf_str(&seen.text), "M3 M4 M5");
	buf_clear(&seen.text);
}

static void test_store_history_ages(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	struct seen seen = SEEN_INIT;
	struct store_watch *w = NULL;

	f->store = store_close(f->store);
	f->config.history_age_max_ns = 50 * NS_PER_MS;
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	put(f->store, 'c', "a", "x", "1", 0);
	put(f->store, 'c', "a", "y", "1", 0);
	for (int i = 0; i < 200 && !err_is_set(&err); i++) {
		clock_sleep_ns(6 * NS_PER_MS);
		put(f->store, 'u', "a", "x", "1", 0);
		if (store_watch(f->store, "example.org/things", "a", 1, see, &seen, &w, &err) == 0)
			store_unwatch(w);
	}
	assert_int_equal(err.kind, ERR_EXPIRED);
	buf_clear(&seen.text);
}

struct writer {
	struct store *store;
	int id;
	int writes;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	char name[16];

	for (int i = 0; i < w->writes; i++) {
		snprintf(name, sizeof(name), "w%d-%d", w->id, i / 3);
		/* create, update, delete: each must be there for the next */
		if (put(w->store, "cud"[i % 3], "a", name, "v", 0) <= 0)
			return w; /* failed */
	}
	return NULL;
}

static void test_store_watches_have_no_gap_under_writers(void **state)
{
	struct fixture *f = *state;
	struct writer writers[4];
	pthread_t threads[4];
	struct seen seen[8];
	struct store_watch *watches[8];
	uint64_t from[8];

	for (int i = 0; i < 4; i++) {
		writers[i] = (struct writer){ .store = f->store, .id = i, .writes = 45 };
		assert_int_equal(thread_start(&threads[i], "writer", writer_main, &writers[i], NULL), 0);
	}
	for (int i = 0; i < 8; i++) { /* while they write */
		seen[i] = (struct seen)SEEN_INIT;
		from[i] = store_version(f->store) / 2;
		assert_int_equal(store_watch(f->store, "example.org/things", "", from[i], see, &seen[i], &watches[i], NULL), 0);
		clock_sleep_ns(NS_PER_MS);
	}
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(store_version(f->store), 180);
	for (int i = 0; i < 8; i++) {
		store_unwatch(watches[i]);
		assert_false(seen[i].disorder);
		assert_int_equal(seen[i].last, 180);
		assert_int_equal(seen[i].count, 180 - from[i]);
		buf_clear(&seen[i].text);
	}
	assert_int_equal(store_count(f->store, "example.org/things", ""), 0);
}

static int guard_at_most_two(void *self _unused_, struct store_view *view, struct err *err)
{
	if (store_view_count(view, "example.org/things", "a") >= 2)
		return err_set(err, ERR_FORBIDDEN, "exceeded quota");
	return 0;
}

struct outcome {
	atomic_int ok, forbidden, done;
};

static void count_outcome(void *self, struct store_object *o, const struct err *err)
{
	struct outcome *out = self;

	if (o)
		atomic_fetch_add(&out->ok, 1);
	else if (err->kind == ERR_FORBIDDEN)
		atomic_fetch_add(&out->forbidden, 1);
	atomic_fetch_add(&out->done, 1);
}

static void test_store_guard_sees_earlier_writes_of_its_group(void **state)
{
	struct fixture *f = *state;
	struct outcome out = { 0 };
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		struct store_write w = write_of('c', "a", name, "1", 0);
		w.guard = guard_at_most_two;
		w.done = count_outcome;
		w.self = &out;
		store_submit(f->store, &w);
	}
	f->store = store_close(f->store); /* finishes what was submitted */
	assert_int_equal(atomic_load(&out.done), 50);
	assert_int_equal(atomic_load(&out.ok), 2);
	assert_int_equal(atomic_load(&out.forbidden), 48);
}

static void test_store_failed_transaction_leaves_nothing(void **state)
{
	struct fixture *f = *state;

#ifdef SCIA_FAULT_POINTS
	put(f->store, 'c', "a", "x", "1", 0);
	setenv("SCIA_FAULT", "store.commit.after-write=fail@1", 1);
	assert_int_equal(put(f->store, 'u', "a", "x", "2", 0), -ERR_INTERNAL);
	unsetenv("SCIA_FAULT");
	assert_int_equal(store_version(f->store), 1);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"1\",\"value\":\"1\"}");
	assert_int_equal(put(f->store, 'u', "a", "x", "3", 1), 2);
	reopen(f);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"2\",\"value\":\"3\"}");
#else
	(void)f;
	skip();
#endif
}

#ifdef SCIA_FAULT_POINTS
/* In a child: writes n0, n1, … and tells of each acknowledged one through the pipe until a fault point kills it. */
static void write_until_killed(struct fixture *f, int fd)
{
	struct store *s;
	char name[16];

	if (store_open(&f->config, &s, NULL) < 0)
		_exit(2);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		if (put(s, 'c', "a", name, "1", 0) <= 0 || write(fd, "x", 1) != 1)
			_exit(3);
	}
	_exit(4);
}

static void crash_at(struct fixture *f, const char *fault, int min_extra, int max_extra)
{
	char acknowledged[32];
	int fds[2], status;

	f->store = store_close(f->store);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("SCIA_FAULT", fault, 1);
		write_until_killed(f, fds[1]);
	}
	close(fds[1]);
	ssize_t n = 0, got;
	while ((got = read(fds[0], acknowledged + n, sizeof(acknowledged) - (size_t)n)) > 0)
		n += got;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	ssize_t there = (ssize_t)store_count(f->store, "example.org/things", "a");
	assert_in_range(there - n, min_extra, max_extra);
	assert_int_equal(store_version(f->store), there);
	assert_int_equal(put(f->store, 'c', "a", "after", "1", 0), there + 1);
}
#endif

static void test_store_crash_loses_nothing_acknowledged(void **state)
{
#ifdef SCIA_FAULT_POINTS
	struct fixture *f = *state;

	crash_at(f, "store.commit.before-begin=kill@6", 0, 0);
	crash_at(f, "store.commit.after-write=kill@6", 0, 0);
	crash_at(f, "store.commit.after-fsync=kill@6", 1, 1); /* durable, though nobody was told */
#else
	(void)state;
	skip();
#endif
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_store_write_and_read),
		TEST(test_store_batch_waits_for_all_and_tells_the_first_error),
		TEST(test_store_error_messages_are_kubernetes_words),
		TEST(test_store_survives_reopening),
		TEST(test_store_second_opening_is_refused),
		TEST(test_store_damaged_row_is_named),
		TEST(test_store_foreign_file_is_refused),
		TEST(test_store_format_1_is_brought_up_to_date),
		TEST(test_store_list_order_and_pages),
		TEST(test_store_snapshot_lists_equal_the_past),
		TEST(test_store_watch_history_then_live),
		TEST(test_store_watch_out_of_reach),
		TEST(test_store_history_ages),
		TEST(test_store_watches_have_no_gap_under_writers),
		TEST(test_store_guard_sees_earlier_writes_of_its_group),
		TEST(test_store_failed_transaction_leaves_nothing),
		TEST(test_store_crash_loses_nothing_acknowledged),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
