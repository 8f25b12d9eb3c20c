#include "git_testing.h"

#include "base/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void test_git_resolve_finds_refs(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *one = TESTING_GIT_OUT(t->repo, "rev-parse", "HEAD"), *two = NULL;
	char commit[41];

	TESTING_SH(t->repo, "git tag -a -m t v1; git tag both; git update-ref refs/custom/x HEAD;"
	                    "git checkout -qb both; echo two >README; git commit -qam two; git checkout -q main");
	two = TESTING_GIT_OUT(t->repo, "rev-parse", "refs/heads/both");
	const struct {
		const char *ref, *commit, *reason;
	} cases[] = {
		{ NULL, one, "no ref: HEAD" },
		{ "", one, "an empty one too" },
		{ "HEAD", one, "by name" },
		{ "main", one, "a branch" },
		{ "heads/both", two, "half a name" },
		{ "refs/custom/x", one, "a full name" },
		{ "refs/tags/both", one, "a full tag" },
		{ "v1", one, "an annotated tag stands for its commit" },
		{ "both", two, "a branch goes before a tag" },
		{ two, two, "an id" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct git_source source = local(t, cases[i].ref);
		resolve_ok(&source, commit);
		if (!str_eq(commit, cases[i].commit))
			fail_msg("%s: %s", cases[i].reason, commit);
	}
}

static void test_git_resolve_says_what_is_missing(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *empty = fs_join(t->dir, "empty"), *none = fs_join(t->dir, "none");
	const struct {
		const char *url, *ref, *says;
	} cases[] = {
		{ t->repo, "nope", "no branch or tag \"nope\"; its default branch is \"main\"" },
		{ t->repo, "refs/heads/nope", "no branch or tag" },
		{ t->repo, "mai", "no branch or tag" },
		{ empty, NULL, "no commits yet" },
		{ none, NULL, "no git repository" },
	};

	TESTING_GIT(t->dir, "init", "-q", empty);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct git_source source = { .url = cases[i].url, .ref = cases[i].ref, .allow_local = true };
		char commit[41];
		assert_int_equal(git_resolve(&source, NULL, commit, &err), -1);
		if (err.kind != ERR_NOT_FOUND || !strstr(err_message(&err), cases[i].says))
			fail_msg("%s: %s", cases[i].says, err_message(&err));
	}
}

static void test_git_checkout_writes_the_tree(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *run = fs_join(t->dest, "sub/run");
	struct git_source source = local(t, NULL);
	struct stat st;
	char commit[41];

	resolve_ok(&source, commit);
	assert_int_equal(mkdir(t->dest, 0755), 0);
	checkout_ok(t, &source, commit);
	testing_assert_file(t->dest, "README", "one\n");
	assert_int_equal(stat(run, &st), 0);
	assert_true(st.st_mode & 0100);
	assert_false(testing_has(t->dest, ".git"));
	assert_false(testing_has(t->dir, "dest.partial"));
}

static void test_git_checkout_refuses_a_full_folder(void **state)
{
	struct git_testing *t = *state;
	_cleanup_err_ struct err err = { 0 };
	struct git_source source = local(t, NULL);
	char commit[41];

	resolve_ok(&source, commit);
	TESTING_SH(t->dir, "mkdir dest; echo mine >dest/README");
	assert_int_equal(git_checkout(&source, NULL, t->cache, commit, t->dest, &err), -1);
	testing_assert_file(t->dest, "README", "mine\n");
	assert_non_null(strstr(err_message(&err), "must be empty"));
}

