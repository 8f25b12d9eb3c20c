#ifndef LOCAL_SANDBOX_H
#define LOCAL_SANDBOX_H
/* The walls around what the local provider builds and runs, made by bubblewrap: its own processes, hostname, /tmp and
 * home; the system's programs read-only; of everything else only its own folder, as /app. The network is the machine's,
 * as applications listen on its loopback addresses and fetch their dependencies. */

#include "base/err.h"
#include "base/str.h"

struct sandbox_spec {
	const char *app_dir;   /* becomes /app, writable */
	const char *workdir;   /* below /app; NULL or "": /app */
	const char *home_dir;  /* becomes /home/app, writable; NULL: an empty one in memory */
	const char *scia_path; /* becomes /run/scia/scia, which is in PATH; may be NULL */
	const char *command;   /* for sh -c */
};

/* The bwrap command line (strv_free()). The environment goes through bwrap unchanged: see sandbox_environment(). */
char **sandbox_command(const struct sandbox_spec *spec);

/* PATH, HOME, LANG and the like, followed by the `extra` "K=V", which may replace them (strv_free()). */
char **sandbox_environment(char *const *extra);

/* Can sandboxes be made on this machine? ERR_UNAVAILABLE says why not and what to do. */
int sandbox_probe(struct err *err);

#endif
