#include "base/proc.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char *const inherit_path[] = { (char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" }, NULL };

static void run_ok(const struct proc_spec *spec, struct proc_result *r)
{
	_cleanup_err_ struct err e = { 0 };
	if (proc_run(spec, r, &e) < 0)
		fail_msg("%s", err_message(&e));
}

/* Runs a script; what else the spec says stays. */
static void run_script(const char *script, struct proc_spec spec, struct proc_result *r)
{
	_cleanup_free_ char *text = xstrdup(script);
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, text, NULL };
	spec.argv = argv;
	if (!spec.output_max)
		spec.output_max = 100000;
	if (!spec.env)
		spec.env = inherit_path;
	run_ok(&spec, r);
}

static void test_proc_run_gives_output_and_exit_code(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("echo out; echo err >&2; exit 7", (struct proc_spec){ 0 }, &r);
	assert_int_equal(r.exit_code, 7);
	assert_int_equal(r.signal, 0);
	assert_string_equal(buf_str(&r.out), "out\n");
	assert_string_equal(buf_str(&r.err_out), "err\n");
	assert_false(r.timed_out || r.cancelled || r.limited || r.truncated);
	assert_true(r.duration_ns > 0);
}

static void test_proc_run_tells_the_signal(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("kill -9 $$", (struct proc_spec){ 0 }, &r);
	assert_int_equal(r.exit_code, -1);
	assert_int_equal(r.signal, SIGKILL);
}

static void test_proc_run_without_program(void **state)
{
	(void)state;
	struct proc_result r;
	_cleanup_err_ struct err e = { 0 };
	char *const argv[] = { (char[]){ "scia-no-such-program" }, NULL };
	assert_int_equal(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_true(str_contains(e.message, "scia-no-such-program"));
	err_clear(&e);
	char *const absolute[] = { (char[]){ "/nonexistent/program" }, NULL };
	assert_int_equal(proc_run(&(struct proc_spec){ .argv = absolute }, &r, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	err_clear(&e);
	char *const sh[] = { (char[]){ "sh" }, NULL };
	assert_int_equal(proc_run(&(struct proc_spec){ .argv = sh, .cwd = "/nonexistent" }, &r, &e), -1);
	assert_true(str_contains(e.message, "/nonexistent"));
}

static void test_proc_run_input(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result none = { 0 }, some = { 0 }, unread = { 0 };
	run_script("cat; echo end", (struct proc_spec){ 0 }, &none);
	assert_string_equal(buf_str(&none.out), "end\n");

	enum { LEN = 500000 };
	_cleanup_free_ char *input = xmalloc(LEN);
	memset(input, 'i', LEN);
	run_script("cat", (struct proc_spec){ .input = input, .input_len = LEN, .output_max = LEN }, &some);
	assert_int_equal(some.out.len, LEN);
	assert_memory_equal(some.out.data, input, LEN);
	assert_false(some.truncated);

	/* More input than a pipe holds, that nobody reads. */
	run_script("exit 0", (struct proc_spec){ .input = input, .input_len = LEN }, &unread);
	assert_int_equal(unread.exit_code, 0);
}

static void test_proc_run_environment_and_folder(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 }, bare = { 0 };
	setenv("SCIA_TEST_SECRET", "leaked", 1);
	char *const env[] = { (char[]){ "PATH=/bin:/usr/bin" }, (char[]){ "A=b c" }, NULL };
	run_script("echo \"$A|$SCIA_TEST_SECRET|$(pwd)\"", (struct proc_spec){ .env = env, .cwd = "/usr" }, &r);
	assert_string_equal(buf_str(&r.out), "b c||/usr\n");
	char *const argv[] = { (char[]){ "env" }, NULL };
	run_ok(&(struct proc_spec){ .argv = argv, .output_max = 10000 }, &bare);
	unsetenv("SCIA_TEST_SECRET");
	assert_true(str_starts_with(buf_str(&bare.out), "PATH="));
	assert_null(strchr(buf_str(&bare.out), '\n')[1] ? "more than PATH" : NULL);
}

static void test_proc_run_inherits_nothing(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
	assert_true(leak >= 0);
	sigset_t blocked, before;
	sigfillset(&blocked);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	run_script("ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status; "
	           "ps -o pgid= -p $$ | tr -d ' '; echo $$",
	           (struct proc_spec){ 0 }, &r);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(leak);
	_cleanup_strv_ char **lines = str_split(buf_str(&r.out), "\n");
	assert_true(strv_len(lines) >= 4);
	assert_string_equal(lines[0], "4"); /* 0, 1, 2 and ls' own */
	assert_string_equal(lines[1], "SigBlk:\t0000000000000000");
	assert_true(str_starts_with(lines[2], "SigIgn:\t"));
	/* 32 and 33 are the C library's own. */
	assert_int_equal(strtoull(lines[2] + 8, NULL, 16) & ~0x180000000ULL, 0);
	if (strv_len(lines) == 5) /* ps is there */
		assert_string_equal(lines[3], lines[4]);
}

/* Even when this process has no standard files and its descriptors get their numbers. */
static void test_proc_run_with_stdio_closed(void **state)
{
	(void)state;
	int saved[3];
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		close(i);
	}
	struct proc_result r = { 0 };
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "cat; echo out; echo err >&2" }, NULL };
	int result = proc_run(
		&(struct proc_spec){ .argv = argv, .input = "in ", .input_len = 3, .output_max = 100, .cwd = "/" }, &r, NULL);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_int_equal(result, 0);
	assert_string_equal(buf_str(&r.out), "in out\n");
	assert_string_equal(buf_str(&r.err_out), "err\n");
	proc_result_clear(&r);
}

