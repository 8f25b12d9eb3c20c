/* Finds every mistake of a rules file, with its line. */

#include "catalogue.h"
#include "facts.h"
#include "rules.h"

#include "base/quantity.h"
#include "base/str.h"
#include "codec/pointer.h"
#include "codec/yaml.h"

#define MISTAKES_MAX 50

struct check {
	const char *text, *file;
	size_t len;
	struct buf at;    /* JSON pointer to where we are */
	json_t *mistakes; /* sentences */
};

static void mistake(struct check *c, const char *fmt, ...) _printf_(2, 3);

static void mistake(struct check *c, const char *fmt, ...)
{
	int line = 1, column = 1;
	va_list ap;

	if (json_array_size(c->mistakes) >= MISTAKES_MAX)
		return;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	yaml_locate(c->text, c->len, buf_str(&c->at), &line, &column);
	json_array_append_new(c->mistakes, json_strf("%s:%d:%d: %s", c->file, line, column, what));
}

/* Goes down to a member; leave() with what enter() returned goes back up. */
static size_t enter(struct check *c, const char *key)
{
	size_t was = c->at.len;

	buf_putc(&c->at, '/');
	json_pointer_escape(&c->at, key);
	return was;
}

static size_t enter_index(struct check *c, size_t index)
{
	char key[24];

	snprintf(key, sizeof(key), "%zu", index);
	return enter(c, key);
}

static void leave(struct check *c, size_t was)
{
	c->at.len = was;
	if (c->at.data)
		c->at.data[was] = '\0';
}

static bool check_string(struct check *c, const json_t *value, const char *what)
{
	if (!json_is_string(value) || !json_string_length(value))
		mistake(c, "%s is a text that is not empty", what);
	else if (json_string_length(value) > RULES_STRING_MAX)
		mistake(c, "%s is longer than %d bytes", what, RULES_STRING_MAX);
	else
		return true;
	return false;
}

/* A text or a list of texts that are all of the wanted type. */
static void check_scalars(struct check *c, const json_t *value, enum fact_type type, const char *fact)
{
	json_t *entry;
	size_t i, was;

	if (json_is_array(value)) {
		if (json_array_size(value) == 0)
			mistake(c, "the list is empty");
		json_array_foreach (value, i, entry) {
			was = enter_index(c, i);
			if (json_is_array(entry))
				mistake(c, "a list within a list");
			else
				check_scalars(c, entry, type, fact);
			leave(c, was);
		}
		return;
	}
	if (type == FACT_NUMBER && !json_is_number(value))
		mistake(c, "%s is a number", fact);
	else if (type == FACT_BOOL && !json_is_boolean(value))
		mistake(c, "%s is true or false", fact);
	else if (type == FACT_STRING || type == FACT_LIST)
		check_string(c, value, fact);
}

/* One of {in, not, min, max, any, all, none, exists} of a fact. */
static void check_operator(struct check *c, const char *op, const json_t *value, enum fact_type type, const char *fact)
{
	static const char *const allowed[] = { [FACT_STRING] = "in not exists",
		                                   [FACT_NUMBER] = "in not min max exists",
		                                   [FACT_BOOL] = "exists",
		                                   [FACT_LIST] = "any all none min max exists" };
	_cleanup_strv_ char **ops = str_split(allowed[type], " ");

	if (!str_in(op, (const char *const *)ops))
		mistake(c, "\"%s\" is no operator for %s: use one of %s", op, fact, allowed[type]);
	else if (str_eq(op, "exists") && !json_is_boolean(value))
		mistake(c, "exists is true or false");
	else if ((str_eq(op, "min") || str_eq(op, "max")) && !json_is_number(value))
		mistake(c, "%s is a number", op);
	else if (!str_eq(op, "exists") && !str_eq(op, "min") && !str_eq(op, "max"))
		check_scalars(c, value, type, fact);
}

