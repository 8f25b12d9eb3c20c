#include "codec/tar.h"

#include "base/str.h"

#include <string.h>

#define BLOCK 512
#define TAR_NO_SIZE SIZE_MAX

/* Fields of a header block (POSIX.1-2017, pax, "ustar Interchange Format"). */
enum {
	NAME_AT = 0,
	NAME_LEN = 100,
	SIZE_AT = 124,
	SIZE_LEN = 12,
	SUM_AT = 148,
	SUM_LEN = 8,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	PREFIX_AT = 345,
	PREFIX_LEN = 155,
};

void tar_begin(struct tar_reader *t, const void *data, size_t len, unsigned entries_max)
{
	*t = (struct tar_reader){ .at = data,
		                      .left = len,
		                      .entries_left = entries_max,
		                      .name = BUF_INIT(TAR_NAME_MAX),
		                      .long_name = BUF_INIT(TAR_NAME_MAX),
		                      .long_size = TAR_NO_SIZE };
}

void tar_end(struct tar_reader *t)
{
	buf_clear(&t->name);
	buf_clear(&t->long_name);
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "the tar archive is damaged: %s", what);
}

/* ---- headers ---- */

/* Octal digits, with white space around them; or, as GNU has it, a binary number whose first byte is 0x80. */
static bool parse_number(const char *field, size_t len, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	if ((unsigned char)field[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (n >> 56)
				return false;
			n = n << 8 | (unsigned char)field[i];
		}
		*ret = n;
		return true;
	}
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(field[i] - '0');
	if (i < len && field[i] != ' ' && field[i] != '\0')
		return false;
	*ret = n;
	return true;
}

/* The sum of all bytes of the header, those of the sum's own field taken as spaces. */
static bool sum_is_right(const char *header)
{
	uint64_t said, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : (unsigned char)header[i];
	return parse_number(header + SUM_AT, SUM_LEN, &said) && said == sum;
}

static bool is_zero(const char *block)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i] != '\0')
			return false;
	return true;
}

/* ---- names ---- */

/* Puts one part of a path after those before it. */
static int put_part(struct buf *out, const char *part, size_t len, struct err *err)
{
	if (len == 0 || (len == 1 && part[0] == '.'))
		return 0;
	if (len == 2 && part[0] == '.' && part[1] == '.')
		return err_set(err, ERR_INVALID, "the archive names a file outside of its own folder (by \"..\")");
	if (out->len > 0)
		buf_putc(out, '/');
	return buf_append(out, part, len) < 0
	           ? err_set(err, ERR_INVALID, "the archive has a name of over %zu bytes", TAR_NAME_MAX)
	           : 0;
}

/* Parts one by one: no "./", no "//", nothing that leaves. */
static int put_path(struct buf *out, const char *path, size_t len, struct err *err)
{
	for (size_t at = 0; at < len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t n = slash ? (size_t)(slash - path) - at : len - at;

		if (put_part(out, path + at, n, err) < 0)
			return -1;
		at += n + 1;
	}
	return 0;
}

static int take_name(struct tar_reader *t, const char *header, struct err *err)
{
	const char *prefix = header + PREFIX_AT, *name = header + NAME_AT;
	bool has_prefix = memcmp(header + MAGIC_AT, "ustar\0", 6) == 0 && t->long_name.len == 0;
	size_t prefix_len = has_prefix ? strnlen(prefix, PREFIX_LEN) : 0, name_len = strnlen(name, NAME_LEN);

	if (t->long_name.len > 0) {
		name = buf_str(&t->long_name);
		name_len = t->long_name.len;
	}
	buf_reset(&t->name);
	if (name[0] == '/' || (prefix_len > 0 && prefix[0] == '/'))
		return err_set(err, ERR_INVALID, "the archive names a file outside of its own folder (an absolute path)");
	if (put_path(&t->name, prefix, prefix_len, err) < 0)
		return -1;
	return put_path(&t->name, name, name_len, err);
}

/* ---- entries that describe the next one ---- */

