#include "kcl.h"

#include "base/clock.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OUTPUT_MAX ((size_t)1024 * 1024)

/* ---- running a text ---- */

struct outcome {
	char *yaml;  /* NULL: it failed */
	char *error; /* "line:column message" of the first one */
};

static void outcome_clear(struct outcome *o)
{
	free(o->yaml);
	free(o->error);
}

static char *first_error(const struct kcl_diagnostics *d)
{
	for (size_t i = 0; i < d->len; i++) {
		const struct kcl_diagnostic *item = &d->items[i];
		if (item->severity == KCL_ERROR)
			return xasprintf("%u:%u %s", item->line, item->column ? item->column : 1, item->message);
	}
	return xstrdup("0:0 nothing was said");
}

static struct outcome run_with(const char *text, const struct kcl_eval_options *options,
                               const struct kcl_loader *loader)
{
	struct kcl_source source = { .name = "/src/main.k", .text = text, .len = strlen(text) };
	struct kcl_compile_options compile = { .sources = &source, .sources_len = 1, .root = "/src", .loader = loader };
	struct kcl_diagnostics diagnostics = { 0 };
	struct outcome o = { 0 };
	struct kcl_program *p = kcl_compile(&compile, &diagnostics);
	struct kcl_context *c = kcl_context_new();
	struct kcl_result *r = p ? kcl_evaluate(p, c, options, &diagnostics) : NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	_cleanup_err_ struct err err = { 0 };
	if (r && kcl_result_yaml(r, &out, &err) == 0)
		o.yaml = xstrdup(buf_str(&out));
	else
		o.error = r ? xstrdup(err_message(&err)) : first_error(&diagnostics);
	kcl_context_free(c);
	kcl_program_unref(p);
	kcl_diagnostics_clear(&diagnostics);
	return o;
}

struct example {
	const char *why, *text;
	const char *yaml;  /* or */
	const char *error; /* what the first one begins with */
};

static void run_example(const struct example *e, const struct kcl_loader *loader)
{
	struct kcl_eval_options options = { 0 };
	_cleanup_(outcome_clear) struct outcome o = run_with(e->text, &options, loader);
	if (e->yaml && !o.yaml)
		fail_msg("%s: it failed: %s", e->why, o.error);
	if (e->yaml && strcmp(o.yaml, e->yaml) != 0)
		fail_msg("%s: gave\n%s", e->why, o.yaml);
	if (e->error && o.yaml)
		fail_msg("%s: was accepted:\n%s", e->why, o.yaml);
	if (e->error && !str_starts_with(o.error, e->error))
		fail_msg("%s: failed with %s", e->why, o.error);
}

#define RUN(examples)                                 \
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) \
	run_example(&(examples)[i], NULL)

/* ---- globals ---- */

