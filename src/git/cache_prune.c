#include "git.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

struct entry {
	char *dir, *lock;
	struct timespec used; /* when its lock was last taken */
	int64_t size;
};

struct listing {
	struct entry *entries;
	size_t len;
	int64_t size;
};

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->entries[i].dir);
		free(l->entries[i].lock);
	}
	free(l->entries);
}

static void add(struct listing *l, const char *cache, const char *name)
{
	struct entry e = { .dir = fs_join(cache, name) };
	struct stat st;

	e.lock = xasprintf("%.*s.lock", (int)(strlen(e.dir) - strlen(".git")), e.dir);
	if (stat(e.lock, &st) == 0)
		e.used = st.st_mtim;
	e.size = fs_tree_size(e.dir, INT64_MAX);
	l->size += e.size;
	l->entries = xreallocarray(l->entries, l->len + 1, sizeof(e));
	l->entries[l->len++] = e;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	if (x->used.tv_nsec != y->used.tv_nsec)
		return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
	return strcmp(x->dir, y->dir);
}

/* 1: it is in use. The lock's file stays: somebody may be waiting for it. */
static int remove_entry(const struct entry *e, struct err *err)
{
	_cleanup_close_ int fd = open(e->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set_errno(err, errno, "pruning the repository cache: opening %s", e->lock);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 1;
	return fs_remove_tree(e->dir, err);
}

int git_cache_prune(const char *cache, int64_t size_max, struct err *err)
{
	_cleanup_(listing_done) struct listing l = { .len = 0 };
	DIR *d = opendir(cache);
	struct dirent *file;

	if (!d)
		return errno == ENOENT ? 0 : err_set_errno(err, errno, "pruning the repository cache %s", cache);
	while ((file = readdir(d))) {
		if (str_ends_with(file->d_name, ".git"))
			add(&l, cache, file->d_name);
	}
	closedir(d);
	if (l.len)
		qsort(l.entries, l.len, sizeof(*l.entries), compare);
	for (size_t i = 0; i < l.len && l.size > size_max; i++) {
		int rc = remove_entry(&l.entries[i], err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			l.size -= l.entries[i].size;
	}
	return 0;
}
