#ifndef FUNCTION_HEALTH_H
#define FUNCTION_HEALTH_H
/* Whether an object of one of Kubernetes' own kinds does its work. */

#include "codec/json.h"

/* Is the kind known here? */
bool health_knows(const char *version, const char *kind);
/* 1: it does; 0: not (yet); -1: its kind is none of those known here. */
int health_check(const json_t *object);

#endif
