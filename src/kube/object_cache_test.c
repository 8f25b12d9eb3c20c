#include "object_cache.h"

#include "base/str.h"
#include "kube/informer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *object(const char *name, const char *uid, const char *version, const char *value)
{
	json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", name);
	json_put_str(kube_meta(obj), "uid", uid);
	json_put_str(kube_meta(obj), "resourceVersion", version);
	json_put_str(json_ensure_object(obj, "spec"), "value", value);
	json_put(kube_meta(obj), "managedFields", json_array());
	return obj;
}

static const char *value_of(const json_t *obj)
{
	const char *s = json_get_str(kube_spec(obj), "value");
	return obj ? s : "-";
}

/* What handlers hear of it: "old>new". */
static char *told(bool changed, struct object_change *change)
{
	char *s = changed ? xasprintf("%s>%s", value_of(change->old_obj), value_of(change->new_obj)) : xstrdup("nothing");
	object_change_clear(change);
	return s;
}

enum step { ADD, DEL, OBS, ITEM, BEGIN, END, VERSION };

static void tell_gone(void *self, const struct object_change *change)
{
	assert_null(change->new_obj);
	strv_push(self, value_of(change->old_obj));
}

static char *do_step(struct object_cache *c, enum step step, const char *name, const char *uid, const char *version,
                     const char *value)
{
	_cleanup_json_ json_t *obj = object(name, uid, version, value);
	struct object_change change = { 0 };
	_cleanup_strv_ char **gone = NULL;
	switch (step) {
	case ADD: {
		bool changed = object_cache_apply(c, obj, &change);
		object_cache_set_version(c, version);
		return told(changed, &change);
	}
	case DEL: {
		bool changed = object_cache_delete(c, obj, &change);
		object_cache_set_version(c, version);
		return told(changed, &change);
	}
	case ITEM: {
		bool changed = object_cache_sweep_item(c, obj, &change);
		return told(changed, &change);
	}
	case OBS:
		object_cache_observe(c, obj);
		return xstrdup("");
	case BEGIN:
		object_cache_sweep_begin(c);
		return xstrdup("");
	case END:
		object_cache_sweep_end(c, version, tell_gone, &gone);
		return gone ? strv_join(gone, ",") : xstrdup("");
	case VERSION:
		object_cache_set_version(c, version);
		return xstrdup("");
	}
	return NULL;
}

struct script {
	const char *why;
	struct {
		enum step step;
		const char *name, *uid, *version, *value, *told,
			*cached; /* cached: the value read afterwards, "-" when absent */
	} steps[12];
};

