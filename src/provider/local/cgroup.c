#include "cgroup.h"

#include "base/clock.h"
#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define PROCS_MAX ((size_t)1024 * 1024)
#define REMOVE_ATTEMPTS 40
#define REMOVE_PAUSE_NS (5 * NS_PER_MS)

static const char *const V1_CONTROLLERS[] = { "memory", "cpu", "pids" };

struct cgroups {
	char *root, *parent;
	enum cgroup_version version;
};

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

/* The folders that hold our groups: one in v2, one for each controller in v1. */
static char **parent_dirs(const struct cgroups *c, enum cgroup_version version)
{
	char **dirs = NULL;
	if (version == CGROUP_V2) {
		_cleanup_free_ char *dir = fs_join(c->root, c->parent);
		strv_push(&dirs, dir);
	}
	for (size_t i = 0; version == CGROUP_V1 && i < ARRAY_SIZE(V1_CONTROLLERS); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s/%s", c->root, V1_CONTROLLERS[i], c->parent);
		strv_push(&dirs, dir);
	}
	return dirs;
}

/* The folders of one group, in the same order. */
static char **group_dirs(const struct cgroups *c, const char *name)
{
	_cleanup_strv_ char **parents = parent_dirs(c, c->version);
	char **dirs = NULL;
	for (size_t i = 0; i < strv_len(parents); i++) {
		_cleanup_free_ char *dir = fs_join(parents[i], name);
		strv_push(&dirs, dir);
	}
	return dirs;
}

/* Controllers must be handed down from the root to our parent group before its children can have limits. */
static bool prepare_v2(const struct cgroups *c)
{
	static const char all[] = "+memory +cpu +pids";
	_cleanup_free_ char *dir = fs_join(c->root, c->parent);
	if (!set_value(c->root, "cgroup.subtree_control", all))
		return false;
	mkdir(dir, 0755);
	return set_value(dir, "cgroup.subtree_control", all);
}

static bool prepare_v1(const struct cgroups *c)
{
	_cleanup_strv_ char **dirs = parent_dirs(c, CGROUP_V1);
	bool any = false;
	for (size_t i = 0; i < strv_len(dirs); i++) {
		_cleanup_free_ char *procs = fs_join(dirs[i], "cgroup.procs");
		mkdir(dirs[i], 0755);
		any |= access(procs, W_OK) == 0;
	}
	return any;
}

struct cgroups *cgroups_open(const char *root, const char *parent)
{
	struct cgroups *c = new0(struct cgroups);
	c->root = xstrdup(root ? root : ROOT);
	c->parent = xstrdup(parent);
	if (prepare_v2(c))
		c->version = CGROUP_V2;
	else if (prepare_v1(c))
		c->version = CGROUP_V1;
	return c;
}

struct cgroups *cgroups_close(struct cgroups *c)
{
	if (!c)
		return NULL;
	_cleanup_strv_ char **dirs = parent_dirs(c, c->version);
	for (size_t i = 0; i < strv_len(dirs); i++)
		rmdir(dirs[i]);
	free(c->root);
	free(c->parent);
	free(c);
	return NULL;
}

enum cgroup_version cgroups_version(const struct cgroups *c)
{
	return c->version;
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
	if (str_eq(controller, "memory") && limits->memory) {
		/* With swap counted as well, where the kernel does. Whichever limit is lowered must be so after the other. */
		set_number(dir, "memory.limit_in_bytes", limits->memory);
		set_number(dir, "memory.memsw.limit_in_bytes", limits->memory);
		set_number(dir, "memory.limit_in_bytes", limits->memory);
	}
	if (str_eq(controller, "cpu") && limits->cpu_milli) {
		set_number(dir, "cpu.cfs_period_us", 100000);
		set_number(dir, "cpu.cfs_quota_us", limits->cpu_milli * 100);
	}
	if (str_eq(controller, "pids") && limits->pids)
		set_number(dir, "pids.max", limits->pids);
}

char **cgroup_make(const struct cgroups *c, const char *name, const struct cgroup_limits *limits)
{
	_cleanup_strv_ char **dirs = group_dirs(c, name);
	char **ret = NULL;
	for (size_t i = 0; i < strv_len(dirs); i++) {
		_cleanup_free_ char *procs = fs_join(dirs[i], "cgroup.procs");
		mkdir(dirs[i], 0755);
		if (access(procs, W_OK) < 0)
			continue;
		if (c->version == CGROUP_V2)
			limit_v2(dirs[i], limits);
		else
			limit_v1(V1_CONTROLLERS[i], dirs[i], limits);
		strv_push(&ret, procs);
	}
	return ret;
}

bool cgroup_was_out_of_memory(const struct cgroups *c, const char *name)
{
	_cleanup_strv_ char **dirs = group_dirs(c, name);
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	if (!dirs)
		return false;
	_cleanup_free_ char *path = fs_join(dirs[0], c->version == CGROUP_V2 ? "memory.events" : "memory.oom_control");
	if (fs_read_file(path, 4096, &text, NULL, &ignored) < 0)
		return false;
	const char *count = strstr(text, "oom_kill ");
	return count && count[9] != '0';
}

static void kill_members(const char *dir)
{
	_cleanup_free_ char *path = fs_join(dir, "cgroup.procs"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	if (set_value(dir, "cgroup.kill", "1") || fs_read_file(path, PROCS_MAX, &text, NULL, &ignored) < 0)
		return;
	_cleanup_strv_ char **pids = str_split(text, "\n");
	for (size_t i = 0; i < strv_len(pids); i++) {
		int64_t pid;
		if (str_to_i64(pids[i], 2, INT32_MAX, &pid) && pid != getpid())
			kill((pid_t)pid, SIGKILL);
	}
}

void cgroup_remove(const struct cgroups *c, const char *name)
{
	_cleanup_strv_ char **dirs = group_dirs(c, name);
	for (size_t i = 0; i < strv_len(dirs); i++) {
		/* The kernel lets go of the dead a moment after their end. */
		for (int attempt = 0; rmdir(dirs[i]) < 0 && fs_exists(dirs[i]) && attempt < REMOVE_ATTEMPTS; attempt++) {
			kill_members(dirs[i]);
			clock_sleep_ns(REMOVE_PAUSE_NS);
		}
	}
}

static char **list_groups(const char *parent)
{
	char **names = NULL;
	DIR *dir = opendir(parent);
	if (!dir)
		return NULL;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			strv_push(&names, entry->d_name);
	}
	closedir(dir);
	return names;
}

void cgroups_sweep(const struct cgroups *c, bool (*is_used)(void *self, const char *name), void *self)
{
	_cleanup_strv_ char **parents = parent_dirs(c, c->version);
	for (size_t i = 0; i < strv_len(parents); i++) {
		_cleanup_strv_ char **names = list_groups(parents[i]);
		for (size_t n = 0; n < strv_len(names); n++) {
			if (!is_used(self, names[n]))
				cgroup_remove(c, names[n]);
		}
	}
}
