/* Label selectors. */
#include "base/str.h"
#include "kinds_rules.h"
#include "kube/label_fault.h"
#include "objects/field_checks.h"

static void check_values(const json_t *values, const char *at, struct err *err)
{
	size_t i;
	json_t *v;

	json_array_foreach (values, i, v)
		check_faults(err, kube_label_value_faults(json_string_value(v) ? json_string_value(v) : ""), v,
		             "%s.values[%zu]", at, i);
}

void kinds_rule_selector_requirement(const json_t *obj, const char *at, struct err *err)
{
	static const char *const WITH[] = { "In", "NotIn", NULL }, *const WITHOUT[] = { "Exists", "DoesNotExist", NULL };
	const json_t *values = json_object_get(obj, "values");
	const char *operator= json_get_str(obj, "operator"), *key = json_get_str(obj, "key");

	if (str_in(operator, WITH)) {
		if (json_array_size(values) == 0)
			check_required(err, "must be specified when `operator` is 'In' or 'NotIn'", "%s.values", at);
	} else if (str_in(operator, WITHOUT)) {
		if (json_array_size(values) > 0)
			check_forbidden(err, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'", "%s.values", at);
	} else {
		_cleanup_json_ json_t *shown = json_string(operator? operator: "");
		check_fail(err, shown, "not a valid selector operator", "%s.operator", at);
	}
	_cleanup_json_ json_t *shown = json_string(key ? key : "");
	check_faults(err, kube_label_key_faults(key ? key : ""), shown, "%s.key", at);
	check_values(values, at, err);
}