static const struct script scripts[] = {
	{ "a watch",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { ADD, "x", "1", "11", "b", "a>b", "b" },
	    { DEL, "x", "1", "12", "b", "b>-", "-" } } },
	{ "an event twice is told once",
	  { { ADD, "x", "1", "10", "a", "->a", "a" }, { ADD, "x", "1", "10", "a", "nothing", "a" } } },
	{ "an older event changes nothing",
	  { { ADD, "x", "1", "11", "b", "->b", "b" }, { ADD, "x", "1", "10", "a", "nothing", "b" } } },
	{ "own write is read at once and told by the watch",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { OBS, "x", "1", "12", "c", "", "c" },
	    { ADD, "x", "1", "12", "c", "a>c", "c" } } },
	{ "steps before the own write are told but not read",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { OBS, "x", "1", "12", "c", "", "c" },
	    { ADD, "x", "1", "11", "b", "a>b", "c" },
	    { ADD, "x", "1", "12", "c", "b>c", "c" },
	    { ADD, "x", "1", "13", "d", "c>d", "d" } } },
	{ "an own object is read before its ADDED came",
	  { { VERSION, "", "", "9", "", "", "-" },
	    { OBS, "x", "1", "10", "a", "", "a" },
	    { ADD, "x", "1", "10", "a", "->a", "a" } } },
	{ "an own write older than the cache is ignored",
	  { { ADD, "x", "1", "12", "c", "->c", "c" }, { OBS, "x", "1", "11", "b", "", "c" } } },
	{ "versions are numbers, not texts",
	  { { ADD, "x", "1", "9", "a", "->a", "a" }, { OBS, "x", "1", "10", "b", "", "b" } } },
	{ "a late answer does not bring back what was deleted",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { DEL, "x", "1", "12", "a", "a>-", "-" },
	    { OBS, "x", "1", "11", "b", "", "-" } } },
	{ "not even where versions are no numbers",
	  { { ADD, "x", "1", "k10", "a", "->a", "a" },
	    { DEL, "x", "1", "k12", "a", "a>-", "-" },
	    { OBS, "x", "1", "k11", "b", "", "-" } } },
	{ "not even what was never seen because the watch was past it",
	  { { VERSION, "", "", "20", "", "", "-" }, { OBS, "x", "1", "15", "a", "", "-" } } },
	{ "a successor with the same name is another object",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { DEL, "x", "1", "11", "a", "a>-", "-" },
	    { OBS, "x", "2", "12", "n", "", "n" },
	    { ADD, "x", "2", "12", "n", "->n", "n" } } },
	{ "the end of the predecessor does not touch its observed successor",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { OBS, "x", "2", "12", "n", "", "n" },
	    { DEL, "x", "1", "11", "a", "a>-", "n" },
	    { ADD, "x", "2", "12", "n", "->n", "n" } } },
	{ "a list takes out what it does not have",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { BEGIN, "x", "", "", "", "", "a" },
	    { ITEM, "y", "2", "9", "y", "->y", "y" },
	    { END, "x", "", "20", "", "a", "-" } } },
	{ "a list tells only what changed",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { BEGIN, "x", "", "", "", "", "a" },
	    { ITEM, "x", "1", "10", "a", "nothing", "a" },
	    { END, "x", "", "20", "", "", "a" } } },
	{ "a list is right even where it goes back (a restored server)",
	  { { ADD, "x", "1", "100", "a", "->a", "a" },
	    { BEGIN, "x", "", "", "", "", "a" },
	    { ITEM, "x", "1", "50", "old", "a>old", "old" },
	    { END, "x", "", "60", "", "", "old" } } },
	{ "a list that began before an own write does not undo it",
	  { { BEGIN, "x", "", "", "", "", "-" },
	    { OBS, "x", "1", "30", "n", "", "n" },
	    { END, "x", "", "20", "", "", "n" },
	    { ADD, "x", "1", "30", "n", "->n", "n" } } },
	{ "an own write newer than its item in a list stays",
	  { { ADD, "x", "1", "10", "a", "->a", "a" },
	    { OBS, "x", "1", "12", "c", "", "c" },
	    { BEGIN, "x", "", "", "", "", "c" },
	    { ITEM, "x", "1", "11", "b", "a>b", "c" },
	    { END, "x", "", "11", "", "", "c" },
	    { ADD, "x", "1", "12", "c", "b>c", "c" } } },
	{ "deletion of what is not there", { { DEL, "x", "1", "10", "a", "nothing", "-" } } },
};

static void test_object_cache_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct object_cache *c = object_cache_new();
		object_cache_add_index(c, "owner", kube_index_by_owner);
		for (size_t k = 0; k < ARRAY_SIZE(scripts[i].steps) && scripts[i].steps[k].told; k++) {
			_cleanup_free_ char *heard = do_step(c, scripts[i].steps[k].step, scripts[i].steps[k].name,
			                                     scripts[i].steps[k].uid, scripts[i].steps[k].version,
			                                     scripts[i].steps[k].value);
			if (!str_eq(heard, scripts[i].steps[k].told))
				fail_msg("%s: step %zu told '%s'", scripts[i].why, k, heard);
			_cleanup_json_ json_t *now = object_cache_get(c, "a",
			                                              *scripts[i].steps[k].name ? scripts[i].steps[k].name : "x");
			if (!str_eq(value_of(now), scripts[i].steps[k].cached))
				fail_msg("%s: step %zu reads '%s'", scripts[i].why, k, value_of(now));
			assert_null(json_object_get(kube_meta(now), "managedFields"));
		}
		object_cache_free(c);
	}
}

