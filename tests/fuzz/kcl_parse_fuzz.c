/* KCL: any text is parsed, and its names and types are checked; what parses is laid out, which gives a text that parses
 * to the same tree and stays as it is when it is laid out again. */

#include "check/check.h"
#include "syntax/parse.h"
#include "syntax/printer.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_format(const struct kcl_module *m)
{
	_cleanup_buf_ struct buf once = BUF_INIT(16 * 1024 * 1024), twice = BUF_INIT(16 * 1024 * 1024);
	struct kcl_diagnostics d = { 0 };

	kcl_format(m, &once);
	if (once.failed)
		return;

	struct kcl_module *again = kcl_parse("again.k", buf_str(&once), once.len, &d);

	require(d.errors == 0 && kcl_same_tree(m, again));
	kcl_format(again, &twice);
	require(once.len == twice.len && strcmp(buf_str(&once), buf_str(&twice)) == 0);
	kcl_module_free(again);
	kcl_diagnostics_clear(&d);
}

/* Also of trees that recovery left. */
static void check_types(struct kcl_module *m, struct kcl_diagnostics *d)
{
	struct kcl_package package = { .path = "__main__", .modules = &m, .modules_len = 1 };
	struct kcl_packages packages = { .items = &package, .len = 1 };
	struct kcl_checked *checked = kcl_check(&packages, NULL, d);

	kcl_checked_type(checked, "__main__", "A");
	kcl_checked_import(checked, m, "b");
	kcl_checked_free(checked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kcl_diagnostics d = { 0 };
	struct kcl_module *m = kcl_parse("main.k", (const char *)data, size, &d);

	require(m != NULL && d.len <= KCL_DIAGNOSTICS_MAX && d.errors >= d.len);
	if (d.errors == 0)
		check_format(m);
	check_types(m, &d);
	kcl_module_free(m);
	kcl_diagnostics_clear(&d);
	return 0;
}