static void test_proc_run_bounds_output(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo end >&2",
	           (struct proc_spec){ .output_max = 1000 }, &r);
	assert_int_equal(r.exit_code, 0);
	assert_int_equal(r.out.len, 1000);
	assert_true(r.truncated);
	assert_string_equal(buf_str(&r.err_out), "end\n");
}

static void test_proc_run_merges_stderr_in_order(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("echo 1; echo 2 >&2; echo 3", (struct proc_spec){ .merge_stderr = true }, &r);
	assert_string_equal(buf_str(&r.out), "1\n2\n3\n");
	assert_int_equal(r.err_out.len, 0);
}

struct seen {
	struct buf streams[2];
};

static void note_output(void *self, int stream, const char *data, size_t len)
{
	struct seen *seen = self;
	assert_in_range(stream, 1, 2);
	buf_append(&seen->streams[stream - 1], data, len);
}

static void test_proc_run_shows_output_as_it_comes(void **state)
{
	(void)state;
	struct seen seen = { { BUF_INIT(100000), BUF_INIT(100) } };
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("echo first; echo err >&2; head -c 50000 /dev/zero",
	           (struct proc_spec){ .output_max = 10, .on_output = note_output, .self = &seen }, &r);
	assert_int_equal(seen.streams[0].len, 50006); /* also what was not kept */
	assert_memory_equal(seen.streams[0].data, "first\n", 6);
	assert_string_equal(buf_str(&seen.streams[1]), "err\n");
	assert_int_equal(r.out.len, 10);
	buf_clear(&seen.streams[0]);
	buf_clear(&seen.streams[1]);
}

/* Whether the process with the pid printed as first line still runs. */
static bool still_runs(const struct proc_result *r)
{
	int64_t pid;
	_cleanup_strv_ char **lines = str_split(buf_str(&r->out), "\n");
	assert_true(lines[0] && str_to_i64(lines[0], 2, INT32_MAX, &pid));
	for (int i = 0; i < 200; i++) {
		char path[64];
		_cleanup_free_ char *stat = NULL;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		if (fs_read_file(path, 4096, &stat, NULL, NULL) < 0 || str_contains(stat, ") Z "))
			return false;
		clock_sleep_ns(5 * NS_PER_MS);
	}
	return true;
}

static void test_proc_run_timeout_ends_the_group(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("sleep 100 & echo $!; sleep 100", (struct proc_spec){ .timeout_ns = 100 * NS_PER_MS }, &r);
	assert_true(r.timed_out);
	assert_false(r.cancelled || r.limited);
	assert_int_equal(r.signal, SIGTERM);
	assert_in_range(r.duration_ns / NS_PER_MS, 100, 1500);
	assert_false(still_runs(&r));
}

static void test_proc_run_kills_what_ignores_sigterm(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("trap '' TERM; sleep 100 & echo $!; while :; do sleep 1; done",
	           (struct proc_spec){ .timeout_ns = 50 * NS_PER_MS, .grace_ns = 200 * NS_PER_MS }, &r);
	assert_true(r.timed_out);
	assert_int_equal(r.signal, SIGKILL);
	assert_in_range(r.duration_ns / NS_PER_MS, 250, 1500);
	assert_false(still_runs(&r));
}

