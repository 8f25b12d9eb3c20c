#include "base/map.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

/* Entries stand in one array in the order of insertion; a table of their positions (open addressing, linear probing,
 * deletion by shifting back) finds them by hash. A deleted entry stays as a hole (key NULL) until the array is full. */

#define ENTRIES_MIN 6
#define ENTRIES_MAX (UINT32_MAX / 4)

struct entry {
	char *key; /* NULL: deleted */
	void *value;
	uint64_t hash;
};

struct map {
	void (*free_value)(void *);
	struct entry *entries;
	size_t head; /* no live entry before it */
	size_t used; /* entries in use, holes included */
	size_t cap;
	size_t len;
	uint32_t *slots; /* position in entries + 1; 0: empty */
	size_t mask;
};

/* One seed a process: drawing one for each map would cost a system call each. */
static uint64_t hash_seed[2];
static pthread_once_t hash_seed_once = PTHREAD_ONCE_INIT;

static void hash_seed_draw(void)
{
	size_t got = 0;
	while (got < sizeof(hash_seed)) {
		ssize_t n = getrandom((char *)hash_seed + got, sizeof(hash_seed) - got, 0);
		if (n > 0)
			got += (size_t)n;
	}
}

static inline uint64_t rotl(uint64_t x, int n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), with the words in this machine's
 * order. */
static uint64_t hash_string(const char *s, size_t len)
{
	uint64_t k0 = hash_seed[0], k1 = hash_seed[1];
	uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		              k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
	uint64_t word, last = (uint64_t)len << 56;
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, s + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t shift = 0; i < len; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s[i] << shift;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int round = 0; round < 3; round++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void (*free_value)(void *))
{
	pthread_once(&hash_seed_once, hash_seed_draw);
	struct map *m = new0(struct map);
	m->free_value = free_value;
	return m;
}

struct map *map_free(struct map *m)
{
	if (!m)
		return NULL;
	map_clear(m);
	free(m->entries);
	free(m->slots);
	free(m);
	return NULL;
}

size_t map_len(const struct map *m)
{
	return m->len;
}

/* The slot that holds the key, or the empty one where its search ended. The table must exist. */
static size_t find_slot(const struct map *m, const char *key, uint64_t hash)
{
	size_t slot = (size_t)hash & m->mask;
	while (m->slots[slot]) {
		const struct entry *e = &m->entries[m->slots[slot] - 1];
		if (e->hash == hash && strcmp(e->key, key) == 0)
			break;
		slot = (slot + 1) & m->mask;
	}
	return slot;
}

static struct entry *find(const struct map *m, const char *key, size_t *ret_slot)
{
	if (!m->len)
		return NULL;
	size_t slot = find_slot(m, key, hash_string(key, strlen(key)));
	if (!m->slots[slot])
		return NULL;
	if (ret_slot)
		*ret_slot = slot;
	return &m->entries[m->slots[slot] - 1];
}

void *map_get(const struct map *m, const char *key)
{
	const struct entry *e = find(m, key, NULL);
	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key, NULL) != NULL;
}

static void slots_fill(struct map *m)
{
	memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
	for (size_t i = 0; i < m->used; i++) {
		size_t slot = (size_t)m->entries[i].hash & m->mask;
		while (m->slots[slot])
			slot = (slot + 1) & m->mask;
		m->slots[slot] = (uint32_t)(i + 1);
	}
}

/* Makes room for one more entry: closes the holes, and grows when few there were. */
static void make_room(struct map *m)
{
	size_t kept = 0;
	for (size_t i = m->head; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[kept++] = m->entries[i];
	m->head = 0;
	m->used = kept;

	size_t cap = m->cap ? m->cap : ENTRIES_MIN;
	if (m->cap && kept > m->cap / 2)
		cap *= 2;
	if (cap > ENTRIES_MAX)
		out_of_memory(cap);
	if (cap != m->cap) {
		size_t slots = 8;
		while (slots / 4 * 3 < cap)
			slots *= 2;
		m->entries = xreallocarray(m->entries, cap, sizeof(*m->entries));
		m->slots = xreallocarray(m->slots, slots, sizeof(*m->slots));
		m->cap = cap;
		m->mask = slots - 1;
	}
	slots_fill(m);
}

void map_set(struct map *m, const char *key, void *value)
{
	size_t key_len = strlen(key);
	uint64_t hash = hash_string(key, key_len);
	if (m->len) {
		size_t slot = find_slot(m, key, hash);
		if (m->slots[slot]) {
			struct entry *e = &m->entries[m->slots[slot] - 1];
			void *old = e->value;
			e->value = value;
			if (m->free_value && old != value)
				m->free_value(old);
			return;
		}
	}
	if (m->used == m->cap)
		make_room(m);
	size_t slot = find_slot(m, key, hash);
	m->entries[m->used++] = (struct entry){ .key = xmemdup(key, key_len + 1), .value = value, .hash = hash };
	m->slots[slot] = (uint32_t)m->used;
	m->len++;
}

bool map_add(struct map *m, const char *key)
{
	static char something;

	if (map_has(m, key))
		return false;
	map_set(m, key, &something);
	return true;
}

/* Empties a slot and moves back what only stands after it because it was taken. */
static void slot_remove(struct map *m, size_t slot)
{
	size_t hole = slot;
	for (size_t next = (hole + 1) & m->mask; m->slots[next]; next = (next + 1) & m->mask) {
		size_t home = (size_t)m->entries[m->slots[next] - 1].hash & m->mask;
		if (((next - home) & m->mask) >= ((next - hole) & m->mask)) {
			m->slots[hole] = m->slots[next];
			hole = next;
		}
	}
	m->slots[hole] = 0;
}

void *map_take(struct map *m, const char *key)
{
	size_t slot;
	struct entry *e = find(m, key, &slot);
	if (!e)
		return NULL;
	void *value = e->value;
	slot_remove(m, slot);
	free(e->key);
	*e = (struct entry){ 0 };
	m->len--;
	while (m->head < m->used && !m->entries[m->head].key)
		m->head++;
	return value;
}

bool map_del(struct map *m, const char *key)
{
	void *value = map_take(m, key);
	if (value && m->free_value)
		m->free_value(value);
	return value != NULL;
}

void map_clear(struct map *m)
{
	for (size_t i = m->head; i < m->used; i++) {
		if (!m->entries[i].key)
			continue;
		free(m->entries[i].key);
		if (m->free_value)
			m->free_value(m->entries[i].value);
	}
	m->head = m->used = m->len = 0;
	if (m->slots)
		memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
}

bool map_next(const struct map *m, size_t *iter, const char **ret_key, void **ret_value)
{
	if (*iter < m->head)
		*iter = m->head;
	while (*iter < m->used && !m->entries[*iter].key)
		(*iter)++;
	if (*iter >= m->used)
		return false;
	const struct entry *e = &m->entries[(*iter)++];
	if (ret_key)
		*ret_key = e->key;
	if (ret_value)
		*ret_value = e->value;
	return true;
}
