#ifndef LOCAL_LOCAL_TESTING_H
#define LOCAL_LOCAL_TESTING_H
/* For this folder's tests. */

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox.h"
#include "testing/testing.h"

#include <sys/socket.h>
#include <arpa/inet.h>

/* Ends the test, saying why, where sandboxes cannot be made. */
#define need_sandbox()                                          \
	do {                                                        \
		_cleanup_err_ struct err _why = { 0 };                  \
		if (sandbox_probe(&_why) < 0) {                         \
			print_message("skipped: %s\n", err_message(&_why)); \
			skip();                                             \
		}                                                       \
	} while (0)

#define need(condition, why)                     \
	do {                                         \
		if (!(condition)) {                      \
			print_message("skipped: %s\n", why); \
			skip();                              \
		}                                        \
	} while (0)

/* A file of the folder this test program is in (free()). */
static inline char *beside_test(const char *name)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return fs_join(path, name);
}

/* A listening socket on 127.0.0.1 (or another family's loopback); *port 0: any, set to which. */
static inline int listen_on(int family, int *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)*port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                       .sin6_port = htons((uint16_t)*port),
		                       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, 64) < 0 || getsockname(fd, address, &size) < 0) {
		closep(&fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

/* A process that ended counts as gone, though nobody may have asked for its status yet. */
static inline bool is_alive(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
	_cleanup_free_ char *text = testing_read("/", path);
	const char *end = strrchr(text, ')');
	return end && end[1] && end[2] != 'Z' && end[2] != 'X';
}

/* Runs a shell command in a sandbox with that app folder; its output, trimmed (free()), and exit code. */
static inline char *run_walled(const struct sandbox_spec *spec, char *const *env, int *ret_code)
{
	static const char script[] = "exec \"$@\" 3<&0 </dev/null";
	_cleanup_strv_ char **walled = sandbox_command(spec), **outer = sandbox_outer_environment(), **argv = NULL;
	_cleanup_buf_ struct buf arguments = BUF_INIT(1 << 20);
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_err_ struct err err = { 0 };
	strv_push(&argv, "/bin/sh");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	strv_push(&argv, "sh");
	for (char **word = walled; *word; word++)
		strv_push(&argv, *word);
	sandbox_arguments(env, &arguments);
	struct proc_spec proc = { .argv = argv,
		                      .env = outer,
		                      .input = arguments.data,
		                      .input_len = arguments.len,
		                      .timeout_ns = TESTING_PATIENCE_NS,
		                      .output_max = 1 << 20,
		                      .merge_stderr = true };
	assert_ok(proc_run(&proc, &result, &err), &err);
	*ret_code = result.exit_code;
	return xstrdup(str_strip(result.out.data ? result.out.data : (char[]){ "" }));
}

#endif
