#include "session.h"
#include "credentials.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <sys/stat.h>

#define TIMEOUT_DEFAULT (300 * NS_PER_S)
#define SIZE_DEFAULT (INT64_C(2) << 30)

/* A file and not "-c" arguments, as git clears those for the other end of a local fetch. Nothing of the machine's or
 * the user's configuration is read. Old but harmless faults of objects are let through, as well-known repositories have
 * them. */
static const char config_text[] =
	"[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\taskPass =\n\tattributesFile = /dev/null\n"
	"\texcludesFile = /dev/null\n\tautocrlf = false\n\tsymlinks = true\n\tlogAllRefUpdates = false\n\tfsync = none\n"
	"[protocol]\n\tversion = 2\n\tallow = never\n"
	"[init]\n\tdefaultBranch = main\n\ttemplateDir =\n"
	"[fetch]\n\tfsckObjects = true\n\trecurseSubmodules = false\n\tunpackLimit = 1\n\twriteCommitGraph = false\n"
	"[fetch \"fsck\"]\n\tzeroPaddedFilemode = ignore\n\tmissingSpaceBeforeDate = ignore\n\tmissingEmail = ignore\n"
	"\tmissingNameBeforeEmail = ignore\n\tbadTimezone = ignore\n\tmissingSpaceBeforeEmail = ignore\n"
	"\tbadEmail = ignore\n\tbadDate = ignore\n\tbadDateOverflow = ignore\n\tzeroPaddedDate = ignore\n"
	"\tgitmodulesUrl = ignore\n\tgitmodulesParse = ignore\n\tgitmodulesPath = ignore\n\tgitmodulesName = ignore\n"
	"\tgitmodulesUpdate = ignore\n"
	"[submodule]\n\trecurse = false\n"
	"[transfer]\n\tfsckObjects = true\n\tbundleURI = false\n"
	"[gc]\n\tauto = 0\n\tautoDetach = false\n[maintenance]\n\tauto = false\n"
	"[http]\n\tfollowRedirects = initial\n\tlowSpeedLimit = 1\n\tlowSpeedTime = 60\n"
	"[credential]\n\thelper =\n"
	"[checkout]\n\tworkers = 1\n[index]\n\tversion = 2\n[pack]\n\tthreads = 1\n";

/* What git and its transports need of our environment: where programs, proxies and certificates are. */
static const char *const passed_on[] = { "PATH",           "http_proxy",     "https_proxy", "HTTPS_PROXY",
	                                     "no_proxy",       "NO_PROXY",       "all_proxy",   "ALL_PROXY",
	                                     "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", NULL };

static void set_env(char ***env, const char *name, const char *value)
{
	_cleanup_free_ char *pair = xasprintf("%s=%s", name, value);

	strv_push(env, pair);
}

static void base_env(struct git_session *s)
{
	_cleanup_free_ char *config = fs_join(s->dir, "gitconfig"), *parent = xstrdup(s->dir);

	*strrchr(parent, '/') = '\0';
	for (size_t i = 0; passed_on[i]; i++) {
		const char *value = getenv(passed_on[i]);
		if (!str_empty(value))
			set_env(&s->env, passed_on[i], value);
	}
	if (!getenv("PATH"))
		set_env(&s->env, "PATH", "/usr/local/bin:/usr/bin:/bin");
	set_env(&s->env, "LC_ALL", "C");
	set_env(&s->env, "HOME", s->dir);
	set_env(&s->env, "XDG_CONFIG_HOME", s->dir);
	set_env(&s->env, "TMPDIR", s->dir);
	set_env(&s->env, "GIT_CONFIG_NOSYSTEM", "1");
	set_env(&s->env, "GIT_CONFIG_SYSTEM", "/dev/null");
	set_env(&s->env, "GIT_CONFIG_GLOBAL", config);
	set_env(&s->env, "GIT_ATTR_NOSYSTEM", "1");
	set_env(&s->env, "GIT_CEILING_DIRECTORIES", str_empty(parent) ? "/" : parent);
	set_env(&s->env, "GIT_TERMINAL_PROMPT", "0");
	set_env(&s->env, "GIT_ALLOW_PROTOCOL", git_url_protocols(&s->url));
	set_env(&s->env, "GIT_NO_REPLACE_OBJECTS", "1");
	set_env(&s->env, "GIT_OPTIONAL_LOCKS", "0");
	set_env(&s->env, "GIT_LFS_SKIP_SMUDGE", "1");
}

