#include "service_addresses.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/object.h"

#include <arpa/inet.h>
#include <string.h>

#define RESOURCE "/services"
#define NETWORK 0x0a600000U /* 10.96.0.0 */
#define LEN 65536U          /* of the range */
#define FIRST 1U            /* .0.0 is the network, .255.255 its broadcast address */
#define LAST (LEN - 2)
#define GIVEN_MAX 1024
#define GIVEN_FOR_NS (30 * NS_PER_S)

struct service_addresses {
	pthread_mutex_t lock;
	struct store_watch *watch;
	uint16_t users[LEN]; /* how many services have the address: nothing keeps two from asking for the same */
	/* Given to services that may not be stored yet, a ring. */
	struct {
		uint32_t at;
		int64_t time_ns;
	} given[GIVEN_MAX];
	size_t next;
};

/* The place of an address in the range; false when it is none of it. */
static bool place_of(const char *text, uint32_t *ret)
{
	struct in_addr address;

	if (!text || inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret = ntohl(address.s_addr) - NETWORK;
	return *ret < LEN;
}

static void count(struct service_addresses *a, const struct store_object *o, bool gone)
{
	uint32_t at;

	if (!place_of(store_object_field(o, "spec.clusterIP"), &at))
		return;
	if (!gone && a->users[at] < UINT16_MAX)
		a->users[at]++;
	else if (gone && a->users[at] > 0)
		a->users[at]--;
}

/* On the committer's thread. */
static void on_change(void *self, const struct store_change *change)
{
	struct service_addresses *a = self;

	MUTEX_GUARD(&a->lock);
	if (change->previous)
		count(a, change->previous, true);
	if (change->type != STORE_DELETED)
		count(a, change->object, false);
}

int service_addresses_start(struct store *store, struct service_addresses **ret, struct err *err)
{
	const struct store_list_query query = { .resource = RESOURCE, .ns = "" };
	struct service_addresses *a = new0(struct service_addresses);
	struct store_list list;

	pthread_mutex_init(&a->lock, NULL);
	int r = store_list(store, &query, &list, err);
	if (r == 0) {
		for (size_t i = 0; i < list.len; i++)
			count(a, list.items[i], false);
		r = store_watch(store, RESOURCE, "", list.version, on_change, a, &a->watch, err);
		store_list_clear(&list);
	}
	if (r < 0) {
		service_addresses_stop(a);
		return err_wrap(err, "reading the addresses of services");
	}
	*ret = a;
	return 0;
}

struct service_addresses *service_addresses_stop(struct service_addresses *a)
{
	if (!a)
		return NULL;
	if (a->watch)
		store_unwatch(a->watch);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

/* Where the search for a free address begins: the same for the same service, spread over the range. FNV-1a. */
static uint32_t start_of(const char *uid)
{
	uint32_t hash = 2166136261U;

	for (; *uid; uid++)
		hash = (hash ^ (unsigned char)*uid) * 16777619U;
	return FIRST + hash % (LAST - FIRST + 1);
}

static bool was_given(const struct service_addresses *a, uint32_t at, int64_t now_ns)
{
	for (size_t i = 0; i < GIVEN_MAX; i++)
		if (a->given[i].at == at && a->given[i].time_ns != 0 && now_ns - a->given[i].time_ns < GIVEN_FOR_NS)
			return true;
	return false;
}

static bool take(struct service_addresses *a, const char *uid, uint32_t *ret)
{
	int64_t now_ns = clock_mono_ns();
	uint32_t start = start_of(uid), len = LAST - FIRST + 1;

	MUTEX_GUARD(&a->lock);
	for (uint32_t i = 0; i < len; i++) {
		uint32_t at = FIRST + (start - FIRST + i) % len;
		if (a->users[at] > 0 || was_given(a, at, now_ns))
			continue;
		a->given[a->next].at = at;
		a->given[a->next].time_ns = now_ns;
		a->next = (a->next + 1) % GIVEN_MAX;
		*ret = at;
		return true;
	}
	return false;
}

static void give_address(struct service_addresses *a, const char *uid, json_t *spec)
{
	char text[INET_ADDRSTRLEN];
	uint32_t at;

	if (!take(a, uid, &at))
		return;
	struct in_addr address = { htonl(NETWORK + at) };
	if (!inet_ntop(AF_INET, &address, text, sizeof(text)))
		return;
	json_put_str(spec, "clusterIP", text);
	json_put(spec, "clusterIPs", json_pack("[s]", text));
}

static const char *family_of(const char *address)
{
	return address && strchr(address, ':') ? "IPv6" : "IPv4";
}

/* A headless service without a selector has both: whoever makes its endpoints decides. */
static void give_families(json_t *spec)
{
	const char *address = json_get_str(spec, "clusterIP");
	bool open = str_eq(address, "None") && json_object_size(json_object_get(spec, "selector")) == 0;

	if (str_empty(json_get_str(spec, "ipFamilyPolicy")))
		json_put_str(spec, "ipFamilyPolicy", open ? "RequireDualStack" : "SingleStack");
	if (json_array_size(json_object_get(spec, "ipFamilies")) > 0)
		return;
	json_put(spec, "ipFamilies", json_pack("[s]", family_of(address)));
	if (open)
		json_push_str(json_object_get(spec, "ipFamilies"), "IPv6");
}

void service_addresses_give(struct service_addresses *a, json_t *service)
{
	json_t *spec = json_ensure_object(service, "spec");

	if (str_eq(json_get_str(spec, "type"), "ExternalName"))
		return;
	if (str_empty(json_get_str(spec, "clusterIP")) && json_array_size(json_object_get(spec, "clusterIPs")) == 0)
		give_address(a, kube_uid(service), spec);
	give_families(spec);
}
