/* The walls, tried from inside. */

#include "sandbox.h"

#include "local_testing.h"

struct fixture {
	char *dir, *app, *home, *etc;
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	f->dir = testing_dir();
	f->app = fs_join(f->dir, "app");
	f->home = fs_join(f->dir, "home");
	f->etc = fs_join(f->dir, "etc");
	testing_write(f->app, "file", "mine", 0644);
	testing_write(f->dir, "other/secret", "theirs", 0644);
	assert_ok(fs_mkdir_p(f->home, 0700, &err), &err);
	assert_ok(sandbox_write_etc(f->etc, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	testing_remove(f->dir);
	free(f->app);
	free(f->home);
	free(f->etc);
	free(f);
	return 0;
}

static char *inside(struct fixture *f, const char *command, int *ret_code)
{
	_cleanup_strv_ char **env = sandbox_environment(NULL);
	struct sandbox_spec spec = { .app_dir = f->app, .etc_dir = f->etc, .command = command };
	return run_walled(&spec, env, ret_code);
}

static void assert_inside(struct fixture *f, const char *command, const char *expected)
{
	int code;
	_cleanup_free_ char *out = inside(f, command, &code);
	if (code != 0 || !str_eq(out, expected))
		fail_msg("%s: exited with %d and said \"%s\"", command, code, out);
}

static void assert_fails_inside(struct fixture *f, const char *command, const char *reason)
{
	int code;
	_cleanup_free_ char *out = inside(f, command, &code);
	if (code == 0)
		fail_msg("%s: %s gave \"%s\"", reason, command, out);
}

static void test_sandbox_shows_the_application_its_own_folder(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	assert_inside(f, "pwd; cat file; echo new >written", "/app\nmine");
	_cleanup_free_ char *written = testing_read(f->app, "written");
	assert_string_equal(written, "new\n");
}

static const struct {
	const char *command, *reason;
} HIDDEN[] = {
	{ "ls /root", "the administrator's home" },
	{ "cat /etc/shadow", "password hashes" },
	{ "ls /etc/ssl/private", "private keys" },
	{ "ls /home/*/.ssh", "other people's keys" },
	{ "cat /proc/1/root/etc/shadow", "around through /proc" },
	{ "ls /sys/kernel", "the kernel's settings" },
	{ "ls /boot", "the kernel itself" },
	{ "ls /var/lib/dpkg", "the machine's state" },
	{ "ls /run/systemd /run/dbus /run/docker.sock", "services of the machine" },
	{ "test -b /dev/sda || test -b /dev/vda || test -c /dev/mem", "devices" },
};

static void test_sandbox_hides_the_machine(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(HIDDEN); i++)
		assert_fails_inside(f, HIDDEN[i].command, HIDDEN[i].reason);
}

static void test_sandbox_hides_other_applications(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	_cleanup_free_ char *read_file = xasprintf("cat %s/other/secret", f->dir), *list = xasprintf("ls %s", f->dir);
	_cleanup_free_ char *up = xasprintf("cat /app/../../%s/other/secret", f->dir);
	assert_fails_inside(f, read_file, "by its path");
	assert_fails_inside(f, list, "the data folder");
	assert_fails_inside(f, up, "upwards");
	TESTING_RUN(f->app, "ln", "-s", "../other/secret", "link");
	assert_fails_inside(f, "cat /app/link", "through a link out of its folder");
}

static void test_sandbox_leaves_nothing_else_writable(void **state)
{
	static const char *const places[] = { "/",    "/usr",  "/usr/bin", "/etc",     "/etc/ssl",
		                                  "/bin", "/home", "/var",     "/proc/sys" };
	need_sandbox();
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *command = xasprintf("echo x >%s/x", places[i]);
		assert_fails_inside(f, command, "writing there");
	}
	assert_fails_inside(f, "mount -t tmpfs x /app", "mounting");
}

static void test_sandbox_has_places_for_scratch(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	assert_inside(f, "for d in /tmp /var/tmp /dev/shm \"$HOME\" /run; do echo x >$d/x && cat $d/x; done",
	              "x\nx\nx\nx\nx");
	/* Each time a new one: nothing is left of it, and nobody else sees it. */
	assert_inside(f, "ls /tmp /dev/shm \"$HOME\"", "/dev/shm:\n\n/home/app:\n\n/tmp:");
	assert_false(fs_exists("/tmp/x"));
}

static void test_sandbox_scratch_is_bounded(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	int code;
	struct sandbox_spec spec = {
		.app_dir = f->app,
		.command = "for d in /tmp /dev/shm /var/tmp /home/app; do head -c 3M /dev/zero >$d/x && exit 1; "
				   "done; exit 0",
		.tmp_max = INT64_C(2) << 20
	};
	free(run_walled(&spec, NULL, &code));
	assert_int_equal(code, 0);
}

static void test_sandbox_home_folder_is_kept_when_given(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	int code;
	_cleanup_strv_ char **env = sandbox_environment(NULL);
	struct sandbox_spec spec = { .app_dir = f->app, .home_dir = f->home, .command = "echo x >$HOME/cached" };
	free(run_walled(&spec, env, &code));
	assert_int_equal(code, 0);
	_cleanup_free_ char *cached = testing_read(f->home, "cached");
	assert_string_equal(cached, "x\n");
}

