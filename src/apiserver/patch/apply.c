/* Server-side apply (KEP-555), after k8s.io/apimachinery's managedfields and sigs.k8s.io/structured-merge-diff. */
#include "apply.h"

#include "base/buf.h"
#include "base/str.h"
#include "managed_fields.h"
#include "schema/schema_internal.h"

#include <string.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define BEFORE_FIRST_APPLY "before-first-apply"
#define CONFLICT_LINES_MAX 200
#define ANNOTATIONS_MAX ((size_t)256 * 1024) /* Kubernetes' limit */

/* One apply under way. */
struct apply {
	const struct apply_request *request;
	const json_t *live;   /* without managedFields */
	const json_t *config;
	struct managed managed;
	json_t *merged;
};

static json_t *without_managed_fields(const json_t *obj)
{
	json_t *copy = json_clone(obj);

	json_object_del(json_object_get(copy, "metadata"), "managedFields");
	return copy;
}

/* ---- conflicts ---- */

struct conflict {
	const struct managed_entry *owner;
	struct field_set *fields;
};

static char *owner_text(const struct managed_entry *e)
{
	struct buf out = BUF_INIT(4096);
	_cleanup_json_ json_t *manager = json_string_lossy(e->manager, strlen(e->manager));
	_cleanup_free_ char *shown = schema_show(manager);

	buf_puts(&out, shown);
	if (*e->subresource)
		buf_printf(&out, " with subresource \"%s\"", e->subresource);
	if (!e->applied)
		buf_printf(&out, " using %s", e->api_version);
	return buf_steal(&out);
}

struct report {
	struct err *err;
	struct buf *lines;
	const char *owner;
	size_t total, said;
};

static void count_path(void *self, const char *path)
{
	struct report *r = self;

	(void)path;
	r->total++;
}

static void report_path(void *self, const char *path)
{
	struct report *r = self;

	if (r->total == 1)
		buf_printf(r->lines, "conflict with %s: %s", r->owner, path);
	else if (r->said++ < CONFLICT_LINES_MAX)
		buf_printf(r->lines, "\n- %s", path);
	err_add_cause(r->err, "FieldManagerConflict", path, "conflict with %s", r->owner);
}

static int conflict_order(const void *a, const void *b)
{
	return strcmp(((const struct conflict *)a)->owner->manager, ((const struct conflict *)b)->owner->manager);
}

static int conflict_error(struct conflict *conflicts, size_t len, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(JSON_TEXT_MAX);
	_cleanup_err_ struct err causes = { 0 };
	struct report r = { .err = &causes, .lines = &text };

	qsort(conflicts, len, sizeof(*conflicts), conflict_order);
	for (size_t i = 0; i < len; i++)
		field_set_each(conflicts[i].fields, count_path, &r);
	err_set(&causes, ERR_CONFLICT, "conflicts");
	for (size_t i = 0; i < len; i++) {
		_cleanup_free_ char *owner = owner_text(conflicts[i].owner);
		r.owner = owner;
		if (r.total > 1)
			buf_printf(&text, "%sconflicts with %s:", text.len ? "\n" : "", owner);
		field_set_each(conflicts[i].fields, report_path, &r);
	}
	err_set(err, ERR_CONFLICT, "Apply failed with %zu conflict%s: %s", r.total, r.total == 1 ? "" : "s", buf_str(&text));
	for (size_t i = 0; i < causes.causes_len; i++)
		err_add_cause(err, causes.causes[i].reason, causes.causes[i].field, "%s", causes.causes[i].message);
	return -1;
}

/* The fields that kubectl's client-side apply set and nobody changed since: its server-side apply may take them over. */
static struct field_set *last_applied_fields(const struct apply *a)
{
	const struct schema *schema = a->request->schema;
	const char *text = json_str_at(a->live, "metadata", "annotations", LAST_APPLIED, NULL);
	_cleanup_json_ json_t *last = str_empty(text) ? NULL : json_parse(text, strlen(text), 0, NULL);
	struct field_comparison c;

	if (!json_is_object(last) || !str_eq(json_get_str(last, "apiVersion"), a->request->api_version))
		return field_set_new();
	field_compare(schema, last, a->live, &c);
	_cleanup_(field_set_freep) struct field_set *all = field_set_of_all(schema, last);
	_cleanup_(field_set_freep) struct field_set *same = field_set_difference(all, c.modified);
	_cleanup_(field_set_freep) struct field_set *kept = field_set_difference(same, c.added);
	struct field_set *allowed = field_set_difference(kept, c.removed);
	field_comparison_clear(&c);
	return allowed;
}

