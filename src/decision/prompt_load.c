/* What load and what money a prompt speaks of. */

#include "prompt.h"

#include "base/str.h"

#include <math.h>

#define THINGS                                                                                                     \
	"req|reqs|request|requests|hit|hits|call|calls|query|queries|transaction|transactions|views|pageviews|visits|" \
	"messages|events|page|api|http"

/* Seconds of "per second", "/s", "a day", "daily"; *ret_end is behind it. 0: it says no time. */
static double period_at(const struct words *w, size_t i, size_t *ret_end)
{
	static const struct {
		const char *words;
		double seconds;
	} units[] = { { "s|sec|secs|second|seconds", 1 }, { "min|mins|minute|minutes", 60 },
		          { "h|hr|hour|hours", 3600 },        { "d|day|days", 86400 },
		          { "week|weeks", 604800 },           { "month|months|mo", 2592000 },
		          { "year|years|yr", 31536000 } },
	  adverbs[] = {
		  { "hourly", 3600 }, { "daily", 86400 }, { "weekly", 604800 }, { "monthly", 2592000 }, { "yearly", 31536000 }
	  };

	for (size_t k = 0; k < ARRAY_SIZE(adverbs); k++) {
		if (words_is(w, i, adverbs[k].words)) {
			*ret_end = i + 1;
			return adverbs[k].seconds;
		}
	}
	if (!words_is(w, i, "/|per|a|an|each|every"))
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(units); k++) {
		if (words_is(w, i + 1, units[k].words)) {
			*ret_end = i + 2;
			return units[k].seconds;
		}
	}
	return 0;
}

/* Is one of the words among the four before i, in its clause? */
static bool is_near(const struct words *w, size_t i, const char *words)
{
	for (size_t back = 1; back <= 4 && back <= i && words_same_clause(w, i, i - back); back++) {
		if (words_is(w, i - back, words))
			return true;
	}
	return false;
}

/* "10k req/s", "1,000 requests per second", "2 million requests a day", "500 rps". The number of words, else 0. */
static size_t take_load(const struct words *w, size_t i, json_t *out)
{
	double count, seconds = 0;
	size_t n = words_number(w, i, true, &count), at = i + n, end = 0;

	if (!n || !words_same_clause(w, i, at))
		return 0;
	if (words_is(w, at, "rps|qps|tps|rpm")) {
		seconds = words_is(w, at, "rpm") ? 60 : 1;
		end = at + 1;
	} else {
		size_t things = at;
		while (things < at + 3 && words_is(w, things, THINGS))
			things++;
		if (things > at || words_is(w, at, "/"))
			seconds = period_at(w, things, &end);
		/* "1000/s" says a load only where requests were spoken of. */
		if (things == at && !is_near(w, i, "load|traffic|handle|expect|expecting|expected|serve|serves"))
			seconds = 0;
	}
	if (seconds <= 0 || !words_same_clause(w, i, end - 1) || prompt_is_denied(w, i, 3))
		return 0;
	count = round(count / seconds * 100) / 100;
	if (count > 1e9)
		prompt_warn(out, "A load of more than a billion requests per second is not believed: ignored.");
	else
		prompt_add_field(out, "expectedRPS", fmod(count, 1) > 0 ? json_real(count) : json_integer((json_int_t)count), w,
		                 i, end);
	return end - i;
}

#define LIMITS "under|below|max|maximum|most|than|within|budget|limit|exceed|cap|spend|pay|cost|costs|costing|up|<"
/* What the application earns is not what it may cost. */
#define EARNINGS                                                                                                 \
	"charge|charges|charging|sell|sells|selling|subscription|subscriptions|plan|plans|revenue|earn|earns|makes|" \
	"donate|donates"

/* "under $20 a month", "30 USD/month", "budget: 50 dollars". */
static size_t take_money(const struct words *w, size_t i, json_t *out)
{
	bool dollar_first = words_is(w, i, "$|€"), euro = words_is(w, i, "€");
	size_t at = i + dollar_first, n, end;
	double amount, seconds;

	n = words_number(w, at, true, &amount);
	if (!n)
		return 0;
	at += n;
	if (!dollar_first) {
		if (!words_same_clause(w, i, at) || !words_is(w, at, "$|€|usd|dollar|dollars|bucks|eur|euro|euros"))
			return 0;
		euro = words_is(w, at, "€|eur|euro|euros");
		at++;
	} else if (words_is(w, at, "usd|eur")) {
		at++;
	}
	end = at;
	seconds = words_same_clause(w, i, at) ? period_at(w, at, &end) : 0;
	if (seconds <= 0 && words_is(w, at, "monthly|month"))
		end = at + 1;
	else if (seconds <= 0 && !is_near(w, i, LIMITS))
		return at - i;
	if (is_near(w, i, EARNINGS))
		return end - i;
	if (seconds > 0)
		amount = amount * 2592000 / seconds;
	if (euro) {
		prompt_warn(out, "Budgets are counted in US dollars: the one in euros was ignored.");
		return end - i;
	}
	amount = round(amount * 100) / 100;
	prompt_add_field(out, "maxMonthlyCost", fmod(amount, 1) > 0 ? json_real(amount) : json_integer((json_int_t)amount),
	                 w, i, end);
	return end - i;
}

void prompt_find_load(const struct words *w, json_t *out)
{
	for (size_t i = 0; i < w->len;) {
		size_t n = take_money(w, i, out);
		if (!n)
			n = take_load(w, i, out);
		i += n ? n : 1;
	}
}
