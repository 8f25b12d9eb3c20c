/* One running program and its shim. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "launch.h"
#include "unique.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_GRACE_NS (10 * NS_PER_S)
#define ADOPT_LOOK_NS (5 * NS_PER_MS)
#define PORT_ATTEMPTS 50

/* ---- ports ---- */

static bool is_told(const struct local_provider *p, int port)
{
	return p->told_ports[port / 8] & (1u << (port % 8));
}

static void mark_told(struct local_provider *p, int port, bool told)
{
	if (port <= 0 || port >= PORTS)
		return;
	if (told)
		p->told_ports[port / 8] |= (uint8_t)(1u << (port % 8));
	else
		p->told_ports[port / 8] &= (uint8_t) ~(1u << (port % 8));
}

/* A port nobody has now, and that we told nobody else. Another program may still take it before ours does; then ours
 * fails and is started with another. */
static int find_free_port(const struct local_provider *p)
{
	int port = 0;
	for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t size = sizeof(address);
		_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
		    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
			break;
		port = ntohs(address.sin_port);
		if (!is_told(p, port))
			break;
	}
	return port;
}

/* ---- the record ---- */

char *instance_record(const struct instance *i)
{
	_cleanup_json_ json_t *v = json_pack(
		"{s:s, s:s, s:I, s:i, s:i, s:i, s:b, s:s, s:I}", "runHash", i->run_hash, "release", i->release_id, "revision",
		(json_int_t)i->revision, "replica", i->replica, "port", i->port, "backendPort", i->backend_port, "ready",
		i->state == INSTANCE_READY, "cgroup", i->cgroup, "started", (json_int_t)i->started_wall_ns);
	return json_to_str(v);
}

/* False when the record is not there or not whole. */
static bool load_record(struct instance *i)
{
	_cleanup_free_ char *path = fs_join(i->dir, "instance.json"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	if (fs_read_file(path, 65536, &text, &len, &ignored) < 0)
		return false;
	_cleanup_json_ json_t *v = json_parse(text, len, 0, &ignored);
	const char *run_hash = json_get_str(v, "runHash"), *release = json_get_str(v, "release");
	const char *group = json_get_str(v, "cgroup");
	if (!run_hash || strlen(run_hash) != 16 || !release || strlen(release) != 16 || str_empty(group))
		return false;
	memcpy(i->run_hash, run_hash, sizeof(i->run_hash));
	memcpy(i->release_id, release, sizeof(i->release_id));
	i->revision = json_get_int(v, "revision", 0);
	i->replica = (int)json_get_int(v, "replica", 0);
	i->port = (int)json_get_int(v, "port", 0);
	i->started_wall_ns = json_get_int(v, "started", i->started_wall_ns);
	i->cgroup = xstrdup(group);
	if (json_get_bool(v, "ready", false)) {
		i->backend_port = (int)json_get_int(v, "backendPort", 0);
		i->state = i->backend_port ? INSTANCE_READY : INSTANCE_STARTING;
		i->was_open = true;
	}
	return true;
}

/* ---- beginning ---- */

static struct instance *instance_new(struct app *a, const char *dir)
{
	struct instance *i = new0(struct instance);
	i->id = ++a->provider->next_instance_id;
	i->dir = xstrdup(dir);
	i->pidfd = -1;
	i->started_ns = i->ready_ns = clock_mono_ns();
	i->started_wall_ns = clock_wall_ns();
	return i;
}

static int lowest_replica(const struct app *a)
{
	for (int number = 0;; number++) {
		const struct instance *i;
		bool is_taken = false;
		TAILQ_FOREACH (i, &a->instances, next)
			is_taken |= i->replica == number && app_is_wanted(a, i);
		if (!is_taken)
			return number;
	}
}

static void list(struct app *a, struct instance *i)
{
	i->is_listed = true;
	mark_told(a->provider, i->port, true);
	TAILQ_INSERT_TAIL(&a->instances, i, next);
}

struct instance *instance_start(struct app *a)
{
	char unique[UNIQUE_SIZE];
	_cleanup_free_ char *dir = xasprintf("%s/instances/%s", a->dir, unique_id(unique));
	struct instance *i = instance_new(a, dir);
	memcpy(i->run_hash, a->run_hash, sizeof(i->run_hash));
	memcpy(i->release_id, a->release_id, sizeof(i->release_id));
	i->revision = a->revision;
	i->replica = lowest_replica(a);
	i->port = find_free_port(a->provider);
	i->cgroup = xasprintf("app-%s", unique);
	list(a, i);
	struct launch *launch = launch_plan(a, i);
	STAILQ_INSERT_TAIL(&a->provider->launches, launch, next);
	return i;
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
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, shim, 0);
	/* Opened first, compared then: the number can no longer come to mean another process in between. */
	if (fd < 0 || proc_start_time(shim) != shim_start)
		return false;
	closep(&i->pidfd);
	i->pidfd = TAKE_FD(fd);
	i->shim = shim;
	i->child = child;
	return true;
}

static bool shim_lives(const char *dir)
{
	_cleanup_free_ char *path = fs_join(dir, "lock");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* A shim that its starter did not live to see take its lock finds no folder any more and ends before it starts
 * anything; one that took it writes down who it is in a moment. */
struct instance *instance_adopt(struct app *a, const char *dir, int64_t deadline_ns)
{
	struct instance *i = instance_new(a, dir);
	bool is_known = load_record(i);
	while (shim_lives(dir) && !instance_find(i) && clock_mono_ns() < deadline_ns)
		clock_sleep_ns(ADOPT_LOOK_NS);
	if (is_known && i->pidfd >= 0) {
		list(a, i);
		return i;
	}
	instance_kill(i);
	instance_remove(a, i);
	return NULL;
}

void instance_settle(struct app *a, struct instance *i)
{
	struct cgroup_limits limits = launch_limits(a);
	_cleanup_strv_ _unused_ char **procs = cgroup_make(a->provider->cgroups, i->cgroup, &limits);
	_cleanup_free_ char *path = fs_join(i->dir, "instance.json"), *record = instance_record(i);
	_cleanup_err_ struct err err = { 0 };
	if (fs_replace(path, record, strlen(record), 0600, &err) < 0)
		log_warn(a->provider->config.log, "process %s: %s", a->key, err_message(&err));
}

/* ---- end ---- */

bool instance_has_ended(const struct instance *i)
{
	struct pollfd pollfd = { .fd = i->pidfd, .events = POLLIN };
	return i->pidfd >= 0 && poll(&pollfd, 1, 0) > 0;
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
	struct local_provider *p = a->provider;
	_cleanup_free_ char *log = fs_join(i->dir, "log"), *previous = fs_join(a->dir, "previous.log");
	if (i->is_listed) {
		TAILQ_REMOVE(&a->instances, i, next);
		mark_told(p, i->port, false);
	}
	if (a->proxy && i->backend_port)
		proxy_backend_remove(a->proxy, i->backend_port);
	/* Our own children are reaped; adopted ones belong to init. */
	if (i->shim > 0)
		waitpid(i->shim, NULL, WNOHANG);
	rename(log, previous);
	sweeper_take(p->sweeper, i->cgroup, i->dir);
	instance_free(i);
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
