#include "cache.h"
#include "credentials.h"

#include "base/clock.h"
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_POLL_NS (20 * NS_PER_MS)

static int wait_for_lock(struct git_session *s, const char *path, int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set_errno(err, errno, "repository %s: opening the cache's lock %s", s->shown, path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set_errno(err, errno, "repository %s: locking %s", s->shown, path);
		if (git_session_check(s, err) < 0)
			return err_wrap(err, "waiting for another fetch of the same repository");
		clock_sleep_ns(LOCK_POLL_NS);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int git_cache_open(struct git_session *s, const struct git_credentials *credentials, const char *cache,
                   struct git_cache_entry *ret, struct err *err)
{
	_cleanup_free_ char *dir = NULL, *lock = NULL;
	char digest[65];
	int fd = -1;

	git_credentials_digest(&s->url, credentials, digest);
	if (fs_mkdir_p(cache, 0700, err) < 0)
		return -1;
	/* git runs elsewhere, so a relative path would not mean the same to it. */
	_cleanup_free_ char *root = realpath(cache, NULL);
	if (!root)
		return err_set_errno(err, errno, "repository %s: the cache folder %s", s->shown, cache);
	dir = xasprintf("%s/%s.git", root, digest);
	lock = xasprintf("%s/%s.lock", root, digest);
	if (wait_for_lock(s, lock, &fd, err) < 0)
		return -1;
	futimens(fd, NULL); /* git_cache_prune() goes by it */
	*ret = (struct git_cache_entry){ .dir = TAKE_PTR(dir), .lock_fd = fd };
	return 0;
}

void git_cache_close(struct git_cache_entry *entry)
{
	if (entry->dir)
		closep(&entry->lock_fd);
	free(entry->dir);
	*entry = (struct git_cache_entry){ .lock_fd = -1 };
}

int git_cache_discard(struct git_cache_entry *entry, struct err *err)
{
	entry->fresh = false;
	return fs_remove_tree(entry->dir, err);
}

/* What a git that was killed left behind. The lock is ours, so none of it is in use. */
static void remove_leftovers(const char *dir, const char *sub)
{
	_cleanup_free_ char *path = fs_join(dir, sub);
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (str_starts_with(e->d_name, "tmp_") || str_ends_with(e->d_name, ".lock")) {
			_cleanup_free_ char *file = fs_join(path, e->d_name);
			fs_remove_tree(file, NULL);
		}
	}
	if (d)
		closedir(d);
}

static int prepare(struct git_session *s, struct git_cache_entry *entry, struct err *err)
{
	const char *const init[] = { "init", "--quiet", "--bare", "--template=", entry->dir, NULL };
	_cleanup_free_ char *head = fs_join(entry->dir, "HEAD");

	/* An entry holds every commit ever asked for; one that leaves little room for the next is begun anew. */
	if (fs_exists(head) && fs_tree_size(entry->dir, s->size_max) <= s->size_max / 2) {
		remove_leftovers(entry->dir, "");
		remove_leftovers(entry->dir, "objects");
		remove_leftovers(entry->dir, "objects/pack");
		return 0;
	}
	if (git_cache_discard(entry, err) < 0)
		return -1;
	entry->fresh = true;
	return git_session_do(s, NULL, init, err);
}

static bool has_commit(struct git_session *s, const struct git_cache_entry *entry, const char *commit)
{
	_cleanup_free_ char *object = xasprintf("%s^{commit}", commit), *head = fs_join(entry->dir, "HEAD");
	const char *const args[] = { "cat-file", "-e", object, NULL };

	return fs_exists(head) && git_session_do(s, entry->dir, args, NULL) == 0;
}

/* depth 0: all of the history. */
static int fetch(struct git_session *s, const struct git_cache_entry *entry, const char *const *refspecs, int depth,
                 enum git_fault *ret_fault, struct err *err)
{
	_cleanup_strv_ char **args = NULL;
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_free_ char *depth_arg = xasprintf("--depth=%d", depth), *shallow = fs_join(entry->dir, "shallow");
	static const char *const fixed[] = { "fetch",
		                                 "--quiet",
		                                 "--no-tags",
		                                 "--no-recurse-submodules",
		                                 "--no-write-fetch-head",
		                                 "--no-auto-maintenance",
		                                 "--update-shallow",
		                                 "--force",
		                                 NULL };

	for (size_t i = 0; fixed[i]; i++)
		strv_push(&args, fixed[i]);
	if (depth)
		strv_push(&args, depth_arg);
	else if (fs_exists(shallow))
		strv_push(&args, "--unshallow");
	strv_push(&args, "--");
	strv_push(&args, s->url.clean);
	for (size_t i = 0; refspecs[i]; i++)
		strv_push(&args, refspecs[i]);
	struct git_call call = { .args = (const char *const *)args, .git_dir = entry->dir, .grows = entry->dir };
	return git_session_run(s, &call, &result, ret_fault, err);
}

/* For servers that give no commits by id: the ref, with more and more history, until the commit is among it; at last
 * everything, as the ref may have moved on to another history. Size and time limits end it where need be. */
static int fetch_by_ref(struct git_session *s, struct git_cache_entry *entry, const char *ref, const char *commit,
                        enum git_fault *ret_fault, struct err *err)
{
	static const int depths[] = { 1, 100, 0 };
	static const char *const everything[] = { "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", NULL };
	const char *name = str_empty(ref) ? "HEAD" : ref;
	_cleanup_free_ char *spec = xasprintf("+%s:refs/scia/fetched", name);
	const char *const specs[] = { spec, NULL };
	struct err first = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(depths) && !git_is_commit_id(name); i++) {
		err_clear(&first);
		if (fetch(s, entry, specs, depths[i], ret_fault, &first) < 0) {
			if (*ret_fault == GIT_FAULT_NOT_BY_ID || *ret_fault == GIT_FAULT_NO_REF)
				continue;
			if (err)
				err_move(err, &first);
			err_clear(&first);
			return -1;
		}
		if (has_commit(s, entry, commit))
			return 0;
	}
	err_clear(&first);
	if (fetch(s, entry, everything, 0, ret_fault, err) < 0)
		return -1;
	if (has_commit(s, entry, commit))
		return 0;
	*ret_fault = GIT_FAULT_REMOTE;
	return err_set(err, ERR_NOT_FOUND, "repository %s: it has no commit %s in %s or any other branch or tag", s->shown,
	               commit, git_is_commit_id(name) ? "HEAD" : name);
}

