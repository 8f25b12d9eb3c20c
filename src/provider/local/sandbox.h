#ifndef LOCAL_SANDBOX_H
#define LOCAL_SANDBOX_H
/* The walls around what the local provider builds and runs, made by bubblewrap: its own processes, hostname, /tmp and
 * home; the system's programs read-only; of everything else only its own folder, as /app. The network is the machine's,
 * as applications listen on its loopback addresses and fetch their dependencies.
 *
 * What an application wants in its environment must not reach a program outside of the walls (LD_PRELOAD would run
 * there), nor a command line or a file (secrets): bubblewrap runs with an environment of our own and reads the
 * application's from a descriptor. */

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define SANDBOX_ARGS_FD 3

struct sandbox_spec {
	const char *app_dir;   /* becomes /app, writable */
	const char *workdir;   /* below /app; NULL or "": /app */
	const char *home_dir;  /* becomes /home/app, writable; NULL: an empty one in memory */
	const char *scia_path; /* becomes /run/scia/scia, which is in PATH; may be NULL */
	const char *etc_dir;   /* passwd and group in it become /etc's: sandbox_write_etc(); may be NULL */
	const char *hide_dir;  /* our data: hidden should it lie in what is shown of the system; may be NULL */
	const char *command;   /* for sh -c */
	int64_t tmp_max;       /* bytes in /tmp, and as many in the home in memory; 0: 512 MiB */
};

/* The bwrap command line (strv_free()); it wants sandbox_arguments() readable at SANDBOX_ARGS_FD. */
char **sandbox_command(const struct sandbox_spec *spec);

/* PATH, HOME, LANG and the like, followed by the `extra` "K=V", which may replace them (strv_free()). */
char **sandbox_environment(char *const *extra);

/* What bubblewrap reads from the descriptor: the environment of what runs inside. */
void sandbox_arguments(char *const *env, struct buf *out);
/* The same as a file in memory, at its start; -1 with errno. */
int sandbox_open_arguments(char *const *env);

/* Environment of bubblewrap itself and what starts it (strv_free()). */
char **sandbox_outer_environment(void);

/* Writes passwd and group, which name nobody but the application's user, into a folder. */
int sandbox_write_etc(const char *dir, struct err *err);

/* Can sandboxes be made on this machine? ERR_UNAVAILABLE says why not and what to do. */
int sandbox_probe(struct err *err);

#endif