static void check_fact(struct check *c, const char *fact, const json_t *value)
{
	enum fact_type type = decision_fact_type(fact);
	json_t *operand;
	const char *op;

	if (type == FACT_UNKNOWN) {
		_cleanup_free_ char *names = decision_fact_names();
		mistake(c, "\"%s\" is unknown: use any, all, not or one of %s", fact, names);
		return;
	}
	if (!json_is_object(value)) {
		if (type == FACT_BOOL && json_is_array(value))
			mistake(c, "%s is true or false", fact);
		else
			check_scalars(c, value, type, fact);
		return;
	}
	if (json_object_size(value) == 0)
		mistake(c, "%s has no operator", fact);
	json_object_foreach ((json_t *)(uintptr_t)value, op, operand) {
		size_t was = enter(c, op);
		check_operator(c, op, operand, type, fact);
		leave(c, was);
	}
	if (json_number(json_object_get(value, "min"), -1e300) > json_number(json_object_get(value, "max"), 1e300))
		mistake(c, "min is larger than max: this never holds");
}

static void check_when(struct check *c, const json_t *when, int depth)
{
	json_t *value, *entry;
	const char *key;
	size_t i;

	if (!json_is_object(when)) {
		mistake(c, "a condition is a map of facts");
		return;
	}
	if (depth > RULES_DEPTH_MAX) {
		mistake(c, "conditions are nested deeper than %d", RULES_DEPTH_MAX);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)when, key, value) {
		size_t was = enter(c, key);
		if (str_eq(key, "not")) {
			check_when(c, value, depth + 1);
		} else if (!str_eq(key, "any") && !str_eq(key, "all")) {
			check_fact(c, key, value);
		} else if (!json_is_array(value) || json_array_size(value) == 0) {
			mistake(c, "%s is a list of conditions", key);
		} else {
			json_array_foreach (value, i, entry) {
				size_t inner = enter_index(c, i);
				check_when(c, entry, depth + 1);
				leave(c, inner);
			}
		}
		leave(c, was);
	}
}

static void check_strategy_name(struct check *c, const char *name)
{
	enum decision_strategy strategy;

	if (!decision_strategy_parse(name, &strategy))
		mistake(c, "\"%s\" is no strategy: use vm, serverless or kubernetes", name);
}

/* "kubernetes", or points: {kubernetes: 40, vm: -10} */
static void check_strategy(struct check *c, const json_t *value)
{
	json_t *points;
	const char *name;

	if (json_is_string(value)) {
		check_strategy_name(c, json_string_value(value));
		return;
	}
	if (!json_is_object(value) || json_object_size(value) == 0) {
		mistake(c, "strategy is a strategy's name, or a map of strategies to points");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)value, name, points) {
		size_t was = enter(c, name);
		double n = json_number(points, RULES_POINTS_MAX + 1);
		check_strategy_name(c, name);
		if (!json_is_number(points) || n < -RULES_POINTS_MAX || n > RULES_POINTS_MAX)
			mistake(c, "points are a number from %d to %d", -RULES_POINTS_MAX, RULES_POINTS_MAX);
		leave(c, was);
	}
}

static void check_exclude(struct check *c, const json_t *value)
{
	json_t *entry;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) == 0)
		mistake(c, "exclude is a list of strategies");
	json_array_foreach (value, i, entry) {
		size_t was = enter_index(c, i);
		if (check_string(c, entry, "a strategy"))
			check_strategy_name(c, json_string_value(entry));
		leave(c, was);
	}
}

static void check_quantity(struct check *c, const char *field, const json_t *value)
{
	char number[32] = "";
	int64_t milli;

	if (json_is_integer(value))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	if (!quantity_parse_milli(json_is_string(value) ? json_string_value(value) : number, &milli) || milli <= 0)
		mistake(c, "%s is a quantity like 500m, 2 or 512Mi", field);
}

