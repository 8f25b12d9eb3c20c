#ifndef BASE_LOG_H
#define BASE_LOG_H
/* Logging, for people on a terminal and as JSON lines for machines.
 *
 * There is no global logger: main makes one and passes it on; log_with() binds fields to a child. Library code logs at
 * debug only; whoever decides logs above it. Each record is one write(2), so lines of threads and processes do not
 * mix. Control characters in values are escaped. */

#include "base/mem.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_HUMAN, LOG_JSON };

struct logger;

/* Writes to fd, which stays the caller's. */
struct logger *logger_new(int fd, enum log_level level, enum log_format format);
/* A child that adds key=value (copied) to each record. Lives as long as it is referenced. */
struct logger *logger_with(struct logger *parent, const char *key, const char *value);
struct logger *logger_ref(struct logger *l);
struct logger *logger_unref(struct logger *l);
DEFINE_CLEANUP(struct logger *, logger_unref)

bool log_enabled(const struct logger *l, enum log_level level);
/* A NULL logger drops the record. */
void log_at(const struct logger *l, enum log_level level, const char *fmt, ...) _printf_(3, 4);
#define log_debug(l, ...) log_at(l, LOG_DEBUG, __VA_ARGS__)
#define log_info(l, ...) log_at(l, LOG_INFO, __VA_ARGS__)
#define log_warn(l, ...) log_at(l, LOG_WARN, __VA_ARGS__)
#define log_error(l, ...) log_at(l, LOG_ERROR, __VA_ARGS__)

/* "debug", "info", "warn", "error", "off"; false when unknown. */
bool log_level_parse(const char *s, enum log_level *ret);

#endif
