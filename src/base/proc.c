#include "base/proc.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define GRACE_DEFAULT_NS (2 * NS_PER_S)
#define TICK_CANCEL_NS (50 * NS_PER_MS)
#define TICK_LIMIT_NS (200 * NS_PER_MS)
/* How long to wait, once the program has ended and its group is killed, for the pipes to close: a process that left
 * the group may hold them open for ever. */
#define DRAIN_NS (NS_PER_S / 2)

struct run {
	const struct proc_spec *spec;
	struct proc_result *result;
	pid_t pid;
	int pidfd;
	int in;       /* the child's standard input */
	int out[2];   /* read ends of stdout and stderr; -1 when closed */
	int child[2]; /* the write ends, for the child only */
	int64_t started;
	int64_t next_limit_check;
	int64_t kill_at; /* when the polite signal has had its time; 0: not sent */
	bool killed;
};

static const char *search_path(void)
{
	const char *path = getenv("PATH");
	return str_empty(path) ? PATH_DEFAULT : path;
}

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *proc_find(const char *name)
{
	if (str_empty(name))
		return NULL;
	if (strchr(name, '/'))
		return is_program(name) ? xstrdup(name) : NULL;
	/* Empty parts of PATH would mean the current folder; they are dropped. */
	_cleanup_strv_ char **dirs = str_split(search_path(), ":");
	for (size_t i = 0; dirs[i]; i++) {
		_cleanup_free_ char *path = fs_join(dirs[i], name);
		if (is_program(path))
			return TAKE_PTR(path);
	}
	return NULL;
}

uint64_t proc_start_time(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_cleanup_free_ char *text = NULL;
	if (pid <= 0 || fs_read_file(path, 8192, &text, NULL, NULL) < 0)
		return 0;
	/* The name in parentheses may hold anything, parentheses and spaces too; field 3 follows its last one. */
	const char *p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* Moves a descriptor out of the range that the child's 0 to 2 are put in. Takes fd; -1 with errno. */
static int above_stdio(int fd)
{
	if (fd < 0 || fd > 2)
		return fd;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int saved = errno;
	close(fd);
	errno = saved;
	return high;
}

/* A file in memory rather than a pipe: nothing to pump, and a child that does not read it breaks nothing. */
static int open_input(const struct proc_spec *spec)
{
	if (!spec->input)
		return above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC));
	int fd = above_stdio(memfd_create("stdin", MFD_CLOEXEC));
	if (fd >= 0 && (fs_write_all(fd, spec->input, spec->input_len) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		closep(&fd);
	return fd;
}

static int open_output(struct run *r, int i)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	r->out[i] = above_stdio(fds[0]);
	r->child[i] = above_stdio(fds[1]);
	if (r->out[i] < 0 || r->child[i] < 0)
		return -1;
	return fcntl(r->out[i], F_SETFL, O_NONBLOCK);
}

static void run_done(struct run *r)
{
	closep(&r->in);
	closep(&r->pidfd);
	for (int i = 0; i < 2; i++) {
		closep(&r->out[i]);
		closep(&r->child[i]);
	}
}

