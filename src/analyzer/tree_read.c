#include "tree.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void put_utf8(char *out, size_t *n, unsigned c)
{
	if (c < 0x80) {
		out[(*n)++] = (char)c;
	} else if (c < 0x800) {
		out[(*n)++] = (char)(0xC0 | c >> 6);
		out[(*n)++] = (char)(0x80 | (c & 0x3F));
	} else {
		out[(*n)++] = (char)(0xE0 | c >> 12);
		out[(*n)++] = (char)(0x80 | (c >> 6 & 0x3F));
		out[(*n)++] = (char)(0x80 | (c & 0x3F));
	}
}

/* Windows tools write manifests (requirements.txt above all) as UTF-16 with a byte order mark. Characters beyond the
 * basic plane become U+FFFD: nothing here looks for one. */
static const char *from_utf16(struct tree *t, const unsigned char *in, size_t len, bool big_endian, size_t *ret_len)
{
	char *out = arena_alloc(t->arena, len / 2 * 3 + 1);
	size_t n = 0;

	for (size_t i = 2; i + 1 < len; i += 2) {
		unsigned c = big_endian ? (unsigned)in[i] << 8 | in[i + 1] : (unsigned)in[i + 1] << 8 | in[i];

		put_utf8(out, &n, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c ? c : ' ');
	}
	*ret_len = n;
	return out;
}

static const char *decode(struct tree *t, char *data, size_t *len)
{
	const unsigned char *u = (const unsigned char *)data;

	if (*len >= 2 && ((u[0] == 0xFF && u[1] == 0xFE) || (u[0] == 0xFE && u[1] == 0xFF)))
		return from_utf16(t, u, *len, u[0] == 0xFE, len);
	if (memchr(data, 0, *len))
		return NULL;
	if (*len >= 3 && u[0] == 0xEF && u[1] == 0xBB && u[2] == 0xBF) {
		*len -= 3;
		return data + 3;
	}
	return data;
}

/* The first max bytes of a regular file; -1 when it is none. */
static ssize_t read_beginning(int root, const char *path, char *data, size_t max)
{
	_cleanup_close_ int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t got = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -1;
	while (got < max) {
		ssize_t n = read(fd, data + got, max - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static size_t file_size(int root, const char *path)
{
	struct stat st;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) || st.st_size < 0)
		return 0;
	return (size_t)st.st_size;
}

bool tree_exhausted(struct tree *t)
{
	if (t->read < t->read_max && clock_mono_ns() <= t->deadline_ns)
		return false;
	t->truncated = true;
	return true;
}

const struct text *tree_read(struct tree *t, const struct tree_dir *dir, struct tree_file *file)
{
	const char *path;
	struct text *text;
	size_t max, len;
	ssize_t got;
	char *data;

	if (!file || file->tried)
		return file ? file->text : NULL;
	file->tried = true;
	if (tree_exhausted(t))
		return NULL;
	path = dir->path[0] ? arena_printf(t->arena, "%s/%s", dir->path, file->name) : file->name;
	max = file_size(t->fd, path);
	if (max > TREE_FILE_MAX)
		max = TREE_FILE_MAX;
	if (max > t->read_max - t->read)
		max = t->read_max - t->read;
	data = arena_alloc(t->arena, max + 1);
	got = read_beginning(t->fd, path, data, max);
	if (got < 0)
		return NULL;
	len = (size_t)got;
	t->read += len;
	text = arena_alloc(t->arena, sizeof(*text));
	text->path = path;
	text->data = decode(t, data, &len);
	text->len = len;
	if (text->data)
		file->text = text;
	return file->text;
}

const struct text *tree_read_at(struct tree *t, struct tree_dir *dir, const char *path)
{
	struct tree_dir *at;
	struct tree_file *file = tree_file_at(dir, path, &at);

	return file ? tree_read(t, at, file) : NULL;
}

const struct text *tree_read_any(struct tree *t, struct tree_dir *dir, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		const struct text *text = tree_read_at(t, dir, names[i]);

		if (text)
			return text;
	}
	return NULL;
}

bool tree_executable(const struct tree *t, const struct tree_dir *dir, const char *name)
{
	_cleanup_free_ char *path = dir->path[0] ? xasprintf("%s/%s", dir->path, name) : xstrdup(name);
	struct stat st;

	return !fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && (st.st_mode & S_IXUSR);
}

int text_line(const struct text *t, size_t offset)
{
	const char *p = t->data, *end = t->data + (offset < t->len ? offset : t->len);
	int line = 1;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		line++;
		p++;
	}
	return line;
}

size_t text_find(const struct text *t, size_t from, const char *needle)
{
	const char *p;

	if (from > t->len)
		return SIZE_MAX;
	p = memmem(t->data + from, t->len - from, needle, strlen(needle));
	return p ? (size_t)(p - t->data) : SIZE_MAX;
}

bool text_has(const struct text *t, const char *needle)
{
	return text_find(t, 0, needle) != SIZE_MAX;
}
