/* scia-shim: stands between the local provider and one application process, and outlives the provider.
 *
 *   scia-shim DIR LOG_MAX [--cgroup PROCS_FILE]... [--rlimit NAME=VALUE]... [--keep-fd N] -- PROGRAM ARGUMENTS...
 *
 * In DIR it keeps
 *
 *   lock   locked (flock) as long as the shim lives: a second shim for the same folder ends at once with code 75, so
 * that an application exists at most once, whoever starts it, and whenever its starter was killed pid    "SHIM_PID
 * SHIM_START_TIME CHILD_PID CHILD_START_TIME\n", written when the program was started log    what the program printed,
 * rotated to log.1 at LOG_MAX bytes exit   "CODE SIGNAL UNIX_TIME\n", written when it ended (CODE is -1 when a signal
 * did it)
 *
 * The program dies with the shim. SIGTERM to the shim is passed on. Descriptor N, which the shim was started with, is
 * the program's too: bubblewrap reads the application's environment from it, so that secrets are on no command line. A
 * program that prints more than LOG_MAX bytes a second waits for its log. The folder's files are replaced whole
 * (rename), so a reader sees old or new, never half. */

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define EXIT_USAGE 64
#define EXIT_ALREADY_RUNNING 75
#define EXIT_FAILED 70
#define LIMITS_MAX 16
#define COPY_SIZE 65536
#define REST_MAX 64 /* pieces: a pipe holds no more */

struct shim {
	int64_t log_max;
	const char *cgroups[LIMITS_MAX];
	size_t cgroups_len;
	struct {
		int resource;
		rlim_t value;
	} rlimits[LIMITS_MAX];
	size_t rlimits_len;
	int64_t keep_fd; /* -1: none */
	char **argv;
	pid_t child;
	int log_fd;
	int64_t log_size;
	int64_t window_ns, window_size; /* when the present second began, and what was written in it */
};

static bool parse_rlimit(struct shim *shim, const char *text)
{
	static const struct {
		const char *name;
		int resource;
	} known[] = {
		{ "as=", RLIMIT_AS },       { "nproc=", RLIMIT_NPROC }, { "nofile=", RLIMIT_NOFILE },
		{ "fsize=", RLIMIT_FSIZE }, { "core=", RLIMIT_CORE },   { "cpu=", RLIMIT_CPU },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *value = str_after(text, known[i].name);
		int64_t number;
		if (!value)
			continue;
		if (!str_to_i64(value, 0, INT64_MAX, &number) || shim->rlimits_len == LIMITS_MAX)
			return false;
		shim->rlimits[shim->rlimits_len].resource = known[i].resource;
		shim->rlimits[shim->rlimits_len++].value = (rlim_t)number;
		return true;
	}
	return false;
}

static bool parse_arguments(struct shim *shim, int argc, char **argv)
{
	if (argc < 5 || !str_to_i64(argv[2], 4096, INT64_MAX, &shim->log_max))
		return false;
	int i = 3;
	for (; i + 1 < argc && !str_eq(argv[i], "--"); i += 2) {
		if (str_eq(argv[i], "--cgroup") && shim->cgroups_len < LIMITS_MAX)
			shim->cgroups[shim->cgroups_len++] = argv[i + 1];
		else if (str_eq(argv[i], "--keep-fd") && str_to_i64(argv[i + 1], 3, 1023, &shim->keep_fd))
			continue;
		else if (!str_eq(argv[i], "--rlimit") || !parse_rlimit(shim, argv[i + 1]))
			return false;
	}
	shim->argv = argv + i + 1;
	return i + 1 < argc && str_eq(argv[i], "--");
}

static int put_file(const char *name, const char *text)
{
	return fs_replace(name, text, strlen(text), 0600, NULL);
}

static void open_log(struct shim *shim)
{
	struct stat st;
	shim->log_fd = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	shim->log_size = shim->log_fd >= 0 && fstat(shim->log_fd, &st) == 0 ? st.st_size : 0;
}

/* How much of the data still fits into the log, at a line's end if there is one. */
static size_t fitting_part(const struct shim *shim, const char *data, size_t len)
{
	size_t room = shim->log_size < shim->log_max ? (size_t)(shim->log_max - shim->log_size) : 0;
	if (len <= room)
		return len;
	const char *newline = memrchr(data, '\n', room);
	if (newline)
		return (size_t)(newline + 1 - data);
	return shim->log_size == 0 ? room : 0; /* a line longer than a log is cut; others wait for the next one */
}

/* A full disk loses log lines, never the application: it goes on as if they had been written. */
static void write_log(struct shim *shim, const char *data, size_t len)
{
	while (len > 0) {
		size_t part = fitting_part(shim, data, len);
		if (part > 0 && shim->log_fd >= 0)
			fs_write_all(shim->log_fd, data, part);
		shim->log_size += (int64_t)part;
		data += part;
		len -= part;
		if (len == 0)
			return;
		closep(&shim->log_fd);
		rename("log", "log.1");
		open_log(shim);
		if (shim->log_size > 0)
			shim->log_size = 0; /* it could not be renamed: better a log that is too long than none */
	}
}