static int fetch_commit(struct git_session *s, struct git_cache_entry *entry, const char *ref, const char *commit,
                        enum git_fault *ret_fault, struct err *err)
{
	_cleanup_free_ char *spec = xasprintf("+%s:refs/scia/%s", commit, commit);
	const char *const specs[] = { spec, NULL };
	struct err by_id = { 0 };

	if (fetch(s, entry, specs, 1, ret_fault, &by_id) == 0) {
		if (has_commit(s, entry, commit))
			return 0;
		*ret_fault = GIT_FAULT_REMOTE;
		err_set(err, ERR_NOT_FOUND, "repository %s: %s is no commit", s->shown, commit);
		return err_set_terminal(err);
	}
	if (*ret_fault == GIT_FAULT_NOT_BY_ID) {
		err_clear(&by_id);
		return fetch_by_ref(s, entry, ref, commit, ret_fault, err);
	}
	if (err)
		err_move(err, &by_id);
	err_clear(&by_id);
	return -1;
}

int git_cache_fetch(struct git_session *s, struct git_cache_entry *entry, const char *ref, const char *commit,
                    struct err *err)
{
	for (;;) {
		enum git_fault fault = GIT_FAULT_OTHER;
		struct err failure = { 0 };

		if (has_commit(s, entry, commit))
			return 0;
		if (prepare(s, entry, err) < 0)
			return -1;
		if (fetch_commit(s, entry, ref, commit, &fault, &failure) == 0)
			return 0;
		/* The other side's failures are final; others may come from a damaged entry. */
		if (entry->fresh || fault == GIT_FAULT_REMOTE || fault == GIT_FAULT_NO_REF) {
			if (err)
				err_move(err, &failure);
			err_clear(&failure);
			return -1;
		}
		err_clear(&failure);
		if (git_cache_discard(entry, err) < 0)
			return -1;
	}
}
