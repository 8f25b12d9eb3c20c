#ifndef GIT_SESSION_H
#define GIT_SESSION_H
/* One operation on one remote: its private folder (credentials, configuration), the environment every git of it runs
 * in, its deadline and size limit. */

#include "classify.h"
#include "git.h"
#include "url.h"

#include "base/proc.h"

struct git_session {
	struct git_url url;
	char *shown;  /* the URL for messages */
	char *dir;    /* private, mode 0700; also git's HOME */
	char **env;   /* of every git that runs in this session */
	char *secret; /* never to be shown; NULL without one */
	int64_t deadline_ns, size_max;
	const atomic_bool *cancel;
};

/* Checks the source, makes the private folder. The source need not outlive the call. */
int git_session_open(const struct git_source *source, const struct git_limits *limits, struct git_session *ret,
                     struct err *err);
/* Removes the private folder, wipes the secret. Safe on a zeroed session. */
void git_session_close(struct git_session *s);
#define _cleanup_git_session_ _cleanup_(git_session_close)

/* One run of git. */
struct git_call {
	const char *const *args;       /* without "git"; NULL-terminated */
	const char *git_dir;           /* NULL: none */
	const char *work_tree, *index; /* NULL: none */
	const char *grows;             /* a folder that must not pass size_max meanwhile; NULL: none */
	void (*on_output)(void *self, int stream, const char *data, size_t len);
	bool (*over_limit)(void *self);
	void *self;
};

#define GIT_OUTPUT_MAX ((size_t)256 * 1024)

/* 0: git ended with 0. Else err is set and *ret_fault (may be NULL) says what class of failure it is. ret is set in
 * both cases (proc_result_clear()). */
int git_session_run(struct git_session *s, const struct git_call *call, struct proc_result *ret,
                    enum git_fault *ret_fault, struct err *err);
/* The same, without an interest in the output. */
int git_session_do(struct git_session *s, const char *git_dir, const char *const *args, struct err *err);

/* ERR_TIMEOUT or ERR_UNAVAILABLE (cancelled) when the session may not go on. */
int git_session_check(const struct git_session *s, struct err *err);

#endif
