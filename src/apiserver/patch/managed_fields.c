#include "managed_fields.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define UPDATE_MANAGERS_MAX 10
#define OLD_UPDATES "ancient-changes"

void managed_entry_clear(struct managed_entry *e)
{
	free(e->manager);
	free(e->api_version);
	free(e->subresource);
	free(e->time);
	field_set_free(e->set);
	*e = (struct managed_entry){ 0 };
}

void managed_clear(struct managed *m)
{
	for (size_t i = 0; i < m->len; i++)
		managed_entry_clear(&m->entries[i]);
	free(m->entries);
	*m = (struct managed){ 0 };
}

static bool is_of_request(const struct apply_request *request, const char *api_version)
{
	return !request->versions || strcmp(request->api_version, api_version) == 0;
}

static struct managed_entry *lookup(const struct managed *m, const char *manager, bool applied, const char *api_version,
                                    const char *subresource)
{
	for (size_t i = 0; i < m->len; i++) {
		struct managed_entry *e = &m->entries[i];
		/* An applier stays the same one from version to version. */
		if (e->applied == applied && strcmp(e->manager, manager) == 0 && strcmp(e->subresource, subresource) == 0 &&
		    (applied || strcmp(e->api_version, api_version) == 0))
			return e;
	}
	return NULL;
}

static struct managed_entry *append(struct managed *m, const char *manager, bool applied, const char *api_version,
                                    const char *subresource)
{
	m->entries = xreallocarray(m->entries, m->len + 1, sizeof(*m->entries));
	m->entries[m->len] = (struct managed_entry){
		.manager = xstrdup(manager),
		.api_version = xstrdup(api_version),
		.subresource = xstrdup(subresource),
		.applied = applied,
		.set = field_set_new(),
	};
	return &m->entries[m->len++];
}

static bool decode_entry(const json_t *v, struct managed *m)
{
	const char *operation = json_get_str(v, "operation"), *api_version = json_get_str(v, "apiVersion");
	const char *manager = json_get_str(v, "manager"), *subresource = json_get_str(v, "subresource");
	const json_t *fields = json_object_get(v, "fieldsV1");
	bool applied = str_eq(operation, "Apply");

	if ((!applied && !str_eq(operation, "Update")) || str_empty(api_version) ||
	    !str_eq(json_get_str(v, "fieldsType"), "FieldsV1"))
		return false;
	struct field_set *set = json_is_object(fields) ? field_set_from_v1(fields, NULL) : field_set_new();
	if (!set)
		return false;
	manager = manager ? manager : "";
	subresource = subresource ? subresource : "";
	struct managed_entry *e = lookup(m, manager, applied, api_version, subresource);
	if (!e)
		e = append(m, manager, applied, api_version, subresource);
	field_set_free(e->set);
	e->set = set;
	free(e->time);
	e->time = xstrdup_or_null(json_get_str(v, "time"));
	return true;
}

bool managed_decode(const json_t *obj, struct managed *ret)
{
	const json_t *list = json_at(obj, "metadata", "managedFields", NULL);
	struct managed m = { 0 };
	size_t i;
	json_t *v;
	bool good = json_array_size(list) <= MANAGED_ENTRIES_MAX;

	*ret = m;
	json_array_foreach (list, i, v) {
		good = good && decode_entry(v, &m);
		if (!good)
			break;
	}
	if (good)
		*ret = m;
	else
		managed_clear(&m);
	return good;
}

static int64_t seconds_of(const char *time)
{
	int64_t ns;

	return time && rfc3339_parse(time, &ns) ? ns / NS_PER_S : 0;
}

int managed_identity_order(const struct managed_entry *x, const struct managed_entry *y)
{
	int order = strcmp(x->manager, y->manager);

	if (order == 0 && x->applied != y->applied)
		return x->applied ? -1 : 1;
	if (order == 0)
		order = strcmp(x->api_version, y->api_version);
	return order ? order : strcmp(x->subresource, y->subresource);
}