static void test_globals_in_any_order(void **state)
{
	static const struct example examples[] = {
		{ "a later global", "a = b + 1\nb = c * 2\nc = 20\n", "a: 41\nb: 40\nc: 20\n", NULL },
		{ "the last assignment counts", "a = _x\n_x = 1\n_x = 2\n", "a: 2\n", NULL },
		{ "an assignment reads the one before", "a = _x\n_x = 1\n_x += 10\n_x *= 2\n", "a: 22\n", NULL },
		{ "read between assignments", "_x = 1\n_x = _x + 1\na = _x\n", "a: 2\n", NULL },
		{ "a branch that is not taken sets nothing", "a = _x\n_x = 1\nif False:\n    _x = 2\n", "a: 1\n", NULL },
		{ "a branch that is taken", "a = _x\n_x = 1\nif True:\n    _x += 2\n", "a: 3\n", NULL },
		{ "else", "a = _x\nif 1 > 2:\n    _x = 1\nelif 2 > 3:\n    _x = 2\nelse:\n    _x = 3\n", "a: 3\n", NULL },
		{ "parts are set", "_d = {a.b = [1, 2]}\n_d.a.b[1] = 5\nd = _d\n", "d:\n  a:\n    b:\n    - 1\n    - 5\n",
		  NULL },
		{ "assigned values do not share parts", "_a = {x = 1}\n_b = _a\n_b.x = 2\na = _a\nb = _b\n",
		  "a:\n  x: 1\nb:\n  x: 2\n", NULL },
		{ "several targets", "a = b = 3\n", "a: 3\nb: 3\n", NULL },
		{ "private and undefined ones are not emitted", "_a = 1\nb = Undefined\nc = None\n", "c: null\n", NULL },
		{ "several targets have one value", "_a = 1\n_a = _b = _a + 1\na = _a\nb = _b\n", "a: 2\nb: 2\n", NULL },
		{ "several targets of a lambda's statement",
		  "f = lambda {\n    a = 1\n    a = b = a + 1\n    [a, b]\n}\nx = f()\n", "x:\n- 2\n- 2\n", NULL },
		{ "several targets, read before", "x = [b, a]\na = b = [i for i in [1, 2]]\n",
		  "x:\n- - 1\n  - 2\n- - 1\n  - 2\na:\n- 1\n- 2\nb:\n- 1\n- 2\n", NULL },
		{ "several targets of a schema's statement", "schema S:\n    n: int = 1\n    a = b = n + 1\ns = S {n = 2}\n",
		  "s:\n  'n': 2\n  a: 3\n  b: 3\n", NULL },
	};
	(void)state;
	RUN(examples);
}

static void test_expressions(void **state)
{
	static const struct example examples[] = {
		{ "comparisons in a row", "a = 1 < 2 < 3\nb = 1 < 3 < 2\n", "a: true\nb: false\n", NULL },
		{ "and, or give a value", "a = 0 or \"x\"\nb = 1 and 2\n", "a: x\nb: 2\n", NULL },
		{ "?. and ?[ of nothing", "_n = None\na = _n?.x\nb = _n?[0]\n", "a: null\nb: null\n", NULL },
		{ "values in strings", "n = 3\ns = \"${n} of ${[1, n]}\"\n_j = {a = 1}\nj = \"${_j:#json}\"\n",
		  "'n': 3\ns: '3 of [1, 3]'\nj: '{\"a\": 1}'\n", NULL },
		{ "slices", "a = [1, 2, 3, 4][1:3]\nb = \"hello\"[::-1]\n", "a:\n- 2\n- 3\nb: olleh\n", NULL },
		{ "a message for a missing item", "_d = [1]\na = 1\nb = _d[4]\n", NULL, "3:1 list index out of range" },
		{ "setting an item that is not there", "_d = [1]\n_d[3] = 2\n", NULL,
		  "2:1 index out of bounds: the len is 1 but the index is 3" },
		{ "setting something in such an item", "_d = [{}]\n_d[3].a = 2\n", NULL, "2:1 list index out of range: 3" },
		{ "inserting beyond the end", "a = {\n    l = [1]\n    l[2] += [3]\n}\n", NULL,
		  "3:1 insertion index (is 2) should be <= len (is 1)" },
		{ "removing what is not there", "a = {\n    l = [1]\n    l[1] = Undefined\n}\n", NULL,
		  "3:1 removal index (is 1) should be < len (is 1)" },
		{ "a type is shown as it was written", "schema S:\n    a: [] | {str:} = None\n_n: any = 1\ns = S {a = _n}\n",
		  NULL, "2:1 expect [] | {str:}, got int" },
		{ "assert", "assert 1 == 2, \"no\"\n", NULL, "1:1 no" },
		{ "assert under a condition", "assert 1 == 2 if False\na = 1\n", "a: 1\n", NULL },
	};
	(void)state;
	RUN(examples);
}

static void test_nul(void **state)
{
	static const struct example examples[] = {
		{ "is a character", "a = [ord(c) for c in \"\\0A\\0\"]\nb = len(\"\\0\\0\")\n", "a:\n- 0\n- 65\n- 0\nb: 2\n",
		  NULL },
		{ "in keys and joined strings", "_n = \"\\0\"\na = {\"k\\0\": \"<${_n}\\0>\"}\n",
		  "a:\n  \"k\\0\": \"<\\0\\0>\"\n", NULL },
		{ "tells strings apart", "a = \"x\\0\" == \"x\"\nb = \"x\\0y\".split(\"\\0\")\n", "a: false\nb:\n- x\n- 'y'\n",
		  NULL },
	};
	(void)state;
	RUN(examples);
}

