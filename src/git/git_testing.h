#ifndef GIT_TESTING_H
#define GIT_TESTING_H
/* For this folder's tests: a folder of their own, and real repositories made by the git program. */

#include "git.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct git_testing {
	char *dir;  /* of the test; removed at its end. TMPDIR is dir/tmp */
	char *repo; /* dir/repo, with a working tree */
	char *cache;
	char *dest;
	char *old_tmpdir;
};

/* Runs the command in cwd with a fixed identity and date; fails the test unless it ends with 0. Its output, trimmed. */
static inline char *testing_run(const char *cwd, const char *const *argv)
{
	static const char *const fixed[] = { "HOME=/nonexistent",
		                                 "LC_ALL=C",
		                                 "GIT_CONFIG_NOSYSTEM=1",
		                                 "GIT_CONFIG_GLOBAL=/dev/null",
		                                 "GIT_AUTHOR_NAME=A",
		                                 "GIT_AUTHOR_EMAIL=a@example.com",
		                                 "GIT_COMMITTER_NAME=A",
		                                 "GIT_COMMITTER_EMAIL=a@example.com",
		                                 "GIT_AUTHOR_DATE=2024-01-02T03:04:05Z",
		                                 "GIT_COMMITTER_DATE=2024-01-02T03:04:05Z" };
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *path = xasprintf("PATH=%s", getenv("PATH"));
	_cleanup_strv_ char **env = NULL, **args = NULL;

	strv_push(&env, path);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(&env, fixed[i]);
	for (size_t i = 0; argv[i]; i++)
		strv_push(&args, argv[i]);
	struct proc_spec spec = {
		.argv = args, .env = env, .cwd = cwd, .output_max = 1 << 20, .timeout_ns = 30 * NS_PER_S
	};

	if (proc_run(&spec, &result, &err) < 0 || result.exit_code != 0)
		fail_msg("%s %s: %s %s", argv[0], argv[1], err_message(&err), buf_str(&result.err_out));
	return xstrdup(str_strip(result.out.data ? result.out.data : (char[]){ "" }));
}

#define TESTING_GIT(cwd, ...) free(testing_run(cwd, (const char *[]){ "git", __VA_ARGS__, NULL }))
#define TESTING_GIT_OUT(cwd, ...) testing_run(cwd, (const char *[]){ "git", __VA_ARGS__, NULL })
#define TESTING_SH(cwd, script) free(testing_run(cwd, (const char *[]){ "sh", "-euc", script, NULL }))

static inline int testing_setup(void **state)
{
	struct git_testing *t = new0(struct git_testing);
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *sub = NULL;

	t->dir = xasprintf("%s/git-test-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	assert_non_null(mkdtemp(t->dir));
	sub = fs_join(t->dir, "tmp");
	assert_int_equal(mkdir(sub, 0700), 0);
	t->old_tmpdir = xstrdup_or_null(tmp);
	setenv("TMPDIR", sub, 1);
	t->repo = fs_join(t->dir, "repo");
	t->cache = fs_join(t->dir, "cache");
	t->dest = fs_join(t->dir, "dest");
	TESTING_GIT(t->dir, "init", "-q", "-b", "main", t->repo);
	TESTING_SH(t->repo,
	           "mkdir sub; echo one >README; echo x >sub/run; chmod 755 sub/run; git add .; git commit -qm one");
	*state = t;
	return 0;
}

/* Whatever happened, no private folder with credentials stays behind. */
static inline void testing_assert_no_leftovers(const struct git_testing *t)
{
	_cleanup_free_ char *path = fs_join(t->dir, "tmp");
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			fail_msg("left behind: %s", e->d_name);
	}
	closedir(d);
}

static inline int testing_teardown(void **state)
{
	struct git_testing *t = *state;

	testing_assert_no_leftovers(t);
	if (t->old_tmpdir)
		setenv("TMPDIR", t->old_tmpdir, 1);
	else
		unsetenv("TMPDIR");
	fs_remove_tree(t->dir, NULL);
	free(t->dir);
	free(t->repo);
	free(t->cache);
	free(t->dest);
	free(t->old_tmpdir);
	free(t);
	return 0;
}

static inline void testing_assert_file(const char *dir, const char *name, const char *content)
{
	_cleanup_free_ char *path = fs_join(dir, name), *text = NULL;
	_cleanup_err_ struct err err = { 0 };

	if (fs_read_file(path, 1 << 20, &text, NULL, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_string_equal(text, content);
}

static inline bool testing_has(const char *dir, const char *name)
{
	_cleanup_free_ char *path = fs_join(dir, name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline struct git_source local(const struct git_testing *t, const char *ref)
{
	return (struct git_source){ .url = t->repo, .ref = ref, .allow_local = true };
}

static inline void resolve_ok(const struct git_source *source, char ret[41])
{
	_cleanup_err_ struct err err = { 0 };

	if (git_resolve(source, NULL, ret, &err) < 0)
		fail_msg("%s", err_message(&err));
}

static inline void checkout_ok(const struct git_testing *t, const struct git_source *source, const char *commit)
{
	_cleanup_err_ struct err err = { 0 };

	if (git_checkout(source, NULL, t->cache, commit, t->dest, &err) < 0)
		fail_msg("%s", err_message(&err));
}

#define testing_test(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)

#endif