/* Applies first, then by time and identity. */
static int entry_order(const void *a, const void *b)
{
	const struct managed_entry *x = a, *y = b;
	int64_t x_s = seconds_of(x->time), y_s = seconds_of(y->time);

	if (x->applied != y->applied)
		return x->applied ? -1 : 1;
	if (x_s != y_s)
		return x_s < y_s ? -1 : 1;
	return managed_identity_order(x, y);
}

static json_t *encode_entry(const struct managed_entry *e)
{
	json_t *v = json_object();

	if (*e->manager)
		json_put_str(v, "manager", e->manager);
	json_put_str(v, "operation", e->applied ? "Apply" : "Update");
	json_put_str(v, "apiVersion", e->api_version);
	json_put_str(v, "time", e->time);
	json_put_str(v, "fieldsType", "FieldsV1");
	json_put(v, "fieldsV1", field_set_to_v1(e->set));
	if (*e->subresource)
		json_put_str(v, "subresource", e->subresource);
	return v;
}

void managed_encode(struct managed *m, json_t *obj)
{
	json_t *meta = json_ensure_object(obj, "metadata");

	managed_drop_empty(m);
	if (m->len == 0) {
		json_object_del(meta, "managedFields");
		return;
	}
	qsort(m->entries, m->len, sizeof(*m->entries), entry_order);
	json_t *list = json_array();
	for (size_t i = 0; i < m->len; i++)
		json_array_append_new(list, encode_entry(&m->entries[i]));
	json_put(meta, "managedFields", list);
}

struct managed_entry *managed_find(const struct managed *m, const struct apply_request *request, const char *manager,
                                   bool applied)
{
	return lookup(m, manager, applied, request->api_version, request->subresource);
}

struct managed_entry *managed_ensure(struct managed *m, const struct apply_request *request, const char *manager,
                                     bool applied)
{
	struct managed_entry *e = managed_find(m, request, manager, applied);

	if (!e)
		return append(m, manager, applied, request->api_version, request->subresource);
	if (strcmp(e->api_version, request->api_version) != 0) {
		free(e->api_version);
		e->api_version = xstrdup(request->api_version);
	}
	return e;
}

static void remove_entry(struct managed *m, size_t i)
{
	managed_entry_clear(&m->entries[i]);
	memmove(&m->entries[i], &m->entries[i + 1], (m->len - i - 1) * sizeof(*m->entries));
	m->len--;
}

void managed_drop_empty(struct managed *m)
{
	for (size_t i = m->len; i-- > 0;)
		if (field_set_is_empty(m->entries[i].set))
			remove_entry(m, i);
}

void managed_reconcile(struct managed *m, const struct apply_request *request)
{
	for (size_t i = m->len; i-- > 0;) {
		const struct schema *schema = request->schema;
		struct managed_entry *e = &m->entries[i];
		if (is_of_request(request, e->api_version) ||
		    request->versions->schema(request->versions->self, e->api_version, &schema))
			field_set_reconcile(e->set, schema);
		else
			remove_entry(m, i);
	}
}

static void subtract(struct managed_entry *e, const struct field_set *s)
{
	if (!s || !field_set_meets(e->set, s))
		return;
	struct field_set *rest = field_set_difference(e->set, s);
	field_set_free(e->set);
	e->set = rest;
}

void managed_yield(struct managed *m, const struct managed_entry *self, struct managed_changes *c)
{
	for (size_t i = 0; i < m->len; i++) {
		if (&m->entries[i] == self)
			continue;
		const struct field_comparison *changes = managed_changes_in(c, m->entries[i].api_version);
		subtract(&m->entries[i], changes->modified);
		subtract(&m->entries[i], changes->added);
		subtract(&m->entries[i], changes->removed);
	}
}

