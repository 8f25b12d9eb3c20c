#include "unique.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

const char *unique_id(char buf[static UNIQUE_SIZE])
{
	uint64_t number;
	/* So few bytes come whole or, while the machine still boots and a signal interrupts, not at all. */
	while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		;
	snprintf(buf, UNIQUE_SIZE, "%016llx", (unsigned long long)number);
	return buf;
}