/* "LEN KEY=VALUE\n", again and again. */
static int take_pax(struct tar_reader *t, const char *data, size_t len, struct err *err)
{
	while (len > 0) {
		size_t n = 0, digits = 0;

		while (digits < len && digits < 8 && data[digits] >= '0' && data[digits] <= '9')
			n = n * 10 + (size_t)(data[digits++] - '0');
		if (digits == 0 || n > len || n < digits + 3 || data[digits] != ' ' || data[n - 1] != '\n')
			return damaged(err, "an extended header cannot be read");
		const char *key = data + digits + 1, *equals = memchr(key, '=', n - digits - 2);
		size_t value_len = equals ? (size_t)(data + n - 1 - equals) - 1 : 0;

		if (!equals)
			return damaged(err, "an extended header cannot be read");
		if (str_starts_with(key, "GNU.sparse."))
			return err_set(err, ERR_INVALID, "the archive has a sparse file, which is not accepted");
		if (str_starts_with(key, "path=")) {
			buf_reset(&t->long_name);
			if (memchr(equals, '\0', value_len + 1) || buf_append(&t->long_name, equals + 1, value_len) < 0)
				return damaged(err, "a name is too long, or has a NUL");
		} else if (str_starts_with(key, "size=")) {
			_cleanup_free_ char *digits_of = xstrndup(equals + 1, value_len);
			int64_t size;

			if (!str_to_i64(digits_of, 0, INT64_MAX, &size))
				return damaged(err, "a size cannot be read");
			t->long_size = (size_t)size;
		}
		data += n;
		len -= n;
	}
	return 0;
}

static int take_long_name(struct tar_reader *t, const char *data, size_t len, struct err *err)
{
	buf_reset(&t->long_name);
	if (buf_append(&t->long_name, data, strnlen(data, len)) < 0)
		return damaged(err, "a name is too long");
	return 0;
}

/* ---- entries ---- */

/* Past the data, whose last block is filled up. */
static int take_data(struct tar_reader *t, size_t size, const char **ret, struct err *err)
{
	size_t padded;

	*ret = t->at;
	if (!size_add(size, (BLOCK - size % BLOCK) % BLOCK, &padded) || size > t->left)
		return damaged(err, "it ends in the midst of a file");
	if (padded > t->left) /* the last entry of a writer that did not fill up */
		padded = t->left;
	t->at += padded;
	t->left -= padded;
	return 0;
}

static const char *name_of_type(char type)
{
	switch (type) {
	case '1':
	case '2':
		return "a link";
	case '3':
	case '4':
		return "a device";
	case '6':
		return "a FIFO";
	case 'S':
		return "a sparse file";
	default:
		return "something that is neither a file nor a folder";
	}
}

static int take_entry(struct tar_reader *t, const char *header, size_t size, struct tar_entry *ret, struct err *err)
{
	char type = header[TYPE_AT];
	size_t name_len = strnlen(header + NAME_AT, NAME_LEN);
	bool is_file = type == '0' || type == '\0' || type == '7';

	if (take_name(t, header, err) < 0)
		return -1;
	if (!is_file && type != '5')
		return err_set(err, ERR_INVALID, "the archive has %s, which is not accepted: %s", name_of_type(type),
		               buf_str(&t->name));
	/* Before there were types, a '/' at the end said it. */
	bool is_folder = type == '5' || (t->long_name.len == 0 && name_len > 0 && header[NAME_AT + name_len - 1] == '/');
	*ret = (struct tar_entry){ .is_folder = is_folder };
	if (take_data(t, is_folder ? 0 : size, &ret->data, err) < 0)
		return -1;
	ret->size = is_folder ? 0 : size;
	ret->name = buf_str(&t->name);
	buf_reset(&t->long_name);
	t->long_size = TAR_NO_SIZE;
	if (!is_folder && t->name.len == 0)
		return damaged(err, "a file has no name");
	return 1;
}

/* A header that describes others: 1 when it was one. */
static int take_description(struct tar_reader *t, char type, size_t size, struct err *err)
{
	const char *data;
	int r = 0;

	if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
		return 0;
	if (take_data(t, size, &data, err) < 0)
		return -1;
	if (type == 'x')
		r = take_pax(t, data, size, err);
	else if (type == 'L')
		r = take_long_name(t, data, size, err);
	return r < 0 ? -1 : 1;
}

int tar_next(struct tar_reader *t, struct tar_entry *ret, struct err *err)
{
	for (;;) {
		const char *header = t->at;
		uint64_t size;

		/* Two blocks of zeros end it; some writers leave out one of them, or both. */
		if (t->left < BLOCK || is_zero(header))
			return 0;
		if (t->entries_left-- == 0)
			return err_set(err, ERR_TOO_LARGE, "the archive has too many files");
		if (!sum_is_right(header) || !parse_number(header + SIZE_AT, SIZE_LEN, &size))
			return damaged(err, "a header's checksum is wrong (is it a tar archive?)");
		t->at += BLOCK;
		t->left -= BLOCK;

		int described = take_description(t, header[TYPE_AT], (size_t)size, err);
		if (described < 0)
			return -1;
		if (described == 0)
			return take_entry(t, header, t->long_size != TAR_NO_SIZE ? t->long_size : (size_t)size, ret, err);
	}
}
