/* scia-shim, run as the provider runs it. */

#include "local_testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define LOG_MAX "8192"

struct fixture {
	char *dir, *shim, *app;
	pid_t pid; /* of the shim; 0: none runs */
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	f->dir = testing_dir();
	f->shim = beside_test("scia-shim");
	f->app = fs_join(f->dir, "app");
	testing_write(f->app, "x", "", 0644);
	if (!fs_exists(f->shim))
		fail_msg("%s is not built", f->shim);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (f->pid) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	testing_remove(f->dir);
	free(f->shim);
	free(f->app);
	free(f);
	return 0;
}

/* Starts a shim; words follow LOG_MAX. args_fd: what becomes descriptor 3, or -1. */
static pid_t start_words(struct fixture *f, char *const *words, int args_fd)
{
	_cleanup_strv_ char **argv = NULL;
	strv_push(&argv, f->shim);
	strv_push(&argv, f->dir);
	strv_push(&argv, LOG_MAX);
	for (; *words; words++)
		strv_push(&argv, *words);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (args_fd == SANDBOX_ARGS_FD)
			fcntl(args_fd, F_SETFD, 0);
		else if (args_fd >= 0)
			dup2(args_fd, SANDBOX_ARGS_FD);
		closefrom(args_fd >= 0 ? SANDBOX_ARGS_FD + 1 : SANDBOX_ARGS_FD);
		execv(argv[0], argv);
		_exit(99);
	}
	return pid;
}

static void start(struct fixture *f, const char *command)
{
	char *words[] = { (char[]){ "--" }, (char[]){ "/bin/sh" }, (char[]){ "-c" }, xstrdup(command), NULL };
	f->pid = start_words(f, words, -1);
	free(words[3]);
}

/* The command in a sandbox, as applications run. */
static void start_walled(struct fixture *f, const char *command, char *const *extra)
{
	struct sandbox_spec spec = { .app_dir = f->app, .command = command };
	_cleanup_strv_ char **walled = sandbox_command(&spec), **env = sandbox_environment(extra), **words = NULL;
	_cleanup_close_ int fd = sandbox_open_arguments(env);
	assert_true(fd >= 0);
	strv_push(&words, "--keep-fd");
	strv_push(&words, "3");
	strv_push(&words, "--");
	for (char **word = walled; *word; word++)
		strv_push(&words, *word);
	f->pid = start_words(f, words, fd);
}

static int wait_shim(struct fixture *f)
{
	int status = 0;
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	return status;
}

/* "CODE SIGNAL" of the exit file. */
static void assert_exit(struct fixture *f, int code, int number)
{
	_cleanup_free_ char *text = testing_read(f->dir, "exit");
	int got_code = -2, got_signal = -2;
	long long when = 0;
	assert_int_equal(sscanf(text, "%d %d %lld", &got_code, &got_signal, &when), 3);
	if (got_code != code || got_signal != number)
		fail_msg("ended with %d, signal %d", got_code, got_signal);
	assert_true(llabs(when - clock_wall_ns() / NS_PER_S) < 60);
}

static bool log_has(struct fixture *f, const char *text)
{
	_cleanup_free_ char *log = testing_read(f->dir, "log");
	return strstr(log, text) != NULL;
}

static pid_t child_of(struct fixture *f)
{
	int shim = 0, child = 0;
	unsigned long long shim_start = 0, child_start = 0;
	eventually(({
		_cleanup_free_ char *text = testing_read(f->dir, "pid");
		sscanf(text, "%d %llu %d %llu", &shim, &shim_start, &child, &child_start) == 4;
	}));
	assert_int_equal(shim, f->pid);
	assert_true(proc_start_time(shim) == shim_start);
	return child;
}

static void test_shim_captures_output_and_exit(void **state)
{
	struct fixture *f = *state;
	start(f, "echo to stdout; echo to stderr >&2; exit 7");
	assert_int_equal(WEXITSTATUS(wait_shim(f)), 0);
	_cleanup_free_ char *log = testing_read(f->dir, "log");
	assert_string_equal(log, "to stdout\nto stderr\n");
	assert_exit(f, 7, 0);
}

static void test_shim_records_a_signal(void **state)
{
	struct fixture *f = *state;
	start(f, "kill -SEGV $$");
	wait_shim(f);
	assert_exit(f, -1, SIGSEGV);
}

static void test_shim_says_what_cannot_start(void **state)
{
	struct fixture *f = *state;
	char *words[] = { (char[]){ "--" }, (char[]){ "/nonexistent/program" }, (char[]){ "x" }, NULL };
	f->pid = start_words(f, words, -1);
	wait_shim(f);
	assert_exit(f, 127, 0);
	assert_true(log_has(f, "cannot start the program"));
}

