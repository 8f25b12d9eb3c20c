#include "launch.h"

#include "base/fault.h"
#include "base/fs.h"
#include "base/quantity.h"
#include "base/str.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS_MAX 512
#define STARTING_CPU_MILLI 1000
/* Of the machine's memory, for an application that says nothing: it may not take the rest of the machine with it. */
#define MEMORY_SHARE_PERCENT 75

static int64_t machine_memory(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

struct cgroup_limits launch_limits(const struct app *a)
{
	const json_t *resources = json_object_get(a->spec, "resources");
	struct cgroup_limits limits = { .pids = PIDS_MAX, .memory = machine_memory() / 100 * MEMORY_SHARE_PERCENT };
	const char *memory = json_get_str(resources, "memory"), *cpu = json_get_str(resources, "cpu");
	if (memory)
		quantity_parse(memory, &limits.memory);
	if (cpu)
		quantity_parse_milli(cpu, &limits.cpu_milli);
	return limits;
}

static char **program_environment(const struct app *a, int port)
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

struct launch *launch_plan(struct app *a, struct instance *i)
{
	const struct local_provider *p = a->provider;
	struct launch *l = new0(struct launch);
	_cleanup_free_ char *release = app_release_dir(a, i->release_id), *src = fs_join(release, "src");
	struct sandbox_spec sandbox = {
		.app_dir = src,
		.workdir = json_str_at(a->spec, "source", "path", NULL),
		.scia_path = p->scia_path,
		.etc_dir = p->etc_dir,
		.hide_dir = p->dir,
		.command = json_get_str(a->spec, "startCommand"),
	};
	l->app = a;
	l->instance = i;
	l->dir = xstrdup(i->dir);
	l->cgroup = xstrdup(i->cgroup);
	l->record = instance_record(i);
	l->command = sandbox_command(&sandbox);
	l->env = program_environment(a, i->port);
	/* Starting takes a program far more of the processor than running: until it is ready it may use a whole core. */
	l->limits = launch_limits(a);
	if (l->limits.cpu_milli && l->limits.cpu_milli < STARTING_CPU_MILLI)
		l->limits.cpu_milli = STARTING_CPU_MILLI;
	l->pidfd = -1;
	return l;
}

void launch_free(struct launch *l)
{
	if (!l)
		return;
	closep(&l->pidfd);
	free(l->dir);
	free(l->cgroup);
	free(l->record);
	strv_free(l->command);
	strv_free(l->env);
	err_clear(&l->err);
	free(l);
}

static void push_option(char ***argv, const char *option, const char *value)
{
	strv_push(argv, option);
	strv_push(argv, value);
}

static void push_limit(char ***argv, const char *name, int64_t value)
{
	_cleanup_free_ char *limit = xasprintf("%s=%lld", name, (long long)value);
	push_option(argv, "--rlimit", limit);
}

static char **shim_command(const struct local_provider *p, const struct launch *l)
{
	_cleanup_strv_ char **procs = cgroup_make(p->cgroups, l->cgroup, &l->limits);
	char log_max[32], fd[16], **argv = NULL;

	snprintf(log_max, sizeof(log_max), "%lld", (long long)p->config.log_max);
	snprintf(fd, sizeof(fd), "%d", SANDBOX_ARGS_FD);
	strv_push(&argv, p->shim_path);
	strv_push(&argv, l->dir);
	strv_push(&argv, log_max);
	push_option(&argv, "--keep-fd", fd);
	for (size_t n = 0; n < strv_len(procs); n++)
		push_option(&argv, "--cgroup", procs[n]);
	/* Without control groups address space is the nearest there is, and runtimes reserve far more than they use. */
	if (!procs)
		push_limit(&argv, "as", l->limits.memory * 8);
	/* One huge file ends the program at once; many small ones are for the disk watch to find. */
	push_limit(&argv, "fsize", p->config.disk_max);
	push_limit(&argv, "core", 0);
	strv_push(&argv, "--");
	for (char **word = l->command; *word; word++)
		strv_push(&argv, *word);
	return argv;
}

/* args_fd: what bubblewrap reads. An errno. */
static int spawn_shim(char *const *argv, int args_fd, pid_t *ret_pid)
{
	_cleanup_strv_ char **env = sandbox_outer_environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, args_fd, SANDBOX_ARGS_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, SANDBOX_ARGS_FD + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* A session of its own: Ctrl-C at our terminal is not for it. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	int error = posix_spawn(ret_pid, argv[0], &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int prepare_folder(const struct launch *l, struct err *err)
{
	_cleanup_free_ char *path = fs_join(l->dir, "instance.json");
	if (fs_mkdir_p(l->dir, 0700, err) < 0)
		return -1;
	return fs_replace(path, l->record, strlen(l->record), 0600, err);
}

void launch_run(const struct local_provider *p, struct launch *l)
{
	if (prepare_folder(l, &l->err) < 0)
		return;
	_cleanup_strv_ char **argv = shim_command(p, l);
	_cleanup_close_ int args_fd = sandbox_open_arguments(l->env);
	if (args_fd < 0) {
		err_set_errno(&l->err, errno, "preparing the environment of a program");
		return;
	}
	fault_point("local.before-spawn");
	int error = spawn_shim(argv, args_fd, &l->pid);
	if (error) {
		err_set_errno(&l->err, error, "starting %s", argv[0]);
		return;
	}
	fault_point("local.after-spawn");
	l->pidfd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	if (l->pidfd >= 0)
		return;
	err_set_errno(&l->err, errno, "watching process %d", (int)l->pid);
	kill(l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
}
