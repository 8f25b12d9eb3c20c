/* What pods, services and volume claims use, as Kubernetes' quota evaluators say (pkg/quota/v1/evaluator/core). */
#include "base/buf.h"
#include "base/quantity.h"
#include "base/str.h"
#include "kube/object.h"
#include "quota.h"

#include <inttypes.h>
#include <stdio.h>

#define MILLI 1000
#define PODS "/pods"
#define SERVICES "/services"
#define CLAIMS "/persistentvolumeclaims"

/* ---- amounts ---- */

void quota_amounts_clear(struct quota_amounts *a)
{
	for (size_t i = 0; i < a->len; i++)
		free(a->list[i].name);
	free(a->list);
	*a = (struct quota_amounts){ 0 };
}

static struct quota_amount *find(const struct quota_amounts *a, const char *name)
{
	for (size_t i = 0; i < a->len; i++)
		if (strcmp(a->list[i].name, name) == 0)
			return &a->list[i];
	return NULL;
}

const struct quota_amount *quota_amounts_get(const struct quota_amounts *a, const char *name)
{
	return find(a, name);
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

void quota_amounts_add(struct quota_amounts *a, const char *name, int64_t milli, bool binary)
{
	struct quota_amount *there = find(a, name);

	if (there) {
		there->milli = plus(there->milli, milli);
		there->binary = there->binary || binary;
		return;
	}
	a->list = xreallocarray(a->list, a->len + 1, sizeof(*a->list));
	a->list[a->len++] = (struct quota_amount){ .name = xstrdup(name), .milli = milli, .binary = binary };
}

/* A quantity: a string, or a number as it may have been stored. */
static bool read_quantity(const json_t *v, int64_t *ret_milli, bool *ret_binary)
{
	_cleanup_free_ char *number = json_is_number(v) ? json_to_str(v) : NULL;
	const char *text = number ? number : json_string_value(v);

	*ret_binary = text && str_ends_with(text, "i");
	return text && quantity_parse_milli(text, ret_milli);
}

struct quota_amounts quota_amounts_of(const json_t *map)
{
	struct quota_amounts a = { 0 };
	const char *name;
	json_t *v;

	json_object_foreach (json_unconst(map), name, v) {
		int64_t milli;
		bool binary;
		if (read_quantity(v, &milli, &binary))
			quota_amounts_add(&a, name, milli, binary);
	}
	return a;
}

const char *quota_amount_text(int64_t milli, bool binary, char ret[static QUOTA_TEXT_SIZE])
{
	static const char *const decimal[] = { "", "k", "M", "G", "T", "P", "E" };
	static const char *const powers[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	int64_t v = milli / MILLI, step = binary ? 1024 : 1000;
	size_t i = 0;

	if (milli % MILLI != 0) {
		snprintf(ret, QUOTA_TEXT_SIZE, "%" PRId64 "m", milli);
		return ret;
	}
	for (; v != 0 && v % step == 0 && i + 1 < ARRAY_SIZE(decimal); i++)
		v /= step;
	snprintf(ret, QUOTA_TEXT_SIZE, "%" PRId64 "%s", v, (binary ? powers : decimal)[i]);
	return ret;
}

/* ---- pods ---- */

/* What a container asks for: requests, and limits where there is no request. */
static struct quota_amounts requests_of(const json_t *container)
{
	struct quota_amounts requests = quota_amounts_of(json_at(container, "resources", "requests", NULL));
	struct quota_amounts limits = quota_amounts_of(json_at(container, "resources", "limits", NULL));

	for (size_t i = 0; i < limits.len; i++)
		if (!find(&requests, limits.list[i].name))
			quota_amounts_add(&requests, limits.list[i].name, limits.list[i].milli, limits.list[i].binary);
	quota_amounts_clear(&limits);
	return requests;
}

static struct quota_amounts limits_of(const json_t *container)
{
	return quota_amounts_of(json_at(container, "resources", "limits", NULL));
}

static void add_all(struct quota_amounts *to, const struct quota_amounts *from)
{
	for (size_t i = 0; i < from->len; i++)
		quota_amounts_add(to, from->list[i].name, from->list[i].milli, from->list[i].binary);
}

static void raise_to(struct quota_amounts *to, const struct quota_amounts *least)
{
	for (size_t i = 0; i < least->len; i++) {
		struct quota_amount *there = find(to, least->list[i].name);
		if (!there)
			quota_amounts_add(to, least->list[i].name, least->list[i].milli, least->list[i].binary);
		else if (there->milli < least->list[i].milli)
			there->milli = least->list[i].milli;
	}
}

/* Containers run together, init containers one after another before them; those that stay (sidecars) beside what
 * follows. */
static struct quota_amounts pod_total(const json_t *pod, struct quota_amounts (*of)(const json_t *container))
{
	const json_t *spec = kube_spec(pod);
	struct quota_amounts total = { 0 }, sidecars = { 0 }, peak = { 0 };
	size_t i;
	json_t *c;

	json_array_foreach (json_object_get(spec, "containers"), i, c) {
		struct quota_amounts one = of(c);
		add_all(&total, &one);
		quota_amounts_clear(&one);
	}
	json_array_foreach (json_object_get(spec, "initContainers"), i, c) {
		struct quota_amounts one = of(c);
		if (str_eq(json_get_str(c, "restartPolicy"), "Always")) {
			add_all(&sidecars, &one);
			add_all(&total, &one);
			raise_to(&peak, &sidecars);
		} else {
			add_all(&one, &sidecars);
			raise_to(&peak, &one);
		}
		quota_amounts_clear(&one);
	}
	raise_to(&total, &peak);
	struct quota_amounts overhead = quota_amounts_of(json_object_get(spec, "overhead"));
	for (size_t k = 0; k < overhead.len; k++)
		if (of == requests_of || find(&total, overhead.list[k].name))
			quota_amounts_add(&total, overhead.list[k].name, overhead.list[k].milli, overhead.list[k].binary);
	quota_amounts_clear(&overhead);
	quota_amounts_clear(&sidecars);
	quota_amounts_clear(&peak);
	return total;
}

static bool is_compute(const char *name)
{
	return str_in(name, (const char *const[]){ "cpu", "memory", "ephemeral-storage", NULL });
}

static void charge(struct quota_amounts *to, const char *prefix, const struct quota_amount *a)
{
	_cleanup_free_ char *name = xasprintf("%s%s", prefix, a->name);

	quota_amounts_add(to, name, a->milli, a->binary);
}

static void charge_pod_compute(const json_t *pod, struct quota_amounts *to)
{
	struct quota_amounts requests = pod_total(pod, requests_of), limits = pod_total(pod, limits_of);

	for (size_t i = 0; i < requests.len; i++) {
		const struct quota_amount *a = &requests.list[i];
		if (is_compute(a->name) || str_starts_with(a->name, "hugepages-"))
			charge(to, "", a);
		charge(to, "requests.", a);
	}
	for (size_t i = 0; i < limits.len; i++)
		if (is_compute(limits.list[i].name))
			charge(to, "limits.", &limits.list[i]);
	quota_amounts_clear(&requests);
	quota_amounts_clear(&limits);
}

/* Over, or on its way out with no time left. */
static bool is_over(const json_t *pod)
{
	const char *phase = json_str_at(pod, "status", "phase", NULL);

	return str_eq(phase, "Failed") || str_eq(phase, "Succeeded") ||
	       (kube_is_deleting(pod) && json_get_int(kube_meta(pod), "deletionGracePeriodSeconds", -1) == 0);
}

static void measure_pod(const json_t *pod, struct quota_amounts *to)
{
	quota_amounts_add(to, "count/pods", MILLI, false);
	if (is_over(pod))
		return;
	quota_amounts_add(to, "pods", MILLI, false);
	charge_pod_compute(pod, to);
}

static bool asks_for_cpu_or_memory(const json_t *containers)
{
	static const char *const kinds[] = { "requests", "limits" };
	size_t i;
	json_t *c;

	json_array_foreach (containers, i, c)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			struct quota_amounts a = quota_amounts_of(json_at(c, "resources", kinds[k], NULL));
			const struct quota_amount *cpu = find(&a, "cpu"), *memory = find(&a, "memory");
			bool asks = (cpu && cpu->milli > 0) || (memory && memory->milli > 0);
			quota_amounts_clear(&a);
			if (asks)
				return true;
		}
	return false;
}

static bool terms_cross(const json_t *terms, bool weighted)
{
	size_t i;
	json_t *t;

	json_array_foreach (terms, i, t) {
		const json_t *term = weighted ? json_object_get(t, "podAffinityTerm") : t;
		if (json_array_size(json_object_get(term, "namespaces")) > 0 ||
		    json_is_object(json_object_get(term, "namespaceSelector")))
			return true;
	}
	return false;
}

static bool affinity_crosses(const json_t *affinity)
{
	return terms_cross(json_object_get(affinity, "requiredDuringSchedulingIgnoredDuringExecution"), false) ||
	       terms_cross(json_object_get(affinity, "preferredDuringSchedulingIgnoredDuringExecution"), true);
}

static struct quota_traits traits_of_pod(const json_t *pod)
{
	const json_t *spec = kube_spec(pod);
	const char *class = json_get_str(spec, "priorityClassName");

	return (struct quota_traits){
		.pod = true,
		.terminating = json_get_int(spec, "activeDeadlineSeconds", -1) >= 0,
		.best_effort = !asks_for_cpu_or_memory(json_object_get(spec, "containers")) &&
		               !asks_for_cpu_or_memory(json_object_get(spec, "initContainers")),
		.cross_namespace = affinity_crosses(json_at(spec, "affinity", "podAffinity", NULL)) ||
		                   affinity_crosses(json_at(spec, "affinity", "podAntiAffinity", NULL)),
		.priority_class = xstrdup(class ? class : ""),
	};
}

/* ---- what a pod must say ---- */

/* "limits.cpu" is what a container says as limits.cpu; "cpu" and "requests.cpu" as requests.cpu. */
static bool container_says(const json_t *container, const char *name)
{
	const char *limit = str_after(name, "limits."), *request = str_after(name, "requests.");
	struct quota_amounts a = limit ? limits_of(container) : requests_of(container);
	bool says = find(&a, limit ? limit : request ? request : name);

	quota_amounts_clear(&a);
	return says;
}

/* Names of containers that do not say it, sorted; NULL: none. */
static char *silent_containers(const json_t *pod, const char *name)
{
	static const char *const lists[] = { "containers", "initContainers" };
	_cleanup_strv_ char **names = NULL;
	size_t i;
	json_t *c;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		json_array_foreach (json_object_get(kube_spec(pod), lists[k]), i, c)
			if (!container_says(c, name))
				strv_push(&names, json_get_str(c, "name") ? json_get_str(c, "name") : "");
	if (!names)
		return NULL;
	strv_sort(names);
	return strv_join(names, ",");
}

char *quota_pod_lacks(const json_t *pod, const struct quota_amounts *hard)
{
	static const char *const checked[] = { "cpu",    "limits.cpu",   "limits.memory",
		                                   "memory", "requests.cpu", "requests.memory" };
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < ARRAY_SIZE(checked); i++) {
		_cleanup_free_ char *who = find(hard, checked[i]) ? silent_containers(pod, checked[i]) : NULL;
		if (who)
			buf_printf(&text, "%s%s for: %s", text.len ? "; " : "must specify ", checked[i], who);
	}
	return text.len ? buf_steal(&text) : NULL;
}

