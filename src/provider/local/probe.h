#ifndef LOCAL_PROBE_H
#define LOCAL_PROBE_H
/* Health checks, run by a few threads so that a slow application delays nobody else's. */

#include "base/err.h"

struct prober;

/* done is called from a prober's thread. message says what was wrong ("GET /healthz answered 500 Internal Server
 * Error"), NULL when ok. is_open: the port accepted the connection. */
typedef void (*probe_done)(void *self, uint64_t id, bool ok, bool is_open, const char *message);

struct prober *prober_new(int threads, probe_done done, void *self, struct err *err);
/* Finishes what is under way, drops what waits. */
struct prober *prober_free(struct prober *p);

/* path NULL or "": the port accepts connections; else GET answers 200..399 within timeout_ns. */
void prober_submit(struct prober *p, uint64_t id, int port, const char *path, int64_t timeout_ns);

/* One check, here and now. Returns ok; *ret_message (free()) is NULL when ok. */
bool probe_port(int port, const char *path, int64_t timeout_ns, bool *ret_is_open, char **ret_message);

#endif
