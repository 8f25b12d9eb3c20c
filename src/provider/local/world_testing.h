#ifndef LOCAL_WORLD_TESTING_H
#define LOCAL_WORLD_TESTING_H
/* A whole local provider with real programs. The program that applications run is this test itself, which the sandbox
 * has as "scia": main() begins with serve_if_asked(). */

#include "provider/local/local.h"

#include "base/thread.h"
#include "local_testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

struct world {
	char *dir, *data, *repo, *self, *token;
	struct local_provider *provider;
	struct local_provider_config config;
	struct provider_driver driver;
	atomic_int changes;
};

/* ---- the application ---- */

static inline void on_terminate(int number _unused_)
{
	_exit(0);
}

/* "serve TOKEN": answers each request with the text of /app/version and the environment variable GREETING, "/crash" by
 * ending, "/slow" after 300 ms; each start adds a line to /app/starts. Listens on PORT, or on the port in FIXED_PORT.
 */
_Noreturn static inline void serve(void)
{
	const char *greeting = getenv("GREETING"), *fixed = getenv("FIXED_PORT"), *told = getenv("PORT");
	int64_t port = 0;
	str_to_i64(fixed ? fixed : told, 1, 65535, &port);
	_cleanup_free_ char *version = testing_read("/app", "version");
	FILE *starts = fopen("/app/starts", "a");
	if (starts) {
		fprintf(starts, "%s\n", told);
		fclose(starts);
	}
	signal(SIGTERM, on_terminate);
	signal(SIGPIPE, SIG_IGN);
	int number = (int)port, fd = listen_on(AF_INET, &number);
	printf("version %s listens on %d\n", version, number);
	fflush(stdout);
	if (fd < 0) {
		fprintf(stderr, "Error: listen EADDRINUSE: address already in use :::%d\n", (int)port);
		_exit(1);
	}
	for (;;) {
		char request[4096], answer[512];
		int client = accept(fd, NULL, NULL);
		ssize_t n = read(client, request, sizeof(request) - 1);
		request[n > 0 ? n : 0] = '\0';
		if (str_starts_with(request, "GET /crash"))
			_exit(3);
		if (str_starts_with(request, "GET /slow"))
			clock_sleep_ns(300 * NS_PER_MS);
		snprintf(answer, sizeof(answer),
		         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s %s",
		         strlen(version) + 1 + strlen(greeting ? greeting : ""), version, greeting ? greeting : "");
		(void)!write(client, answer, strlen(answer));
		close(client);
	}
}

static inline void serve_if_asked(int argc, char **argv)
{
	if (argc >= 2 && str_eq(argv[1], "serve"))
		serve();
}

/* ---- the provider ---- */

static inline void world_changed(void *self, const char *ns _unused_, const char *name _unused_)
{
	atomic_fetch_add(&((struct world *)self)->changes, 1);
}

static inline void world_start(struct world *w)
{
	_cleanup_err_ struct err err = { 0 };
	w->config.data_dir = w->data;
	w->config.scia_path = w->self;
	w->config.allow_local_repositories = true;
	w->config.changed = world_changed;
	w->config.self = w;
	assert_ok(local_provider_start(&w->config, &w->provider, &err), &err);
	w->driver = local_provider_driver(w->provider);
}

static inline void world_stop(struct world *w, bool leave_running)
{
	w->provider = local_provider_stop(w->provider, leave_running);
}

/* Without a provider yet. */
static inline struct world *world_new(void)
{
	struct world *w = new0(struct world);
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	w->dir = testing_dir();
	w->data = fs_join(w->dir, "data");
	w->repo = fs_join(w->dir, "repo");
	w->self = xstrndup(path, (size_t)n);
	w->token = xasprintf("token-%s", strrchr(w->dir, '-') + 1);
	testing_write(w->repo, "version", "v1", 0644);
	return w;
}

static inline void world_free(struct world *w)
{
	if (w->provider)
		world_stop(w, false);
	testing_remove(w->dir);
	free(w->data);
	free(w->repo);
	free(w->self);
	free(w->token);
	free(w);
}

static inline int world_setup(void **state)
{
	*state = world_new();
	return 0;
}

static inline int world_setup_started(void **state)
{
	*state = world_new();
	world_start(*state);
	return 0;
}

static inline int world_teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* ---- Processes ---- */