static void check_set(struct check *c, const json_t *value)
{
	static const struct {
		const char *field;
		enum { INTEGER, QUANTITY, TEXT, FLAG } type;
		int min, max;
	} fields[] = {
		{ "replicas", INTEGER, 0, 1000 },    { "minReplicas", INTEGER, 0, 1000 }, { "maxReplicas", INTEGER, 1, 1000 },
		{ "volumeSize", INTEGER, 1, 65536 }, { "nodes", INTEGER, 1, 1000 },       { "idleSeconds", INTEGER, 1, 86400 },
		{ "appPort", INTEGER, 1, 65535 },    { "cpu", QUANTITY, 0, 0 },           { "memory", QUANTITY, 0, 0 },
		{ "instanceType", TEXT, 0, 0 },      { "nodeType", TEXT, 0, 0 },          { "region", TEXT, 0, 0 },
		{ "healthPath", TEXT, 0, 0 },        { "scaleToZero", FLAG, 0, 0 },
	};
	json_t *entry;
	const char *key;

	if (!json_is_object(value) || json_object_size(value) == 0) {
		mistake(c, "set is a map of settings");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)value, key, entry) {
		size_t was = enter(c, key), i = 0;
		while (i < ARRAY_SIZE(fields) && !str_eq(key, fields[i].field))
			i++;
		if (i == ARRAY_SIZE(fields))
			mistake(c,
			        "\"%s\" cannot be set: use one of replicas, minReplicas, maxReplicas, cpu, memory, instanceType, "
			        "volumeSize, nodes, nodeType, region, appPort, healthPath, scaleToZero, idleSeconds",
			        key);
		else if (fields[i].type == INTEGER && (!json_is_integer(entry) || json_integer_value(entry) < fields[i].min ||
		                                       json_integer_value(entry) > fields[i].max))
			mistake(c, "%s is a whole number from %d to %d", key, fields[i].min, fields[i].max);
		else if (fields[i].type == QUANTITY)
			check_quantity(c, key, entry);
		else if (fields[i].type == TEXT && check_string(c, entry, key) && str_eq(key, "healthPath") &&
		         json_string_value(entry)[0] != '/')
			mistake(c, "healthPath begins with /");
		else if (fields[i].type == FLAG && !json_is_boolean(entry))
			mistake(c, "%s is true or false", key);
		leave(c, was);
	}
}

/* {fact} in a text for people. */
static void check_placeholders(struct check *c, const char *text)
{
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		size_t len = strcspn(p + 1, "}");
		_cleanup_free_ char *name = xstrndup(p + 1, len);
		if (p[1 + len] != '}')
			mistake(c, "a { without its }");
		else if (decision_fact_type(name) == FACT_UNKNOWN)
			mistake(c, "{%s} is no fact", name);
	}
}

static void check_then(struct check *c, const json_t *then)
{
	int64_t cpu, memory;
	json_t *value;
	const char *key;

	if (!json_is_object(then)) {
		mistake(c, "then is a map of what follows");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)then, key, value) {
		size_t was = enter(c, key);
		if (str_eq(key, "strategy"))
			check_strategy(c, value);
		else if (str_eq(key, "exclude"))
			check_exclude(c, value);
		else if (str_eq(key, "set"))
			check_set(c, value);
		else if (str_eq(key, "size") && !catalogue_size(json_string_value(value), &cpu, &memory))
			mistake(c, "size is one of micro, small, medium, large, xlarge");
		else if ((str_eq(key, "reason") || str_eq(key, "warn")) && check_string(c, value, key))
			check_placeholders(c, json_string_value(value));
		else if (!str_eq(key, "size") && !str_eq(key, "reason") && !str_eq(key, "warn"))
			mistake(c, "\"%s\" is unknown: use strategy, exclude, size, set, reason or warn", key);
		leave(c, was);
	}
	if (!json_object_get(then, "reason"))
		mistake(c, "the reason is missing: people will read it");
	if (json_object_size(then) == (json_object_get(then, "reason") ? 1U : 0U))
		mistake(c, "nothing follows: give strategy, exclude, size, set or warn");
}

