#include "output/plan.h"

#include <strings.h>

const struct kcl_str *kcl_format_value(struct kcl_heap *h, struct kcl_value v, const char *spec)
{
	struct kcl_text t = { .h = h };

	if (!spec)
		return kcl_to_str(h, v);
	if (strcasecmp(spec, "#json") == 0)
		kcl_put_json(&t, v, NULL);
	else if (strcasecmp(spec, "#yaml") == 0)
		kcl_put_yaml(&t, v, NULL);
	else
		kcl_raise(h, "invalid string interpolation format specification '%s', expected #json or #yaml", spec);
	return kcl_text_str(&t).str;
}
