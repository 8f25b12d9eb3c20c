#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H
/* The result as analyzer.h describes it. */

#include "services.h"

#include "codec/json.h"

/* A new reference. */
json_t *report_write(struct analysis *a, const struct services *s);

#endif