/* The folder's name reaches shells (ssh command, credential helper), so TMPDIR is only used when it needs no quoting.
 */
static int make_private_dir(char **ret, struct err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = NULL;

	if (str_empty(tmp) || tmp[0] != '/' || tmp[strspn(tmp, plain)] || strlen(tmp) > 512)
		tmp = "/tmp";
	dir = xasprintf("%s/scia-git-XXXXXX", tmp);
	if (!mkdtemp(dir))
		return err_set_errno(err, errno, "making a private folder in %s", tmp);
	*ret = TAKE_PTR(dir);
	return 0;
}

static int fill_private_dir(struct git_session *s, const struct git_credentials *credentials, struct err *err)
{
	_cleanup_buf_ struct buf config = BUF_INIT(64 * 1024);

	base_env(s);
	buf_puts(&config, config_text);
	/* Whoever allowed local paths allowed those of other users too; git would refuse them. */
	if (s->url.transport == GIT_LOCAL)
		buf_puts(&config, "[safe]\n\tdirectory = *\n");
	if (git_credentials_write(&s->url, credentials, s->dir, &config, &s->env, err) < 0)
		return -1;
	return git_write_private(s->dir, "gitconfig", buf_str(&config), config.len, err);
}

static int start_session(const struct git_source *source, const struct git_limits *limits, struct git_session *s,
                         struct err *err)
{
	struct git_url_policy policy = { .allow_local = source->allow_local, .allow_http = source->allow_http };

	if (git_url_parse(source->url, policy, &s->url, err) < 0)
		return -1;
	s->shown = git_url_redact(source->url);
	if (git_ref_check(source->ref, err) < 0 || git_credentials_check(&s->url, source->credentials, err) < 0)
		return err_wrap(err, "repository %s", s->shown);
	s->secret = git_credentials_token(source->credentials);
	s->deadline_ns = clock_mono_ns() + (limits && limits->timeout_ns > 0 ? limits->timeout_ns : TIMEOUT_DEFAULT);
	s->size_max = limits && limits->size_max > 0 ? limits->size_max : SIZE_DEFAULT;
	s->cancel = limits ? limits->cancel : NULL;
	if (make_private_dir(&s->dir, err) < 0)
		return -1;
	return fill_private_dir(s, source->credentials, err);
}

int git_session_open(const struct git_source *source, const struct git_limits *limits, struct git_session *ret,
                     struct err *err)
{
	*ret = (struct git_session){ 0 };
	if (start_session(source, limits, ret, err) == 0)
		return 0;
	git_session_close(ret);
	return -1;
}

void git_session_close(struct git_session *s)
{
	if (s->dir)
		fs_remove_tree(s->dir, NULL);
	if (s->secret)
		explicit_bzero(s->secret, strlen(s->secret));
	git_url_clear(&s->url);
	free(s->shown);
	free(s->dir);
	free(s->secret);
	strv_free(s->env);
	*s = (struct git_session){ 0 };
}

int git_session_check(const struct git_session *s, struct err *err)
{
	if (s->cancel && atomic_load(s->cancel))
		return err_set(err, ERR_UNAVAILABLE, "repository %s: cancelled", s->shown);
	if (clock_mono_ns() >= s->deadline_ns)
		return err_set(err, ERR_TIMEOUT, "repository %s: fetching it took longer than the time allowed", s->shown);
	return 0;
}