static void test_collections(void **state)
{
	static const struct example examples[] = {
		{ "lists with conditions", "a = [1, if True: 2 else: 4, *[5, 6]]\n", "a:\n- 1\n- 2\n- 5\n- 6\n", NULL },
		{ "comprehension with two clauses", "a = [x * y for x in [1, 2] for y in [3, 4] if y > x + 2]\n", "a:\n- 4\n",
		  NULL },
		{ "index and item", "a = {str(i) = s for i, s in [\"x\", \"y\"]}\n", "a:\n  '0': x\n  '1': 'y'\n", NULL },
		{ "over a dict", "a = [\"${k}${v}\" for k, v in {x = 1, y = 2}]\n", "a:\n- x1\n- y2\n", NULL },
		{ "over a string", "a = [c for c in \"aé\"]\n", "a:\n- a\n- é\n", NULL },
		{ "quantifiers",
		  "a = all x in [1, 2] { x > 0 }\nb = any x in [1, 2] { x > 2 }\n"
		  "c = filter x in [1, 2, 3] { x != 2 }\nd = map x in [1, 2] { x * 10 }\n",
		  "a: true\nb: false\nc:\n- 1\n- 3\nd:\n- 10\n- 20\n", NULL },
		{ "filter of a dict", "a = filter k, v in {x = 1, y = 2} { v > 1 }\n", "a:\n  'y': 2\n", NULL },
		{ "keys before are names", "x = 1\nd = {a = x, x = 2, b = x}\n", "x: 1\nd:\n  a: 1\n  x: 2\n  b: 2\n", NULL },
		{ "conditional entries", "d = {if 1 > 2: a = 1 elif 2 > 1: b = 2 else: c = 3}\n", "d:\n  b: 2\n", NULL },
		{ "unpacking merges", "_a = {x.y = 1}\nd = {**_a, x.z = 2}\n", "d:\n  x:\n    'y': 1\n    z: 2\n", NULL },
	};
	(void)state;
	RUN(examples);
}

static void test_unions(void **state)
{
	static const struct example examples[] = {
		{ "dicts", "a = {x = 1, l = [1]} | {y = 2}\n", "a:\n  x: 1\n  l:\n  - 1\n  'y': 2\n", NULL },
		{ "lists item by item", "a = [{x = 1}] | [{y = 2}, 3]\n", "a:\n- x: 1\n  'y': 2\n- 3\n", NULL },
		{ "override", "a = {x: 1} | {x = 2}\n", "a:\n  x: 2\n", NULL },
		{ "a contradiction", "a = {x.y: 1} | {x.y: 2}\n", NULL, "1:1 conflicting values on the attribute 'y'" },
		{ "insert", "a = {x: [1, 4], x += [5], x[1] += [2, 3]}\n", "a:\n  x:\n  - 1\n  - 2\n  - 3\n  - 4\n  - 5\n",
		  NULL },
		{ "one item", "a = {x: [1, 2, 3], x[-1] = 9}\n", "a:\n  x:\n  - 1\n  - 2\n  - 9\n", NULL },
		{ "of what cannot be united", "_s = \"x\"\n_l = [1]\na = _s | _l\n", NULL, "3:" },
		{ "ints", "a = 5 | 2\n", "a: 7\n", NULL },
	};
	(void)state;
	RUN(examples);
}

/* ---- schemas ---- */

#define POINT "schema Point:\n    x: int\n    y?: int = x + 1\n    sum: int = x + (y or 0)\n"

