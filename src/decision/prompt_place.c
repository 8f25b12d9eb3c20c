/* Where, and on what machines. */

#include "catalogue.h"
#include "prompt.h"

#include "base/str.h"

/* A machine type; as nodeType when it is said of nodes. */
static size_t take_machine(const struct words *w, size_t i, json_t *out)
{
	struct catalogue_machine machine;
	bool of_nodes;

	if (!catalogue_machine_parse(words_at(w, i), &machine))
		return 0;
	if (prompt_is_denied(w, i, 5))
		return 1;
	of_nodes = (words_same_clause(w, i, i + 1) && words_is(w, i + 1, "node|nodes")) ||
	           (i >= 2 && words_same_clause(w, i, i - 2) && words_is(w, i - 2, "nodes|node") &&
	            words_is(w, i - 1, "of|type|:|on|size|as")) ||
	           (i >= 3 && words_match_any(w, i - 3, "nodes of type|nodes of size|node type :|node type is"));
	prompt_add_field(out, of_nodes ? "nodeType" : "instanceType", json_string(machine.name), w, i, i + 1);
	return 1;
}

static size_t take_code(const struct words *w, size_t i, json_t *out)
{
	enum catalogue_cloud cloud;
	char code[40];

	if (!catalogue_region_parse(words_at(w, i), &cloud, code))
		return 0;
	if (prompt_is_denied(w, i, 5))
		prompt_warn(out, "\"not in %s\" is not understood as a wish: name the region you want.", code);
	else
		prompt_add_field(out, "region", json_string(code), w, i, i + 1);
	return 1;
}

/* Does the sentence use the place as a place? "in Paris", "Paris region", or nothing else between two commas. */
static bool is_used_as_place(const struct words *w, size_t i, size_t n)
{
	bool starts = i == 0 || !words_same_clause(w, i, i - 1),
		 ends = !words_same_clause(w, i + n - 1, i + n) || words_is(w, i + n, "or");
	size_t before = i;

	if (i > 0 && !starts && words_is(w, i - 1, "called|named|calls"))
		return false;
	/* Where people are says nothing of machines. */
	for (size_t k = i; k-- > 0 && i - k <= 4 && words_same_clause(w, i, k);) {
		if (words_is(w, k, "team|office|offices|company|based|live|lives|headquartered|startup"))
			return false;
	}
	/* A pronoun rather than a country. */
	if (n == 1 && words_is(w, i, "us") && w->source[w->items[i].start] != 'U')
		return false;
	if (words_same_clause(w, i, i + n) && words_is(w, i + n, "region|regions|datacenter|zone|location|area|data"))
		return true;
	while (before > 0 && words_same_clause(w, i, before - 1) &&
	       words_is(w, before - 1, "the|north|our|somewhere|central|western|northern|aws|gcp|azure"))
		before--;
	if (before > 0 && words_same_clause(w, i, before - 1) &&
	    words_is(
			w, before - 1,
			"in|at|from|near|to|region|zone|location|datacenter|inside|within|close|:|=|serving|for|around|hosted|of"))
		return true;
	return starts && ends;
}

static size_t take_place(const struct words *w, size_t i, json_t *out)
{
	for (size_t n = 3; n > 0; n--) {
		_cleanup_free_ char *name = NULL;
		if (!words_same_clause(w, i, i + n - 1))
			continue;
		name = xasprintf("%s%s%s%s%s", words_at(w, i), n > 1 ? " " : "", n > 1 ? words_at(w, i + 1) : "",
		                 n > 2 ? " " : "", n > 2 ? words_at(w, i + 2) : "");
		if (catalogue_place_find(name) < 0)
			continue;
		if (!is_used_as_place(w, i, n))
			return n;
		if (prompt_is_denied(w, i, 5))
			prompt_warn(out, "\"not in %s\" is not understood as a wish: name the region you want.", name);
		else
			prompt_add_field(out, "place", json_string(name), w, i, i + n);
		return n;
	}
	return 0;
}

void prompt_find_places(const struct words *w, json_t *out)
{
	for (size_t i = 0; i < w->len;) {
		size_t n = take_machine(w, i, out);
		if (!n)
			n = take_code(w, i, out);
		if (!n)
			n = take_place(w, i, out);
		i += n ? n : 1;
	}
}