/* What proc_run() calls back with. */
struct watch {
	const struct git_session *session;
	const struct git_call *call;
};

static void pass_output(void *self, int stream, const char *data, size_t len)
{
	const struct watch *w = self;

	if (w->call->on_output)
		w->call->on_output(w->call->self, stream, data, len);
}

static bool is_over_limit(void *self)
{
	const struct watch *w = self;

	if (w->call->over_limit && w->call->over_limit(w->call->self))
		return true;
	return w->call->grows && fs_tree_size(w->call->grows, w->session->size_max) > w->session->size_max;
}

static int explain(struct git_session *s, const struct proc_result *result, enum git_fault *ret_fault, struct err *err)
{
	*ret_fault = GIT_FAULT_REMOTE;
	if (result->limited) {
		err_set(err, ERR_TOO_LARGE, "repository %s: larger than the %lld MiB allowed", s->shown,
		        (long long)(s->size_max >> 20));
		return err_set_terminal(err);
	}
	if (result->cancelled)
		return err_set(err, ERR_UNAVAILABLE, "repository %s: cancelled", s->shown);
	if (result->timed_out)
		return err_set(err, ERR_TIMEOUT, "repository %s: fetching it took longer than the time allowed", s->shown);
	if (result->signal) {
		*ret_fault = GIT_FAULT_OTHER;
		return err_set(err, ERR_INTERNAL, "repository %s: git was ended by signal %d", s->shown, result->signal);
	}
	*ret_fault = git_classify(buf_str(&result->err_out), s->secret, s->secret || s->url.transport == GIT_SSH, err);
	return err_wrap(err, "repository %s", s->shown);
}

int git_session_run(struct git_session *s, const struct git_call *call, struct proc_result *ret,
                    enum git_fault *ret_fault, struct err *err)
{
	_cleanup_strv_ char **argv = NULL, **env = strv_copy(s->env);
	struct watch watch = { .session = s, .call = call };
	enum git_fault fault = GIT_FAULT_OTHER;
	struct proc_spec spec = { .cwd = call->work_tree ? call->work_tree : s->dir,
		                      .output_max = GIT_OUTPUT_MAX,
		                      .cancel = s->cancel,
		                      .on_output = pass_output,
		                      .over_limit = is_over_limit,
		                      .self = &watch };
	int rc;

	*ret = (struct proc_result){ 0 };
	if (ret_fault)
		*ret_fault = GIT_FAULT_REMOTE;
	if (git_session_check(s, err) < 0)
		return -1;
	strv_push(&argv, "git");
	for (size_t i = 0; call->args[i]; i++)
		strv_push(&argv, call->args[i]);
	if (call->git_dir)
		set_env(&env, "GIT_DIR", call->git_dir);
	if (call->work_tree)
		set_env(&env, "GIT_WORK_TREE", call->work_tree);
	if (call->index)
		set_env(&env, "GIT_INDEX_FILE", call->index);
	spec.argv = argv;
	spec.env = env;
	spec.timeout_ns = s->deadline_ns - clock_mono_ns();
	if (spec.timeout_ns <= 0)
		spec.timeout_ns = 1;
	if (proc_run(&spec, ret, err) < 0)
		return err_wrap(err, "repository %s: running git (is it installed?)", s->shown);
	if (ret->exit_code == 0 && !ret->limited && !ret->timed_out && !ret->cancelled)
		return 0;
	rc = explain(s, ret, &fault, err);
	if (ret_fault)
		*ret_fault = fault;
	return rc;
}

int git_session_do(struct git_session *s, const char *git_dir, const char *const *args, struct err *err)
{
	_cleanup_proc_result_ struct proc_result result = { 0 };
	struct git_call call = { .args = args, .git_dir = git_dir };

	return git_session_run(s, &call, &result, NULL, err);
}