/* Commits that no ref names any longer, bare repositories, file URLs and shallow ones: all are sources. */
static void test_git_checkout_kinds_of_local_repositories(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *one = TESTING_GIT_OUT(t->repo, "rev-parse", "HEAD"), *two = NULL;
	_cleanup_free_ char *url = xasprintf("file://%s", t->repo), *bare = fs_join(t->dir, "bare.git"),
						*shallow = fs_join(t->dir, "shallow");

	TESTING_SH(t->repo, "echo two >README; git commit -qam two; git clone -q --bare . ../bare.git;"
	                    "git clone -q --depth=1 \"file://$PWD\" ../shallow; echo unsaved >README");
	two = TESTING_GIT_OUT(t->repo, "rev-parse", "HEAD");
	const struct {
		const char *url, *commit, *content;
	} cases[] = {
		{ t->repo, one, "one\n" }, { t->repo, two, "two\n" }, { t->repo, one, "one\n" }, { url, two, "two\n" },
		{ bare, one, "one\n" },    { bare, two, "two\n" },    { shallow, two, "two\n" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct git_source source = { .url = cases[i].url, .allow_local = true };
		checkout_ok(t, &source, cases[i].commit);
		testing_assert_file(t->dest, "README", cases[i].content);
		assert_int_equal(fs_remove_tree(t->dest, NULL), 0);
	}
}

static void test_git_checkout_unknown_commit(void **state)
{
	struct git_testing *t = *state;
	struct git_source source = local(t, "main");
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(git_checkout(&source, NULL, t->cache, "0123456789012345678901234567890123456789", t->dest, &err),
	                 -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_false(testing_has(t->dir, "dest"));
	assert_int_equal(git_checkout(&source, NULL, t->cache, "--help", t->dest, NULL), -1);
}

static void test_git_checkout_leaves_out_escaping_links(void **state)
{
	struct git_testing *t = *state;
	struct git_source source = local(t, NULL);
	char commit[41];

	TESTING_SH(t->repo, "ln -s README ok; ln -s /etc/passwd abs; ln -s ../../x sub/up; ln -s ../README sub/fine;"
	                    "ln -s sub dir; ln -s dir/../../x trick; git add .; git commit -qm links");
	resolve_ok(&source, commit);
	checkout_ok(t, &source, commit);
	assert_true(testing_has(t->dest, "ok"));
	assert_true(testing_has(t->dest, "sub/fine"));
	assert_true(testing_has(t->dest, "dir"));
	assert_false(testing_has(t->dest, "abs"));
	assert_false(testing_has(t->dest, "sub/up"));
	assert_false(testing_has(t->dest, "trick"));
}

/* Nothing that the repository brings is run: hooks, filters, submodules. */
static void test_git_checkout_runs_nothing(void **state)
{
	struct git_testing *t = *state;
	struct git_source source = local(t, NULL);
	char commit[41];

	TESTING_SH(t->repo,
	           "echo '* filter=evil' >.gitattributes; git config filter.evil.smudge 'touch ../ran; cat';"
	           "git config filter.evil.clean cat; git config uploadpack.packObjectsHook 'touch ../ran; false';"
	           "git config core.fsmonitor 'touch ../ran'; git config core.sshCommand 'touch ../ran';"
	           "for h in post-checkout post-index-change reference-transaction pre-auto-gc; do"
	           "  printf '#!/bin/sh\\ntouch ../ran\\n' >.git/hooks/$h; chmod 755 .git/hooks/$h; done;"
	           "printf '[submodule \"m\"]\\n\\tpath = m\\n\\turl = ext::sh -c touch%% ../ran\\n' >.gitmodules;"
	           "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),m; git add .gitattributes .gitmodules;"
	           "git -c core.fsmonitor=false -c core.hooksPath=/dev/null commit -qm evil; rm -f ../ran");
	resolve_ok(&source, commit);
	checkout_ok(t, &source, commit);
	testing_assert_file(t->dest, "README", "one\n");
	assert_false(testing_has(t->dir, "ran"));
	assert_false(testing_has(t->dest, "m/README"));
}

static void test_git_hostile_urls_and_refs(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *marker = fs_join(t->dir, "ran");
	_cleanup_free_ char *upload = xasprintf("--upload-pack=touch%%20%s", marker),
						*ext = xasprintf("ext::touch %s", marker);
	_cleanup_free_ char *proxy = xasprintf("ssh://-oProxyCommand=touch%%20%s/x", marker);
	const struct {
		const char *url, *ref;
		bool allow_local;
	} cases[] = {
		{ upload, NULL, true },
		{ ext, NULL, true },
		{ proxy, NULL, true },
		{ "-oProxyCommand=x:y", NULL, true },
		{ t->repo, NULL, false },
		{ t->repo, upload, true },
		{ t->repo, "main\n", true },
		{ t->repo, "../../etc", true },
		{ "/tmp/../etc", NULL, true },
		{ "//etc", NULL, true },
		{ "https://h/r\nx", NULL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 }, err2 = { 0 };
		struct git_source source = { .url = cases[i].url, .ref = cases[i].ref, .allow_local = cases[i].allow_local };
		char commit[41];
		assert_int_equal(git_resolve(&source, NULL, commit, &err), -1);
		assert_true(err.kind == ERR_INVALID && err.terminal);
		assert_int_equal(
			git_checkout(&source, NULL, t->cache, "0123456789012345678901234567890123456789", t->dest, &err2), -1);
		assert_true(err2.kind == ERR_INVALID && err2.terminal);
	}
	assert_false(fs_exists(marker));
	assert_false(testing_has(t->dir, "cache"));
}

static void expect_too_large(const struct git_testing *t, int64_t size_max)
{
	struct git_limits limits = { .size_max = size_max };
	struct git_source source = local(t, NULL);
	_cleanup_err_ struct err err = { 0 };
	char commit[41];

	resolve_ok(&source, commit);
	assert_int_equal(git_checkout(&source, &limits, t->cache, commit, t->dest, &err), -1);
	if (err.kind != ERR_TOO_LARGE || !err.terminal)
		fail_msg("%s", err_message(&err));
	assert_false(testing_has(t->dir, "dest"));
	assert_false(testing_has(t->dir, "dest.partial"));
}

/* A megabyte of zeros is a kilobyte on the way. */
static void test_git_checkout_bounds_unpacked_size(void **state)
{
	struct git_testing *t = *state;

	TESTING_SH(t->repo, "head -c 4000000 /dev/zero >zeros; git add .; git commit -qm zeros");
	expect_too_large(t, 2 << 20);
}

/* Ten folders of ten folders of …: ten billion files in two kilobytes. */
static void test_git_checkout_bounds_number_of_files(void **state)
{
	struct git_testing *t = *state;

	TESTING_SH(t->repo, "b=$(echo x | git hash-object -w --stdin); m=blob; k=100644;"
	                    "for level in 1 2 3 4 5 6 7 8 9 10; do"
	                    "  b=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '%s %s %s\\t%s\\n' $k $m $b $i; done | git "
	                    "mktree); m=tree; k=040000;"
	                    "done; git update-ref refs/heads/main $(git commit-tree -m bomb $b)");
	expect_too_large(t, 1 << 20);
}

static int silent_server(char **ret_url)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_url = xasprintf("http://127.0.0.1:%d/r", ntohs(addr.sin_port));
	return fd;
}

static void test_git_a_server_that_never_answers_times_out(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *url = NULL;
	_cleanup_close_ _unused_ int fd = silent_server(&url);
	struct git_source source = { .url = url, .allow_http = true };
	struct git_limits limits = { .timeout_ns = 200 * NS_PER_MS };
	_cleanup_err_ struct err err = { 0 }, err2 = { 0 };
	int64_t start = clock_mono_ns();
	char commit[41];

	assert_int_equal(git_resolve(&source, &limits, commit, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_int_equal(
		git_checkout(&source, &limits, t->cache, "0123456789012345678901234567890123456789", t->dest, &err2), -1);
	assert_int_equal(err2.kind, ERR_TIMEOUT);
	assert_true(clock_mono_ns() - start < 20 * NS_PER_S);
}

/* Stands in for ssh: notes how it was called and what the key file holds, then runs the remote command here. */
static const char fake_ssh[] = "#!/bin/sh\n"
							   "d=$(dirname \"$0\")\n"
							   "for a in \"$@\"; do echo \"$a\"; done >\"$d/args\"\n"
							   "while [ $# -gt 1 ]; do\n"
							   "  case $1 in -i) stat -c %a \"$2\" >\"$d/mode\"; cat \"$2\" >\"$d/key\" ;;\n"
							   "  UserKnownHostsFile=*) cat \"${1#*=}\" >\"$d/hosts\" ;; esac\n"
							   "  shift\n"
							   "done\n"
							   "eval \"exec $1\"\n";

static void test_git_ssh_gets_key_and_known_hosts(void **state)
{
	struct git_testing *t = *state;
	struct git_credentials credentials = { .ssh_private_key = "PRIVATE\r\nKEY",
		                                   .known_hosts = "example.com ssh-ed25519 AAAA" };
	_cleanup_free_ char *url = xasprintf("ssh://git@example.com:2222%s", t->repo), *bin = fs_join(t->dir, "bin");
	_cleanup_free_ char *ssh = fs_join(bin, "ssh"), *path = xasprintf("%s:%s", bin, getenv("PATH"));
	_cleanup_free_ char *old_path = xstrdup(getenv("PATH")), *args_file = fs_join(bin, "args"), *args = NULL;
	struct git_source source = { .url = url, .credentials = &credentials };
	_cleanup_err_ struct err err = { 0 };
	char commit[41];

	assert_int_equal(mkdir(bin, 0700), 0);
	assert_int_equal(fs_write_atomic(ssh, fake_ssh, strlen(fake_ssh), 0700, NULL), 0);
	setenv("PATH", path, 1);
	int rc = git_resolve(&source, NULL, commit, &err);
	if (rc == 0)
		rc = git_checkout(&source, NULL, t->cache, commit, t->dest, &err);
	setenv("PATH", old_path, 1);
	if (rc < 0)
		fail_msg("%s", err_message(&err));
	testing_assert_file(t->dest, "README", "one\n");
	testing_assert_file(bin, "key", "PRIVATE\nKEY\n");
	testing_assert_file(bin, "hosts", "example.com ssh-ed25519 AAAA\n");
	testing_assert_file(bin, "mode", "600\n");
	assert_int_equal(fs_read_file(args_file, 65536, &args, NULL, NULL), 0);
	assert_non_null(strstr(args, "StrictHostKeyChecking=yes\n"));
	assert_non_null(strstr(args, "BatchMode=yes\n"));
	assert_non_null(strstr(args, "IdentitiesOnly=yes\n"));
	assert_non_null(strstr(args, "-F\n/dev/null\n"));
	assert_non_null(strstr(args, "git@example.com\n"));
	assert_null(strstr(args, "PRIVATE"));
}

static void *set_soon(void *arg)
{
	clock_sleep_ns(100 * NS_PER_MS);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

static void test_git_cancel_ends_it(void **state)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_close_ _unused_ int fd = silent_server(&url);
	atomic_bool cancel = false;
	struct git_source source = { .url = url, .allow_http = true };
	struct git_limits limits = { .timeout_ns = 60 * NS_PER_S, .cancel = &cancel };
	_cleanup_err_ struct err err = { 0 };
	pthread_t thread;
	char commit[41];

	(void)state;
	assert_int_equal(thread_start(&thread, "cancel", set_soon, &cancel, NULL), 0);
	assert_int_equal(git_resolve(&source, &limits, commit, &err), -1);
	pthread_join(thread, NULL);
	assert_non_null(strstr(err_message(&err), "cancelled"));
}

static void test_git_a_refused_connection_says_so(void **state)
{
	_cleanup_free_ char *url = NULL;
	int fd = silent_server(&url);
	struct git_source source = { .url = url, .allow_http = true };
	_cleanup_err_ struct err err = { 0 };
	char commit[41];

	(void)state;
	close(fd);
	assert_int_equal(git_resolve(&source, NULL, commit, &err), -1);
	assert_int_equal(err.kind, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_message(&err), "could not be reached"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		testing_test(test_git_resolve_finds_refs),
		testing_test(test_git_resolve_says_what_is_missing),
		testing_test(test_git_checkout_writes_the_tree),
		testing_test(test_git_checkout_refuses_a_full_folder),
		testing_test(test_git_checkout_kinds_of_local_repositories),
		testing_test(test_git_checkout_unknown_commit),
		testing_test(test_git_checkout_leaves_out_escaping_links),
		testing_test(test_git_checkout_runs_nothing),
		testing_test(test_git_hostile_urls_and_refs),
		testing_test(test_git_checkout_bounds_unpacked_size),
		testing_test(test_git_checkout_bounds_number_of_files),
		testing_test(test_git_a_server_that_never_answers_times_out),
		testing_test(test_git_ssh_gets_key_and_known_hosts),
		testing_test(test_git_cancel_ends_it),
		testing_test(test_git_a_refused_connection_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