static void test_schema_attributes(void **state)
{
	static const struct example examples[] = {
		{ "defaults in any order", POINT "p = Point {x = 1}\n", "p:\n  x: 1\n  'y': 2\n  sum: 3\n", NULL },
		{ "configured", POINT "p = Point {y = 5, x = 1}\n", "p:\n  x: 1\n  'y': 5\n  sum: 6\n", NULL },
		{ "a required one", "schema A:\n    x: int\n\na = A {}\n", NULL, "4:1 attribute 'x' of A is required" },
		{ "dicts become instances", POINT "p: Point = {x = 4}\n", "p:\n  x: 4\n  'y': 5\n  sum: 9\n", NULL },
		{ "in lists too", POINT "p: [Point] = [{x = 4}]\n", "p:\n- x: 4\n  'y': 5\n  sum: 9\n", NULL },
		{ "statements",
		  "schema A:\n    n: int\n    if n > 1:\n        s = \"many\"\n    else:\n        s = \"few\"\n"
		  "a = A {n = 1}\nb = A {n = 2}\n",
		  "a:\n  'n': 1\n  s: few\nb:\n  'n': 2\n  s: many\n", NULL },
		{ "a default that is set again", "schema A:\n    _n = 1\n    n: int = _n\n    _n += 4\na = A {}\n",
		  "a:\n  'n': 5\n", NULL },
		{ "an instance is changed", POINT "_p = Point {x = 1}\n_p.x = 7\np = _p\n", "p:\n  x: 7\n  'y': 8\n  sum: 15\n",
		  NULL },
		{ "arguments", "schema A[n: int, m = 2]:\n    s: int = n * m\na = A(3) {}\nb = A(3, m=5) {}\n",
		  "a:\n  s: 6\nb:\n  s: 15\n", NULL },
		{ "united", POINT "p = Point {x = 1} | {y = 3}\n", "p:\n  x: 1\n  'y': 3\n  sum: 4\n", NULL },
		{ "declared twice", POINT "p = Point {x = 1}\nq = 1\np: Point {y = 7}\n",
		  "q: 1\np:\n  x: 1\n  'y': 7\n  sum: 8\n", NULL },
		{ "a lambda sees the instance",
		  "schema A:\n    n: int = 1\n    f = lambda x { x + n }\n    r: int = f(2)\n"
		  "a = A {n = 5}.r\n",
		  "a: 7\n", NULL },
		{ "lists are added to", "schema A:\n    l: [int] = [1]\na = A {l += [2]}\n", "a:\n  l:\n  - 1\n  - 2\n", NULL },
	};
	(void)state;
	RUN(examples);
}

static void test_schema_bases(void **state)
{
	static const struct example examples[] = {
		{ "bases come first",
		  "schema A:\n    a: int = 1\n    s: int = a + 10\nschema B(A):\n    b: int = s\n    a = 2\nx = B {}\n",
		  "x:\n  a: 2\n  s: 12\n  b: 12\n", NULL },
		{ "mixins",
		  "schema TwiceMixin:\n    twice: int = n * 2\nschema A:\n    mixin [TwiceMixin]\n    n: int\nx = A {n = 4}\n",
		  "x:\n  'n': 4\n  twice: 8\n", NULL },
		{ "checks of bases",
		  "schema A:\n    a: int\n    check:\n        a > 0, \"positive\"\nschema B(A):\n    b?: int\nx = B {a = -1}\n",
		  NULL, "7:5 Instance check failed" },
		{ "a check under a condition", "schema A:\n    a?: int\n    check:\n        a > 0 if a\nx = A {}\n", "x: {}\n",
		  NULL },
		{ "index signatures", "schema A:\n    [...str]: int = 7\n    a: str\nx = A {a = \"s\", b = 2}\n",
		  "x:\n  a: s\n  b: 2\n", NULL },
		{ "their keys have a name",
		  "schema A:\n    [k: str]: int\n    check:\n        len(k) < 3, k\nx = A {ab = 1}\ny = A {abc = 1}\n", NULL,
		  "6:5 Instance check failed" },
		{ "rules", "rule Positive[n]:\n    n > 0, \"not positive\"\nPositive(1)\nPositive(-1)\na = 1\n", NULL, "" },
		{ "instances()", POINT "_a = Point {x = 1}\n_b = Point {x = 2}\nn = [p.x for p in Point.instances()]\n",
		  "'n':\n- 1\n- 2\n", NULL },
		{ "of one value with two names", POINT "_a = _b = Point {x = 1}\nn = len(Point.instances())\n", "'n': 1\n",
		  NULL },
		{ "of a global that was read early: its statement runs twice",
		  POINT "f = lambda p {\n    p.x\n}\nx = f(_a)\n_a = Point {x = 1}\nn = len(Point.instances())\n",
		  "x: 1\n'n': 2\n", NULL },
		{ "deprecated",
		  "schema A:\n    @deprecated(version=\"1\", reason=\"use b\")\n    a?: int\nx = A {\n    a = 1\n}\n", NULL,
		  "4:1 a was deprecated since version 1, use b" },
	};
	(void)state;
	RUN(examples);
}

