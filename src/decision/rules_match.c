/* Conditions. They were checked when they were loaded, so what is not one of the known forms does not come up. */

#include "facts.h"
#include "rules.h"

#include "base/str.h"

#define EXPANDED_MAX ((size_t)4 * 1024)

static bool equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return !(json_number_value(a) < json_number_value(b)) && !(json_number_value(a) > json_number_value(b));
	return json_equal(a, b);
}

/* Is the value one of the wanted (a list), or the wanted one? */
static bool is_one_of(const json_t *value, const json_t *wanted)
{
	json_t *entry;
	size_t i;

	if (!json_is_array(wanted))
		return equal(value, wanted);
	json_array_foreach (wanted, i, entry) {
		if (equal(value, entry))
			return true;
	}
	return false;
}

/* How many of the wanted (a list, or one) does the list have? *ret_of: how many are wanted. */
static size_t count_in(const json_t *list, const json_t *wanted, size_t *ret_of)
{
	size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1, found = 0, i;
	json_t *entry;

	for (size_t k = 0; k < n; k++) {
		const json_t *one = json_is_array(wanted) ? json_array_get(wanted, k) : wanted;
		json_array_foreach (list, i, entry) {
			if (equal(entry, one)) {
				found++;
				break;
			}
		}
	}
	*ret_of = n;
	return found;
}

static bool operator_holds(const json_t *fact, const char *op, const json_t *operand)
{
	double number = json_is_array(fact) ? (double)json_array_size(fact) : json_number(fact, 0);
	size_t of;

	if (str_eq(op, "exists"))
		return (fact != NULL) == json_is_true(operand);
	if (str_eq(op, "not"))
		return !fact || !is_one_of(fact, operand);
	if (str_eq(op, "none"))
		return count_in(fact, operand, &of) == 0;
	if (!fact)
		return false;
	if (str_eq(op, "in"))
		return is_one_of(fact, operand);
	if (str_eq(op, "min"))
		return number >= json_number(operand, 0);
	if (str_eq(op, "max"))
		return number <= json_number(operand, 0);
	if (str_eq(op, "any"))
		return count_in(fact, operand, &of) > 0;
	if (str_eq(op, "all"))
		return count_in(fact, operand, &of) == of;
	return false;
}

static bool fact_holds(const json_t *fact, const json_t *condition)
{
	json_t *operand;
	const char *op;
	size_t of;

	if (!json_is_object(condition))
		return json_is_array(fact) ? count_in(fact, condition, &of) > 0 : fact && is_one_of(fact, condition);
	json_object_foreach ((json_t *)(uintptr_t)condition, op, operand) {
		if (!operator_holds(fact, op, operand))
			return false;
	}
	return true;
}

static bool any_holds(const json_t *conditions, const json_t *facts, bool all)
{
	json_t *entry;
	size_t i;

	json_array_foreach (conditions, i, entry) {
		if (decision_rules_match(entry, facts) != all)
			return !all;
	}
	return all;
}

bool decision_rules_match(const json_t *when, const json_t *facts)
{
	json_t *condition;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)when, key, condition) {
		bool holds;
		if (str_eq(key, "any") || str_eq(key, "all"))
			holds = any_holds(condition, facts, str_eq(key, "all"));
		else if (str_eq(key, "not"))
			holds = !decision_rules_match(condition, facts);
		else
			holds = fact_holds(json_object_get(facts, key), condition);
		if (!holds)
			return false;
	}
	return true;
}

static void append_value(struct buf *out, const json_t *value)
{
	json_t *entry;
	size_t i;

	if (json_is_string(value))
		buf_printf(out, "%.200s", json_string_value(value));
	else if (json_is_integer(value))
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		buf_printf(out, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		buf_puts(out, json_is_true(value) ? "yes" : "no");
	else if (!json_is_array(value) || json_array_size(value) == 0)
		buf_puts(out, json_is_array(value) ? "none" : "unknown");
	json_array_foreach (value, i, entry) {
		if (i == 5) {
			buf_puts(out, ", …");
			return;
		}
		buf_puts(out, i ? ", " : "");
		append_value(out, entry);
	}
}

char *decision_rules_expand(const char *text, const json_t *facts)
{
	struct buf out = BUF_INIT(EXPANDED_MAX);

	while (*text) {
		size_t plain = strcspn(text, "{"), len;
		buf_append(&out, text, plain);
		text += plain;
		if (!*text)
			break;
		len = strcspn(text + 1, "}");
		_cleanup_free_ char *name = xstrndup(text + 1, len);
		append_value(&out, json_object_get(facts, name));
		text += len + 1 + (text[len + 1] == '}');
	}
	return buf_steal(&out);
}
