#ifndef APISERVER_STORE_ROW_H
#define APISERVER_STORE_ROW_H
/* One row of the store, as it is in the file (sealed or plain) and as it is in memory (plain), and what makes damage of
 * it noticed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object and where its version stands in its text. Borrowed strings. */
struct store_row {
	int64_t id;
	uint64_t version;
	const char *resource, *ns, *name, *uid;
	const char *labels, *fields; /* "k\0v\0…\0" or NULL */
	const char *text;
	size_t text_len, text_version_offset;
	const char *key; /* name of the key it is sealed with; NULL: plain */
};

/* Over everything but the id and the checksum itself. Against bit rot, not against an attacker. */
uint64_t store_row_checksum(const struct store_row *row);
uint64_t store_version_checksum(uint64_t version);
/* The checksum's next step: of what h stands for and then data. */
uint64_t store_checksum(uint64_t h, const void *data, size_t len);

/* Length of a "k\0v\0…\0" list with its last NUL; 0 for NULL. */
size_t store_pairs_size(const char *pairs);
/* Value of a name in such a list, or NULL. */
const char *store_pairs_get(const char *pairs, const char *name);
/* True for a well-formed list of that size: it is walked without its size afterwards. */
bool store_pairs_valid(const char *pairs, size_t size);

#endif