/* Between fork and exec: only calls that are safe there. Does not return. */
_Noreturn static void run_program(const struct shim *shim, int output, pid_t parent)
{
	static const char cannot[] = "scia-shim: cannot start the program\n";
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	setpgid(0, 0);
	for (size_t i = 0; i < shim->cgroups_len; i++) {
		int fd = open(shim->cgroups[i], O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1) {
			static const char no_cgroup[] = "scia-shim: cannot enter the control group\n";
			(void)!write(output, no_cgroup, sizeof(no_cgroup) - 1);
			_exit(EXIT_FAILED);
		}
		close(fd);
	}
	for (size_t i = 0; i < shim->rlimits_len; i++) {
		struct rlimit limit = { shim->rlimits[i].value, shim->rlimits[i].value };
		setrlimit((__rlimit_resource_t)shim->rlimits[i].resource, &limit);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(shim->argv[0], shim->argv);
	(void)!write(STDERR_FILENO, cannot, sizeof(cannot) - 1);
	_exit(127);
}

static int start_program(struct shim *shim, int *ret_output)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid_t self = getpid();
	shim->child = fork();
	if (shim->child == 0)
		run_program(shim, fds[1], self);
	close(fds[1]);
	if (shim->keep_fd >= 0)
		close((int)shim->keep_fd);
	if (shim->child < 0) {
		close(fds[0]);
		return -1;
	}
	char text[128];
	snprintf(text, sizeof(text), "%d %llu %d %llu\n", (int)self, (unsigned long long)proc_start_time(self),
	         (int)shim->child, (unsigned long long)proc_start_time(shim->child));
	if (put_file("pid", text) < 0) {
		/* Nobody could find it again: better not to have it. */
		kill(shim->child, SIGKILL);
		close(fds[0]);
		return -1;
	}
	*ret_output = fds[0];
	return 0;
}

/* Copies what is there; false when the last writer closed its end. */
static bool copy_output(struct shim *shim, int output)
{
	static char data[COPY_SIZE];
	ssize_t n = read(output, data, sizeof(data));
	if (n > 0) {
		write_log(shim, data, (size_t)n);
		shim->window_size += n;
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* A signal for the program goes to what runs inside of bubblewrap, not to bubblewrap itself and the first process of
 * its pid namespace (depths 0 and 1): their end would kill everything else at once. Returns how many got it. */
static int signal_program(pid_t pid, int depth, int number)
{
	int signalled = 0;
	char path[64], data[4096];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, data, sizeof(data) - 1) : -1;
	data[n > 0 ? n : 0] = '\0';
	_cleanup_strv_ char **children = str_split(data, " \n");
	for (size_t i = 0; i < strv_len(children) && depth < 64; i++) {
		int64_t child;
		if (str_to_i64(children[i], 2, INT32_MAX, &child))
			signalled += signal_program((pid_t)child, depth + 1, number);
	}
	if ((depth >= 2 || (depth == 0 && !strv_len(children))) && kill(pid, number) == 0)
		signalled++;
	return signalled;
}

/* While bubblewrap still sets up there is nobody who could take the signal: then it ends before it began. */
static void pass_signal_on(const struct shim *shim, int number)
{
	if (signal_program(shim->child, 0, number) == 0)
		kill(shim->child, SIGKILL);
}

/* How long the program's output has to wait, in ms: this second's share is used up. -1: it need not. */
static int output_pause(struct shim *shim)
{
	int64_t now = clock_mono_ns();
	if (now - shim->window_ns >= NS_PER_S) {
		shim->window_ns = now;
		shim->window_size = 0;
	}
	return shim->window_size < shim->log_max ? -1 : (int)((shim->window_ns + NS_PER_S - now) / NS_PER_MS) + 1;
}

/* The first process of bubblewrap may be ended while it sets the sandbox up; what it started then is handed to us, as
 * we are the subreaper, and must not live on without a shim. */
static void end_leftovers(void)
{
	do
		signal_program(getpid(), 1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0);
}

/* Until the program ended; its status. */
static int supervise(struct shim *shim, int output, int signals)
{
	struct pollfd fds[2] = { { .fd = output, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	bool is_open = true;
	int status = 0;

	for (;;) {
		int pause = output_pause(shim);
		fds[0].fd = is_open && pause < 0 ? output : -1;
		fds[0].revents = fds[1].revents = 0;
		if (poll(fds, 2, pause) < 0 && errno != EINTR)
			return -1;
		if (fds[0].revents && !copy_output(shim, output))
			is_open = false;
		struct signalfd_siginfo info;
		if (!fds[1].revents || read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD)
			pass_signal_on(shim, (int)info.ssi_signo);
		else if (waitpid(shim->child, &status, WNOHANG) == shim->child)
			break;
	}
	end_leftovers();
	/* What it printed last is in the pipe still; a grandchild that kept the pipe open is not waited for. */
	struct pollfd rest = { .fd = output, .events = POLLIN };
	for (int n = 0; n < REST_MAX && is_open && poll(&rest, 1, 0) > 0 && copy_output(shim, output); n++)
		;
	return status;
}

static int take_lock(void)
{
	int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		closep(&fd);
		return -1;
	}
	return fd;
}

static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct shim shim = { .log_fd = -1, .keep_fd = -1 };

	if (!parse_arguments(&shim, argc, argv) || chdir(argv[1]) < 0)
		return EXIT_USAGE;
	_cleanup_close_ _unused_ int lock = take_lock();
	if (lock < 0)
		return EXIT_ALREADY_RUNNING;
	int signals = block_signals(), output = -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	open_log(&shim);
	unlink("exit");
	if (signals < 0 || start_program(&shim, &output) < 0) {
		write_log(&shim, "scia-shim: cannot start a process\n", 34);
		put_file("exit", "70 0 0\n");
		return EXIT_FAILED;
	}
	int status = supervise(&shim, output, signals);
	char text[64];
	snprintf(text, sizeof(text), "%d %d %lld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	         WIFSIGNALED(status) ? WTERMSIG(status) : 0, (long long)(clock_wall_ns() / NS_PER_S));
	put_file("exit", text);
	return 0;
}
