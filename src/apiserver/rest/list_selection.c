/* What a list or a watch selects: labels, fields, one name. */
#include "base/str.h"
#include "list.h"
#include "objects/object_view.h"

static const char *lookup_label(const void *self, const char *name)
{
	return store_object_label(self, name);
}

struct field_lookup {
	const struct api_strategy *strategy;
	const struct store_object *object;
};

static const char *lookup_field(const void *self, const char *name)
{
	const struct field_lookup *l = self;
	const struct store_object *o = l->object;
	const char *alias = l->strategy->field_alias ? l->strategy->field_alias(name) : NULL;

	if (strcmp(name, "metadata.name") == 0)
		return o->name;
	if (strcmp(name, "metadata.namespace") == 0)
		return o->ns;
	const char *value = store_object_field(o, alias ? alias : name);
	return value ? value : "";
}

bool list_selects(const struct list_selection *s, const struct store_object *o)
{
	const struct field_lookup lookup = { .strategy = s->type->strategy, .object = o };

	return (!s->name || strcmp(s->name, o->name) == 0) &&
	       (!s->labels || kube_selector_matches(s->labels, lookup_label, o)) &&
	       (!s->fields || kube_selector_matches(s->fields, lookup_field, &lookup));
}

bool list_select(const void *selection, const struct store_object *o)
{
	return list_selects(selection, o);
}

bool list_selects_all(const struct list_selection *s)
{
	return !s->name && kube_selector_is_empty(s->labels) && kube_selector_is_empty(s->fields);
}

/* ---- which fields there are ---- */

/* An empty object has every selectable field of its type: "k\0v\0…\0", free(); NULL: none. */
static char *own_fields(const struct api_type *t)
{
	_cleanup_json_ json_t *empty = json_object();

	return object_fields(t, empty);
}

static int check_field(const struct api_type *t, const char *name, struct err *err)
{
	bool meta_ns = t->namespaced || !t->custom;

	if (strcmp(name, "metadata.name") == 0 || (strcmp(name, "metadata.namespace") == 0 && meta_ns))
		return 0;
	if (t->strategy->field_alias && t->strategy->field_alias(name))
		return 0;
	_cleanup_free_ char *fields = own_fields(t);
	for (const char *p = fields; p && *p; p += strlen(p) + 1, p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return 0;
	/* Kubernetes has one sentence for kinds that list their fields, and one for those without any of their own. */
	if (t->custom || fields)
		return err_set(err, ERR_BAD_REQUEST, "field label not supported: %s", name);
	return err_set(err, ERR_BAD_REQUEST,
	               "\"%s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", name);
}

static int parse(const struct api_request *req, struct list_selection *s, struct err *err)
{
	const struct api_options *o = &req->options;
	const char *key, *equals;

	if (o->label_selector && !(s->labels = kube_selector_parse_labels(o->label_selector, err)))
		return -1;
	if (o->field_selector && !(s->fields = kube_selector_parse_fields(o->field_selector, err)))
		return -1;
	for (size_t i = 0; s->fields && kube_selector_requirement(s->fields, i, &key, &equals); i++) {
		if (check_field(req->type, key, err) < 0)
			return -1;
		if (s->name && !(strcmp(key, "metadata.name") == 0 && str_eq(equals, s->name)))
			return err_set(err, ERR_BAD_REQUEST, "fieldSelector metadata.name doesn't match requested name");
	}
	return 0;
}

int list_selection_parse(const struct api_request *req, struct list_selection *ret, struct err *err)
{
	struct list_selection s = { .type = req->type, .name = *req->path.name ? xstrdup(req->path.name) : NULL };

	if (parse(req, &s, err) < 0) {
		list_selection_clear(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void list_selection_clear(struct list_selection *s)
{
	s->labels = kube_selector_free(s->labels);
	s->fields = kube_selector_free(s->fields);
	free(s->name);
	s->name = NULL;
}
