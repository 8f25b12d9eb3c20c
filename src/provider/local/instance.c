/* One running program and its shim. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/quantity.h"
#include "base/str.h"
#include "sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PIDS_MAX 512
#define STARTING_CPU_MILLI 1000
#define STOP_GRACE_NS (10 * NS_PER_S)
#define ADOPT_WAIT_NS (2 * NS_PER_S)

/* A port nobody has now. Somebody may take it before the program does; then the program fails and is started with
 * another. */
static int find_free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(address.sin_port);
}

static char **build_environment(const struct app *a, int port)
{
	_cleanup_free_ char *port_variable = xasprintf("PORT=%d", port);
	_cleanup_strv_ char **env = NULL;
	/* The application's own variables may replace all but the port. */
	static const char *const defaults[] = { "HOST=127.0.0.1", "NODE_ENV=production" };
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		strv_push(&env, defaults[i]);
	for (char **e = a->env; e && *e; e++) {
		if (!str_starts_with(*e, "PORT="))
			strv_push(&env, *e);
	}
	strv_push(&env, port_variable);
	return sandbox_environment(env);
}

static struct cgroup_limits limits_of(const struct app *a)
{
	const json_t *resources = json_object_get(a->spec, "resources");
	struct cgroup_limits limits = { .pids = PIDS_MAX };
	const char *memory = json_get_str(resources, "memory"), *cpu = json_get_str(resources, "cpu");
	if (memory)
		quantity_parse(memory, &limits.memory);
	if (cpu)
		quantity_parse_milli(cpu, &limits.cpu_milli);
	return limits;
}

/* Starting takes a program far more of the processor than running: until it is ready it may use a whole core. */
static struct cgroup_limits starting_limits_of(const struct app *a)
{
	struct cgroup_limits limits = limits_of(a);
	if (limits.cpu_milli && limits.cpu_milli < STARTING_CPU_MILLI)
		limits.cpu_milli = STARTING_CPU_MILLI;
	return limits;
}

void instance_settle(const struct app *a, const struct instance *i)
{
	struct cgroup_limits limits = limits_of(a);
	_cleanup_strv_ char **procs = NULL;
	cgroup_make(a->provider->cgroups, i->cgroup, &limits, &procs);
}

static char **shim_command(struct app *a, const struct instance *i)
{
	struct local_provider *p = a->provider;
	_cleanup_free_ char *release = app_release_dir(a, i->release_id), *src = fs_join(release, "src");
	struct sandbox_spec sandbox = {
		.app_dir = src,
		.workdir = json_str_at(a->spec, "source", "path", NULL),
		.scia_path = p->scia_path,
		.command = json_get_str(a->spec, "startCommand"),
	};
	_cleanup_strv_ char **inner = sandbox_command(&sandbox), **procs = NULL;
	struct cgroup_limits limits = starting_limits_of(a);
	char log_max[32], **argv = NULL;

	snprintf(log_max, sizeof(log_max), "%lld", (long long)p->config.log_max);
	strv_push(&argv, p->shim_path);
	strv_push(&argv, i->dir);
	strv_push(&argv, log_max);
	cgroup_make(p->cgroups, i->cgroup, &limits, &procs);
	for (size_t n = 0; n < strv_len(procs); n++) {
		strv_push(&argv, "--cgroup");
		strv_push(&argv, procs[n]);
	}
	if (!procs && limits.memory) {
		/* No control groups: address space is the nearest there is, and runtimes reserve far more than they use. */
		_cleanup_free_ char *as = xasprintf("as=%lld", (long long)limits.memory * 8);
		strv_push(&argv, "--rlimit");
		strv_push(&argv, as);
	}
	strv_push(&argv, "--rlimit");
	strv_push(&argv, "core=0");
	strv_push(&argv, "--");
	for (char **word = inner; *word; word++)
		strv_push(&argv, *word);
	return argv;
}

static int save_instance(const struct instance *i, struct err *err)
{
	_cleanup_json_ json_t *v = json_pack("{s:s, s:s, s:I, s:i, s:s}", "runHash", i->run_hash, "release", i->release_id,
	                                     "revision", (json_int_t)i->revision, "port", i->port, "cgroup", i->cgroup);
	_cleanup_free_ char *text = json_to_str(v), *path = fs_join(i->dir, "instance.json");
	return fs_replace(path, text, strlen(text), 0600, err);
}

