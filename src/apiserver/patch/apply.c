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
	const json_t *live; /* without managedFields */
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

/* Kubernetes sorts the texts of their identities in JSON: of updates the time is a part, and whoever has a subresource
 * goes before who has none. */
static int conflict_order(const void *a, const void *b)
{
	const struct managed_entry *x = ((const struct conflict *)a)->owner, *y = ((const struct conflict *)b)->owner;
	int order = strcmp(x->manager, y->manager);

	if (order == 0 && !x->applied && !y->applied)
		order = strcmp(x->api_version, y->api_version);
	if (order == 0 && !x->applied && !y->applied)
		order = strcmp(x->time ? x->time : "", y->time ? y->time : "");
	if (order == 0 && x->applied == y->applied && !*x->subresource != !*y->subresource)
		return *x->subresource ? -1 : 1;
	return order ? order : managed_identity_order(x, y);
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
	err_set(err, ERR_CONFLICT, "Apply failed with %zu conflict%s: %s", r.total, r.total == 1 ? "" : "s",
	        buf_str(&text));
	for (size_t i = 0; i < causes.causes_len; i++)
		err_add_cause(err, causes.causes[i].reason, causes.causes[i].field, "%s", causes.causes[i].message);
	return -1;
}

/* The fields that kubectl's client-side apply set and nobody changed since: its server-side apply may take them over.
 */
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
static struct conflict *find_conflicts(const struct apply *a, const struct managed_entry *self,
                                       struct managed_changes *c, size_t *ret_len)
{
	struct conflict *conflicts = xcalloc(a->managed.len, sizeof(*conflicts));
	_cleanup_(field_set_freep) struct field_set *allowed = strcmp(a->request->manager, "kubectl") == 0
	                                                           ? last_applied_fields(a)
	                                                           : field_set_new();
	size_t len = 0;

