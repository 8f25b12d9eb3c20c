#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H
/* Kubernetes resource quantities: 500m, 2, 1.5Gi, 128M, 1e3
 * (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity). */

#include <stdbool.h>
#include <stdint.h>

/* In thousandths (500m → 500, 1Gi → 1024^3*1000), rounded up as Kubernetes does. False when malformed
 * or past int64. */
bool quantity_parse_milli(const char *s, int64_t *ret_milli);
/* In whole units, rounded up. */
bool quantity_parse(const char *s, int64_t *ret);

#endif