/* Who the shim and its program are, once it wrote it down. */
bool instance_find(struct instance *i)
{
	_cleanup_free_ char *path = fs_join(i->dir, "pid"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	int shim, child;
	unsigned long long shim_start, child_start;
	if (fs_read_file(path, 256, &text, NULL, &ignored) < 0 ||
	    sscanf(text, "%d %llu %d %llu", &shim, &shim_start, &child, &child_start) != 4)
		return false;
	if (i->pidfd >= 0 && i->shim == shim) {
		i->child = child;
		return true;
	}
	int fd = (int)syscall(SYS_pidfd_open, shim, 0);
	if (fd < 0)
		return false;
	if (proc_start_time(shim) != shim_start) {
		close(fd);
		return false;
	}
	closep(&i->pidfd);
	i->pidfd = fd;
	i->shim = shim;
	i->child = child;
	return true;
}

static int spawn_shim(struct app *a, struct instance *i, struct err *err)
{
	_cleanup_strv_ char **argv = shim_command(a, i), **env = build_environment(a, i->port);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* A session of its own: Ctrl-C at our terminal is not for it. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	int error = posix_spawn(&pid, argv[0], &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return err_set_errno(err, error, "starting %s", argv[0]);
	i->shim = pid;
	i->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (i->pidfd < 0)
		return err_set_errno(err, errno, "watching process %d", (int)pid);
	return 0;
}

static struct instance *instance_new(struct app *a, const char *dir)
{
	struct instance *i = new0(struct instance);
	i->id = ++a->provider->next_instance_id;
	i->dir = xstrdup(dir);
	i->pidfd = -1;
	i->started_ns = clock_mono_ns();
	i->started_wall_ns = clock_wall_ns();
	return i;
}

void instance_free(struct instance *i)
{
	if (!i)
		return;
	closep(&i->pidfd);
	free(i->dir);
	free(i->cgroup);
	free(i->probe_message);
	free(i);
}

struct instance *instance_start(struct app *a, struct err *err)
{
	char unique[13];
	_cleanup_free_ char *parent = fs_join(a->dir, "instances");
	int64_t now = clock_wall_ns();
	snprintf(unique, sizeof(unique), "%012llx", (unsigned long long)(now / 1000) & 0xffffffffffffULL);
	_cleanup_free_ char *dir = fs_join(parent, unique);
	struct instance *i = instance_new(a, dir);
	memcpy(i->run_hash, a->run_hash, sizeof(i->run_hash));
	memcpy(i->release_id, a->release_id, sizeof(i->release_id));
	i->revision = a->revision;
	i->port = find_free_port();
	i->cgroup = xasprintf("%.16s-%s", a->run_hash, unique);
	/* The folder says what is about to run before it runs: a crash from here on leaves something that can be found. */
	if (fs_mkdir_p(dir, 0700, err) < 0 || save_instance(i, err) < 0 || spawn_shim(a, i, err) < 0) {
		instance_remove(a, i);
		return NULL;
	}
	i->is_listed = true;
	TAILQ_INSERT_TAIL(&a->instances, i, next);
	return i;
}

/* A shim that was just started may not have taken its lock yet when its starter died; a moment later it has. */
static bool shim_lives(const char *dir)
{
	_cleanup_free_ char *path = fs_join(dir, "lock");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool load_instance(struct instance *i)
{
	_cleanup_free_ char *path = fs_join(i->dir, "instance.json"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	if (fs_read_file(path, 65536, &text, &len, &ignored) < 0)
		return false;
	_cleanup_json_ json_t *v = json_parse(text, len, 0, &ignored);
	const char *run_hash = json_get_str(v, "runHash"), *release = json_get_str(v, "release"),
			   *group = json_get_str(v, "cgroup");
	if (!run_hash || strlen(run_hash) != 16 || !release || strlen(release) != 16 || !group)
		return false;
	memcpy(i->run_hash, run_hash, sizeof(i->run_hash));
	memcpy(i->release_id, release, sizeof(i->release_id));
	i->revision = json_get_int(v, "revision", 0);
	i->port = (int)json_get_int(v, "port", 0);
	i->cgroup = xstrdup(group);
	return true;
}

struct instance *instance_adopt(struct app *a, const char *dir)
{
	struct instance *i = instance_new(a, dir);
	int64_t deadline = clock_mono_ns() + ADOPT_WAIT_NS;
	bool known = load_instance(i);
	while (known && shim_lives(dir) && !instance_find(i) && clock_mono_ns() < deadline)
		clock_sleep_ns(5 * NS_PER_MS);
	if (known && i->pidfd >= 0) {
		i->is_listed = true;
		TAILQ_INSERT_TAIL(&a->instances, i, next);
		return i;
	}
	instance_remove(a, i);
	return NULL;
}

bool instance_has_ended(const struct instance *i)
{
	struct pollfd pollfd = { .fd = i->pidfd, .events = POLLIN };
	return poll(&pollfd, 1, 0) > 0;
}

bool instance_read_exit(const struct instance *i, int *ret_code, int *ret_signal)
{
	_cleanup_free_ char *path = fs_join(i->dir, "exit"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	return fs_read_file(path, 128, &text, NULL, &ignored) == 0 && sscanf(text, "%d %d", ret_code, ret_signal) == 2;
}

static void send_signal(const struct instance *i, int number)
{
	if (i->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, i->pidfd, number, NULL, 0);
}

void instance_stop(struct instance *i, int64_t now_ns)
{
	if (i->state == INSTANCE_STOPPING)
		return;
	i->state = INSTANCE_STOPPING;
	i->deadline_ns = now_ns + STOP_GRACE_NS;
	send_signal(i, SIGTERM);
}

void instance_kill(struct instance *i)
{
	send_signal(i, SIGKILL);
}

void instance_remove(struct app *a, struct instance *i)
{
	_cleanup_free_ char *log = fs_join(i->dir, "log"), *previous = fs_join(a->dir, "previous.log");
	_cleanup_err_ struct err ignored = { 0 };
	if (i->is_listed)
		TAILQ_REMOVE(&a->instances, i, next);
	if (a->proxy && i->backend_port)
		proxy_backend_remove(a->proxy, i->backend_port);
	/* Our own children are reaped; adopted ones belong to init. */
	if (i->shim > 0)
		waitpid(i->shim, NULL, WNOHANG);
	if (i->cgroup)
		cgroup_remove(a->provider->cgroups, i->cgroup);
	rename(log, previous);
	fs_remove_tree(i->dir, &ignored);
	instance_free(i);
}