static void test_shim_one_folder_one_program(void **state)
{
	struct fixture *f = *state;
	start(f, "echo first; exec sleep 1000");
	eventually(log_has(f, "first"));
	char *words[] = { (char[]){ "--" }, (char[]){ "/bin/sh" }, (char[]){ "-c" }, (char[]){ "echo second" }, NULL };
	int status;
	for (int i = 0; i < 3; i++) {
		pid_t second = start_words(f, words, -1);
		assert_int_equal(waitpid(second, &status, 0), second);
		assert_int_equal(WEXITSTATUS(status), 75);
	}
	assert_false(log_has(f, "second"));
	/* Whoever wants to know whether it lives asks for the lock. */
	_cleanup_free_ char *path = fs_join(f->dir, "lock");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(flock(fd, LOCK_EX | LOCK_NB) < 0);
	kill(f->pid, SIGKILL);
	wait_shim(f);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
}

/* Many at the same moment: exactly one wins. */
static void test_shim_race_for_a_folder(void **state)
{
	struct fixture *f = *state;
	char *words[] = { (char[]){ "--" }, (char[]){ "/bin/sh" }, (char[]){ "-c" },
		              (char[]){ "echo started; exec sleep 1000" }, NULL };
	pid_t pids[8];
	int refused = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_words(f, words, -1);
	eventually(log_has(f, "started"));
	pid_t winner = 0;
	int64_t until = clock_mono_ns() + TESTING_PATIENCE_NS;
	while (refused < 7 && clock_mono_ns() < until) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			assert_int_equal(WEXITSTATUS(status), 75);
			refused++;
		}
		clock_sleep_ns(NS_PER_MS);
	}
	_cleanup_free_ char *text = testing_read(f->dir, "pid"), *log = testing_read(f->dir, "log");
	assert_int_equal(sscanf(text, "%d", &winner), 1);
	f->pid = winner;
	assert_string_equal(log, "started\n");
}

static void test_shim_rotates_its_log(void **state)
{
	struct fixture *f = *state;
	start(f, "i=0; while [ $i -lt 600 ]; do echo \"line $i of a log that grows and grows\"; i=$((i+1)); done");
	wait_shim(f);
	_cleanup_free_ char *log = testing_read(f->dir, "log"), *older = testing_read(f->dir, "log.1");
	assert_in_range(strlen(log), 1, 8192);
	assert_in_range(strlen(older), 1, 8192);
	assert_non_null(strstr(log, "line 599 of"));
	_cleanup_free_ char *first = xstrndup(log, strcspn(log, "\n"));
	assert_true(str_starts_with(first, "line "));
	_cleanup_free_ char *more = fs_join(f->dir, "log.2");
	assert_false(fs_exists(more));
}

/* Gigabytes are printed only as fast as the log takes them, and the disk holds two files of them. */
static void test_shim_slows_a_flood(void **state)
{
	struct fixture *f = *state;
	start(f, "exec yes flood");
	eventually(log_has(f, "flood"));
	clock_sleep_ns(300 * NS_PER_MS);
	_cleanup_free_ char *log = testing_read(f->dir, "log"), *older = testing_read(f->dir, "log.1");
	assert_in_range(strlen(log), 1, 8192 + 65536);
	assert_in_range(strlen(older), 0, 8192 + 65536);
	int64_t asked = clock_mono_ns();
	kill(child_of(f), SIGTERM);
	wait_shim(f);
	assert_true(clock_mono_ns() - asked < 5 * NS_PER_S); /* it hears signals while it waits */
}

static void test_shim_passes_sigterm_to_the_program_not_to_bubblewrap(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	start_walled(f, "trap 'echo asked to stop; exit 5' TERM; echo ready; while :; do sleep 0.05; done", NULL);
	eventually(log_has(f, "ready"));
	kill(f->pid, SIGTERM);
	wait_shim(f);
	assert_true(log_has(f, "asked to stop"));
	assert_exit(f, 5, 0);
}

/* While the sandbox is set up there is nobody to ask: it must end all the same. */
static void test_shim_sigterm_at_any_moment_ends_it(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	for (int delay = 0; delay < 24; delay += 4) {
		start_walled(f, "exec sleep 1000", NULL);
		clock_sleep_ns(delay * NS_PER_MS);
		int64_t asked = clock_mono_ns();
		kill(f->pid, SIGTERM);
		wait_shim(f);
		assert_true(clock_mono_ns() - asked < 8 * NS_PER_S);
	}
}

/* A program that ignores SIGTERM goes on; the shim's own end is its end. */
static void test_shim_sigkill_of_the_shim_kills_all(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	start_walled(f, "trap '' TERM; echo ready; sleep 1000 & while :; do sleep 0.1; done", NULL);
	eventually(log_has(f, "ready"));
	kill(f->pid, SIGTERM);
	clock_sleep_ns(100 * NS_PER_MS);
	pid_t child = child_of(f);
	assert_true(is_alive(child));
	kill(f->pid, SIGKILL);
	wait_shim(f);
	eventually(!is_alive(child));
}

