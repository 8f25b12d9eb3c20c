#include "target.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "kube/client.h"
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC_FILE_MAX ((size_t)64 * 1024)

/* ---- credentials ---- */

static int use_kubeconfig(struct target *t, const char *path, struct err *err)
{
	struct kube_client_config config = { 0 };

	if (kube_config_load(path, NULL, &config, err) < 0)
		return -1;
	int r = endpoint_init(&t->endpoint, config.server, config.ca_pem, config.cert_pem, config.key_pem, config.token,
	                      err);
	kube_client_config_clear(&config);
	return r;
}

int target_open(struct target *t, const char *name, const char *kubeconfig, const char *pids, struct err *err)
{
	*t = (struct target){ .name = name };
	for (const char *p = pids; p && *p && t->pids_len < TARGET_PIDS_MAX;) {
		char *end;
		long pid = strtol(p, &end, 10);

		if (end == p || pid <= 0)
			return err_set(err, ERR_BAD_REQUEST, "%s is no list of process ids", pids);
		t->pids[t->pids_len++] = (pid_t)pid;
		p = *end == ',' ? end + 1 : end;
	}
	return use_kubeconfig(t, kubeconfig, err);
}

/* ---- ours ---- */

static void child(const struct target *t, int out)
{
	_cleanup_free_ char *log = xasprintf("%s.log", t->data);
	int err_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	/* It goes when the benchmark does, whatever ends that. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	if (err_fd >= 0)
		dup2(err_fd, STDERR_FILENO);
	execl(t->program, t->program, "--data", t->data, "--log", "warn", (char *)NULL);
	_exit(127);
}

/* The line with the kubeconfig's path comes once it serves. */
static int read_kubeconfig_path(int fd, char *ret, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t n = read(fd, ret + len, size - 1 - len);
		if (n <= 0)
			return -1;
		len += (size_t)n;
		ret[len] = '\0';
		char *end = strchr(ret, '\n');
		if (end) {
			*end = '\0';
			return 0;
		}
	}
	return -1;
}

static int spawn(struct target *t, struct err *err)
{
	int pipes[2], status;
	char path[4096];
	int64_t begin = clock_mono_ns();

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_set_errno(err, errno, "a pipe");
	pid_t pid = fork();
	if (pid < 0)
		return err_set_errno(err, errno, "fork");
	if (pid == 0)
		child(t, pipes[1]);
	close(pipes[1]);
	t->pids[0] = pid;
	t->pids_len = 1;
	int r = read_kubeconfig_path(pipes[0], path, sizeof(path));
	close(pipes[0]);
	if (r < 0) {
		waitpid(pid, NULL, 0);
		t->pids_len = 0;
		return err_set(err, ERR_INTERNAL, "%s did not start; see %s.log", t->program, t->data);
	}
	endpoint_done(&t->endpoint);
	if (use_kubeconfig(t, path, err) < 0)
		return -1;
	status = load_call(&t->endpoint, "GET", "/readyz", NULL, NULL, NULL, err);
	t->ready_ms = (double)(clock_mono_ns() - begin) / (double)NS_PER_MS;
	if (status >= 0 && status != 200)
		return err_set(err, ERR_INTERNAL, "/readyz says %d", status);
	return status < 0 ? -1 : 0;
}

int target_start(struct target *t, const char *name, const char *program, const char *folder, struct err *err)
{
	_cleanup_free_ char *template = fs_join(folder, "apiserver-bench-XXXXXX");

	*t = (struct target){ .name = name };
	if (access(program, X_OK) < 0)
		return err_set_errno(err, errno, "%s", program);
	if (!mkdtemp(template))
		return err_set_errno(err, errno, "making %s", template);
	t->program = xstrdup(program);
	t->data = fs_join(template, "data");
	return spawn(t, err);
}

static void stop(struct target *t)
{
	if (!t->program || t->pids_len == 0)
		return;
	kill(t->pids[0], SIGTERM);
	waitpid(t->pids[0], NULL, 0);
	t->pids_len = 0;
}

int target_restart(struct target *t, struct err *err)
{
	stop(t);
	return spawn(t, err);
}

void target_done(struct target *t)
{
	_cleanup_err_ struct err err = { 0 };

	stop(t);
	endpoint_done(&t->endpoint);
	if (t->data) {
		*strrchr(t->data, '/') = '\0';
		if (fs_remove_tree(t->data, &err) < 0)
			fprintf(stderr, "%s\n", err_message(&err));
	}
	free(t->program);
	free(t->data);
	*t = (struct target){ 0 };
}

/* ---- what it uses ---- */

bool target_has_processes(const struct target *t)
{
	return t->pids_len > 0;
}

static char *proc_file(pid_t pid, const char *name)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/%s", pid, name);
	char *text = NULL;

	return fs_read_file(path, PROC_FILE_MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

/* schedstat is exact to the nanosecond where stat counts ticks of 10 ms; it is one file a thread. */
static double cpu_of(pid_t pid)
{
	_cleanup_free_ char *folder = xasprintf("/proc/%d/task", pid);
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	double ns = 0;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *name = xasprintf("task/%s/schedstat", entry->d_name);
		_cleanup_free_ char *text = *entry->d_name == '.' ? NULL : proc_file(pid, name);
		if (text)
			ns += strtod(text, NULL);
	}
	if (dir)
		closedir(dir);
	return ns / (double)NS_PER_S;
}

double target_cpu_s(const struct target *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->pids_len; i++)
		sum += cpu_of(t->pids[i]);
	return sum;
}

double target_rss_mb(const struct target *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->pids_len; i++) {
		_cleanup_free_ char *text = proc_file(t->pids[i], "status");
		const char *line = text ? strstr(text, "VmRSS:") : NULL;
		sum += line ? strtod(line + 6, NULL) / 1024 : 0;
	}
	return sum;
}