/* ---- services and claims ---- */

static void measure_service(const json_t *service, struct quota_amounts *to)
{
	const json_t *spec = kube_spec(service), *ports = json_object_get(spec, "ports");
	const char *type = json_get_str(spec, "type");
	int64_t node_ports = (int64_t)json_array_size(ports);
	size_t i;
	json_t *p;

	quota_amounts_add(to, "count/services", MILLI, false);
	quota_amounts_add(to, "services", MILLI, false);
	if (str_eq(type, "LoadBalancer")) {
		quota_amounts_add(to, "services.loadbalancers", MILLI, false);
		if (!json_get_bool(spec, "allocateLoadBalancerNodePorts", true)) {
			node_ports = 0;
			json_array_foreach (ports, i, p)
				node_ports += json_get_int(p, "nodePort", 0) != 0;
		}
	} else if (!str_eq(type, "NodePort")) {
		return;
	}
	quota_amounts_add(to, "services.nodeports", node_ports * MILLI, false);
}

static void measure_claim(const json_t *claim, struct quota_amounts *to)
{
	const json_t *spec = kube_spec(claim), *storage = json_at(spec, "resources", "requests", "storage", NULL);
	const char *class = json_get_str(spec, "storageClassName");
	int64_t milli = 0;
	bool binary = false;

	quota_amounts_add(to, "count/persistentvolumeclaims", MILLI, false);
	quota_amounts_add(to, "persistentvolumeclaims", MILLI, false);
	if (read_quantity(storage, &milli, &binary))
		quota_amounts_add(to, "requests.storage", milli, binary);
	if (str_empty(class))
		return;
	_cleanup_free_ char *claims = xasprintf("%s.storageclass.storage.k8s.io/persistentvolumeclaims", class);
	_cleanup_free_ char *bytes = xasprintf("%s.storageclass.storage.k8s.io/requests.storage", class);
	quota_amounts_add(to, claims, MILLI, false);
	if (storage)
		quota_amounts_add(to, bytes, milli, binary);
}

