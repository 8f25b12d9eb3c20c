#include "git.h"
#include "cache.h"
#include "credentials.h"
#include "session.h"
#include "tree.h"

#include "base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

int git_source_check(const struct git_source *source, struct err *err)
{
	struct git_url_policy policy = { .allow_local = source->allow_local, .allow_http = source->allow_http };
	_cleanup_git_url_ struct git_url url = { .clean = NULL };

	if (git_url_parse(source->url, policy, &url, err) < 0 || git_ref_check(source->ref, err) < 0)
		return -1;
	return git_credentials_check(&url, source->credentials, err);
}

/* The names a ref may stand for, in order of preference: a branch goes before a tag of the same name. */
static char **candidates(const char *ref)
{
	static const char *const forms[] = { "refs/heads/%s", "refs/tags/%s", "refs/%s" };
	char **names = NULL;

	if (str_empty(ref) || str_eq(ref, "HEAD")) {
		strv_push(&names, "HEAD");
	} else if (str_starts_with(ref, "refs/")) {
		strv_push(&names, ref);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
			_cleanup_free_ char *name = xasprintf(forms[i], ref);
			strv_push(&names, name);
		}
	}
	return names;
}

/* The id that ls-remote's lines ("ID\tNAME") give the name, into ret. A tag object's commit goes before the tag. */
static bool find_ref(char **lines, const char *name, char ret[static 41])
{
	_cleanup_free_ char *peeled = xasprintf("%s^{}", name);
	bool found = false;

	for (size_t i = 0; lines && lines[i]; i++) {
		const char *tab = strchr(lines[i], '\t');
		if (!tab || tab - lines[i] != 40)
			continue;
		if (str_eq(tab + 1, peeled) || (!found && str_eq(tab + 1, name))) {
			memcpy(ret, lines[i], 40);
			ret[40] = '\0';
			found = git_is_commit_id(ret);
		}
	}
	return found;
}

static int no_such_ref(const struct git_session *s, const char *ref, char **lines, struct err *err)
{
	if (str_empty(ref) || str_eq(ref, "HEAD"))
		return err_set(
			err, ERR_NOT_FOUND,
			"repository %s: it has no commits yet, or its HEAD names a branch that does not exist: give a ref",
			s->shown);
	for (size_t i = 0; lines && lines[i]; i++) {
		const char *rest = str_after(lines[i], "ref: refs/heads/");
		_cleanup_free_ char *branch = rest ? xstrndup(rest, strcspn(rest, "\t")) : NULL;
		if (!str_empty(branch) && git_ref_check(branch, NULL) == 0)
			return err_set(err, ERR_NOT_FOUND,
			               "repository %s: it has no branch or tag \"%s\"; its default branch is \"%s\"", s->shown, ref,
			               branch);
	}
	return err_set(err, ERR_NOT_FOUND, "repository %s: it has no branch or tag \"%s\"", s->shown, ref);
}

int git_resolve(const struct git_source *source, const struct git_limits *limits, char ret_commit[static 41],
                struct err *err)
{
	_cleanup_git_session_ struct git_session s = { 0 };
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_strv_ char **names = candidates(source->ref), **args = NULL, **lines = NULL;
	static const char *const fixed[] = { "ls-remote", "--quiet", "--symref", "--" };

	if (git_session_open(source, limits, &s, err) < 0)
		return -1;
	if (git_is_commit_id(source->ref)) {
		memcpy(ret_commit, source->ref, 41);
		str_lower(ret_commit);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(&args, fixed[i]);
	strv_push(&args, s.url.clean);
	strv_push(&args, "HEAD");
	for (size_t i = 0; names[i]; i++) {
		_cleanup_free_ char *peeled = xasprintf("%s^{}", names[i]);
		strv_push(&args, names[i]);
		strv_push(&args, peeled);
	}
	struct git_call call = { .args = (const char *const *)args };
	if (git_session_run(&s, &call, &result, NULL, err) < 0)
		return -1;
	lines = str_split(buf_str(&result.out), "\n");
	for (size_t i = 0; names[i]; i++) {
		if (find_ref(lines, names[i], ret_commit))
			return 0;
	}
	return no_such_ref(&s, source->ref, lines, err);
}

/* Written beside dest and renamed: dest is either complete or not there. */
static int write_tree(struct git_session *s, const char *git_dir, const char *commit, const char *dest,
                      enum git_fault *ret_fault, struct err *err)
{
	_cleanup_free_ char *name = xasprintf("%s.partial", dest), *partial = NULL;
	int rc;

	if (fs_remove_tree(name, err) < 0 || fs_mkdir_p(name, 0755, err) < 0)
		return -1;
	partial = realpath(name, NULL); /* git runs elsewhere: a relative path would not mean the same to it */
	if (!partial)
		return err_set_errno(err, errno, "repository %s: the folder %s", s->shown, name);
	rc = git_tree_write(s, git_dir, commit, partial, ret_fault, err);
	if (rc == 0 && rename(partial, dest) < 0) {
		*ret_fault = GIT_FAULT_REMOTE;
		rc = err_set_errno(err, errno, "repository %s: the folder %s must be empty or absent", s->shown, dest);
	}
	if (rc < 0)
		fs_remove_tree(partial, NULL);
	return rc;
}

int git_checkout(const struct git_source *source, const struct git_limits *limits, const char *cache,
                 const char *commit, const char *dest, struct err *err)
{
	_cleanup_git_session_ struct git_session s = { 0 };
	_cleanup_git_cache_entry_ struct git_cache_entry entry = { .lock_fd = -1 };

	if (!git_is_commit_id(commit))
		return err_set(err, ERR_INVALID, "checking out a repository: \"%.64s\" is no commit id", commit ? commit : "");
	if (git_session_open(source, limits, &s, err) < 0 ||
	    git_cache_open(&s, source->credentials, cache, &entry, err) < 0)
		return -1;
	for (;;) {
		enum git_fault fault = GIT_FAULT_REMOTE;
		struct err failure = { 0 };

		if (git_cache_fetch(&s, &entry, source->ref, commit, err) < 0)
			return -1;
		if (write_tree(&s, entry.dir, commit, dest, &fault, &failure) == 0)
			return 0;
		/* A cached repository that cannot be read is damaged: once more, with a new one. */
		if (entry.fresh || fault == GIT_FAULT_REMOTE || git_session_check(&s, NULL) < 0) {
			if (err)
				err_move(err, &failure);
			err_clear(&failure);
			return -1;
		}
		err_clear(&failure);
		if (git_cache_discard(&entry, err) < 0)
			return -1;
	}
}
