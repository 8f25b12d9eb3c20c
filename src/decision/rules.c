#include "rules.h"

#include "base/str.h"
#include "codec/sha256.h"
#include "codec/yaml.h"

/* Insertion keeps the order of equals, and rule sets are short. */
static void sort_rules(struct decision_rules *r)
{
	for (size_t i = 1; i < r->len; i++) {
		struct decision_rule rule = r->rules[i];
		size_t k = i;
		for (; k > 0 && r->rules[k - 1].priority < rule.priority; k--)
			r->rules[k] = r->rules[k - 1];
		r->rules[k] = rule;
	}
}

int decision_rules_parse(const char *text, size_t len, const char *file, struct decision_rules *ret, struct err *err)
{
	_cleanup_json_ json_t *document = NULL;
	json_t *list, *entry;
	struct decision_rules r = { .document = NULL };
	size_t i;

	if (len > RULES_TEXT_MAX) {
		err_set(err, ERR_INVALID, "rules file %s: larger than %zu KiB", file, RULES_TEXT_MAX / 1024);
		return err_set_terminal(err);
	}
	document = yaml_parse(text, len, file, err);
	if (!document) {
		if (err)
			err->kind = ERR_INVALID;
		return err_set_terminal(err);
	}
	if (decision_rules_check(document, text, len, file, err) < 0)
		return -1;
	list = json_object_get(document, "rules");
	r.rules = xcalloc(json_array_size(list) + 1, sizeof(*r.rules));
	json_array_foreach (list, i, entry) {
		r.rules[r.len++] = (struct decision_rule){ .name = json_get_str(entry, "name"),
			                                       .priority = json_get_int(entry, "priority", 0),
			                                       .when = json_object_get(entry, "when"),
			                                       .then = json_object_get(entry, "then") };
	}
	sort_rules(&r);
	r.name = json_get_str(document, "name");
	r.document = json_incref(document);
	sha256_hex(text, len, r.digest);
	*ret = r;
	return 0;
}

void decision_rules_clear(struct decision_rules *r)
{
	json_decref(r->document);
	free(r->rules);
	*r = (struct decision_rules){ .document = NULL };
}
