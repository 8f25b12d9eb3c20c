#ifndef APISERVER_AUDIT_LOG_H
#define APISERVER_AUDIT_LOG_H
/* The audit log's file: entries wait in a bounded queue for a thread that completes and writes them, a JSON line each,
 * so that no request waits for a disk. What finds the queue full is dropped and counted. */

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"

struct audit_log;

struct audit_log_config {
	const char *path;   /* "-": standard output, never rotated */
	size_t size_max;    /* bytes at which a new file is begun; 0: never */
	size_t backups_max; /* finished files that are kept; 0: all */
	struct logger *log;
	struct metrics *metrics; /* may be NULL */
};
int audit_log_open(const struct audit_log_config *config, struct audit_log **ret, struct err *err);
/* Writes what waits. Returns NULL. */
struct audit_log *audit_log_close(struct audit_log *l);

/* One event: all of it but the bodies, which the writer adds. */
struct audit_entry {
	char *head;                         /* a JSON object without its closing brace; free() */
	char *annotations;                  /* the object's, or NULL; free() */
	struct bytes *request, *response;   /* references; NULL: none */
	char *request_type, *response_type; /* their media types */
	bool with_request, with_response;   /* which of them become part of the event */
	bool sensitive;                     /* of bodies, only what tells objects apart is written */
	bool omit_managed_fields;
	bool truncated; /* bodies are left out because they are too large */
	int code;       /* 0: no responseStatus */
	struct audit_entry *next;
};
/* Takes the entry (made by malloc) over. Never blocks. */
void audit_log_add(struct audit_log *l, struct audit_entry *e);
void audit_entry_free(struct audit_entry *e);

/* audit_event.c: the whole event as one line, with its newline; pure. */
void audit_entry_write(const struct audit_entry *e, struct buf *out);
#define AUDIT_BODY_MAX ((size_t)1024 * 1024) /* larger ones are left out */
#define AUDIT_EVENT_MAX (4 * AUDIT_BODY_MAX) /* with more than this all bodies are */

#endif
