#include "base/clock.h"
#include "store_internal.h"

#define DEFAULT_LEN_MAX 100000
#define DEFAULT_BYTES_MAX ((size_t)32 * 1024 * 1024)
#define DEFAULT_AGE_MAX (600 * NS_PER_S)
#define FIRST_CAP 256

void store_history_init(struct store_history *h, const struct store_config *config, uint64_t version)
{
	int64_t age = config->history_age_max_ns ? config->history_age_max_ns : DEFAULT_AGE_MAX;

	*h = (struct store_history){
		.cap = FIRST_CAP,
		.ring = xcalloc(FIRST_CAP, sizeof(struct store_change)),
		.len_max = config->history_max ? config->history_max : DEFAULT_LEN_MAX,
		.bytes_max = config->history_bytes_max ? config->history_bytes_max : DEFAULT_BYTES_MAX,
		.floor = version,
		.tick_ns = age / STORE_MARKS,
		.next_tick_ns = clock_mono_ns() + age / STORE_MARKS,
	};
}

static struct store_change *slot(const struct store_history *h, size_t i)
{
	return &h->ring[(h->start + i) & (h->cap - 1)];
}

const struct store_change *store_history_at(const struct store_history *h, size_t i)
{
	return slot(h, i);
}

static void drop_oldest(struct store_history *h)
{
	struct store_change *c = slot(h, 0);

	h->floor = c->version;
	h->bytes -= c->object->text->len;
	store_object_unref(c->object);
	store_object_unref(c->previous);
	h->start = (h->start + 1) & (h->cap - 1);
	h->len--;
}

void store_history_done(struct store_history *h)
{
	while (h->len > 0)
		drop_oldest(h);
	free(h->ring);
	h->ring = NULL;
}

static void resize(struct store_history *h, size_t cap)
{
	struct store_change *ring = xcalloc(cap, sizeof(*ring));

	for (size_t i = 0; i < h->len; i++)
		ring[i] = *slot(h, i);
	free(h->ring);
	h->ring = ring;
	h->start = 0;
	h->cap = cap;
}

void store_history_append(struct store_history *h, const struct store_change *change)
{
	size_t size = change->object->text->len;

	while (h->len > 0 && (h->len >= h->len_max || h->bytes + size > h->bytes_max))
		drop_oldest(h);
	if (h->len == h->cap)
		resize(h, h->cap * 2);
	*slot(h, h->len) = *change;
	h->len++;
	h->bytes += size;
}

void store_history_age(struct store_history *h, uint64_t version, int64_t now_ns)
{
	if (now_ns < h->next_tick_ns)
		return;
	h->next_tick_ns = now_ns + h->tick_ns;
	uint64_t old = h->marks[0];
	memmove(h->marks, h->marks + 1, (STORE_MARKS - 1) * sizeof(h->marks[0]));
	h->marks[STORE_MARKS - 1] = version;
	while (h->len > 0 && slot(h, 0)->version <= old)
		drop_oldest(h);
	if (h->cap > FIRST_CAP && h->len < h->cap / 8)
		resize(h, h->cap / 4);
}

size_t store_history_find(const struct store_history *h, uint64_t version)
{
	size_t low = 0, high = h->len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (slot(h, mid)->version <= version)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