static void test_proc_run_ends_what_it_left_behind(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	run_script("sleep 100 & echo $!; exit 3", (struct proc_spec){ 0 }, &r);
	assert_int_equal(r.exit_code, 3);
	assert_true(r.duration_ns < 20 * NS_PER_S); /* though the sleeper held its output open */
	assert_false(still_runs(&r));
}

static void test_proc_run_does_not_wait_for_who_left_the_group(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	int64_t before = clock_mono_ns();
	run_script("setsid sh -c 'echo $$; exec sleep 100' & sleep 0.1", (struct proc_spec){ 0 }, &r);
	assert_int_equal(r.exit_code, 0);
	assert_true(clock_mono_ns() - before < 30 * NS_PER_S);
	int64_t pid;
	assert_true(str_to_i64(str_strip(r.out.data), 2, INT32_MAX, &pid));
	kill((pid_t)pid, SIGKILL);
}

static void *cancel_soon(void *arg)
{
	clock_sleep_ns(50 * NS_PER_MS);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

static void test_proc_run_is_cancelled(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	atomic_bool cancel = false;
	pthread_t thread;
	assert_int_equal(thread_start(&thread, "canceller", cancel_soon, &cancel, NULL), 0);
	run_script("exec sleep 100", (struct proc_spec){ .cancel = &cancel }, &r);
	pthread_join(thread, NULL);
	assert_true(r.cancelled);
	assert_false(r.timed_out);
	assert_true(r.duration_ns < 20 * NS_PER_S);
}

static bool always_over(void *self)
{
	(*(int *)self)++;
	return true;
}

static void test_proc_run_over_limit(void **state)
{
	(void)state;
	_cleanup_proc_result_ struct proc_result r = { 0 };
	int calls = 0;
	run_script("exec sleep 100", (struct proc_spec){ .over_limit = always_over, .self = &calls }, &r);
	assert_true(r.limited);
	assert_int_equal(calls, 1);
	assert_in_range(r.duration_ns / NS_PER_MS, 150, 1500);
}

static void test_proc_find(void **state)
{
	(void)state;
	_cleanup_free_ char *sh = proc_find("sh"), *absolute = proc_find("/bin/sh");
	assert_true(str_ends_with(sh, "/sh"));
	assert_string_equal(absolute, "/bin/sh");
	assert_null(proc_find("scia-no-such-program"));
	assert_null(proc_find("/etc/passwd")); /* not executable */
	assert_null(proc_find("/bin"));
	assert_null(proc_find(""));
	assert_null(proc_find(NULL));
}

static void test_proc_start_time(void **state)
{
	(void)state;
	uint64_t mine = proc_start_time(getpid());
	assert_true(mine > 0);
	assert_true(proc_start_time(getpid()) == mine);
	assert_true(proc_start_time(1) > 0 && proc_start_time(1) <= mine);
	assert_true(proc_start_time(0) == 0);
	assert_true(proc_start_time(INT32_MAX) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_run_gives_output_and_exit_code),
		cmocka_unit_test(test_proc_run_tells_the_signal),
		cmocka_unit_test(test_proc_run_without_program),
		cmocka_unit_test(test_proc_run_input),
		cmocka_unit_test(test_proc_run_environment_and_folder),
		cmocka_unit_test(test_proc_run_inherits_nothing),
		cmocka_unit_test(test_proc_run_with_stdio_closed),
		cmocka_unit_test(test_proc_run_bounds_output),
		cmocka_unit_test(test_proc_run_merges_stderr_in_order),
		cmocka_unit_test(test_proc_run_shows_output_as_it_comes),
		cmocka_unit_test(test_proc_run_timeout_ends_the_group),
		cmocka_unit_test(test_proc_run_kills_what_ignores_sigterm),
		cmocka_unit_test(test_proc_run_ends_what_it_left_behind),
		cmocka_unit_test(test_proc_run_does_not_wait_for_who_left_the_group),
		cmocka_unit_test(test_proc_run_is_cancelled),
		cmocka_unit_test(test_proc_run_over_limit),
		cmocka_unit_test(test_proc_find),
		cmocka_unit_test(test_proc_start_time),
	};
	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