/* Everything between fork and exec is left to posix_spawn(): it is safe in a program with threads. Returns an errno. */
static int spawn(struct run *r, const char *path, int cwd)
{
	const struct proc_spec *spec = r->spec;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	_cleanup_free_ char *path_env = xasprintf("PATH=%s", search_path());
	char *default_env[] = { path_env, NULL };

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, r->in, 0);
	posix_spawn_file_actions_adddup2(&actions, r->child[0], 1);
	posix_spawn_file_actions_adddup2(&actions, spec->merge_stderr ? r->child[0] : r->child[1], 2);
	if (cwd >= 0)
		posix_spawn_file_actions_addfchdir_np(&actions, cwd);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

	int e = posix_spawn(&r->pid, path, &actions, &attr, spec->argv, spec->env ? spec->env : default_env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

static int start(struct run *r, struct err *err)
{
	const struct proc_spec *spec = r->spec;
	const char *name = spec->argv[0];
	_cleanup_free_ char *path = strchr(name, '/') ? xstrdup(name) : proc_find(name);
	if (!path)
		return err_set(err, ERR_NOT_FOUND, "running %s: no such program in PATH: install it", name);
	_cleanup_close_ int cwd = -1;
	if (spec->cwd && (cwd = above_stdio(open(spec->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC))) < 0)
		return err_set_errno(err, errno, "running %s in %s", name, spec->cwd);
	r->in = open_input(spec);
	if (r->in < 0 || open_output(r, 0) < 0 || (!spec->merge_stderr && open_output(r, 1) < 0))
		return err_set_errno(err, errno, "running %s: preparing its input and output", name);

	int e = spawn(r, path, cwd);
	if (e == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "running %s: no such program, or its interpreter is missing", name);
	if (e != 0)
		return err_set_errno(err, e, "running %s", name);
	closep(&r->in);
	closep(&r->child[0]);
	closep(&r->child[1]);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0) {
		int saved = errno;
		kill(-r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
		return err_set_errno(err, saved, "running %s: watching it", name);
	}
	return 0;
}

static void keep_output(struct run *r, int i, const char *data, size_t len)
{
	struct buf *b = i == 0 ? &r->result->out : &r->result->err_out;
	size_t room = b->max - b->len;
	if (len > room)
		r->result->truncated = true;
	buf_append(b, data, len < room ? len : room);
	if (r->spec->on_output)
		r->spec->on_output(r->spec->self, i + 1, data, len);
}

/* Reads once, so that a program that prints without end does not keep us from looking at the clock. */
static void read_output(struct run *r, int i)
{
	char data[16 * 1024];
	ssize_t n = read(r->out[i], data, sizeof(data));
	if (n > 0)
		keep_output(r, i, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		closep(&r->out[i]);
}

/* The process itself too, should it have left its group. Its pid stays taken until reap(). */
static void signal_group(const struct run *r, int sig)
{
	kill(-r->pid, sig);
	kill(r->pid, sig);
}

/* Asks the group to end, and makes it when it does not listen. */
static void stop(struct run *r, int64_t now)
{
	if (!r->kill_at) {
		signal_group(r, SIGTERM);
		signal_group(r, SIGCONT); /* a stopped process could not act on it */
		r->kill_at = now + (r->spec->grace_ns > 0 ? r->spec->grace_ns : GRACE_DEFAULT_NS);
	} else if (!r->killed && now >= r->kill_at) {
		signal_group(r, SIGKILL);
		r->killed = true;
	}
}

static void check_limits(struct run *r, int64_t now)
{
	const struct proc_spec *spec = r->spec;
	struct proc_result *result = r->result;
	if (r->kill_at) {
		stop(r, now);
		return;
	}
	if (spec->cancel && atomic_load(spec->cancel))
		result->cancelled = true;
	else if (spec->timeout_ns > 0 && now - r->started >= spec->timeout_ns)
		result->timed_out = true;
	else if (spec->over_limit && now >= r->next_limit_check) {
		result->limited = spec->over_limit(spec->self);
		r->next_limit_check = clock_mono_ns() + TICK_LIMIT_NS;
	}
	if (result->cancelled || result->timed_out || result->limited)
		stop(r, now);
}

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long nothing but output can matter; negative: for ever. */
static int64_t wait_ns(const struct run *r, int64_t now)
{
	const struct proc_spec *spec = r->spec;
	int64_t wait = INT64_MAX;
	if (r->killed)
		return -1;
	if (r->kill_at)
		return r->kill_at > now ? r->kill_at - now : 0;
	if (spec->timeout_ns > 0)
		wait = min_i64(wait, spec->timeout_ns - (now - r->started));
	if (spec->cancel)
		wait = min_i64(wait, TICK_CANCEL_NS);
	if (spec->over_limit)
		wait = min_i64(wait, r->next_limit_check - now);
	return wait == INT64_MAX ? -1 : wait > 0 ? wait : 0;
}

/* Waits up to ns (negative: for ever) and reads what came. True when the program has ended. */
static bool pump(struct run *r, int64_t ns)
{
	struct pollfd fds[3] = {
		{ .fd = r->pidfd, .events = POLLIN },
		{ .fd = r->out[0], .events = POLLIN },
		{ .fd = r->out[1], .events = POLLIN },
	};
	struct timespec ts = clock_timespec(ns < 0 ? 0 : ns);
	if (ppoll(fds, ARRAY_SIZE(fds), ns < 0 ? NULL : &ts, NULL) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		if (fds[1 + i].revents)
			read_output(r, i);
	return fds[0].revents != 0;
}

static void reap(struct run *r)
{
	/* The group is killed while its leader's pid is still taken, so that the number cannot mean another one yet. */
	kill(-r->pid, SIGKILL);
	int status = 0;
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r->result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	r->result->duration_ns = clock_mono_ns() - r->started;

	closep(&r->pidfd); /* poll() ignores negative descriptors */
	int64_t until = clock_mono_ns() + DRAIN_NS, now;
	while ((r->out[0] >= 0 || r->out[1] >= 0) && (now = clock_mono_ns()) < until)
		pump(r, until - now);
}

int proc_run(const struct proc_spec *spec, struct proc_result *ret, struct err *err)
{
	struct proc_result result = { .out = BUF_INIT(spec->output_max), .err_out = BUF_INIT(spec->output_max) };
	struct run r = { .spec = spec, .result = &result, .pidfd = -1, .in = -1, .out = { -1, -1 }, .child = { -1, -1 } };
	r.started = clock_mono_ns();
	r.next_limit_check = r.started + TICK_LIMIT_NS;
	if (start(&r, err) < 0) {
		run_done(&r);
		return -1;
	}
	int64_t now = r.started;
	while (!pump(&r, wait_ns(&r, now))) {
		now = clock_mono_ns();
		check_limits(&r, now);
	}
	reap(&r);
	run_done(&r);
	*ret = result;
	return 0;
}

void proc_result_clear(struct proc_result *r)
{
	buf_clear(&r->out);
	buf_clear(&r->err_out);
}