static void test_lambdas(void **state)
{
	static const struct example examples[] = {
		{ "defaults and keywords", "f = lambda a, b = 2, c = 3 { a * 100 + b * 10 + c }\nx = f(1)\ny = f(1, c=9)\n",
		  "x: 123\n'y': 129\n", NULL },
		{ "recursion", "fib = lambda n { 1 if n < 2 else fib(n - 1) + fib(n - 2) }\nx = fib(10)\n", "x: 89\n", NULL },
		{ "recursion inside", "f = lambda {\n    g = lambda n { 1 if n < 2 else n * g(n - 1) }\n    g(5)\n}\nx = f()\n",
		  "x: 120\n", NULL },
		{ "closures keep what was", "_fs = [lambda { i } for i in [1, 2, 3]]\nx = [f() for f in _fs]\n",
		  "x:\n- 1\n- 2\n- 3\n", NULL },
		{ "functions of functions", "add = lambda a { lambda b { a + b } }\nx = add(1)(2)\n", "x: 3\n", NULL },
		{ "branches",
		  "f = lambda n {\n    if n > 1:\n        r = \"many\"\n    else:\n        r = \"few\"\n    r\n}\n"
		  "x = f(1)\ny = f(2)\n",
		  "x: few\n'y': many\n", NULL },
	};
	(void)state;
	RUN(examples);
}

/* ---- packages ---- */

static const char *const FILES[][2] = {
	{ "/src/base/a.k",
	  "import base.inner as inner\nvalue = inner.one + _two\n_two = 2\nschema S:\n    n: int = value\n" },
	{ "/src/base/b.k", "more = value * 10\n" },
	{ "/src/base/inner.k", "one = 1\n" },
	{ "/src/circle/a.k", "import circle2\na = circle2.b\n" },
	{ "/src/circle2.k", "import circle\nb = circle.a\n" },
	{ "/ext/k8s/api.k", "import .sub\nx = sub.y\n" },
	{ "/ext/k8s/sub.k", "y = \"external\"\n" },
};

static char **list_test_files(void *self, const char *folder)
{
	char **files = NULL;
	(void)self;
	_cleanup_free_ char *file = xasprintf("%s.k", folder), *inside = xasprintf("%s/", folder);
	for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
		const char *name = str_after(FILES[i][0], inside);
		if (strcmp(FILES[i][0], file) == 0 || (name && !strchr(name, '/') && strcmp(name, "inner.k") != 0))
			strv_push(&files, FILES[i][0]);
	}
	return files;
}

static struct bytes *read_test_file(void *self, const char *path, struct err *err)
{
	(void)self;
	for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
		if (strcmp(FILES[i][0], path) == 0)
			return bytes_new(FILES[i][1], strlen(FILES[i][1]));
	}
	err_set(err, ERR_NOT_FOUND, "no such file");
	return NULL;
}

static char *find_test_package(void *self, const char *root, const char *package, struct err *err)
{
	(void)self;
	(void)err;
	(void)root;
	return strcmp(package, "k8s") == 0 ? xstrdup("/ext/k8s") : NULL;
}

