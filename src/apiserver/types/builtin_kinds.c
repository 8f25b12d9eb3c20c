/* From the tables of built-in kinds to the types the registry serves. */
#include "base/str.h"
#include "builtin.h"
#include "builtin_types.h"
#include "kinds/kinds.h"
#include "registry.h"

#include <string.h>

static char **words_of(uint32_t text)
{
	return *kinds_text(text) ? str_split(kinds_text(text), " ") : NULL;
}

static int add_column(struct api_version *v, const struct kinds_column *c, struct err *err)
{
	struct api_column *column = &v->columns[v->columns_len++];
	const char *source = kinds_text(c->source);

	column->name = xstrdup(kinds_text(c->name));
	column->type = xstrdup(kinds_text(c->type));
	column->format = xstrdup(strcmp(kinds_text(c->name), "Name") == 0 ? "name" : "");
	column->description = xstrdup(kinds_text(c->text));
	column->priority = c->priority;
	if (*source == '.')
		column->path = jsonpath_parse(source, err);
	else
		column->cell = builtin_cell(source);
	if (column->path || column->cell)
		return 0;
	return *source == '.' ? -1 : err_set(err, ERR_INTERNAL, "there is no cell %s", source);
}

static void add_subresources(struct api_version *v, const struct kinds_kind *k)
{
	v->has_status = k->subresources & KINDS_STATUS;
	v->further = k->subresources & (KINDS_FINALIZE | KINDS_APPROVAL);
	if (!(k->subresources & KINDS_SCALE))
		return;
	v->scale = new0(struct api_scale);
	v->scale->spec_replicas = xstrdup(kinds_text(k->scale[0]));
	v->scale->status_replicas = xstrdup(kinds_text(k->scale[1]));
	v->scale->selector = *kinds_text(k->scale[2]) ? xstrdup(kinds_text(k->scale[2])) : NULL;
}

int builtin_add_version(struct api_type *t, const struct kinds_kind *k, struct schema *schema, struct err *err)
{
	struct api_version *v = api_type_add_version(t, kinds_text(k->version));

	v->schema = schema;
	v->message = &KINDS_MESSAGES[k->message];
	v->unserved = k->unserved ? kinds_text(k->unserved) : NULL;
	v->no_name_column = k->flags & KINDS_NAMELESS;
	v->selectable = words_of(k->selectable);
	add_subresources(v, k);
	v->columns = xcalloc(k->columns_len, sizeof(*v->columns));
	for (size_t i = 0; i < k->columns_len; i++)
		if (add_column(v, &KINDS_COLUMNS[k->first_column + i], err) < 0)
			return err_wrap(err, "%s: column %zu", kinds_text(k->kind), i);
	return 0;
}

struct api_type *builtin_type_new(const struct kinds_kind *k)
{
	struct api_type *t = api_type_new(kinds_text(k->group), kinds_text(k->plural), kinds_text(k->singular),
	                                  kinds_text(k->kind));

	t->namespaced = k->flags & KINDS_NAMESPACED;
	t->verbs = k->verbs;
	t->short_names = words_of(k->short_names);
	t->categories = words_of(k->categories);
	return t;
}

static int version_order(const void *a, const void *b)
{
	return api_version_compare(((const struct api_version *)a)->name, ((const struct api_version *)b)->name);
}

void builtin_sort_versions(struct api_type *t)
{
	qsort(t->versions, t->versions_len, sizeof(*t->versions), version_order);
	t->storage = 0;
}

int builtin_normalize(const struct api_type *t, const struct api_version *v, json_t *obj, struct err *err)
{
	_cleanup_err_ struct err cause = { 0 };

	if (kinds_normalize(v->message, obj, &cause) == 0)
		return 0;
	return err_set(err, ERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", t->kind, v->name,
	               t->kind, err_message(&cause));
}
