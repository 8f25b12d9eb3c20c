/* Numbers that a prompt gives: replicas, nodes, memory, disk, CPUs, port. */

#include "catalogue.h"
#include "prompt.h"

#include "base/str.h"

#include <math.h>

#define ADJECTIVES                                                                                                \
	"running|identical|app|application|kubernetes|k8s|small|big|large|tiny|medium|web|backend|worker|vm|cluster|" \
	"server|container|virtual|spot|cheap|parallel|load|balanced|healthy|separate"

enum bound { BOUND_EXACT, BOUND_MIN, BOUND_MAX };

static enum bound bound_of(const struct words *w, size_t i, size_t end)
{
	size_t n;

	for (size_t back = 1; back <= 4 && back <= i && words_same_clause(w, i, i - back); back++) {
		if ((n = words_match_any(
				 w, i - back,
				 "at least|minimum|min|no less than|not less than|no fewer than|minimum of|never less than")) &&
		    n >= back - 1)
			return BOUND_MIN;
		if ((n = words_match_any(w, i - back,
		                         "at most|up to|maximum|max|no more than|not more than|maximum of|never more than")) &&
		    n >= back - 1)
			return BOUND_MAX;
	}
	if (words_same_clause(w, i, end) && words_match_any(w, end, "minimum|min|at least|or more"))
		return BOUND_MIN;
	if (words_same_clause(w, i, end) && words_match_any(w, end, "maximum|max|at most|tops|or less|or fewer"))
		return BOUND_MAX;
	return BOUND_EXACT;
}

/* What is counted at i, after up to two adjectives ("worker nodes"); *ret_end is behind it. NULL: nothing of ours. */
static const char *counted(const struct words *w, size_t i, size_t *ret_end)
{
	static const char *const nouns[][2] = {
		{ "replicas|replica|copies|copy|pods|pod|instances|instance|machines|machine|servers|vms", "replicas" },
		{ "nodes|node", "nodes" },
	};
	struct catalogue_machine machine;

	for (size_t skip = 0; skip <= 3 && words_same_clause(w, i, i + skip); skip++) {
		for (size_t k = 0; k < ARRAY_SIZE(nouns); k++) {
			if (!words_is(w, i + skip, nouns[k][0]) ||
			    words_is(w, i + skip + 1, "js|.|app|apps|application|service|services|version"))
				continue;
			/* "3 instances of redis" are not ours. */
			if (words_is(w, i + skip + 1, "of") && !words_is(w, i + skip + 2, "it|the|this|my|our|app|type|size|each"))
				return NULL;
			*ret_end = i + skip + 1;
			return nouns[k][1];
		}
		if (!words_is(w, i + skip, ADJECTIVES "|x") && !catalogue_machine_parse(words_at(w, i + skip), &machine))
			return NULL;
	}
	return NULL;
}

static void add_count(json_t *out, const char *what, enum bound bound, double count, const struct words *w, size_t from,
                      size_t to)
{
	const char *field = what;

	if (floor(count) < count || count < 0 || count > 1000) {
		_cleanup_free_ char *text = words_quote(w, from, to);
		prompt_warn(out, "\"%s\" is not a number of %s from 0 to 1000: ignored.", text, what);
		return;
	}
	if (str_eq(what, "replicas") && bound != BOUND_EXACT)
		field = bound == BOUND_MIN ? "minReplicas" : "maxReplicas";
	if (count < 1 && str_eq(what, "nodes"))
		return;
	prompt_add_field(out, field, json_integer((json_int_t)count), w, from, to);
}

/* The words between the numbers of a range whose first number ends before at: "to", "-", "and", "and at most". */
static size_t range_glue(const struct words *w, size_t first, size_t at)
{
	bool from_min = first > 0 && words_is(w, first - 1, "min|minimum|least|:|of");
	size_t n;

	if (words_is(w, at, "to|-") || (words_is(w, at, "and") && first > 0 && words_is(w, first - 1, "between")))
		return 1;
	n = words_is(w, at, "and") ? 1 : 0;
	n += words_match_any(w, at + n, "max|maximum|at most|up to|a maximum of|maximum of|max of|a max of");
	if (!from_min || n == (words_is(w, at, "and") ? 1U : 0U))
		return 0;
	return n + words_is(w, at + n, ":|=|of");
}

/* "2 to 6 replicas", "between 2 and 6 replicas", "2-6 replicas", "min 2 max 6 replicas". The number of words, else 0.
 */
