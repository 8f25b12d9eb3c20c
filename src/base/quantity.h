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

#define QUANTITY_SIZE 192
/* As Kubernetes writes it again: the largest suffix without a fraction, the kind of suffix (binary, decimal, exponent)
 * as it was where that loses nothing. 0.5Gi → 512Mi, 1500m stays, 1000 → 1k. Finer than a billionth is rounded up.
 * False when malformed. */
bool quantity_canonical(const char *s, char ret[static QUANTITY_SIZE]);

#endif