/* The fields of other managers that the apply changes; len 0: none. */
static struct conflict *find_conflicts(const struct apply *a, const struct managed_entry *self, const struct field_comparison *c,
                                       size_t *ret_len)
{
	struct conflict *conflicts = xcalloc(a->managed.len, sizeof(*conflicts));
	_cleanup_(field_set_freep) struct field_set *changed = field_set_union(c->modified, c->added);
	_cleanup_(field_set_freep) struct field_set *allowed =
	        strcmp(a->request->manager, "kubectl") == 0 ? last_applied_fields(a) : field_set_new();
	size_t len = 0;

	for (size_t i = 0; i < a->managed.len; i++) {
		const struct managed_entry *e = &a->managed.entries[i];
		if (e == self)
			continue;
		_cleanup_(field_set_freep) struct field_set *both = field_set_intersection(e->set, changed);
		struct field_set *rest = field_set_difference(both, allowed);
		if (field_set_is_empty(rest))
			field_set_free(rest);
		else
			conflicts[len++] = (struct conflict){ .owner = e, .fields = rest };
	}
	*ret_len = len;
	return conflicts;
}

static int take_over(struct apply *a, const struct managed_entry *self, struct err *err)
{
	struct field_comparison c;
	size_t len = 0;
	int r = 0;

	field_compare(a->request->schema, a->live, a->merged, &c);
	managed_filter(a->request, &c);
	if (!a->request->force) {
		struct conflict *conflicts = find_conflicts(a, self, &c, &len);
		if (len > 0)
			r = conflict_error(conflicts, len, err);
		for (size_t i = 0; i < len; i++)
			field_set_free(conflicts[i].fields);
		free(conflicts);
	}
	if (r == 0)
		managed_yield(&a->managed, self, &c);
	field_comparison_clear(&c);
	return r;
}

/* ---- removal of what is no longer applied ---- */

static struct field_set *named_fields(const struct schema *schema, const json_t *obj)
{
	_cleanup_(field_set_freep) struct field_set *all = field_set_of_all(schema, obj);

	return field_set_with_named(all, schema);
}

static json_t *remove_from(const struct schema *schema, const json_t *obj, const struct field_set *set)
{
	json_t *rest = field_remove(schema, obj, set);

	return rest ? rest : json_object();
}

/* What all managers own, with the declared fields above it. */
static struct field_set *owned_by_any(const struct apply *a)
{
	_cleanup_(field_set_freep) struct field_set *all = field_set_new();

	for (size_t i = 0; i < a->managed.len; i++) {
		struct field_set *more = field_set_union(all, a->managed.entries[i].set);
		field_set_free(all);
		all = more;
	}
	return field_set_with_named(all, a->request->schema);
}

/* Removes from merged what the manager applied last time (last) and nobody owns now: all of last goes, then what is owned
 * comes back, then what was not the manager's to remove. */
static void prune(struct apply *a, const struct field_set *last)
{
	const struct schema *schema = a->request->schema;
	_cleanup_(field_set_freep) struct field_set *last_named = field_set_with_named(last, schema);
	_cleanup_(field_set_freep) struct field_set *merged_set = named_fields(schema, a->merged);
	_cleanup_(field_set_freep) struct field_set *owned = owned_by_any(a);

	if (field_set_is_empty(last))
		return;
	_cleanup_json_ json_t *pruned = remove_from(schema, a->merged, last_named);
	_cleanup_(field_set_freep) struct field_set *pruned_set = named_fields(schema, pruned);
	_cleanup_(field_set_freep) struct field_set *kept = field_set_union(pruned_set, owned);
	_cleanup_(field_set_freep) struct field_set *gone = field_set_difference(merged_set, kept);
	_cleanup_json_ json_t *restored = remove_from(schema, a->merged, gone);
	_cleanup_(field_set_freep) struct field_set *restored_set = named_fields(schema, restored);
	_cleanup_(field_set_freep) struct field_set *missing = field_set_difference(merged_set, restored_set);
	_cleanup_(field_set_freep) struct field_set *ours = field_set_intersection(missing, last_named);
	json_t *result = remove_from(schema, a->merged, ours);
	json_decref(a->merged);
	a->merged = result;
}

/* ---- the whole ---- */