	for (size_t i = 0; i < a->managed.len; i++) {
		const struct managed_entry *e = &a->managed.entries[i];
		if (e == self)
			continue;
		const struct field_comparison *changes = managed_changes_in(c, e->api_version);
		_cleanup_(field_set_freep) struct field_set *changed = field_set_union(changes->modified, changes->added);
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
	struct managed_changes c;
	size_t len = 0;
	int r = 0;

	managed_changes_init(&c, a->request, a->live, a->merged);
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
	managed_changes_done(&c);
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

/* An object in one of the versions. */
struct versioned {
	const char *api_version; /* borrowed */
	const struct schema *schema;
	json_t *obj;
};

static void versioned_clear(struct versioned *v)
{
	json_decref(v->obj);
	v->obj = NULL;
}
#define _cleanup_versioned_ _cleanup_(versioned_clear)

/* False when there is no such version. */
static bool in_version(const struct apply *a, const json_t *obj, const char *from, const char *to,
                       struct versioned *ret)
{
	ret->api_version = to;
	return managed_convert(a->request, obj, from, to, &ret->obj, &ret->schema);
}

/* What all managers own through one version, with the declared fields above it. */
static struct field_set *owned_in(const struct apply *a, const char *api_version, const struct schema *schema)
{
	_cleanup_(field_set_freep) struct field_set *all = field_set_new();

	for (size_t i = 0; i < a->managed.len; i++) {
		if (a->request->versions && strcmp(a->managed.entries[i].api_version, api_version) != 0)
			continue;
		struct field_set *more = field_set_union(all, a->managed.entries[i].set);
		field_set_free(all);
		all = more;
	}
	return field_set_with_named(all, schema);
}

/* merged and pruned become what they are in api_version; what somebody owns there comes back into pruned. */
static void restore_owned(const struct apply *a, struct versioned *merged, struct versioned *pruned,
                          const char *api_version)
{
	struct versioned whole = { 0 }, part = { 0 };

	if (!in_version(a, merged->obj, merged->api_version, api_version, &whole))
		return;
	if (!in_version(a, pruned->obj, pruned->api_version, api_version, &part)) {
		versioned_clear(&whole);
		return;
	}
	_cleanup_(field_set_freep) struct field_set *whole_set = named_fields(whole.schema, whole.obj);
	_cleanup_(field_set_freep) struct field_set *part_set = named_fields(part.schema, part.obj);
	_cleanup_(field_set_freep) struct field_set *owned = owned_in(a, api_version, whole.schema);
	_cleanup_(field_set_freep) struct field_set *kept = field_set_union(part_set, owned);
	_cleanup_(field_set_freep) struct field_set *gone = field_set_difference(whole_set, kept);
	versioned_clear(merged);
	versioned_clear(pruned);
	versioned_clear(&part);
	*merged = whole;
	*pruned = whole;
	pruned->obj = remove_from(whole.schema, whole.obj, gone);
}

/* For the version of the last apply first, so that what other versions need for their conversion is there again. */
static void restore_owned_everywhere(const struct apply *a, const struct versioned *merged, struct versioned *pruned)
{
	_cleanup_versioned_ struct versioned whole = *merged;
	const char *first = merged->api_version;

	json_incref(whole.obj);
	restore_owned(a, &whole, pruned, first);
	for (size_t i = 0; a->request->versions && i < a->managed.len; i++) {
		const char *version = a->managed.entries[i].api_version;
		bool seen = strcmp(version, first) == 0;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(a->managed.entries[k].api_version, version) == 0;
		if (!seen)
			restore_owned(a, &whole, pruned, version);
	}
}

/* What was not the manager's to remove comes back too: of merged, goes what pruned lacks and the manager applied last
 * time. */
static json_t *restore_dangling(const struct versioned *merged, const json_t *pruned,
                                const struct field_set *last_named)
{
	_cleanup_(field_set_freep) struct field_set *merged_set = named_fields(merged->schema, merged->obj);
	_cleanup_(field_set_freep) struct field_set *pruned_set = named_fields(merged->schema, pruned);
	_cleanup_(field_set_freep) struct field_set *missing = field_set_difference(merged_set, pruned_set);
	_cleanup_(field_set_freep) struct field_set *ours = field_set_intersection(missing, last_named);

	return remove_from(merged->schema, merged->obj, ours);
}

/* Removes from merged what the manager applied last time and nobody owns now: all of it goes, then what is owned comes
 * back, then what was not the manager's to remove. All this in the version of the last apply. */
static void prune(struct apply *a, const struct managed_entry *last)
{
	const char *now = a->request->api_version, *then = last->api_version;
	_cleanup_versioned_ struct versioned merged = { 0 }, pruned = { 0 }, back = { 0 }, result = { 0 };

	if (field_set_is_empty(last->set) || !in_version(a, a->merged, now, then, &merged))
		return;
	_cleanup_(field_set_freep) struct field_set *last_named = field_set_with_named(last->set, merged.schema);
	pruned = merged;
	pruned.obj = remove_from(merged.schema, merged.obj, last_named);
	restore_owned_everywhere(a, &merged, &pruned);
	if (!in_version(a, pruned.obj, pruned.api_version, then, &back))
		return;
	_cleanup_json_ json_t *rest = restore_dangling(&merged, back.obj, last_named);
	if (!in_version(a, rest, then, now, &result))
		return;
	json_decref(a->merged);
	a->merged = TAKE_PTR(result.obj);
}

/* ---- the whole ---- */

char *apply_type_text(const char *api_version, const char *kind)
{
	return xasprintf("%s%s, Kind=%s", strchr(api_version, '/') || !*api_version ? "" : "/",
	                 *api_version ? api_version : "/", kind);
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? text : "";
}

static bool is_group_version(const char *s)
{
	const char *slash = strchr(s, '/');

	return !slash || !strchr(slash + 1, '/');
}

static int check_config(const struct apply *a, struct err *err)
{
	const char *version = text_of(a->config, "apiVersion"), *kind = text_of(a->config, "kind");
	const json_t *meta = json_object_get(a->config, "metadata");
	_cleanup_err_ struct err why = { 0 };
	_cleanup_free_ char *type = apply_type_text(version, kind);

	if (strcmp(version, a->request->api_version) != 0)
		return err_set(err, ERR_BAD_REQUEST,
		               "Incorrect version specified in apply patch. Specified patch version: %s, expected: %s",
		               is_group_version(version) ? version : "", a->request->api_version);
	if (json_object_get(meta, "managedFields") && !json_is_null(json_object_get(meta, "managedFields")))
		return err_set(err, ERR_BAD_REQUEST, "metadata.managedFields must be nil");
	if (a->request->kind && strcmp(kind, a->request->kind) != 0)
		return err_set(err, ERR_UNKNOWN,
		               "failed to create typed patch object (%s/%s; %s): no corresponding type for %s",
		               text_of(meta, "namespace"), text_of(meta, "name"), type, type);
	if (field_check_applied(a->request->schema, a->config, &why) < 0)
		return err_set(err, ERR_UNKNOWN, "failed to create typed patch object (%s/%s; %s): %s",
		               text_of(meta, "namespace"), text_of(meta, "name"), type, err_message(&why));
	return 0;
}

bool apply_is_typed(const struct schema *schema, const json_t *obj)
{
	_cleanup_err_ struct err why = { 0 };

	return field_check_applied(schema, obj, &why) == 0;
}

static size_t annotations_size(json_t *annotations)
{
	size_t total = 0;
	const char *key;
	json_t *v;

	json_object_foreach (annotations, key, v)
		total += strlen(key) + json_string_length(v);
	return total;
}

/* As encoding/json writes it: < > & and the two line separators are escaped, which stand only in strings. */
static char *html_safe(const char *text)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);

	for (const char *c = text; *c; c++) {
		if (*c == '<' || *c == '>' || *c == '&') {
			buf_printf(&out, "\\u%04x", (unsigned)*c);
		} else if (str_starts_with(c, "\xe2\x80\xa8") || str_starts_with(c, "\xe2\x80\xa9")) {
			buf_puts(&out, (unsigned char)c[2] == 0xa8 ? "\\u2028" : "\\u2029");
			c += 2;
		} else {
			buf_putc(&out, *c);
		}
	}
	return buf_steal(&out);
}

