#include "listen_port.h"

#include "local_testing.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* A child that listens on the descriptors it inherits, through children of its own as deep as asked. */
static pid_t hold(int depth)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0); /* it ended before we could ask to be told */
	if (depth > 0)
		hold(depth - 1);
	for (;;)
		pause();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int ask(pid_t pid, int preferred, int expected)
{
	_cleanup_(listeners_freep) struct listeners *l = listeners_read();
	return listen_port_of(l, pid, preferred, expected);
}

static void test_listen_port_finds_the_port_of_a_process(void **state _unused_)
{
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET, &port);
	pid_t pid = hold(0);
	closep(&fd);
	eventually(ask(pid, 0, 0) == port);
	end(pid);
}

static void test_listen_port_finds_ipv6_too(void **state _unused_)
{
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET6, &port);
	need(fd >= 0, "this machine has no IPv6 loopback");
	assert_int_equal(ask(getpid(), 0, 0), port);
}

/* npm starts sh starts node: whoever listens is a descendant. */
static void test_listen_port_finds_the_port_of_a_descendant(void **state _unused_)
{
	pid_t nobody = hold(0);
	int port = 0, fds[2];
	_cleanup_close_ int fd = listen_on(AF_INET, &port);
	assert_int_equal(pipe(fds), 0);
	pid_t root = fork();
	if (root == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold(1);
		close(fd); /* only its child and grandchild hold the socket */
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	char ready;
	assert_int_equal(read(fds[0], &ready, 1), 1);
	closep(&fd);
	assert_int_equal(ask(root, 0, 0), port);
	assert_int_equal(ask(nobody, 0, 0), 0); /* somebody else's socket is not its own */
	end(root);
	end(nobody);
	close(fds[0]);
	close(fds[1]);
}

static void test_listen_port_of_several(void **state _unused_)
{
	int ports[3] = { 0 }, fds[3];
	for (size_t i = 0; i < 3; i++)
		fds[i] = listen_on(AF_INET, &ports[i]);
	int lowest = ports[0], highest = ports[0];
	for (size_t i = 1; i < 3; i++) {
		lowest = ports[i] < lowest ? ports[i] : lowest;
		highest = ports[i] > highest ? ports[i] : highest;
	}
	assert_int_equal(ask(getpid(), highest, lowest), highest); /* the one it was told */
	assert_int_equal(ask(getpid(), 1, highest), highest);      /* the one it is known to use */
	assert_int_equal(ask(getpid(), 1, 2), lowest);
	for (size_t i = 0; i < 3; i++)
		closep(&fds[i]);
	assert_int_equal(ask(getpid(), 0, 0), 0);
}

static void test_listen_port_of_nobody(void **state _unused_)
{
	assert_int_equal(ask(INT32_MAX, 0, 0), 0);
}

static void *fork_in_thread(void *arg)
{
	*(pid_t *)arg = hold(0);
	pause();
	return NULL;
}

/* The kernel lists children by the thread that made them. */
static void test_listen_port_process_tree_has_children_of_threads(void **state _unused_)
{
	pid_t *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(child, MAP_FAILED);
	pid_t root = fork();
	if (root == 0) {
		pthread_t thread;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, fork_in_thread, child);
		for (;;)
			pause();
	}
	pid_t found[PROCESS_TREE_MAX];
	size_t len = 0;
	eventually((len = process_tree(root, found)) == 2);
	assert_int_equal(found[0], root);
	eventually(*(volatile pid_t *)child == found[1]);
	end(root);
	munmap(child, sizeof(*child));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_port_finds_the_port_of_a_process),
		cmocka_unit_test(test_listen_port_finds_ipv6_too),
		cmocka_unit_test(test_listen_port_finds_the_port_of_a_descendant),
		cmocka_unit_test(test_listen_port_of_several),
		cmocka_unit_test(test_listen_port_of_nobody),
		cmocka_unit_test(test_listen_port_process_tree_has_children_of_threads),
	};
	return cmocka_run_group_tests_name("listen_port", tests, NULL, NULL);
}
