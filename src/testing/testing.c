#include "testing/testing.h"

#include "base/proc.h"

char *testing_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/scia-test-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return dir;
}

void testing_remove(char *dir)
{
	_cleanup_err_ struct err err = { 0 };
	if (dir)
		assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
}

void testing_write(const char *dir, const char *name, const char *text, mode_t mode)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *path = fs_join(dir, name), *parent = xstrdup(path);
	*strrchr(parent, '/') = '\0';
	assert_ok(fs_mkdir_p(parent, 0755, &err), &err);
	assert_ok(fs_replace(path, text, strlen(text), mode, &err), &err);
}

char *testing_read(const char *dir, const char *name)
{
	_cleanup_free_ char *path = fs_join(dir, name);
	char *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	if (fs_read_file(path, 64 * 1024 * 1024, &text, NULL, &ignored) < 0)
		return xstrdup("");
	return text;
}

char *testing_run(const char *cwd, const char *const *argv)
{
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_err_ struct err err = { 0 };
	_cleanup_strv_ char **args = NULL, **env = NULL;
	_cleanup_free_ char *path = xasprintf("PATH=%s", getenv("PATH"));

	strv_push(&env, path);
	strv_push(&env, "HOME=/nonexistent");
	strv_push(&env, "LC_ALL=C");
	strv_push(&env, "GIT_CONFIG_NOSYSTEM=1");
	for (; *argv; argv++)
		strv_push(&args, *argv);
	struct proc_spec spec = {
		.argv = args, .env = env, .cwd = cwd, .output_max = 1 << 20, .timeout_ns = TESTING_PATIENCE_NS
	};
	if (proc_run(&spec, &result, &err) < 0 || result.exit_code != 0)
		fail_msg("%s: %s %s", args[0], err_message(&err), buf_str(&result.err_out));
	return xstrdup(str_strip(result.out.data ? result.out.data : (char[]){ "" }));
}

char *testing_commit(const char *repo)
{
	_cleanup_free_ char *git = fs_join(repo, ".git");
	if (!fs_exists(git))
		TESTING_RUN(repo, "git", "init", "-q", "-b", "main", ".");
	TESTING_RUN(repo, "git", "add", "-A", ".");
	TESTING_RUN(repo, "sh", "-c",
	            "git rev-parse -q --verify HEAD >/dev/null && git diff --cached --quiet || "
	            "git -c user.name=A -c user.email=a@example.com commit -q --allow-empty -m 'a commit'");
	return testing_run(repo, (const char *const[]){ "git", "rev-parse", "HEAD", NULL });
}
