#ifndef TESTING_TESTING_H
#define TESTING_TESTING_H
/* For unit tests only. Everything here fails the running test instead of returning an error. */

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"
#include "kube/client.h"
#include "kube/informer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTING_PATIENCE_NS (30 * NS_PER_S)

/* Waits for a condition: tests do not guess how long something takes. */
#define eventually(condition)                                   \
	do {                                                        \
		int64_t _until = clock_mono_ns() + TESTING_PATIENCE_NS; \
		while (!(condition) && clock_mono_ns() < _until)        \
			clock_sleep_ns(2 * NS_PER_MS);                      \
		if (!(condition))                                       \
			fail_msg("never came true: %s", #condition);        \
	} while (0)

/* Stays so for a while, for what must not happen. */
#define for_a_while(ms, condition)                                                                    \
	do {                                                                                              \
		for (int64_t _until = clock_mono_ns() + (int64_t)(ms)*NS_PER_MS; clock_mono_ns() < _until;) { \
			if (!(condition))                                                                         \
				fail_msg("did not stay true: %s", #condition);                                        \
			clock_sleep_ns(2 * NS_PER_MS);                                                            \
		}                                                                                             \
	} while (0)

#define assert_ok(call, err)                             \
	do {                                                 \
		if ((call) < 0)                                  \
			fail_msg("%s: %s", #call, err_message(err)); \
	} while (0)

/* A new empty folder (free()), and its end. */
char *testing_dir(void);
void testing_remove(char *dir);

void testing_write(const char *dir, const char *name, const char *text, mode_t mode);
/* The file's text, "" when it is not there (free()). */
char *testing_read(const char *dir, const char *name);

/* Runs the words to their end; its output, trimmed (free()). Fails unless it exits with 0. cwd NULL: where we are. */
char *testing_run(const char *cwd, const char *const *argv);
#define TESTING_RUN(cwd, ...) free(testing_run(cwd, (const char *const[]){ __VA_ARGS__, NULL }))

/* Makes the folder a git repository and commits what changed in it; the newest commit's id (free()). */
char *testing_commit(const char *repo);

/* ---- a Kubernetes API ---- */

struct testing_api {
	char *dir;
	struct apiserver *server;
	struct kube_client *client; /* an administrator's */
};

/* With SCIA's types installed, and namespace "default". */
struct testing_api *testing_api_start(void);
void testing_api_stop(struct testing_api *api);

/* The resource version the whole API is at: it grows with every write of anything. */
int64_t testing_api_version(struct testing_api *api);
/* Writes of anything but events, since a version; ends the test's guessing about "nothing was written". */
#define assert_no_writes(api, ms)                             \
	do {                                                      \
		int64_t _version = testing_api_version(api);          \
		clock_sleep_ns((int64_t)(ms)*NS_PER_MS);              \
		assert_int_equal(testing_api_version(api), _version); \
	} while (0)

/* Creates the object that the YAML text says; what the server made of it (json_decref()). */
json_t *testing_create(struct testing_api *api, const struct kube_type *type, const char *yaml);
/* NULL when it is not there (json_decref()). */
json_t *testing_get(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name);
bool testing_exists(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name);
/* Merges the YAML text into it. */
void testing_patch(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                   const char *yaml);
void testing_patch_status(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                          const char *yaml);
void testing_delete(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name);
/* Is its condition of that status? */
bool testing_condition_is(struct testing_api *api, const struct kube_type *type, const char *ns, const char *name,
                          const char *condition, const char *status);
/* How many events (with their counts) of a reason are about an object of that name in the namespace, and the message of
 * the last one (free()), NULL without any; ret_message may be NULL. */
int testing_events(struct testing_api *api, const char *ns, const char *name, const char *reason, char **ret_message);

#endif