/* The Process "default/NAME" of the repository's present state; fields: further JSON members of forProvider. */
static inline json_t *world_process(struct world *w, const char *name, int revision, const char *fields)
{
	_cleanup_free_ char *commit = testing_commit(w->repo);
	_cleanup_free_ char *text = xasprintf("{\"apiVersion\": \"local.scia.io/v1alpha1\", \"kind\": \"Process\", "
	                                      "\"metadata\": {\"namespace\": \"default\", "
	                                      "\"name\": \"%s\", \"uid\": \"uid-%s\"}, \"spec\": {\"forProvider\": "
	                                      "{\"source\": {\"url\": \"%s\", \"commit\": "
	                                      "\"%s\"}, \"startCommand\": \"exec scia serve %s\", \"revision\": %d%s%s}}}",
	                                      name, name, w->repo, commit, w->token, revision, fields ? ", " : "",
	                                      fields ? fields : "");
	_cleanup_err_ struct err err = { 0 };
	/* Members that are said again replace the ones before. */
	json_t *v = json_parse(text, strlen(text), 0, &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	return v;
}

/* What the managed reconciler does. */
static inline int world_apply(struct world *w, const json_t *process, struct err *err)
{
	struct arena *arena = arena_new();
	struct kube_pass pass = { .err = err, .arena = arena };
	struct provider_observation seen = { 0 };
	int r = w->driver.observe(w->driver.self, &pass, process, &seen);
	if (r == 0 && !seen.exists)
		r = w->driver.create(w->driver.self, &pass, process);
	else if (r == 0 && !seen.up_to_date)
		r = w->driver.update(w->driver.self, &pass, process);
	json_decref(seen.status);
	arena_free(arena);
	return r;
}

static inline void world_want(struct world *w, const char *name, int revision, const char *fields)
{
	_cleanup_json_ json_t *process = world_process(w, name, revision, fields);
	_cleanup_err_ struct err err = { 0 };
	assert_ok(world_apply(w, process, &err), &err);
}

/* Its status, and whether it is ready; NULL when it is gone. */
static inline json_t *world_status(struct world *w, const char *name, bool *ret_ready)
{
	_cleanup_json_ json_t *process = kube_object_new(&SCIA_PROCESS, "default", name);
	_cleanup_err_ struct err err = { 0 };
	struct arena *arena = arena_new();
	struct kube_pass pass = { .err = &err, .arena = arena };
	struct provider_observation seen = { 0 };
	assert_ok(w->driver.observe(w->driver.self, &pass, process, &seen), &err);
	arena_free(arena);
	*ret_ready = seen.ready;
	return seen.status;
}

static inline bool world_is_ready(struct world *w, const char *name)
{
	bool ready;
	json_decref(world_status(w, name, &ready));
	return ready;
}

static inline int64_t world_number(struct world *w, const char *name, const char *field)
{
	bool ready;
	_cleanup_json_ json_t *status = world_status(w, name, &ready);
	return json_get_int(status, field, -1);
}

/* A string of the status (free()). */
static inline char *world_text(struct world *w, const char *name, const char *field)
{
	bool ready;
	_cleanup_json_ json_t *status = world_status(w, name, &ready);
	const char *text = json_get_str(status, field);
	return xstrdup(text ? text : "");
}

static inline bool world_says(struct world *w, const char *name, const char *field, const char *part)
{
	_cleanup_free_ char *text = world_text(w, name, field);
	return strstr(text, part) != NULL;
}

/* Asks for its end until it is gone. */
static inline void world_delete(struct world *w, const char *name)
{
	_cleanup_json_ json_t *process = kube_object_new(&SCIA_PROCESS, "default", name);
	_cleanup_free_ char *uid = xasprintf("uid-%s", name);
	_cleanup_err_ struct err err = { 0 };
	struct kube_pass pass = { .err = &err };
	json_put_str(kube_meta(process), "uid", uid);
	eventually(w->driver.del(w->driver.self, &pass, process) == 0);
}

static inline int world_port(struct world *w, const char *name)
{
	_cleanup_free_ char *url = world_text(w, name, "url");
	int port = 0;
	sscanf(url, "http://127.0.0.1:%d/", &port);
	return port;
}

/* ---- requests ---- */

/* The body of the answer (free()), NULL when there was none or not 200. */
static inline char *fetch(int port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 30 };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *request = xasprintf("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	char answer[8192];
	size_t len = 0;
	ssize_t n;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&to, sizeof(to))) < 0 ||
	    fs_write_all(fd, request, strlen(request)) < 0)
		return NULL;
	while (len < sizeof(answer) - 1 && (n = TEMP_FAILURE_RETRY(read(fd, answer + len, sizeof(answer) - 1 - len))) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	const char *body = strstr(answer, "\r\n\r\n");
	return str_starts_with(answer, "HTTP/1.1 200") && body ? xstrdup(body + 4) : NULL;
}

static inline bool answers(struct world *w, const char *name, const char *expected)
{
	_cleanup_free_ char *body = fetch(world_port(w, name), "/");
	return str_eq(body, expected);
}

/* ---- programs ---- */

/* The processes that run the application (this test as "serve TOKEN"); the pid of the last one found in *ret_pid. */
static inline int count_programs(struct world *w, pid_t *ret_pid)
{
	int n = 0;
	DIR *dir = opendir("/proc");
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512], data[4096];
		int64_t pid;
		if (!str_to_i64(entry->d_name, 1, INT32_MAX, &pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t len = fd >= 0 ? read(fd, data, sizeof(data) - 1) : 0;
		data[len > 0 ? len : 0] = '\0';
		for (ssize_t at = 0; at < len; at += (ssize_t)strlen(data + at) + 1) {
			if (!str_eq(data + at, w->token))
				continue;
			n++;
			if (ret_pid)
				*ret_pid = (pid_t)pid;
		}
	}
	closedir(dir);
	return n;
}

#endif
