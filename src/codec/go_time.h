#ifndef CODEC_GO_TIME_H
#define CODEC_GO_TIME_H
/* What Go's time.Parse() says of a text that is no time: Kubernetes' clients know these sentences. */

#include <stdbool.h>
#include <stdint.h>

/* NULL when Go reads the text as RFC 3339 (metav1.Time); micro: with exactly six digits of a fraction, as
 * metav1.MicroTime wants it. Else its message: `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as
 * "2006"`, `parsing time "…": month out of range`. free(). */
char *go_time_fault(const char *text, bool micro);

/* time.ParseDuration(): NULL and nanoseconds in *ret, or its message: `time: missing unit in duration "5"`. free(). */
char *go_duration_fault(const char *text, int64_t *ret);

#endif