static void by_value(const json_t *obj, char ***values)
{
	strv_push(values, value_of(obj));
	strv_push(values, value_of(obj)); /* twice is once */
	strv_push(values, "all");
}

static void apply(struct object_cache *c, const char *ns, const char *name, const char *version, const char *value)
{
	_cleanup_json_ json_t *obj = object(name, name, version, value);
	json_put_str(kube_meta(obj), "namespace", ns);
	struct object_change change = { 0 };
	object_cache_apply(c, obj, &change);
	object_change_clear(&change);
}

static char *names(json_t *array)
{
	_cleanup_strv_ char **v = NULL;
	size_t i;
	json_t *obj;
	json_array_foreach (array, i, obj) {
		_cleanup_free_ char *key = kube_key_str(kube_namespace(obj), kube_name(obj));
		strv_push(&v, key);
	}
	json_decref(array);
	return v ? strv_join(v, " ") : xstrdup("");
}

static void expect_names(json_t *array, const char *expected)
{
	_cleanup_free_ char *got = names(array);
	assert_string_equal(got, expected);
}

static void test_object_cache_lists_in_order(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_new();
	apply(c, "a-b", "x", "1", "v");
	apply(c, "a", "z", "2", "v");
	apply(c, "a", "y-1", "3", "v");
	apply(c, "a", "y", "4", "v");
	apply(c, "b", "x", "5", "v");
	expect_names(object_cache_list(c, NULL), "a/y a/y-1 a/z a-b/x b/x");
	expect_names(object_cache_list(c, ""), "a/y a/y-1 a/z a-b/x b/x");
	expect_names(object_cache_list(c, "a"), "a/y a/y-1 a/z");
	expect_names(object_cache_list(c, "c"), "");
	assert_int_equal(object_cache_len(c), 5);
	object_cache_free(c);
}

static void test_object_cache_indexes_follow_changes(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_new();
	object_cache_add_index(c, "value", by_value);
	apply(c, "a", "x", "1", "one");
	apply(c, "a", "y", "2", "one");
	expect_names(object_cache_by_index(c, "value", "one"), "a/x a/y");
	expect_names(object_cache_by_index(c, "value", "all"), "a/x a/y");
	apply(c, "a", "x", "3", "two");
	expect_names(object_cache_by_index(c, "value", "one"), "a/y");
	expect_names(object_cache_by_index(c, "value", "two"), "a/x");
	_cleanup_json_ json_t *observed = object("y", "y", "9", "two");
	object_cache_observe(c, observed);
	expect_names(object_cache_by_index(c, "value", "one"), "");
	expect_names(object_cache_by_index(c, "value", "two"), "a/x a/y");
	_cleanup_json_ json_t *gone = object("x", "x", "10", "two");
	struct object_change change = { 0 };
	assert_true(object_cache_delete(c, gone, &change));
	object_change_clear(&change);
	expect_names(object_cache_by_index(c, "value", "two"), "a/y");
	expect_names(object_cache_by_index(c, "other", "two"), "");
	object_cache_free(c);
}

static void test_object_cache_result_is_the_readers_own(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_new();
	apply(c, "a", "x", "1", "one");
	_cleanup_json_ json_t *mine = object_cache_get(c, "a", "x");
	json_put_str(kube_spec(mine), "value", "changed");
	_cleanup_json_ json_t *again = object_cache_get(c, "a", "x");
	assert_string_equal(value_of(again), "one");
	object_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_cache_scripts),
		cmocka_unit_test(test_object_cache_lists_in_order),
		cmocka_unit_test(test_object_cache_indexes_follow_changes),
		cmocka_unit_test(test_object_cache_result_is_the_readers_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