static void test_packages(void **state)
{
	static const struct kcl_loader loader = { NULL, list_test_files, read_test_file, find_test_package };
	static const struct example examples[] = {
		{ "several files and a package in a package", "import base\na = base.more\nb = base.S {}\n",
		  "a: 30\nb:\n  'n': 3\n", NULL },
		{ "by another name", "import base as b\na = b.value\n", "a: 3\n", NULL },
		{ "relative", "import .base\na = base.value\n", "a: 3\n", NULL },
		{ "external", "import k8s.api\na = api.x\n", "a: external\n", NULL },
		{ "none", "a = 1\nimport nowhere.at.all\n", NULL, "2:1 pkgpath nowhere.at.all not found" },
		{ "in a circle", "import circle\na = circle.a\n", NULL, "1:1 There is a circular reference" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
		run_example(&examples[i], &loader);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	static const struct {
		const char *why, *text;
		struct kcl_limits limits;
		const char *error;
	} cases[] = {
		{ "a loop without end", "f = lambda n { f(n) }\na = f(1)\n", { 0 }, "stack overflow" },
		{ "many rounds",
		  "a = [x for x in range(100000) for y in range(100000)]\n",
		  { .steps = 100000 },
		  "too many steps" },
		{ "much memory",
		  "_s = \"0123456789\" * 1000\na = [_s + str(i) for i in range(100000)]\n",
		  { .memory = 10 << 20 },
		  "out of memory" },
		{ "a long string", "a = \"x\" * 100000000000\n", { 0 }, "" },
		{ "nested calls",
		  "f = lambda n { 0 if n == 0 else 1 + f(n - 1) }\na = f(60)\n",
		  { .depth = 50 },
		  "stack overflow" },
		{ "schemas that hold themselves", "schema A:\n    a: A = A {}\nx = A {}\n", { 0 }, "stack overflow" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_eval_options options = { .limits = cases[i].limits };
		_cleanup_(outcome_clear) struct outcome o = run_with(cases[i].text, &options, NULL);
		if (o.yaml)
			fail_msg("%s: was accepted", cases[i].why);
		if (!str_contains(o.error, cases[i].error))
			fail_msg("%s: failed with %s", cases[i].why, o.error);
	}
}

static void test_deadline(void **state)
{
	struct kcl_eval_options options = { .limits = { .deadline_ns = clock_mono_ns() + 20 * NS_PER_MS } };
	(void)state;
	_cleanup_(outcome_clear) struct outcome o = run_with("a = len([1 for x in range(10000) for y in range(10000)])\n",
	                                                     &options, NULL);
	assert_null(o.yaml);
	assert_true(str_contains(o.error, "longer than allowed"));
}

static void test_options_and_reuse(void **state)
{
	const char *text = "p = option(\"p\")\nn = len(p.list)\n";
	struct kcl_source source = { .name = "main.k", .text = text, .len = strlen(text) };
	struct kcl_compile_options compile = { .sources = &source, .sources_len = 1 };
	struct kcl_diagnostics diagnostics = { 0 };
	struct kcl_program *p = kcl_compile(&compile, &diagnostics);
	struct kcl_context *c = kcl_context_new();
	(void)state;
	assert_non_null(p);
	assert_true(kcl_program_size(p) > 0);
	for (int i = 0; i < 100; i++) {
		json_t *value = json_pack("{s:[i,i], s:s}", "list", i, 2, "name", "x");
		struct kcl_option option = { .name = "p", .value = value };
		struct kcl_eval_options options = { .options = &option, .options_len = 1 };
		struct kcl_result *r = kcl_evaluate(p, c, &options, &diagnostics);
		assert_non_null(r);
		json_t *got = kcl_result_to_json(r, NULL);
		assert_int_equal(json_integer_value(json_object_get(got, "n")), 2);
		json_decref(got);
		kcl_result_free(r);
		json_decref(value);
	}
	kcl_context_free(c);
	kcl_program_unref(p);
	kcl_diagnostics_clear(&diagnostics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_globals_in_any_order),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_collections),
		cmocka_unit_test(test_unions),
		cmocka_unit_test(test_schema_attributes),
		cmocka_unit_test(test_schema_bases),
		cmocka_unit_test(test_lambdas),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_options_and_reuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
