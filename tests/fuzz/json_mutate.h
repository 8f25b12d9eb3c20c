#ifndef TESTS_FUZZ_JSON_MUTATE_H
#define TESTS_FUZZ_JSON_MUTATE_H
/* Changes of JSON values that leave them JSON, so that they get past the parser. */

#include "codec/json.h"

#include <stdint.h>

/* Changes one part of an object: another value, one from elsewhere in it, none, or one more. The same seed makes the
 * same change. */
void json_mutate(json_t *object, uint32_t seed);

#endif
