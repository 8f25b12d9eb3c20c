/* allOf, anyOf, oneOf, not. */
#include "schema_internal.h"

/* "<nil>: Invalid value: "": "spec.x" must …": Kubernetes gives these no place. */
static void _printf_(3, 4) broken(struct schema_errors *e, const struct schema_step *at, const char *fmt, ...)
{
	_cleanup_free_ char *path = schema_step_text(at);
	_cleanup_json_ json_t *none = json_string(""), *place = json_string_lossy(path, strlen(path));
	_cleanup_free_ char *shown = schema_show(place);
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *rule = xvasprintf(fmt, ap);
	va_end(ap);
	schema_invalid(e, NULL, none, xasprintf("%s must %s", shown, rule));
}

/* Keeps the violations of the alternative that was checked furthest. Takes found. */
static void keep_best(struct schema_errors *best, struct schema_errors *found)
{
	if (best->len == 0 || found->checks > best->checks) {
		schema_errors_truncate(best, 0);
		*best = *found;
	} else {
		schema_errors_truncate(found, 0);
	}
}

static void any_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at,
                   const json_t *v)
{
	struct schema_errors best = { 0 };

	for (size_t i = 0; i < list->len; i++) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, list->items[i], at, v, NULL);
		e->checks += found.checks;
		if (found.len == 0) {
			schema_errors_truncate(&best, 0);
			return;
		}
		keep_best(&best, &found);
	}
	broken(e, at, "validate at least one schema (anyOf)");
	schema_errors_append(e, &best);
}

static void one_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at,
                   const json_t *v)
{
	struct schema_errors best = { 0 };
	size_t valid = 0;

	for (size_t i = 0; i < list->len; i++) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, list->items[i], at, v, NULL);
		e->checks += found.checks;
		if (found.len == 0)
			valid++;
		else
			keep_best(&best, &found);
	}
	if (valid == 0) {
		broken(e, at, "validate one and only one schema (oneOf). Found none valid");
		schema_errors_append(e, &best);
	} else if (valid > 1) {
		broken(e, at, "validate one and only one schema (oneOf). Found %zu valid alternatives", valid);
	}
	schema_errors_truncate(&best, 0);
}

static void all_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at,
                   const json_t *v)
{
	size_t valid = 0;

	for (size_t i = 0; i < list->len; i++) {
		size_t before = e->len;
		schema_validate_node(e, list->items[i], at, v, NULL);
		valid += e->len == before;
	}
	if (valid != list->len)
		broken(e, at, "validate all the schemas (allOf)%s", valid == 0 ? ". None validated" : "");
}

void schema_validate_logic(struct schema_errors *e, const struct schema_logic *logic, const struct schema_step *at,
                           const json_t *v)
{
	if (logic->any_of.len)
		any_of(e, &logic->any_of, at, v);
	if (logic->one_of.len)
		one_of(e, &logic->one_of, at, v);
	if (logic->all_of.len)
		all_of(e, &logic->all_of, at, v);
	if (logic->not_schema) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, logic->not_schema, at, v, NULL);
		if (found.len == 0)
			broken(e, at, "not validate the schema (not)");
		schema_errors_truncate(&found, 0);
	}
}
