#ifndef KUBE_EVENT_CORRELATOR_H
#define KUBE_EVENT_CORRELATOR_H
/* Decides what becomes of an event: a new one, one more of an earlier one, or nothing (client-go's EventCorrelator).
 * Pure: time is given. Not thread-safe. Private to this folder. */

#include "base/clock.h"
#include "codec/json.h"

#define EVENT_WINDOW_NS (600 * NS_PER_S) /* equal ones within it are one */
#define EVENT_BURST 25                   /* of one object, then */
#define EVENT_REFILL_NS (300 * NS_PER_S) /* one each */
#define EVENT_SIMILAR_MAX 10             /* different messages of one reason, then they are combined */
#define EVENT_MEMORY 4096                /* objects and events remembered */

struct event_correlator;

struct event_correlator *event_correlator_new(void);
struct event_correlator *event_correlator_free(struct event_correlator *c);

enum event_verdict { EVENT_DROP, EVENT_CREATE, EVENT_COUNT };
struct event_decision {
	enum event_verdict verdict;
	char *message; /* what to say; free() */
	char *name;    /* EVENT_COUNT: of the event that is counted up, "" when it could not be created; free() */
	int64_t count; /* with this one */
	int64_t first_wall_ns;
	char *key; /* for event_correlator_named(); free() */
};
/* object: what names the object; reason with type. */
struct event_decision event_correlator_decide(struct event_correlator *c, const char *object, const char *type,
                                              const char *reason, const char *message, int64_t now_mono_ns,
                                              int64_t now_wall_ns);
/* The event of a decision exists under this name now (NULL: it does not, the next one is created anew). */
void event_correlator_named(struct event_correlator *c, const char *key, const char *name);
void event_decision_clear(struct event_decision *d);

#endif
