#include "tree.h"
#include "links.h"

#include "base/fs.h"
#include "base/map.h"

#include <errno.h>
#include <limits.h>

#define RECORD_MAX ((size_t)64 * 1024)

/* What ls-tree says, read as it comes: a tree that a few bytes describe may unfold to billions of files. */
struct listing {
	int64_t size_max, size;
	size_t files;
	bool too_large, malformed;
	struct buf record;
	struct map *links; /* path → its target; the path itself until it is read */
};

/* "MODE TYPE ID SIZE\tPATH" */
static void take_record(struct listing *l)
{
	char *text = l->record.data, *tab = strchr(text, '\t'), *size;
	int64_t bytes = 0;

	l->files++;
	if (!tab) {
		l->malformed = true;
		return;
	}
	*tab = '\0';
	size = strrchr(text, ' ');
	if (!size || (!str_eq(size + 1, "-") && !str_to_i64(size + 1, 0, INT64_MAX / 2, &bytes)))
		l->malformed = true;
	l->size += bytes;
	if (str_starts_with(text, "120000 ") && !l->malformed)
		map_set(l->links, tab + 1, xstrdup(tab + 1));
	if (l->files > GIT_TREE_FILES_MAX || l->size > l->size_max)
		l->too_large = true;
}

static void on_listing(void *self, int stream, const char *data, size_t len)
{
	struct listing *l = self;

	while (stream == 1 && len && !l->too_large && !l->malformed) {
		const char *end = memchr(data, '\0', len);
		size_t part = end ? (size_t)(end - data) : len;
		if (buf_append(&l->record, data, part) < 0) {
			l->malformed = true;
			return;
		}
		data += part;
		len -= part;
		if (end) {
			if (l->record.len)
				take_record(l);
			buf_reset(&l->record);
			data++;
			len--;
		}
	}
}

static bool listing_over(void *self)
{
	const struct listing *l = self;

	return l->too_large || l->malformed;
}

static int list(struct git_session *s, const char *git_dir, const char *commit, struct listing *l,
                enum git_fault *ret_fault, struct err *err)
{
	_cleanup_proc_result_ struct proc_result result = { 0 };
	const char *const args[] = { "ls-tree", "-r", "-l", "-z", "--full-tree", commit, NULL };
	struct git_call call = {
		.args = args, .git_dir = git_dir, .on_output = on_listing, .over_limit = listing_over, .self = l
	};
	struct err git_err = { 0 };
	int rc = git_session_run(s, &call, &result, ret_fault, &git_err);

	if (l->too_large) {
		err_clear(&git_err);
		*ret_fault = GIT_FAULT_REMOTE;
		err_set(err, ERR_TOO_LARGE,
		        "repository %s: its files are more than the %d, or larger than the %lld MiB allowed", s->shown,
		        GIT_TREE_FILES_MAX, (long long)(s->size_max >> 20));
		return err_set_terminal(err);
	}
	if (rc == 0 && l->malformed) {
		*ret_fault = GIT_FAULT_BROKEN;
		return err_set(err, ERR_INTERNAL, "repository %s: git ls-tree said something unexpected", s->shown);
	}
	if (rc < 0) {
		if (err)
			err_move(err, &git_err);
		else
			err_clear(&git_err);
	}
	return rc;
}

/* Reads where the links lead, once they are written. */
static int read_links(const char *dest, struct listing *l, struct map *targets, struct err *err)
{
	const char *path;
	void *value;
	size_t i = 0;

	while (map_next(l->links, &i, &path, &value)) {
		_cleanup_free_ char *full = fs_join(dest, path);
		char target[PATH_MAX];
		ssize_t len = readlink(full, target, sizeof(target) - 1);
		if (len < 0)
			return err_set_errno(err, errno, "reading the symbolic link %s", full);
		target[len] = '\0';
		map_set(targets, path, xstrdup(target));
	}
	return 0;
}

static int drop_escaping_links(const char *dest, struct listing *l, struct err *err)
{
	_cleanup_(map_freep) struct map *targets = map_new(free);
	const char *path;
	size_t i = 0;

	if (read_links(dest, l, targets, err) < 0)
		return -1;
	while (map_next(targets, &i, &path, NULL)) {
		_cleanup_free_ char *full = NULL;
		if (!git_link_escapes(targets, path))
			continue;
		full = fs_join(dest, path);
		if (unlink(full) < 0)
			return err_set_errno(err, errno, "removing the symbolic link %s, which leads out of the repository", full);
	}
	return 0;
}

static int write_files(struct git_session *s, const char *git_dir, const char *commit, const char *dest,
                       enum git_fault *ret_fault, struct err *err)
{
	_cleanup_free_ char *index = fs_join(s->dir, "index");
	const char *const read_args[] = { "read-tree", commit, NULL };
	const char *const write_args[] = { "checkout-index", "--all", "--quiet", NULL };
	struct git_call read_call = { .args = read_args, .git_dir = git_dir, .index = index };
	struct git_call write_call = {
		.args = write_args, .git_dir = git_dir, .index = index, .work_tree = dest, .grows = dest
	};
	_cleanup_proc_result_ struct proc_result read = { 0 }, written = { 0 };
	int rc;

	unlink(index);
	rc = git_session_run(s, &read_call, &read, ret_fault, err);
	return rc < 0 ? rc : git_session_run(s, &write_call, &written, ret_fault, err);
}

int git_tree_write(struct git_session *s, const char *git_dir, const char *commit, const char *dest,
                   enum git_fault *ret_fault, struct err *err)
{
	struct listing l = { .size_max = s->size_max, .record = BUF_INIT(RECORD_MAX), .links = map_new(free) };
	int rc = list(s, git_dir, commit, &l, ret_fault, err);

	if (rc == 0)
		rc = write_files(s, git_dir, commit, dest, ret_fault, err);
	if (rc == 0)
		rc = drop_escaping_links(dest, &l, err);
	buf_clear(&l.record);
	map_free(l.links);
	return rc;
}