void managed_set_time(struct managed_entry *e, int64_t wall_ns)
{
	char text[RFC3339_SIZE];

	free(e->time);
	e->time = xstrdup(rfc3339_format(wall_ns, text));
}

struct field_set *managed_filter_set(const struct apply_request *request, const struct field_set *s)
{
	static const char *const of_main[] = { "apiVersion", "kind", "metadata", "spec", NULL };

	if (strcmp(request->subresource, "status") == 0)
		return field_set_drop_top(s, of_main);
	return request->has_status ? field_set_drop_top(s, (const char *const[]){ "status", NULL }) : field_set_copy(s);
}

static int oldest_update(const void *a, const void *b)
{
	const struct managed_entry *x = *(struct managed_entry *const *)a, *y = *(struct managed_entry *const *)b;
	int64_t x_s = seconds_of(x->time), y_s = seconds_of(y->time);

	if (x_s != y_s)
		return x_s < y_s ? -1 : 1;
	return managed_identity_order(x, y);
}

/* Makes an entry the bucket of old updates. */
static void become_bucket(struct managed_entry *e)
{
	free(e->manager);
	e->manager = xstrdup(OLD_UPDATES);
	free(e->subresource);
	e->subresource = xstrdup("");
}

/* Where the update i (in the order of age) of the oldest ones goes: to the bucket of its version, or else to the first
 * of it. */
static struct managed_entry *bucket_for(struct managed_entry **updates, size_t len, size_t i)
{
	struct managed_entry *first = NULL;

	for (size_t k = 0; k < len; k++) {
		struct managed_entry *e = updates[k];
		if (k == i || !e->set || strcmp(e->api_version, updates[i]->api_version) != 0)
			continue;
		if (strcmp(e->manager, OLD_UPDATES) == 0 && !*e->subresource)
			return e;
		if (k < i && !first)
			first = e;
	}
	return first;
}

/* Puts the oldest updates of each version together until there are few enough. */
static void cap_updates(struct managed *m)
{
	size_t len = 0, left;

	for (size_t i = 0; i < m->len; i++)
		len += !m->entries[i].applied;
	if (len <= UPDATE_MANAGERS_MAX)
		return;
	struct managed_entry **updates = xcalloc(len, sizeof(*updates));
	len = 0;
	for (size_t i = 0; i < m->len; i++)
		if (!m->entries[i].applied)
			updates[len++] = &m->entries[i];
	qsort(updates, len, sizeof(*updates), oldest_update);
	left = len;
	for (size_t i = 0; i < len && left > UPDATE_MANAGERS_MAX; i++) {
		struct managed_entry *e = updates[i], *bucket = bucket_for(updates, len, i);
		if (!bucket || (strcmp(e->manager, OLD_UPDATES) == 0 && !*e->subresource))
			continue;
		become_bucket(bucket);
		bucket->set = field_set_join(bucket->set, TAKE_PTR(e->set));
		free(bucket->time);
		bucket->time = TAKE_PTR(e->time);
		left--;
	}
	free(updates);
	managed_drop_empty(m);
}

void managed_update(struct managed *m, const struct apply_request *request, const char *manager, const json_t *old,
                    const json_t *obj)
{
	struct managed_changes c;

	managed_reconcile(m, request);
	managed_changes_init(&c, request, old ? old : request->fresh, obj);
	managed_yield(m, NULL, &c);
	managed_drop_empty(m);
	struct field_comparison *own = &c.views[0].changes;
	struct field_set *set = field_set_join(TAKE_PTR(own->added), TAKE_PTR(own->modified));
	managed_changes_done(&c);
	field_set_strip(set);
	if (!field_set_is_empty(set)) {
		struct managed_entry *e = managed_ensure(m, request, manager, false);
		e->set = field_set_join(e->set, set);
		managed_set_time(e, request->now_wall_ns);
	} else {
		field_set_free(set);
	}
	cap_updates(m);
}
