#include "kcl.h"

#include "base/clock.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

#define SOURCE_MAX ((size_t)10 * 1024 * 1024)

/* ---- deadlines and cancellation ---- */

/* A bit of everything that parser, checker and compiler have loops for. */
static void make_source(struct buf *out, size_t size)
{
	for (int i = 0; out->len + 1024 < size; i++)
		buf_printf(out,
		           "schema S%d:\n    a: int | str | [int] = %d\n    b?: {str:}\n    check:\n        a in [1, 2] or b\n"
		           "x%d = S%d {a = 1, b.c = [y * 2 for y in range(%d) if y > 1]}\n"
		           "f%d = lambda n: int -> str { \"${n + %d} of ${x%d.a}\" if n > 0 else str(n) }\n",
		           i, i + 1, i, i, i, i, i, i);
}

/* NULL when it compiles, or what is wrong: all of it is one message. */
static char *compile(const struct buf *text, const struct kcl_limits *limits)
{
	const struct kcl_source source = { .name = "main.k", .text = buf_str(text), .len = text->len };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1, .limits = *limits };
	struct kcl_diagnostics d = { 0 };
	struct kcl_program *p = kcl_compile(&options, &d);
	char *message = p ? NULL : xstrdup(d.items[0].message);

	assert_int_equal(d.len, p ? 0 : 1);
	kcl_program_unref(p);
	kcl_diagnostics_clear(&d);
	return message;
}

static int64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* The largest source there may be costs no more than copying it: less than to compile a tenth of it. */
static void test_compile_cancelled(void **state)
{
	static const _Atomic bool cancelled = true;
	const struct kcl_limits limits = { .cancelled = &cancelled }, none = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(SOURCE_MAX), tenth = BUF_INIT(SOURCE_MAX);

	(void)state;
	make_source(&text, SOURCE_MAX);
	make_source(&tenth, SOURCE_MAX / 10);
	int64_t begin = thread_ns();
	assert_null(compile(&tenth, &none));
	int64_t took = thread_ns() - begin;
	begin = thread_ns();
	_cleanup_free_ char *message = compile(&text, &limits);
	assert_string_equal(message, "the compilation was cancelled");
	assert_true(thread_ns() - begin < took);
}

/* Wherever it is by then: text, tree, types or code. */
static void test_compile_deadline(void **state)
{
	const struct kcl_limits none = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(SOURCE_MAX);
	int64_t begin, took;
	unsigned stopped = 0;

	(void)state;
	make_source(&text, (size_t)128 * 1024);
	begin = clock_mono_ns();
	assert_null(compile(&text, &none));
	took = clock_mono_ns() - begin;
	for (int i = 0; i < 20; i++) {
		const struct kcl_limits limits = { .deadline_ns = clock_mono_ns() + took * i / 20 };
		_cleanup_free_ char *message = compile(&text, &limits);

		if (message)
			assert_string_equal(message, "the compilation takes longer than allowed");
		stopped += message != NULL;
	}
	assert_true(stopped > 0);
}

/* The flag is set while the program is loaded. */
static _Atomic bool is_cancelled;

static char **list(void *self, const char *folder)
{
	char **names = NULL;

	(void)self;
	strv_push(&names, folder);
	return names;
}

static struct bytes *read_and_cancel(void *self, const char *path, struct err *err)
{
	int *reads = self;

	(void)path;
	(void)err;
	++*reads;
	atomic_store(&is_cancelled, true);
	return bytes_new("wrong = \n", strlen("wrong = \n"));
}

static void test_compile_cancelled_while_loading(void **state)
{
	int reads = 0;
	const struct kcl_loader loader = { .self = &reads, .list = list, .read = read_and_cancel };
	const struct kcl_source source = { .name = "/src/main.k", .text = "import a\nimport b\n", .len = 18 };
	const struct kcl_compile_options options = { .sources = &source,
		                                         .sources_len = 1,
		                                         .root = "/src",
		                                         .loader = &loader,
		                                         .limits = { .cancelled = &is_cancelled } };
	struct kcl_diagnostics d = { 0 };

	(void)state;
	assert_null(kcl_compile(&options, &d));
	assert_in_range(reads, 1, 2);
	assert_string_equal(d.items[d.len - 1].message, "the compilation was cancelled");
	kcl_diagnostics_clear(&d);
}

/* ---- size ---- */

static void write_wrong_types(struct buf *out, int n)
{
	for (int i = 0; i < n; i++)
		buf_printf(out, "%s\"some%d\"", i > 0 ? " | " : "type A = ", i);
	for (int i = 0; i < n; i++)
		buf_printf(out, "\nx%d: A = 1", i);
}

static void write_unknown_names(struct buf *out, int n)
{
	for (int i = 0; i < n; i++)
		buf_printf(out, "a%d = b%d\n", i, i);
}

static void write_keywords(struct buf *out, int n)
{
	for (int i = 0; i < n; i++)
		buf_printf(out, "%sa%d = %d", i > 0 ? ", " : "f = lambda ", i, i);
	buf_puts(out, " { a0 }\n");
	for (int i = 0; i < n; i++)
		buf_printf(out, "%sa%d = %d", i > 0 ? ", " : "b = f(", i, i);
	buf_puts(out, ")\n");
}

static int64_t time_of(void (*write)(struct buf *out, int n), int n)
{
	int64_t best = INT64_MAX;
	_cleanup_buf_ struct buf text = BUF_INIT(SOURCE_MAX);

	write(&text, n);
	for (int i = 0; i < 3; i++) {
		const struct kcl_source source = { .name = "main.k", .text = buf_str(&text), .len = text.len };
		const struct kcl_compile_options options = { .sources = &source, .sources_len = 1 };
		struct kcl_diagnostics d = { 0 };
		int64_t begin = thread_ns();

		kcl_program_unref(kcl_compile(&options, &d));
		int64_t took = thread_ns() - begin;

		best = took < best ? took : best;
		kcl_diagnostics_clear(&d);
	}
	return best;
}

/* Eight times as much takes about eight times as long, not 64 times. */
static void test_compile_is_linear(void **state)
{
	static void (*const shapes[])(struct buf * out, int n) = { write_wrong_types, write_unknown_names, write_keywords };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		int64_t small = time_of(shapes[i], 1000), large = time_of(shapes[i], 8000);

		if (large > 30 * small)
			fail_msg("shape %zu: %lld us, then %lld us", i, (long long)small / 1000, (long long)large / 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compile_cancelled),
		cmocka_unit_test(test_compile_deadline),
		cmocka_unit_test(test_compile_cancelled_while_loading),
		cmocka_unit_test(test_compile_is_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
