#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/* Time. Durations and deadlines are int64_t nanoseconds of the monotonic clock; wall-clock times are nanoseconds since
 * the Unix epoch. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void);
void clock_sleep_ns(int64_t ns);
/* For pthread_cond_timedwait() on a condition made by cond_init_mono(). */
struct timespec clock_timespec(int64_t ns);

#define RFC3339_SIZE 32
/* "2026-01-02T03:04:05Z" (seconds) or with microseconds (…05.123456Z); returns buf. */
const char *rfc3339_format(int64_t wall_ns, char buf[static RFC3339_SIZE]);
const char *rfc3339_format_micro(int64_t wall_ns, char buf[static RFC3339_SIZE]);
/* Accepts any RFC 3339 date-time, with offset and fraction. */
bool rfc3339_parse(const char *s, int64_t *ret_wall_ns);

/* kubectl's short form of an age: 5s, 3m12s, 2h, 4d, 2y; returns buf. */
const char *duration_human(int64_t ns, char *buf, size_t size);
/* Go's form: 1h30m, 250ms, 1.5s. False when malformed, negative or past 292 years. */
bool duration_parse(const char *s, int64_t *ret_ns);

#endif
