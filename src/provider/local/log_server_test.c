/* Logs over HTTP, as kubectl-like clients ask for them: of an application whose files the test writes itself. */

#include "app.h"

#include "base/map.h"
#include "base/thread.h"
#include "net/http_client.h"
#include "local_testing.h"

#include <pthread.h>

#define RUN_DIR "app-instance"

struct fixture {
	struct local_provider provider;
	struct app *app;
	struct instance *instance;
	struct http_server *server;
	struct http_client *client;
};

static void handle(void *self, struct http_request *req)
{
	struct fixture *f = self;
	const char *name = http_request_path(req) + 1;
	local_provider_serve_log(&f->provider, "default", name, req);
}

static struct instance *add_instance(struct fixture *f, const char *dir, int replica)
{
	struct instance *i = new0(struct instance);
	i->id = ++f->provider.next_instance_id;
	i->dir = xasprintf("%s/%s", f->provider.dir, dir);
	i->replica = replica;
	i->pidfd = -1;
	TAILQ_INSERT_TAIL(&f->app->instances, i, next);
	return i;
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	pthread_mutex_init(&f->provider.lock, NULL);
	f->provider.dir = testing_dir();
	f->provider.apps = map_new(app_free);
	f->app = app_new(&f->provider, "default", "app");
	map_set(f->provider.apps, f->app->key, f->app);
	f->instance = add_instance(f, RUN_DIR, 0);
	f->provider.logs = log_server_new(&f->provider, &err);
	assert_non_null(f->provider.logs);
	struct http_server_config server = { .threads = 1, .handler = handle, .self = f };
	assert_ok(http_server_start(&server, &f->server, &err), &err);
	f->client = http_client_new(&(struct http_client_config){ .proxy = "" }, &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	f->provider.logs = log_server_free(f->provider.logs);
	http_server_stop(f->server, 0);
	http_client_unref(f->client);
	map_free(f->provider.apps);
	testing_remove(f->provider.dir);
	pthread_mutex_destroy(&f->provider.lock);
	free(f);
	return 0;
}

static void log_says(struct fixture *f, const char *file, const char *text)
{
	testing_write(f->provider.dir, file, text, 0600);
}

static void append(struct fixture *f, const char *file, const char *text)
{
	_cleanup_free_ char *path = fs_join(f->provider.dir, file);
	FILE *out = fopen(path, "a");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static char *url_of(struct fixture *f, const char *name, const char *query)
{
	return xasprintf("http://127.0.0.1:%d/%s?%s", http_server_port(f->server), name, query);
}

/* What the answer is (free()); its status must be that. */
static char *get(struct fixture *f, const char *name, const char *query, int status)
{
	_cleanup_free_ char *url = url_of(f, name, query);
	struct http_call call = { .url = url };
	_cleanup_http_response_ struct http_response response = { 0 };
	_cleanup_err_ struct err err = { 0 };
	assert_ok(http_client_call(f->client, &call, &response, &err), &err);
	assert_int_equal(response.status, status);
	return xstrdup(buf_str(&response.body));
}

static void assert_log(struct fixture *f, const char *query, const char *expected)
{
	_cleanup_free_ char *text = get(f, "app", query, 200);
	if (!str_eq(text, expected))
		fail_msg("?%s gives \"%s\", not \"%s\"", query, text, expected);
}

static void test_log_server_tails(void **state)
{
	struct fixture *f = *state;
	log_says(f, RUN_DIR "/log", "one\ntwo\nthree\n");
	assert_log(f, "", "one\ntwo\nthree\n");
	assert_log(f, "tailLines=2", "two\nthree\n");
	assert_log(f, "tailLines=1", "three\n");
	assert_log(f, "tailLines=0", "");
	assert_log(f, "tailLines=99", "one\ntwo\nthree\n");
	assert_log(f, "tailLines=no", "one\ntwo\nthree\n");
	append(f, RUN_DIR "/log", "unfinished");
	assert_log(f, "tailLines=1", "unfinished");
	assert_log(f, "tailLines=2", "three\nunfinished");
}

static void test_log_server_includes_what_was_rotated_away(void **state)
{
	struct fixture *f = *state;
	log_says(f, RUN_DIR "/log.1", "older\n");
	log_says(f, RUN_DIR "/log", "newer\n");
	assert_log(f, "", "older\nnewer\n");
	assert_log(f, "tailLines=2", "older\nnewer\n");
	assert_log(f, "tailLines=1", "newer\n");
}

static void test_log_server_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT(16 << 20);
	for (int i = 0; i < 600000; i++)
		buf_printf(&text, "line %07d\n", i);
	log_says(f, RUN_DIR "/log", buf_str(&text));
	_cleanup_free_ char *all = get(f, "app", "", 200);
	assert_int_equal(strlen(all), 4 << 20);
	assert_true(str_ends_with(all, "line 0599999\n"));
	buf_clear(&text);
}

static void test_log_server_finds_the_log_that_is_meant(void **state)
{
	struct fixture *f = *state;
	add_instance(f, "second", 1);
	log_says(f, RUN_DIR "/log", "of replica 0\n");
	log_says(f, "second/log", "of replica 1\n");
	log_says(f, "apps/default/app/previous.log", "of the one before\n");
	memcpy(f->app->build_id, "0123456789abcdef", sizeof(f->app->build_id));
	log_says(f, "apps/default/app/releases/0123456789abcdef/build.log", "of the build\n");
	assert_log(f, "", "of replica 1\n"); /* the newest */
	assert_log(f, "replica=0", "of replica 0\n");
	assert_log(f, "replica=1", "of replica 1\n");
	assert_log(f, "replica=2", "");
	assert_log(f, "previous=true", "of the one before\n");
	assert_log(f, "build=true", "of the build\n");
}

static void test_log_server_without_a_log(void **state)
{
	struct fixture *f = *state;
	assert_log(f, "", "");
	assert_log(f, "build=true", "");
	_cleanup_free_ char *nobody = get(f, "nobody", "", 200);
	assert_string_equal(nobody, "");
}

/* An application cannot make its log be another file. */
static void test_log_server_follows_no_link(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *dir = fs_join(f->provider.dir, RUN_DIR);
	log_says(f, RUN_DIR "/x", "");
	TESTING_RUN(dir, "ln", "-s", "/etc/passwd", "log");
	assert_log(f, "", "");
}

/* ---- following ---- */

struct following {
	struct fixture *f;
	const char *query;
	pthread_t thread;
	pthread_mutex_t lock;
	struct buf text;
	atomic_bool cancel, ended;
};

static bool on_data(void *self, const char *data, size_t len)
{
	struct following *w = self;
	MUTEX_GUARD(&w->lock);
	buf_append(&w->text, data, len);
	return true;
}

static void *follow_main(void *arg)
{
	struct following *w = arg;
	_cleanup_free_ char *url = url_of(w->f, "app", w->query);
	struct http_call call = { .url = url, .timeout_ns = -1, .cancel = &w->cancel, .on_data = on_data, .self = w };
	_cleanup_http_response_ struct http_response response = { 0 };
	_cleanup_err_ struct err err = { 0 };
	http_client_call(w->f->client, &call, &response, &err);
	atomic_store(&w->ended, true);
	return NULL;
}

static void follow(struct following *w, struct fixture *f, const char *query)
{
	*w = (struct following){ .f = f, .query = query, .text = BUF_INIT(64 << 20) };
	pthread_mutex_init(&w->lock, NULL);
	pthread_create(&w->thread, NULL, follow_main, w);
}

static void unfollow(struct following *w)
{
	atomic_store(&w->cancel, true);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	buf_clear(&w->text);
}

static bool followed(struct following *w, const char *expected)
{
	MUTEX_GUARD(&w->lock);
	return str_eq(buf_str(&w->text), expected);
}

static void test_log_server_follow_grows(void **state)
{
	struct fixture *f = *state;
	struct following w;
	log_says(f, RUN_DIR "/log", "one\ntwo\n");
	follow(&w, f, "follow=true&tailLines=1");
	eventually(followed(&w, "two\n"));
	append(f, RUN_DIR "/log", "three\n");
	eventually(followed(&w, "two\nthree\n"));
	for_a_while(200, followed(&w, "two\nthree\n"));
	unfollow(&w);
}

static void test_log_server_follow_survives_rotation(void **state)
{
	struct fixture *f = *state;
	struct following w;
	_cleanup_free_ char *log = fs_join(f->provider.dir, RUN_DIR "/log");
	_cleanup_free_ char *older = fs_join(f->provider.dir, RUN_DIR "/log.1");
	log_says(f, RUN_DIR "/log", "one\n");
	follow(&w, f, "follow=true");
	eventually(followed(&w, "one\n"));
	append(f, RUN_DIR "/log", "two\n");
	rename(log, older);
	append(f, RUN_DIR "/log", "three\n");
	eventually(followed(&w, "one\ntwo\nthree\n"));
	unfollow(&w);
}

/* The program ended, its log became previous.log, and another one started: nothing twice, nothing missing. */
static void test_log_server_follow_goes_on_with_the_next_instance(void **state)
{
	struct fixture *f = *state;
	struct following w;
	_cleanup_free_ char *log = fs_join(f->provider.dir, RUN_DIR "/log");
	_cleanup_free_ char *previous = fs_join(f->app->dir, "previous.log");
	log_says(f, "apps/default/app/previous.log", "of another life\n");
	log_says(f, RUN_DIR "/log", "first\n");
	follow(&w, f, "follow=true");
	eventually(followed(&w, "first\n"));
	pthread_mutex_lock(&f->provider.lock);
	append(f, RUN_DIR "/log", "the end\n");
	rename(log, previous);
	TAILQ_REMOVE(&f->app->instances, f->instance, next);
	instance_free(f->instance);
	pthread_mutex_unlock(&f->provider.lock);
	for_a_while(300, followed(&w, "first\n") || followed(&w, "first\nthe end\n"));
	pthread_mutex_lock(&f->provider.lock);
	log_says(f, "next/log", "second\n");
	add_instance(f, "next", 0);
	pthread_mutex_unlock(&f->provider.lock);
	eventually(followed(&w, "first\nthe end\nsecond\n"));
	unfollow(&w);
}

static void test_log_server_follow_of_a_build_ends_with_it(void **state)
{
	struct fixture *f = *state;
	struct following w;
	memcpy(f->app->build_id, "0123456789abcdef", sizeof(f->app->build_id));
	f->app->build = BUILD_RUNNING;
	log_says(f, "apps/default/app/releases/0123456789abcdef/build.log", "installing\n");
	follow(&w, f, "follow=true&build=true");
	eventually(followed(&w, "installing\n"));
	append(f, "apps/default/app/releases/0123456789abcdef/build.log", "done\n");
	pthread_mutex_lock(&f->provider.lock);
	f->app->build = BUILD_DONE;
	pthread_mutex_unlock(&f->provider.lock);
	eventually(atomic_load(&w.ended));
	assert_true(followed(&w, "installing\ndone\n"));
	unfollow(&w);
}

static void test_log_server_follow_ends_with_the_application(void **state)
{
	struct fixture *f = *state;
	struct following w;
	log_says(f, RUN_DIR "/log", "one\n");
	follow(&w, f, "follow=true");
	eventually(followed(&w, "one\n"));
	pthread_mutex_lock(&f->provider.lock);
	map_del(f->provider.apps, "default/app");
	pthread_mutex_unlock(&f->provider.lock);
	eventually(atomic_load(&w.ended));
	unfollow(&w);
}

static void test_log_server_end_ends_followers(void **state)
{
	struct fixture *f = *state;
	struct following w[3];
	log_says(f, RUN_DIR "/log", "one\n");
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		follow(&w[i], f, "follow=true");
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		eventually(followed(&w[i], "one\n"));
	f->provider.logs = log_server_free(f->provider.logs);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		eventually(atomic_load(&w[i].ended));
		unfollow(&w[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_log_server_##name, setup, teardown)
		T(tails),
		T(includes_what_was_rotated_away),
		T(is_bounded),
		T(finds_the_log_that_is_meant),
		T(without_a_log),
		T(follows_no_link),
		T(follow_grows),
		T(follow_survives_rotation),
		T(follow_goes_on_with_the_next_instance),
		T(follow_of_a_build_ends_with_it),
		T(follow_ends_with_the_application),
		T(end_ends_followers),
	};
	return cmocka_run_group_tests_name("log_server", tests, NULL, NULL);
}