/* ---- any object ---- */

bool quota_is_measured(const char *resource)
{
	return strcmp(resource, PODS) == 0 || strcmp(resource, SERVICES) == 0 || strcmp(resource, CLAIMS) == 0;
}

void quota_usage_of(const char *resource, const json_t *obj, struct quota_usage *ret)
{
	*ret = (struct quota_usage){ 0 };
	if (strcmp(resource, PODS) == 0) {
		measure_pod(obj, &ret->amounts);
		ret->traits = traits_of_pod(obj);
	} else if (strcmp(resource, SERVICES) == 0) {
		measure_service(obj, &ret->amounts);
	} else if (strcmp(resource, CLAIMS) == 0) {
		measure_claim(obj, &ret->amounts);
	}
}

void quota_usage_clear(struct quota_usage *u)
{
	quota_amounts_clear(&u->amounts);
	free(u->traits.priority_class);
	*u = (struct quota_usage){ 0 };
}

char *quota_counted_resource(const char *name)
{
	static const char *const old_names[] = { "configmaps", "secrets", "resourcequotas", "replicationcontrollers",
		                                     NULL };
	const char *counted = str_after(name, "count/"), *dot = counted ? strchr(counted, '.') : NULL;
	char *resource = NULL;

	if (dot)
		resource = xasprintf("%s/%.*s", dot + 1, (int)(dot - counted), counted);
	else if (counted)
		resource = xasprintf("/%s", counted);
	else if (str_in(name, old_names))
		resource = xasprintf("/%s", name);
	if (resource && quota_is_measured(resource)) {
		free(resource);
		return NULL;
	}
	return resource;
}