static int check_config(const struct apply *a, struct err *err)
{
	const char *version = json_get_str(a->config, "apiVersion");
	const json_t *meta = json_object_get(a->config, "metadata");
	_cleanup_err_ struct err why = { 0 };

	if (version && strcmp(version, a->request->api_version) != 0)
		return err_set(err, ERR_BAD_REQUEST,
		               "Incorrect version specified in apply patch. Specified patch version: %s, expected: %s", version,
		               a->request->api_version);
	if (json_object_get(meta, "managedFields") && !json_is_null(json_object_get(meta, "managedFields")))
		return err_set(err, ERR_BAD_REQUEST, "metadata.managedFields must be nil");
	if (field_check_applied(a->request->schema, a->config, &why) < 0) {
		const char *ns = json_get_str(meta, "namespace"), *name = json_get_str(meta, "name");
		return err_set(err, ERR_BAD_REQUEST, "failed to create typed patch object (%s/%s; %s, Kind=%s): %s", ns ? ns : "",
		               name ? name : "", a->request->api_version,
		               json_get_str(a->config, "kind") ? json_get_str(a->config, "kind") : "", err_message(&why));
	}
	return 0;
}

static size_t annotations_size(json_t *annotations)
{
	size_t total = 0;
	const char *key;
	json_t *v;

	json_object_foreach(annotations, key, v)
		total += strlen(key) + json_string_length(v);
	return total;
}

/* kubectl's own annotation follows its server-side apply, so that both ways can be mixed. */
static void update_last_applied(struct apply *a)
{
	json_t *annotations = json_at(a->merged, "metadata", "annotations", NULL);

	if (strcmp(a->request->manager, "kubectl") != 0 || str_empty(json_get_str(annotations, LAST_APPLIED)))
		return;
	_cleanup_json_ json_t *config = json_clone(a->config);
	json_object_del(json_at(config, "metadata", "annotations", NULL), LAST_APPLIED);
	_cleanup_free_ char *text = json_canonical(config);
	json_put(annotations, LAST_APPLIED, json_strf("%s\n", text));
	if (annotations_size(annotations) > ANNOTATIONS_MAX)
		json_object_del(annotations, LAST_APPLIED);
}

static int run(struct apply *a, struct err *err)
{
	const struct apply_request *request = a->request;

	if (check_config(a, err) < 0)
		return -1;
	if (a->managed.len == 0)
		managed_update(&a->managed, request, BEFORE_FIRST_APPLY, NULL, a->live);
	managed_reconcile(&a->managed, request->schema);
	a->merged = field_merge(request->schema, a->live, a->config);
	struct managed_entry *self = managed_ensure(&a->managed, request, request->manager, true);
	_cleanup_(field_set_freep) struct field_set *last = TAKE_PTR(self->set);
	_cleanup_(field_set_freep) struct field_set *applied = field_set_of_all(request->schema, a->config);
	self->set = managed_filter_set(request, applied);
	prune(a, last);
	if (take_over(a, self, err) < 0)
		return -1;
	field_set_strip(self->set);
	if (!json_same(a->live, a->merged) || !field_set_equal(self->set, last))
		managed_set_time(self, request->now_wall_ns);
	update_last_applied(a);
	managed_encode(&a->managed, a->merged);
	return 0;
}

int apply_server_side(const struct apply_request *request, const json_t *live, const json_t *config, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *clean = without_managed_fields(live), *wanted = json_clone(config);
	struct apply a = { .request = request, .live = clean, .config = wanted };
	json_t *meta = json_object_get(wanted, "metadata");

	/* kubectl writes creationTimestamp: null; it means nothing. */
	if (json_is_null(json_object_get(meta, "creationTimestamp")))
		json_object_del(meta, "creationTimestamp");
	managed_decode(live, &a.managed);
	int r = run(&a, err);
	managed_clear(&a.managed);
	if (r == 0)
		*ret = a.merged;
	else
		json_decref(a.merged);
	return r;
}

/* An empty list, or one with an empty entry, asks to forget all owners. */
static bool is_reset(const json_t *fields)
{
	return json_is_array(fields) && (json_array_size(fields) == 0 ||
	                                 (json_array_size(fields) == 1 && json_object_size(json_array_get(fields, 0)) == 0 &&
	                                  json_is_object(json_array_get(fields, 0))));
}

int managed_fields_update(const struct apply_request *request, const json_t *old, json_t *updated, struct err *err)
{
	struct managed m = { 0 };
	bool reset = false;

	(void)err;
	/* Through a subresource the list cannot be set. */
	if (!*request->subresource) {
		reset = is_reset(json_at(updated, "metadata", "managedFields", NULL));
		if (!reset)
			managed_decode(updated, &m);
	}
	if (m.len == 0 && !reset && old)
		managed_decode(old, &m);
	json_object_del(json_object_get(updated, "metadata"), "managedFields");
	/* An object that nobody is known to own stays like that until it is applied to. */
	if (m.len > 0 || !old)
		managed_update(&m, request, request->manager, old ? old : request->fresh, updated);
	managed_encode(&m, updated);
	managed_clear(&m);
	return 0;
}
