/* Archives of KCL modules: what is read has only names below its own folder, each once and in order. */

#include "lang/kcl_modules/archive.h"

#include "base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++) {
		require(str_starts_with(names[i], "root/") && str_ends_with(names[i], ".k"));
		require(!str_contains(names[i], "/../") && !str_contains(names[i], "//") && !str_contains(names[i], "/./"));
		require(i == 0 || strcmp(names[i - 1], names[i]) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(kcl_archive_unrefp) struct kcl_archive *a = kcl_archive_read(data, size, &err);

	require((a != NULL) == !err_is_set(&err));
	if (!a)
		return 0;
	_cleanup_strv_ char **names = kcl_archive_list(a, "", "root");
	_cleanup_free_ char *package = kcl_archive_find_package(a, "hello");
	check_names(names);
	for (size_t i = 0; names && names[i]; i++)
		require(kcl_archive_file(a, str_after(names[i], "root/")) != NULL);
	require(!package || kcl_archive_has_folder(a, package));
	return 0;
}
