#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H
/* Events about objects: sent from a thread of its own, so that a recorder never blocks; equal ones within ten minutes
 * become one event with a count; each object may cause a burst of 25, then one in five minutes (client-go's
 * tools/record is the model). */

#include "kube/client.h"
#include "base/log.h"

struct kube_recorder;

struct kube_recorder *kube_recorder_new(struct kube_client *client, const char *component, struct logger *log,
                                        struct err *err);
/* Sends what is queued for up to two seconds, frees. */
struct kube_recorder *kube_recorder_free(struct kube_recorder *r);
enum kube_event_type { KUBE_EVENT_NORMAL, KUBE_EVENT_WARNING };
/* regarding: any object with apiVersion, kind, metadata. The message is cut at 1 KiB. A NULL recorder drops it. */
void kube_event(struct kube_recorder *r, const json_t *regarding, enum kube_event_type type, const char *reason,
                const char *fmt, ...) _printf_(5, 6);

#endif
