#ifndef PROVIDER_NOP_NOP_H
#define PROVIDER_NOP_NOP_H
/* The provider that makes nothing (CloudProvider type none): a NopResource is there and ready at once. */

#include "provider/provider.h"

struct provider_driver provider_nop_driver(void);

#endif
