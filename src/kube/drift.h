#ifndef KUBE_DRIFT_H
#define KUBE_DRIFT_H
/* What is there compared with what was declared. */

#include "kube/object.h"

/* Appends {field, desired, observed} to drift (at most 20) for each field of desired.spec that observed.spec lacks or
 * has otherwise. Fields only observed has are late initialisation (defaults, other controllers), not drift. */
void kube_find_drift(const json_t *desired, const json_t *observed, json_t *drift);

/* "spec.x is 1, should be 2; … (changed by kubectl-edit)" (free()). manager may be NULL. */
char *kube_describe_drift(const json_t *drift, const char *manager);

/* The manager other than `own` that changed an object's spec last, by its managedFields; NULL when none is known.
 * Borrowed. */
const char *kube_last_spec_manager(const json_t *live, const char *own);

#endif
