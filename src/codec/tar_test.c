#include "codec/tar.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARCHIVE_MAX ((size_t)1024 * 1024)

/* ---- an archive to read ---- */

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], type, link[100], magic[8], owner[64],
		devices[16], prefix[155], filler[12];
};

static void put(struct buf *out, char type, const char *prefix, const char *name, const char *data, size_t len)
{
	union {
		struct header h;
		unsigned char bytes[512];
	} u = { 0 };
	unsigned sum = 0;

	_Static_assert(sizeof(u) == 512, "a block");
	memcpy(u.h.name, name, strnlen(name, sizeof(u.h.name)));
	memcpy(u.h.prefix, prefix, strlen(prefix));
	snprintf(u.h.size, sizeof(u.h.size), "%011zo", len);
	memcpy(u.h.magic, "ustar\00000", 8);
	memset(u.h.sum, ' ', sizeof(u.h.sum));
	u.h.type = type;
	for (size_t i = 0; i < sizeof(u.bytes); i++)
		sum += u.bytes[i];
	snprintf(u.h.sum, sizeof(u.h.sum), "%06o", sum);
	buf_append(out, &u, sizeof(u));
	buf_append(out, data, len);
	while (out->len % 512)
		buf_putc(out, '\0');
}

static void finish(struct buf *out)
{
	for (int i = 0; i < 1024; i++)
		buf_putc(out, '\0');
}

/* "NAME=DATA;…" of all entries, "NAME/;" of a folder; or the error's message. */
static char *read_all(const struct buf *archive, unsigned entries_max)
{
	_cleanup_tar_ struct tar_reader t;
	_cleanup_buf_ struct buf out = BUF_INIT(ARCHIVE_MAX);
	_cleanup_err_ struct err err = { 0 };
	struct tar_entry e;
	int r;

	tar_begin(&t, buf_str(archive), archive->len, entries_max);
	while ((r = tar_next(&t, &e, &err)) > 0) {
		buf_printf(&out, "%s%s", e.name, e.is_folder ? "/" : "=");
		buf_append(&out, e.data, e.size);
		buf_putc(&out, ';');
	}
	return r < 0 ? xstrdup(err_message(&err)) : xstrdup(buf_str(&out));
}

static void expect(const struct buf *archive, unsigned entries_max, const char *wanted)
{
	_cleanup_free_ char *got = read_all(archive, entries_max);

	if (!str_contains(got, wanted))
		fail_msg("got \"%s\", wanted \"%s\"", got, wanted);
}

static void test_tar_files_and_folders(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT(ARCHIVE_MAX);

	(void)state;
	put(&a, '5', "", "./", "", 0);
	put(&a, '0', "", "./main.k", "a = 1\n", 6);
	put(&a, '5', "", "models/", "", 0);
	put(&a, '0', "deep/er", "x.k", "", 0);
	put(&a, '\0', "", "old", "v7", 2);
	finish(&a);
	expect(&a, 10, "/;main.k=a = 1\n;models/;deep/er/x.k=;old=v7;");
	expect(&a, 3, "too many files");
	/* Without zeros at the end, and cut off after a header. */
	a.len = 4 * 512;
	expect(&a, 10, "/;main.k=a = 1\n;models/;");
	a.len = 2 * 512;
	expect(&a, 10, "ends in the midst");
}

static void test_tar_long_names(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT(ARCHIVE_MAX), wanted = BUF_INIT(ARCHIVE_MAX);
	char name[300];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	put(&a, 'L', "", "././@LongLink", name, sizeof(name));
	put(&a, '0', "", "nnn", "1", 1);
	put(&a, 'g', "", "pax_global_header", "52 comment=0123456789012345678901234567890123456789\n", 52);
	put(&a, 'x', "", "PaxHeaders/b", "13 path=b/c\n\n", 12);
	put(&a, '0', "", "b", "2", 1);
	put(&a, '0', "", "d", "3", 1);
	finish(&a);
	buf_printf(&wanted, "%s=1;", name);
	/* "13" says one byte too many: the record does not end with its newline. */
	expect(&a, 20, "an extended header cannot be read");
	buf_clear(&a);
	put(&a, 'L', "", "././@LongLink", name, sizeof(name));
	put(&a, '0', "", "nnn", "1", 1);
	put(&a, 'x', "", "PaxHeaders/b", "12 path=b/c\n10 size=1\n", 22);
	put(&a, '0', "", "b", "2", 1);
	put(&a, '0', "", "d", "3", 1);
	finish(&a);
	buf_puts(&wanted, "b/c=2;d=3;");
	expect(&a, 20, buf_str(&wanted));
}

static void test_tar_hostile(void **state)
{
	static const struct {
		char type;
		const char *prefix, *name, *data;
		size_t len;
		const char *wanted;
	} cases[] = {
		{ '0', "", "../x", "", 0, "outside of its own folder" },
		{ '0', "", "a/../../x", "", 0, "outside of its own folder" },
		{ '0', "..", "x", "", 0, "outside of its own folder" },
		{ '0', "", "/etc/passwd", "", 0, "absolute" },
		{ '0', "/etc", "passwd", "", 0, "absolute" },
		{ '2', "", "x", "", 0, "a link" },
		{ '1', "", "x", "", 0, "a link" },
		{ '3', "", "x", "", 0, "a device" },
		{ '6', "", "x", "", 0, "a FIFO" },
		{ 'S', "", "x", "", 0, "a sparse file" },
		{ 'V', "", "x", "", 0, "neither a file nor a folder" },
		{ 'x', "", "x", "22 GNU.sparse.major=1\n", 22, "a sparse file" },
		{ 'x', "", "x", "22 size=notanumber...\n", 22, "a size cannot be read" },
		{ 'x', "", "x", "99999999 path=b\n", 16, "cannot be read" },
		{ 'x', "", "x", "9 path\0b\n", 9, "cannot be read" },
		{ '0', "", "", "", 0, "has no name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf a = BUF_INIT(ARCHIVE_MAX);

		put(&a, cases[i].type, cases[i].prefix, cases[i].name, cases[i].data, cases[i].len);
		finish(&a);
		expect(&a, 10, cases[i].wanted);
	}
}

static void test_tar_damaged(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT(ARCHIVE_MAX);

	(void)state;
	put(&a, '0', "", "x", "1", 1);
	a.data[0] = 'y';
	expect(&a, 10, "checksum is wrong");
	buf_clear(&a);
	expect(&a, 10, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tar_files_and_folders),
		                                cmocka_unit_test(test_tar_long_names), cmocka_unit_test(test_tar_hostile),
		                                cmocka_unit_test(test_tar_damaged) };
	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