static void check_rule(struct check *c, const json_t *rule, json_t *names)
{
	json_t *value;
	const char *key;
	size_t was;

	if (!json_is_object(rule)) {
		mistake(c, "a rule is a map of name, priority, when and then");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)rule, key, value) {
		was = enter(c, key);
		if (str_eq(key, "name")) {
			if (check_string(c, value, "name") && json_object_get(names, json_string_value(value)))
				mistake(c, "there is another rule of the name \"%s\"", json_string_value(value));
			else if (json_is_string(value))
				json_put_bool(names, json_string_value(value), true);
		} else if (str_eq(key, "priority")) {
			if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 1000)
				mistake(c, "priority is a whole number from 0 to 1000");
		} else if (str_eq(key, "when")) {
			check_when(c, value, 1);
		} else if (str_eq(key, "then")) {
			check_then(c, value);
		} else {
			mistake(c, "\"%s\" is unknown: a rule has name, priority, when and then", key);
		}
		leave(c, was);
	}
	if (!json_object_get(rule, "name"))
		mistake(c, "the name is missing");
	if (!json_object_get(rule, "then"))
		mistake(c, "then is missing: what follows?");
}

static void check_document(struct check *c, const json_t *document)
{
	_cleanup_json_ json_t *names = json_object();
	const json_t *rules = json_object_get(document, "rules");
	json_t *value;
	const char *key;
	size_t i;

	if (!json_is_object(document)) {
		mistake(c, "a rules file is a map of version, name and rules");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)document, key, value) {
		size_t was = enter(c, key);
		if (str_eq(key, "version") && json_int(value, 0) != 1)
			mistake(c, "version is 1");
		else if (str_eq(key, "name"))
			check_string(c, value, "name");
		else if (str_eq(key, "rules") && (!json_is_array(value) || json_array_size(value) == 0))
			mistake(c, "rules is a list with at least one rule");
		else if (str_eq(key, "rules") && json_array_size(value) > RULES_MAX)
			mistake(c, "more than %d rules", RULES_MAX);
		else if (!str_eq(key, "version") && !str_eq(key, "rules"))
			mistake(c, "\"%s\" is unknown: a rules file has version, name and rules", key);
		leave(c, was);
	}
	if (!json_object_get(document, "version") || !json_object_get(document, "name") || !rules)
		mistake(c, "version, name and rules are needed");
	for (i = 0; json_is_array(rules) && i < json_array_size(rules) && i < RULES_MAX; i++) {
		size_t was = enter(c, "rules"), inner = enter_index(c, i);
		check_rule(c, json_array_get(rules, i), names);
		leave(c, inner);
		leave(c, was);
	}
}

static int report(const struct check *c, struct err *err)
{
	_cleanup_buf_ struct buf all = BUF_INIT(64 * 1024);
	size_t count = json_array_size(c->mistakes), i;
	json_t *entry;

	json_array_foreach (c->mistakes, i, entry)
		buf_printf(&all, "%s%s", i ? "; " : "", json_string_value(entry));
	err_set(err, ERR_INVALID, "rules file %s: %zu mistake%s: %s", c->file, count, count == 1 ? "" : "s", buf_str(&all));
	json_array_foreach (c->mistakes, i, entry)
		err_add_cause(err, "FieldValueInvalid", c->file, "%s", json_string_value(entry));
	return err_set_terminal(err);
}

int decision_rules_check(const json_t *document, const char *text, size_t len, const char *file, struct err *err)
{
	struct check c = { .text = text, .file = file, .len = len, .at = BUF_INIT(64 * 1024), .mistakes = json_array() };
	int rc = 0;

	check_document(&c, document);
	if (json_array_size(c.mistakes))
		rc = report(&c, err);
	buf_clear(&c.at);
	json_decref(c.mistakes);
	return rc;
}
