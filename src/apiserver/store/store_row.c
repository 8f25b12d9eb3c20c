#include "store_row.h"

#include <string.h>

size_t store_pairs_size(const char *pairs)
{
	const char *p = pairs;

	if (!pairs)
		return 0;
	while (*p) {
		p += strlen(p) + 1; /* the name */
		p += strlen(p) + 1; /* its value */
	}
	return (size_t)(p - pairs) + 1;
}

const char *store_pairs_get(const char *pairs, const char *name)
{
	const char *p = pairs;

	while (p && *p) {
		const char *value = p + strlen(p) + 1;
		if (strcmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

bool store_pairs_valid(const char *pairs, size_t size)
{
	size_t pos = 0;

	if (size == 0)
		return true;
	if (pairs[size - 1] != '\0')
		return false;
	while (pos < size && pairs[pos]) {
		pos += strlen(pairs + pos) + 1;
		if (pos >= size)
			return false;
		pos += strlen(pairs + pos) + 1;
	}
	return pos + 1 == size;
}

/* A multiply-mix hash of eight bytes at a time. */
uint64_t store_checksum(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t word;

	h = (h ^ len) * UINT64_C(0x9E3779B97F4A7C15);
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
	}
	word = 0;
	if (len > 0)
		memcpy(&word, p, len);
	h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
	return h ^ h >> 32;
}

uint64_t store_row_checksum(const struct store_row *row)
{
	uint64_t h = store_checksum(row->version, row->resource, strlen(row->resource));

	h = store_checksum(h, row->ns, strlen(row->ns));
	h = store_checksum(h, row->name, strlen(row->name));
	h = store_checksum(h, row->uid, strlen(row->uid));
	h = store_checksum(h, row->labels, store_pairs_size(row->labels));
	h = store_checksum(h, row->fields, store_pairs_size(row->fields));
	h = store_checksum(h, &row->text_version_offset, sizeof(row->text_version_offset));
	/* Rows from before there were keys have none. */
	if (row->key)
		h = store_checksum(h, row->key, strlen(row->key));
	return store_checksum(h, row->text, row->text_len);
}

uint64_t store_version_checksum(uint64_t version)
{
	return store_checksum(UINT64_C(0x73636961), &version, sizeof(version));
}
