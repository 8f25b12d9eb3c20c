#ifndef LOCAL_PROBE_HTTP_H
#define LOCAL_PROBE_HTTP_H
/* What a health check says over HTTP, and what it makes of the answer. No I/O. */

#include "base/buf.h"

#define PROBE_ANSWER_MAX ((size_t)8192) /* bytes of the answer that are read: status line and headers */

/* The request (free()). */
char *probe_http_request(const char *path, const char *host);

enum probe_verdict {
	PROBE_MORE,     /* the headers are not complete yet */
	PROBE_OK,       /* 200..299, or a redirect to elsewhere */
	PROBE_REDIRECT, /* to another path of the same host: *ret_path (free()) */
	PROBE_BAD,      /* any other status: *ret_status */
	PROBE_NO_HTTP,  /* something else was said */
};

/* is_end: nothing more will come. */
enum probe_verdict probe_http_judge(const char *answer, size_t len, bool is_end, int *ret_status, char **ret_path);

#endif