static void test_sandbox_is_its_own_world_of_processes(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char command[64];
	snprintf(command, sizeof(command), "kill -0 %d", (int)getpid());
	assert_fails_inside(f, command, "this test's process");
	assert_inside(f, "hostname; id -u; id -un; echo $$ | grep -c '^[0-9]$'", "app\n1000\napp\n1");
	assert_inside(f, "cat /etc/passwd | wc -l", "3");
}

/* ---- the environment ---- */

static void test_sandbox_environment_is_what_was_given(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char greeting[] = "GREETING=hello  world\nagain", path[] = "PATH=/app/bin:/usr/bin:/bin",
		 empty[] = "EMPTY=", broken[] = "=nameless", *extra[] = { greeting, path, empty, broken, NULL };
	_cleanup_strv_ char **env = sandbox_environment(extra);
	struct sandbox_spec spec = {
		.app_dir = f->app,
		.command = "echo \"$GREETING|$PATH|${EMPTY-unset}|$HOME|$USER|$LANG|$TMPDIR\"; env | grep -c SCIA_TEST"
	};
	int code;
	setenv("SCIA_TEST_OUTSIDE", "must not be seen", 1);
	_cleanup_free_ char *out = run_walled(&spec, env, &code);
	unsetenv("SCIA_TEST_OUTSIDE");
	assert_string_equal(out, "hello  world\nagain|/app/bin:/usr/bin:/bin||/home/app|app|C.UTF-8|/tmp\n0");
}

/* What an application wants in its environment must not reach a program outside of the walls: LD_PRELOAD would run
 * there. The loader's LD_SHOW_AUXV makes each program that sees it say its name. */
static void test_sandbox_environment_does_nothing_outside(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char show[] = "LD_SHOW_AUXV=1", *extra[] = { show, NULL };
	_cleanup_strv_ char **env = sandbox_environment(extra);
	struct sandbox_spec spec = { .app_dir = f->app, .command = "/usr/bin/true" };
	int code;
	_cleanup_free_ char *out = run_walled(&spec, env, &code);
	assert_non_null(strstr(out, "/usr/bin/true"));
	assert_null(strstr(out, "bwrap"));
	_cleanup_strv_ char **words = sandbox_command(&spec), **outer = sandbox_outer_environment();
	for (char **word = words; *word; word++)
		assert_null(strstr(*word, "LD_SHOW_AUXV"));
	assert_int_equal(strv_len(outer), 1);
}

static void test_sandbox_secrets_are_on_no_command_line(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char secret[] = "TOKEN=s3cr3t-value", *extra[] = { secret, NULL };
	_cleanup_strv_ char **env = sandbox_environment(extra);
	struct sandbox_spec spec = {
		.app_dir = f->app, .command = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c s3cr3t-va[l]ue; echo $TOKEN"
	};
	int code;
	_cleanup_free_ char *out = run_walled(&spec, env, &code);
	assert_string_equal(out, "0\ns3cr3t-value");
}

/* Data below /usr or /opt, which are shown, stays hidden. */
static void test_sandbox_hides_data_in_shown_places(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char template[] = "/opt/scia-test-XXXXXX";
	need(mkdtemp(template), "nobody may write to /opt here");
	testing_write(template, "secret", "x", 0644);
	_cleanup_free_ char *list = xasprintf("ls %s", template);
	struct sandbox_spec spec = { .app_dir = f->app, .hide_dir = template, .command = list };
	int code;
	_cleanup_free_ char *out = run_walled(&spec, NULL, &code);
	testing_remove(xstrdup(template));
	assert_int_equal(code, 0);
	assert_string_equal(out, "");
}

static void test_sandbox_workdir(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	testing_write(f->app, "web/index", "x", 0644);
	struct sandbox_spec spec = { .app_dir = f->app, .workdir = "web", .command = "pwd" };
	int code;
	_cleanup_free_ char *out = run_walled(&spec, NULL, &code);
	assert_string_equal(out, "/app/web");
	spec.workdir = "nowhere";
	_cleanup_free_ char *refused = run_walled(&spec, NULL, &code);
	assert_int_not_equal(code, 0);
	assert_non_null(strstr(refused, "/app/nowhere"));
}

static void test_sandbox_probe_says_what_is_missing(void **state _unused_)
{
	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	_cleanup_err_ struct err err = { 0 };
	setenv("PATH", "/nonexistent", 1);
	int r = sandbox_probe(&err);
	setenv("PATH", path, 1);
	assert_true(r < 0);
	assert_int_equal(err.kind, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_message(&err), "apt-get install bubblewrap"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_sandbox_##name, setup, teardown)
		T(shows_the_application_its_own_folder),
		T(hides_the_machine),
		T(hides_other_applications),
		T(leaves_nothing_else_writable),
		T(has_places_for_scratch),
		T(scratch_is_bounded),
		T(home_folder_is_kept_when_given),
		T(is_its_own_world_of_processes),
		T(environment_is_what_was_given),
		T(environment_does_nothing_outside),
		T(secrets_are_on_no_command_line),
		T(hides_data_in_shown_places),
		T(workdir),
		T(probe_says_what_is_missing),
	};
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