static void test_shim_hands_the_environment_over_unseen(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	char secret[] = "TOKEN=s3cr3t-value", *extra[] = { secret, NULL };
	start_walled(f, "echo token is $TOKEN; ls /proc/self/fd | tr '\\n' ' '; exec sleep 1000", extra);
	eventually(log_has(f, "token is s3cr3t-value"));
	pid_t child = child_of(f);
	for (int i = 0; i < 2; i++) {
		char cmdline[64], environ_path[64];
		snprintf(cmdline, sizeof(cmdline), "proc/%d/cmdline", i ? (int)child : (int)f->pid);
		snprintf(environ_path, sizeof(environ_path), "proc/%d/environ", i ? (int)child : (int)f->pid);
		_cleanup_free_ char *line = testing_read("/", cmdline), *env = testing_read("/", environ_path);
		assert_null(strstr(line, "s3cr3t"));
		assert_null(strstr(env, "s3cr3t"));
	}
	/* Nothing of ours is open in the program: there is 0, 1, 2 and what ls opened. */
	eventually(log_has(f, "0 1 2 3 "));
}

static void test_shim_limits(void **state)
{
	struct fixture *f = *state;
	char *words[] = { (char[]){ "--rlimit" },
		              (char[]){ "core=0" },
		              (char[]){ "--rlimit" },
		              (char[]){ "fsize=4096" },
		              (char[]){ "--" },
		              (char[]){ "/bin/sh" },
		              (char[]){ "-c" },
		              (char[]){ "ulimit -c; head -c 8192 /dev/zero >big; echo head exited with $?" },
		              NULL };
	f->pid = start_words(f, words, -1);
	wait_shim(f);
	assert_true(log_has(f, "0\n"));
	_cleanup_free_ char *big = fs_join(f->dir, "big");
	struct stat st;
	assert_int_equal(stat(big, &st), 0);
	assert_int_equal(st.st_size, 4096);
	assert_false(log_has(f, "head exited with 0"));
}

static const struct {
	const char *words[6], *reason;
} REFUSED[] = {
	{ { "--" }, "no program" },
	{ { "--rlimit", "heap=1", "--", "true" }, "an unknown limit" },
	{ { "--rlimit", "core=-1", "--", "true" }, "a negative limit" },
	{ { "--frob", "x", "--", "true" }, "an unknown option" },
	{ { "--keep-fd", "x", "--", "true" }, "no descriptor" },
	{ { "true" }, "no --" },
};

static void test_shim_refuses_what_it_does_not_understand(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(REFUSED); i++) {
		_cleanup_strv_ char **words = NULL;
		for (size_t w = 0; REFUSED[i].words[w]; w++)
			strv_push(&words, REFUSED[i].words[w]);
		f->pid = start_words(f, words, -1);
		int status = wait_shim(f);
		if (WEXITSTATUS(status) != 64)
			fail_msg("%s: exited with %d", REFUSED[i].reason, WEXITSTATUS(status));
	}
}

/* Its folder went away before it had its lock: it must start nothing. */
static void test_shim_starts_nothing_without_its_folder(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *gone = fs_join(f->dir, "gone"), *mark = fs_join(f->dir, "mark");
	_cleanup_free_ char *command = xasprintf("touch %s", mark);
	char *argv[] = { f->shim, gone, (char[]){ LOG_MAX }, (char[]){ "--" }, (char[]){ "/bin/sh" }, (char[]){ "-c" },
		             command, NULL };
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(99);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 64);
	assert_false(fs_exists(mark));
}

static void test_shim_fork_bomb_dies_with_it(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	/* As many processes as this user may have at most: few enough for the machine to go on. */
	start_walled(f, "echo ready; bomb() { sleep 0.1; bomb | bomb & }; bomb 2>/dev/null; sleep 1000", NULL);
	eventually(log_has(f, "ready"));
	clock_sleep_ns(500 * NS_PER_MS);
	pid_t child = child_of(f);
	kill(f->pid, SIGKILL);
	wait_shim(f);
	eventually(!is_alive(child));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_shim_##name, setup, teardown)
		T(captures_output_and_exit),
		T(records_a_signal),
		T(says_what_cannot_start),
		T(one_folder_one_program),
		T(race_for_a_folder),
		T(rotates_its_log),
		T(slows_a_flood),
		T(passes_sigterm_to_the_program_not_to_bubblewrap),
		T(sigterm_at_any_moment_ends_it),
		T(sigkill_of_the_shim_kills_all),
		T(hands_the_environment_over_unseen),
		T(limits),
		T(refuses_what_it_does_not_understand),
		T(starts_nothing_without_its_folder),
		T(fork_bomb_dies_with_it),
	};
	return cmocka_run_group_tests_name("shim", tests, NULL, NULL);
}
