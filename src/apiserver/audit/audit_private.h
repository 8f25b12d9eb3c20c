#ifndef APISERVER_AUDIT_PRIVATE_H
#define APISERVER_AUDIT_PRIVATE_H
/* What audit.c (requests) and audit_internal.c (the server's own writes) share. */

#include "audit.h"
#include "codec/json.h"

struct audit {
	struct audit_policy *policy;
	struct audit_log *log;
};

/* Of these, bodies are never written. */
bool audit_is_sensitive(const char *group, const char *resource, const char *subresource);
/* The event's text without the brace at the end, for this stage; free(). Changes the event. */
char *audit_head(json_t *event, enum audit_stage stage);

#endif