static size_t take_range(const struct words *w, size_t i, json_t *out)
{
	double low, high;
	size_t a = words_number(w, i, true, &low), glue = a ? range_glue(w, i, i + a) : 0, b, end;
	const char *what;

	if (!glue)
		return 0;
	b = words_number(w, i + a + glue, true, &high);
	if (!b || !(what = counted(w, i + a + glue + b, &end)) || !str_eq(what, "replicas") || low > high)
		return 0;
	add_count(out, what, BOUND_MIN, low, w, i, end);
	add_count(out, what, BOUND_MAX, high, w, i, end);
	return end - i;
}

/* "3 replicas", "at least two nodes". The number of words, else 0. */
static size_t take_count(const struct words *w, size_t i, json_t *out)
{
	double count;
	size_t n = words_number(w, i, true, &count), end = 0;
	const char *what = n ? counted(w, i + n, &end) : NULL;
	enum bound bound;

	if (!what)
		return 0;
	bound = bound_of(w, i, end);
	if (bound == BOUND_EXACT && prompt_is_denied(w, i, 5))
		return end - i;
	add_count(out, what, bound, count, w, i, end);
	return end - i;
}

/* "replicas: 3", "replica count of 3". */
static size_t take_named_count(const struct words *w, size_t i, json_t *out)
{
	const char *what = words_is(w, i, "replicas|replica") ? "replicas" : words_is(w, i, "nodes") ? "nodes" : NULL;
	size_t at = i + 1, n;
	double count;

	if (!what)
		return 0;
	while (at < i + 4 && words_is(w, at, "count|:|=|of|is|number"))
		at++;
	n = at > i + 1 && words_same_clause(w, i, at) ? words_number(w, at, true, &count) : 0;
	if (!n)
		return 0;
	add_count(out, what, BOUND_EXACT, count, w, i, at + n);
	return at + n - i;
}

enum noun { NOUN_NONE, NOUN_MEMORY, NOUN_DISK };

static enum noun noun_at(const struct words *w, size_t i)
{
	if (words_is(w, i, "memory|ram|mem"))
		return NOUN_MEMORY;
	return words_is(w, i, "disk|disks|storage|ssd|hdd|volume|drive|ebs|diskspace") ? NOUN_DISK : NOUN_NONE;
}

#define NOUN_GLUE                                                                                                     \
	"of|the|a|root|boot|local|free|nvme|block|persistent|fast|system|data|hard|standard|gp3|gp2|general|solid|state|" \
	"provisioned|total"

/* The noun that belongs to the amount in words [from, to): before it ("memory: 2GB") if nobody used that one, or behind
 * it ("2GB of memory"). *ret_noun_at: where it is. */
static enum noun noun_of(const struct words *w, size_t from, size_t to, size_t used_before, size_t *ret_noun_at)
{
	size_t i = to, back = from;
	enum noun noun;

	while (back > used_before && words_same_clause(w, from, back - 1) &&
	       words_is(w, back - 1, ":|=|of|is|size|limit|with|at|least|to|max|about|~|around|space"))
		back--;
	if (back > used_before && words_same_clause(w, from, back - 1) && (noun = noun_at(w, back - 1)) != NOUN_NONE) {
		*ret_noun_at = back - 1;
		return noun;
	}
	while (i < to + 4 && words_same_clause(w, from, i) && words_is(w, i, NOUN_GLUE) && noun_at(w, i) == NOUN_NONE)
		i++;
	*ret_noun_at = i;
	return words_same_clause(w, from, i) ? noun_at(w, i) : NOUN_NONE;
}

/* Mebibytes of a unit, 0 when it is none. */
static double unit_mib(const struct words *w, size_t i)
{
	if (words_is(w, i, "gb|gib|gi|g|gig|gigs|gigabyte|gigabytes|go"))
		return 1024;
	if (words_is(w, i, "mb|mib|mi|m|megabyte|megabytes|megs"))
		return 1;
	return words_is(w, i, "tb|tib|ti|t|terabyte|terabytes") ? 1024 * 1024.0 : 0;
}

static void add_memory(json_t *out, double mib, const struct words *w, size_t from, size_t to)
{
	int64_t whole = (int64_t)ceil(mib);

	if (mib < 16 || mib > 4.0 * 1024 * 1024)
		prompt_warn(out, "Memory of %.0f MiB is not between 16 MiB and 4 TiB: ignored.", mib);
	else if (whole % 1024 == 0)
		prompt_add_field(out, "memory", json_strf("%lldGi", (long long)whole / 1024), w, from, to);
	else
		prompt_add_field(out, "memory", json_strf("%lldMi", (long long)whole), w, from, to);
}

