#include "crd_names.h"

#include "base/str.h"
#include "codec/yaml.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *crd(const char *name, const char *group, const char *names)
{
	_cleanup_free_ char *text = xasprintf(
		"{metadata: {name: %s}, spec: {group: %s, names: %s}, status: {acceptedNames: {plural: '', "
		"kind: ''}}}",
		name, group, names);
	json_t *v = yaml_parse(text, strlen(text), NULL, NULL);

	assert_non_null(v);
	return v;
}

/* What becomes of it: the reason and message, or "" when all names are accepted; its names are claimed. */
static char *judge(struct crd_names *n, const char *name, const char *group, const char *names)
{
	_cleanup_json_ json_t *v = crd(name, group, names);
	struct crd_names_verdict verdict;

	crd_names_judge(n, v, &verdict);
	crd_names_claim(n, name, group, verdict.accepted, verdict.reason);
	char *words = verdict.reason ? xasprintf("%s %s", verdict.reason, verdict.message) : xstrdup("");
	crd_names_verdict_clear(&verdict);
	return words;
}

static void test_crd_names_conflict_within_a_group(void **state)
{
	(void)state;
	static const struct {
		const char *name, *group, *names, *words, *why;
	} CASES[] = {
		{ "as.g.h", "g.h", "{plural: as, singular: a, kind: A, listKind: AList, shortNames: [x]}", "",
		  "the first one" },
		{ "as.g.h", "g.h", "{plural: as, singular: a, kind: A, listKind: AList, shortNames: [x]}", "",
		  "its own names are no conflict" },
		{ "as.o.h", "o.h", "{plural: as, singular: a, kind: A, listKind: AList, shortNames: [x]}", "",
		  "another group" },
		{ "bs.g.h", "g.h", "{plural: bs, singular: a, kind: B, listKind: BList}",
		  "SingularConflict \"a\" is already in use", "singular" },
		{ "cs.g.h", "g.h", "{plural: cs, singular: x, kind: C, listKind: CList}",
		  "SingularConflict \"x\" is already in use", "a short name of another" },
		{ "ds.g.h", "g.h", "{plural: ds, singular: d, kind: D, listKind: DList, shortNames: [x, as, ok]}",
		  "ShortNamesConflict [\"x\" is already in use, \"as\" is already in use]", "short names" },
		{ "es.g.h", "g.h", "{plural: es, singular: e, kind: AList, listKind: EList}",
		  "KindConflict \"AList\" is already in use", "kind" },
		{ "fs.g.h", "g.h", "{plural: fs, singular: f, kind: F, listKind: A}",
		  "ListKindConflict \"A\" is already in use", "list kind" },
		{ "gs.g.h", "g.h", "{plural: gs, singular: a, kind: A, listKind: GList}",
		  "KindConflict \"A\" is already in use", "of two conflicts the last one is told" },
	};
	struct crd_names *n = crd_names_new();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *words = judge(n, CASES[i].name, CASES[i].group, CASES[i].names);
		print_message("%s\n", CASES[i].why);
		assert_string_equal(words, CASES[i].words);
	}
	crd_names_free(n);
}

static void count(void *self, const char *name)
{
	unsigned *n = self;

	(void)name;
	++*n;
}

static void test_crd_names_become_free(void **state)
{
	(void)state;
	struct crd_names *n = crd_names_new();
	_cleanup_free_ char *a = judge(n, "as.g.h", "g.h", "{plural: as, singular: a, kind: A, listKind: AList}");
	_cleanup_free_ char *b = judge(n, "bs.g.h", "g.h", "{plural: bs, singular: b, kind: A, listKind: BList}");
	unsigned neighbours = 0;

	assert_string_equal(a, "");
	assert_string_equal(b, "KindConflict \"A\" is already in use");
	_cleanup_free_ char *c = judge(n, "cs.g.h", "g.h", "{plural: cs, singular: c, kind: C, listKind: CList}");
	_cleanup_free_ char *o = judge(n, "bs.o.h", "o.h", "{plural: bs, singular: b, kind: A, listKind: BList}");
	assert_string_equal(c, "");
	assert_string_equal(o, "");
	crd_names_each_waiting(n, "as.g.h", count, &neighbours);
	assert_int_equal(neighbours, 1); /* bs.g.h */
	crd_names_forget(n, "as.g.h");
	_cleanup_free_ char *again = judge(n, "bs.g.h", "g.h", "{plural: bs, singular: b, kind: A, listKind: BList}");
	assert_string_equal(again, "");
	neighbours = 0;
	crd_names_each_waiting(n, "as.g.h", count, &neighbours);
	assert_int_equal(neighbours, 0);
	crd_names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crd_names_conflict_within_a_group),
		cmocka_unit_test(test_crd_names_become_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
