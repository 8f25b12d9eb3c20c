#include "cgroup.h"

#include "base/clock.h"
#include "base/fs.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ROOT_V2 "/sys/fs/cgroup"
#define PARENT "scia"

static const char *const V1_CONTROLLERS[] = { "memory", "cpu", "pids" };

static bool write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && fs_write_all(fd, text, strlen(text)) == 0;
}

static bool set_value(const char *dir, const char *file, const char *text)
{
	_cleanup_free_ char *path = fs_join(dir, file);
	return write_file(path, text);
}

static void set_number(const char *dir, const char *file, int64_t value)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	set_value(dir, file, text);
}

/* Controllers must be handed down from the root to our parent group before its children can have limits. */
static bool prepare_v2(void)
{
	static const char all[] = "+memory +cpu +pids";
	if (!fs_exists(ROOT_V2 "/cgroup.controllers") || !write_file(ROOT_V2 "/cgroup.subtree_control", all))
		return false;
	mkdir(ROOT_V2 "/" PARENT, 0755);
	return write_file(ROOT_V2 "/" PARENT "/cgroup.subtree_control", all);
}

static bool prepare_v1(void)
{
	bool any = false;
	for (size_t i = 0; i < ARRAY_SIZE(V1_CONTROLLERS); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s/%s", ROOT_V2, V1_CONTROLLERS[i], PARENT);
		mkdir(dir, 0755);
		_cleanup_free_ char *procs = fs_join(dir, "cgroup.procs");
		any |= access(procs, W_OK) == 0;
	}
	return any;
}

enum cgroup_version cgroup_probe(void)
{
	if (prepare_v2())
		return CGROUP_V2;
	return prepare_v1() ? CGROUP_V1 : CGROUP_NONE;
}

static void limit_v2(const char *dir, const struct cgroup_limits *limits)
{
	char text[64];
	if (limits->memory) {
		set_number(dir, "memory.max", limits->memory);
		set_value(dir, "memory.swap.max", "0");
	}
	if (limits->cpu_milli) {
		snprintf(text, sizeof(text), "%lld 100000", (long long)limits->cpu_milli * 100);
		set_value(dir, "cpu.max", text);
	}
	if (limits->pids)
		set_number(dir, "pids.max", limits->pids);
}

static void limit_v1(const char *controller, const char *dir, const struct cgroup_limits *limits)
{
	if (str_eq(controller, "memory") && limits->memory)
		set_number(dir, "memory.limit_in_bytes", limits->memory);
	if (str_eq(controller, "cpu") && limits->cpu_milli) {
		set_number(dir, "cpu.cfs_period_us", 100000);
		set_number(dir, "cpu.cfs_quota_us", limits->cpu_milli * 100);
	}
	if (str_eq(controller, "pids") && limits->pids)
		set_number(dir, "pids.max", limits->pids);
}

/* The folders of a group: one in v2, one for each controller in v1. */
static char **group_dirs(enum cgroup_version version, const char *name)
{
	char **dirs = NULL;
	if (version == CGROUP_V2) {
		_cleanup_free_ char *dir = xasprintf("%s/%s/%s", ROOT_V2, PARENT, name);
		strv_push(&dirs, dir);
	}
	for (size_t i = 0; version == CGROUP_V1 && i < ARRAY_SIZE(V1_CONTROLLERS); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s/%s/%s", ROOT_V2, V1_CONTROLLERS[i], PARENT, name);
		strv_push(&dirs, dir);
	}
	return dirs;
}

void cgroup_make(enum cgroup_version version, const char *name, const struct cgroup_limits *limits, char ***ret_procs)
{
	_cleanup_strv_ char **dirs = group_dirs(version, name);
	*ret_procs = NULL;
	for (size_t i = 0; i < strv_len(dirs); i++) {
		_cleanup_free_ char *procs = fs_join(dirs[i], "cgroup.procs");
		mkdir(dirs[i], 0755);
		if (access(procs, W_OK) < 0)
			continue;
		if (version == CGROUP_V2)
			limit_v2(dirs[i], limits);
		else
			limit_v1(V1_CONTROLLERS[i], dirs[i], limits);
		strv_push(ret_procs, procs);
	}
}

bool cgroup_was_out_of_memory(enum cgroup_version version, const char *name)
{
	_cleanup_strv_ char **dirs = group_dirs(version, name);
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	if (!dirs)
		return false;
	_cleanup_free_ char *path = fs_join(dirs[0], version == CGROUP_V2 ? "memory.events" : "memory.oom_control");
	if (fs_read_file(path, 4096, &text, NULL, &ignored) < 0)
		return false;
	const char *count = strstr(text, "oom_kill ");
	return count && count[9] != '0';
}

static void kill_members(const char *dir)
{
	_cleanup_free_ char *path = fs_join(dir, "cgroup.procs"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	if (set_value(dir, "cgroup.kill", "1") || fs_read_file(path, 1024 * 1024, &text, NULL, &ignored) < 0)
		return;
	_cleanup_strv_ char **pids = str_split(text, "\n");
	for (size_t i = 0; i < strv_len(pids); i++) {
		int64_t pid;
		if (str_to_i64(pids[i], 2, INT32_MAX, &pid))
			kill((pid_t)pid, SIGKILL);
	}
}

void cgroup_remove(enum cgroup_version version, const char *name)
{
	_cleanup_strv_ char **dirs = group_dirs(version, name);
	for (size_t i = 0; i < strv_len(dirs); i++) {
		/* The kernel lets go of the dead a moment after their end. */
		for (int attempt = 0; rmdir(dirs[i]) < 0 && fs_exists(dirs[i]) && attempt < 20; attempt++) {
			kill_members(dirs[i]);
			clock_sleep_ns(5 * NS_PER_MS);
		}
	}
}
