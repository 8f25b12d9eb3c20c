#include "base/fault.h"

#include "base/mem.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void set_faults(const char *spec)
{
	assert_int_equal(setenv("SCIA_FAULT", spec, 1), 0);
}

#ifdef SCIA_FAULT_POINTS

/* How many hits a child survives of at most ten, or -1 when it ended otherwise. */
static int hits_until_killed(const char *name)
{
	int pipefd[2];
	assert_int_equal(pipe(pipefd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 10; i++)
			if (fault_point(name) || write(pipefd[1], "x", 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(pipefd[1]);
	int n = 0, status;
	char c;
	while (read(pipefd[0], &c, 1) == 1)
		n++;
	close(pipefd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0 && n == 10) ? n : -1;
}

static void test_fault_kills(void **state)
{
	(void)state;
	set_faults("store.commit=kill,other=kill@3");
	assert_int_equal(hits_until_killed("store.commit"), 0);
	assert_int_equal(hits_until_killed("other"), 2);
	assert_int_equal(hits_until_killed("unknown"), 10);
}

static void test_fault_fails(void **state)
{
	(void)state;
	set_faults("a=fail,b=fail@2");
	assert_true(fault_point("a"));
	assert_true(fault_point("a"));
	assert_false(fault_point("b"));
	assert_true(fault_point("b"));
	assert_false(fault_point("b"));
	assert_false(fault_point("c"));
	set_faults("b=fail@1"); /* another specification counts from the start */
	assert_true(fault_point("b"));
	assert_false(fault_point("a"));
	unsetenv("SCIA_FAULT");
	assert_false(fault_point("b"));
}

static void test_fault_refuses_mistakes(void **state)
{
	(void)state;
	static const char *const bad[] = { "a", "a=", "a=explode", "a=fail@", "a=fail@0", "a=kill@x", "ok=fail,a=fail@-1" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set_faults(bad[i]);
		pid_t pid = fork();
		if (pid == 0) {
			signal(SIGABRT, SIG_DFL);
			fclose(stderr);
			_exit(fault_point("a"));
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("accepted \"%s\"", bad[i]);
	}
	unsetenv("SCIA_FAULT");
}

#else

static void test_fault_is_compiled_out(void **state)
{
	(void)state;
	set_faults("a=fail,a=kill");
	assert_false(fault_point("a"));
	unsetenv("SCIA_FAULT");
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef SCIA_FAULT_POINTS
		cmocka_unit_test(test_fault_kills),
		cmocka_unit_test(test_fault_fails),
		cmocka_unit_test(test_fault_refuses_mistakes),
#else
		cmocka_unit_test(test_fault_is_compiled_out),
#endif
	};
	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