/* kubectl's own annotation follows its server-side apply, so that both ways can be mixed. */
static void update_last_applied(struct apply *a)
{
	json_t *annotations = json_at(a->merged, "metadata", "annotations", NULL);

	if (strcmp(a->request->manager, "kubectl") != 0 || str_empty(json_get_str(annotations, LAST_APPLIED)))
		return;
	_cleanup_json_ json_t *config = json_clone(a->config);
	json_object_del(json_at(config, "metadata", "annotations", NULL), LAST_APPLIED);
	_cleanup_free_ char *plain = json_canonical(config), *text = html_safe(plain);
	json_put(annotations, LAST_APPLIED, json_strf("%s\n", text));
	if (annotations_size(annotations) > ANNOTATIONS_MAX)
		json_object_del(annotations, LAST_APPLIED);
}

/* The manager's entry as it was, without taking it out of the list; empty when there is none. */
static struct managed_entry take_last(struct managed_entry *self, bool known, const char *last_version)
{
	struct managed_entry last = { .api_version = xstrdup(last_version),
		                          .set = known ? TAKE_PTR(self->set) : field_set_new() };

	return last;
}

static int run(struct apply *a, struct err *err)
{
	const struct apply_request *request = a->request;

	if (check_config(a, err) < 0)
		return -1;
	if (a->managed.len == 0)
		managed_update(&a->managed, request, BEFORE_FIRST_APPLY, NULL, a->live);
	managed_reconcile(&a->managed, request);
	a->merged = field_merge(request->schema, a->live, a->config);
	const struct managed_entry *before = managed_find(&a->managed, request, request->manager, true);
	_cleanup_free_ char *last_version = xstrdup(before ? before->api_version : request->api_version);
	struct managed_entry *self = managed_ensure(&a->managed, request, request->manager, true);
	_cleanup_(managed_entry_clear) struct managed_entry last = take_last(self, before != NULL, last_version);
	_cleanup_(field_set_freep) struct field_set *applied = field_set_of_all(request->schema, a->config);
	field_set_free(self->set);
	self->set = managed_filter_set(request, applied);
	prune(a, &last);
	if (take_over(a, self, err) < 0)
		return -1;
	field_set_strip(self->set);
	/* As in Kubernetes, who only comes to share what is there already leaves no time. */
	if (!json_same(a->live, a->merged))
		managed_set_time(self, request->now_wall_ns);
	update_last_applied(a);
	managed_encode(&a->managed, a->merged);
	return 0;
}

int apply_server_side(const struct apply_request *request, const json_t *live, const json_t *config, json_t **ret,
                      struct err *err)
{
	_cleanup_json_ json_t *clean = without_managed_fields(live);
	struct apply a = { .request = request, .live = clean, .config = config };

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
	return json_is_array(fields) &&
	       (json_array_size(fields) == 0 ||
	        (json_array_size(fields) == 1 && json_object_size(json_array_get(fields, 0)) == 0 &&
	         json_is_object(json_array_get(fields, 0))));
}

void managed_fields_update(const struct apply_request *request, const json_t *old, json_t *updated)
{
	struct managed m = { 0 };
	bool reset = false;

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
		managed_update(&m, request, request->manager, old, updated);
	managed_encode(&m, updated);
	managed_clear(&m);
}

/* Both lists without their times. */
static bool same_but_times(const json_t *a, const json_t *b, bool *ret_times_differ)
{
	size_t i;
	json_t *entry;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach (a, i, entry) {
		const json_t *other = json_array_get(b, i);
		_cleanup_json_ json_t *x = json_copy(entry), *y = json_copy(json_unconst(other));
		*ret_times_differ = *ret_times_differ || !str_eq(json_get_str(x, "time"), json_get_str(y, "time"));
		json_object_del(x, "time");
		json_object_del(y, "time");
		if (!json_same(x, y))
			return false;
	}
	return true;
}

static json_t *without(const json_t *obj, const char *const *meta_names)
{
	json_t *copy = json_copy(json_unconst(obj)), *meta = json_copy(json_object_get(obj, "metadata"));

	for (; *meta_names; meta_names++)
		json_object_del(meta, *meta_names);
	json_put(copy, "metadata", meta);
	return copy;
}

void managed_fields_settle(const json_t *old, json_t *obj)
{
	static const char *const apart[] = { "managedFields", "resourceVersion", NULL };
	json_t *before = json_at(old, "metadata", "managedFields", NULL),
		   *after = json_at(obj, "metadata", "managedFields", NULL);
	bool times_differ = false;

	if (!same_but_times(before, after, &times_differ) || !times_differ)
		return;
	_cleanup_json_ json_t *x = without(old, apart), *y = without(obj, apart);
	if (json_same(x, y))
		json_object_set(json_object_get(obj, "metadata"), "managedFields", before);
}
