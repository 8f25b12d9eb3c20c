#ifndef COMPOSE_NOP_H
#define COMPOSE_NOP_H
/* "infrastructure-none": one NopResource that bears the parameters, for tests and benchmarks. */

#include "compose/compose.h"

extern const struct compose_composition COMPOSE_NOP;

#endif
