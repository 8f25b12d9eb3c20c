/* What a write changes, seen in each version in which somebody owns fields. */
#include "managed_fields.h"

#include <string.h>

bool managed_convert(const struct apply_request *request, const json_t *obj, const char *from, const char *to,
                     json_t **ret, const struct schema **ret_schema)
{
	const struct apply_versions *v = request->versions;
	const struct schema *schema = request->schema;
	json_t *converted;

	if (v && strcmp(to, request->api_version) != 0 && !v->schema(v->self, to, &schema))
		return false;
	converted = !v || strcmp(from, to) == 0 ? json_incref(json_unconst(obj)) : v->convert(v->self, obj, from, to);
	if (!converted)
		return false;
	*ret = converted;
	*ret_schema = schema;
	return true;
}

static void filter(const struct apply_request *request, struct field_set **s)
{
	if (field_set_is_empty(*s))
		return;
	struct field_set *kept = managed_filter_set(request, *s);

	field_set_free(*s);
	*s = kept;
}

static void filter_changes(const struct apply_request *request, struct field_comparison *c)
{
	if (strcmp(request->subresource, "status") != 0 && !request->has_status)
		return;
	filter(request, &c->removed);
	filter(request, &c->modified);
	filter(request, &c->added);
}

static void add_view(struct managed_changes *c, const char *api_version, const struct schema *schema,
                     const json_t *before, const json_t *after)
{
	c->views = xreallocarray(c->views, c->len + 1, sizeof(*c->views));
	struct managed_view *view = &c->views[c->len++];
	view->api_version = api_version;
	field_compare(schema, before, after, &view->changes);
	filter_changes(c->request, &view->changes);
}

void managed_changes_init(struct managed_changes *c, const struct apply_request *request, const json_t *before,
                          const json_t *after)
{
	*c = (struct managed_changes){ .request = request, .before = before, .after = after };
	add_view(c, request->api_version, request->schema, before, after);
}

void managed_changes_done(struct managed_changes *c)
{
	for (size_t i = 0; i < c->len; i++)
		field_comparison_clear(&c->views[i].changes);
	free(c->views);
	*c = (struct managed_changes){ 0 };
}

const struct field_comparison *managed_changes_in(struct managed_changes *c, const char *api_version)
{
	const char *own = c->request->api_version;
	const struct schema *schema;
	_cleanup_json_ json_t *before = NULL, *after = NULL;

	for (size_t i = 0; i < c->len; i++)
		if (!c->request->versions || strcmp(c->views[i].api_version, api_version) == 0)
			return &c->views[i].changes;
	/* What cannot be converted is taken as it is: better a field too few than one that nobody can take over. */
	if (!managed_convert(c->request, c->after, own, api_version, &after, &schema) ||
	    (c->before && !managed_convert(c->request, c->before, own, api_version, &before, &schema)))
		return &c->views[0].changes;
	add_view(c, api_version, schema, before, after);
	return &c->views[c->len - 1].changes;
}
