/* Moods of a prompt that are no numbers: cheap, must not fail, rarely used, … */

#include "prompt.h"

#include "base/str.h"

static const struct {
	const char *hint, *phrases;
} hints[] = {
	{ "cheap",
	  "cheap|cheaply|cheapest|cheaper|low cost|lowest cost|low budget|inexpensive|affordable|minimal cost|minimize "
	  "cost|"
	  "minimise cost|minimize costs|minimise costs|save money|as little as possible|cost effective|economical|frugal|"
	  "tight budget|small budget|limited budget|free tier|low price" },
	{ "high-availability",
	  "high availability|highly available|ha|fault tolerant|fault tolerance|redundant|redundancy|no downtime|"
	  "zero downtime|never go down|always available|always on|mission critical|resilient|multi az|failover|"
	  "business critical|must not go down|without downtime|99.9|99.95|99.99|99.999|highly reliable|not go down" },
	{ "performance", "high performance|fast|low latency|performant|blazing|quick|speed|as fast as possible" },
	{ "autoscale",
	  "autoscale|autoscaling|auto scale|auto scaling|autoscales|elastic|spiky|bursty|spikes|bursts|peaks|"
	  "scale automatically|scales automatically|scale up and down|traffic spikes|scale with|scalable|scale out" },
	{ "idle", "rarely used|rarely|sporadic|sporadically|occasional|occasionally|hobby|side project|pet project|seldom|"
	          "once in a while|few requests|few visitors|few users|mostly idle|weekend project|from time to time" },
	{ "low-traffic", "low traffic|little traffic|small traffic|hardly any traffic|low load|little load|light traffic" },
	{ "high-traffic",
	  "high traffic|heavy traffic|lots of traffic|a lot of traffic|many users|millions of users|heavy load|"
	  "high load|huge traffic|thousands of users|viral|much traffic|many visitors" },
	{ "production", "production|prod|production ready|production grade|enterprise" },
	{ "development",
	  "development|dev|staging|test|testing|demo|prototype|playground|sandbox|experiment|poc|proof of concept|"
	  "try it out|preview" },
	{ "gpu", "gpu|gpus|cuda|nvidia" },
	{ "stateful", "stateful|websocket|websockets|long running connections|persistent connections|sticky sessions" },
	{ "batch", "cron|cronjob|batch job|batch jobs|nightly|scheduled job|background worker|background jobs" },
};

/* "fast" of "breakfast API" is no word of its own, but "test" of "run the tests" and "fast" of "fastapi" neither. */
static bool is_other_use(const struct words *w, size_t i, size_t n, const char *hint)
{
	if (str_eq(hint, "development") && words_is(w, i, "test|testing") && words_same_clause(w, i, i + n) &&
	    words_is(w, i + n, "suite|suites|coverage|command|results|runner|it"))
		return true;
	return str_eq(hint, "performance") && words_is(w, i, "fast|quick|speed") && words_same_clause(w, i, i + n) &&
	       words_is(w, i + n, "api|food|test|setup|and|track");
}

void prompt_find_hints(const struct words *w, json_t *out)
{
	json_t *list = json_ensure_array(out, "hints");

	for (size_t k = 0; k < ARRAY_SIZE(hints); k++) {
		for (size_t i = 0; i < w->len; i++) {
			size_t n = words_match_any(w, i, hints[k].phrases);
			_cleanup_free_ char *text = NULL;
			json_t *entry;

			if (n == 0 || is_other_use(w, i, n, hints[k].hint) || prompt_is_denied(w, i, 5))
				continue;
			text = words_quote(w, i, i + n);
			entry = json_object();
			json_put_str(entry, "hint", hints[k].hint);
			json_put(entry, "text", json_string_lossy(text, strlen(text)));
			json_array_append_new(list, entry);
			break;
		}
	}
}