/* "50 GB disk", "2GB of memory", "disk of 50GB". The number of words, else 0. */
static size_t take_bytes(const struct words *w, size_t i, size_t *used_noun, json_t *out)
{
	double amount, mib;
	size_t n = words_number(w, i, false, &amount), noun_index, from, to;
	enum noun noun;

	mib = n && words_same_clause(w, i, i + n) ? unit_mib(w, i + n) : 0;
	if (mib <= 0)
		return 0;
	noun = noun_of(w, i, i + n + 1, *used_noun, &noun_index);
	if (noun == NOUN_NONE)
		return n + 1;
	*used_noun = noun_index + 1;
	from = noun_index < i ? noun_index : i;
	to = noun_index < i ? i + n + 1 : noun_index + 1;
	amount *= mib;
	if (prompt_is_denied(w, from, 4) &&
	    !words_match_any(w, from >= 3 ? from - 3 : 0, "no more than|not more than|no less than|not less than"))
		return n + 1;
	if (noun == NOUN_MEMORY)
		add_memory(out, amount, w, from, to);
	else if (amount > 64.0 * 1024 * 1024)
		prompt_warn(out, "A disk of %.0f GiB is larger than 64 TiB: ignored.", amount / 1024);
	else
		prompt_add_field(out, "volumeSize", json_integer((json_int_t)ceil(amount / 1024)), w, from, to);
	return n + 1;
}

/* "2 vCPUs", "500m CPU", "four cores". */
static size_t take_cpu(const struct words *w, size_t i, json_t *out)
{
	double amount;
	size_t n = words_number(w, i, false, &amount), at = i + n;
	bool milli;

	if (!n)
		return 0;
	milli = words_is(w, at, "m|millicores") && words_same_clause(w, i, at);
	at += milli;
	if (words_is(w, at, "of|virtual|dedicated"))
		at++;
	if (!words_same_clause(w, i, at) || !words_is(w, at, "cpu|cpus|vcpu|vcpus|core|cores"))
		return 0;
	amount = milli ? amount : amount * 1000;
	if (amount < 10 || amount > 512000)
		prompt_warn(out, "%.3f CPUs are not between 0.01 and 512: ignored.", amount / 1000);
	else if (!prompt_is_denied(w, i, 4))
		prompt_add_field(out, "cpu",
		                 fmod(amount, 1000) > 0 ? json_strf("%.0fm", amount) : json_strf("%.0f", amount / 1000), w, i,
		                 at + 1);
	return at + 1 - i;
}

/* "port 3000", "listens on :8080" */
static size_t take_port(const struct words *w, size_t i, json_t *out)
{
	size_t at = i + 1;
	int64_t port;

	if (!words_is(w, i, "port|:") || (words_is(w, i, ":") && !(i && words_is(w, i - 1, "on|at|to|listens|localhost"))))
		return 0;
	while (at < i + 3 && words_is(w, at, ":|=|is|number"))
		at++;
	if (!words_same_clause(w, i, at) || !str_to_i64(words_at(w, at), 1, 65535, &port))
		return 0;
	for (size_t k = i; k-- > 0 && words_same_clause(w, i, k);) {
		if (words_is(w, k,
		             "connect|connects|connecting|database|db|postgres|postgresql|mysql|redis|mongodb|mongo|kafka|smtp|"
		             "ssh|block|close|upstream"))
			return at + 1 - i;
	}
	if (!prompt_is_denied(w, i, 4))
		prompt_add_field(out, "appPort", json_integer(port), w, i, at + 1);
	return at + 1 - i;
}

/* "a small instance": a size by name. */
static size_t take_size(const struct words *w, size_t i, json_t *out)
{
	static const char *const sizes[][2] = { { "tiny|micro|smallest", "micro" },
		                                    { "small", "small" },
		                                    { "medium|mid", "medium" },
		                                    { "large|big|beefy", "large" },
		                                    { "huge|xlarge|largest", "xlarge" } };

	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		if (!words_is(w, i, sizes[k][0]) || !words_same_clause(w, i, i + 1))
			continue;
		size_t n = words_is(w, i + 1, "sized|possible") ? 2 : 1;
		if (words_is(
				w, i + n,
				"instance|instances|machine|machines|vm|vms|server|servers|box|node|nodes|replica|replicas|pod|pods") &&
		    !prompt_is_denied(w, i, 4))
			prompt_add_field(out, "size", json_string(sizes[k][1]), w, i, i + n + 1);
	}
	return 0;
}

void prompt_find_sizes(const struct words *w, json_t *out)
{
	size_t used_noun = 0;

	for (size_t i = 0; i < w->len;) {
		size_t n = take_range(w, i, out);
		if (!n)
			n = take_count(w, i, out);
		if (!n)
			n = take_named_count(w, i, out);
		if (!n)
			n = take_cpu(w, i, out); /* before bytes: "500m" may be either */
		if (!n)
			n = take_bytes(w, i, &used_noun, out);
		if (!n)
			n = take_port(w, i, out);
		take_size(w, i, out);
		i += n ? n : 1;
	}
}
