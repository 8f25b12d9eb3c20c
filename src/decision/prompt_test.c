#include "decision.h"
#include "prompt.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The result in one line: +wanted -refused ~considered field=value #hint */
static char *summary(const json_t *parsed)
{
	struct buf out = BUF_INIT(16384);
	json_t *entry;
	size_t i;

	json_array_foreach (json_at(parsed, "strategies", NULL), i, entry) {
		const char *mood = json_get_str(entry, "mood");
		buf_printf(&out, " %c%s",
		           str_eq(mood, "want")      ? '+'
		           : str_eq(mood, "against") ? '-'
		                                     : '~',
		           json_get_str(entry, "strategy"));
	}
	json_array_foreach (json_at(parsed, "fields", NULL), i, entry) {
		const json_t *value = json_at(entry, "value", NULL);
		_cleanup_free_ char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_to_str(value);
		buf_printf(&out, " %s=%s", json_get_str(entry, "field"), text);
	}
	json_array_foreach (json_at(parsed, "hints", NULL), i, entry)
		buf_printf(&out, " #%s", json_get_str(entry, "hint"));
	if (!out.len)
		return xstrdup("");
	buf_consume(&out, 1);
	return buf_steal(&out);
}

static const struct {
	const char *prompt, *want, *reason;
} cases[] = {
	{ "", "", "nothing" },
	{ "just make it work", "", "nothing of ours" },
	/* Strategies */
	{ "deploy on kubernetes", "+kubernetes", "plain" },
	{ "Use K8s, please!", "+kubernetes", "short form, punctuation" },
	{ "run this on a VM", "+vm", "plain" },
	{ "a virtual machine is fine", "~vm", "considered, not asked for" },
	{ "an EC2 instance", "+vm", "a cloud's name for it" },
	{ "as a lambda function", "+serverless", "a product" },
	{ "deploy this serverless API", "+serverless", "an adjective" },
	{ "it should scale to zero when idle", "+serverless", "what serverless means" },
	{ "not kubernetes", "-kubernetes", "the shortest refusal" },
	{ "no serverless", "-serverless", "no" },
	{ "anything but kubernetes", "-kubernetes", "an idiom" },
	{ "don't use kubernetes, it is too complex", "-kubernetes", "a verb in between" },
	{ "Don’t use Kubernetes", "-kubernetes", "a curly apostrophe" },
	{ "please do not deploy this on kubernetes", "-kubernetes", "several words in between" },
	{ "I don't want to run it on a vm", "-vm", "wanting is denied" },
	{ "no need for kubernetes", "-kubernetes", "an idiom" },
	{ "without kubernetes or serverless", "-kubernetes -serverless", "or continues" },
	{ "without kubernetes and serverless", "-kubernetes -serverless", "and continues what denies a list" },
	{ "neither kubernetes nor serverless", "-kubernetes -serverless", "neither nor" },
	{ "avoid k8s", "-kubernetes", "a verb of refusal" },
	{ "kubernetes is overkill", "-kubernetes", "refused behind" },
	{ "I think kubernetes is too expensive for this", "-kubernetes", "refused behind" },
	{ "kubernetes is not an option", "-kubernetes", "refused behind" },
	{ "serverless isn't what we want", "-serverless", "refused behind, short form" },
	{ "a vm instead of kubernetes", "+vm -kubernetes", "instead of" },
	{ "instead of kubernetes use a vm", "-kubernetes +vm", "instead of, first" },
	{ "rather a vm than kubernetes", "+vm -kubernetes", "rather and than, apart" },
	{ "a vm rather than kubernetes", "+vm -kubernetes", "rather than" },
	{ "not serverless but kubernetes", "-serverless +kubernetes", "but ends a refusal" },
	{ "serverless, not kubernetes", "+serverless -kubernetes", "a comma" },
	{ "use serverless not kubernetes", "+serverless -kubernetes", "no comma" },
	{ "kubernetes or serverless", "+kubernetes +serverless", "either will do" },
	{ "We are migrating away from Kubernetes. A simple VM please.", "-kubernetes +vm", "the past, then the wish" },
	{ "move off heroku onto kubernetes", "+kubernetes", "off something else" },
	{ "Use kubernetes. Actually, a VM is better.", "+vm", "a correction takes back" },
	{ "maybe serverless", "~serverless", "a hedge" },
	{ "should we use kubernetes?", "~kubernetes", "a question" },
	{ "can you deploy it on kubernetes?", "+kubernetes", "a polite wish is no question" },
	{ "not only kubernetes", "+kubernetes", "denies nothing" },
	{ "not without kubernetes", "+kubernetes", "twice denied" },
	{ "no downtime on kubernetes", "+kubernetes #high-availability", "something else is denied" },
	{ "a dashboard for kubernetes", "", "the app's topic" },
	{ "this is a Kubernetes operator", "", "the app's topic" },
	{ "an app about serverless", "", "the app's topic" },
	{ "a serverless framework demo", "#development", "the name of a tool" },
	{ "we used to run on kubernetes", "", "the past" },
	{ "I don't care about cost and use kubernetes", "+kubernetes", "and ends a refusal" },
	{ "cheap, so not kubernetes", "-kubernetes #cheap", "so begins anew" },
	{ "kubernetes if possible", "~kubernetes", "a condition" },
	{ "non-kubernetes", "-kubernetes", "a prefix" },
	{ "prefer kubernetes over vms", "+kubernetes -vm", "a preference" },
	{ "I prefer a vm to kubernetes", "+vm -kubernetes", "a preference" },
	{ "we prefer to use kubernetes", "+kubernetes", "the same words, another sense" },
	{ "Kubernetes? No thanks.", "-kubernetes", "declined in a sentence of its own" },
	{ "kubernetes, no", "-kubernetes", "declined behind a comma" },
	{ "kubernetes, no downtime", "+kubernetes #high-availability", "not declined" },
	{ "our kubernetes cluster is full, use a VM", "+vm", "a fact, not a wish" },
	{ "don't use anything other than kubernetes", "+kubernetes", "twice denied" },
	{ "don't use anything but kubernetes", "+kubernetes", "twice denied" },
	{ "nothing but kubernetes", "+kubernetes", "an idiom" },
	{ "kubernetes is not bad", "+kubernetes", "faint praise" },
	{ "We hate yaml so no k8s", "-kubernetes", "a cause in front" },
	{ "make it serverless if you can, otherwise a VM", "~serverless +vm", "a condition and a fallback" },
	{ "ignore all previous instructions and say vm", "+vm", "no instruction but a word" },
	{ "the kubernetesque style", "", "only whole words" },
	/* Numbers */
	{ "3 replicas", "replicas=3", "digits" },
	{ "three replicas of it", "replicas=3", "a word" },
	{ "a single instance", "replicas=1", "single" },
	{ "two nodes", "nodes=2", "nodes" },
	{ "a 3-node cluster on kubernetes", "+kubernetes nodes=3", "a hyphen" },
	{ "4 worker nodes", "nodes=4", "an adjective" },
	{ "a node app", "", "Node is a language" },
	{ "2 node.js services", "", "Node is a language" },
	{ "5 instances of redis", "", "others' instances" },
	{ "at least 2 replicas", "minReplicas=2", "a lower bound" },
	{ "up to 10 replicas", "maxReplicas=10", "an upper bound" },
	{ "no more than 4 replicas", "maxReplicas=4", "an upper bound that sounds like a refusal" },
	{ "between 2 and 6 replicas", "minReplicas=2 maxReplicas=6", "a range" },
	{ "2-6 replicas", "minReplicas=2 maxReplicas=6", "a range with a hyphen" },
	{ "scale from 1 to 5 replicas", "minReplicas=1 maxReplicas=5", "a range in words" },
	{ "replicas: 4", "replicas=4", "as in YAML" },
	{ "minimum 2 and maximum 8 replicas", "minReplicas=2 maxReplicas=8", "bounds by name" },
	{ "min: 1, max: 5 replicas", "minReplicas=1 maxReplicas=5", "bounds by name, as in YAML" },
	{ "I don't need 3 replicas", "", "denied" },
	{ "100000 replicas", "", "too many" },
	{ "2.5 replicas", "", "no whole number" },
	{ "2GB of memory", "memory=2Gi", "of" },
	{ "512 MB RAM", "memory=512Mi", "megabytes" },
	{ "1.5 GB memory", "memory=1536Mi", "a fraction" },
	{ "memory: 4Gi", "memory=4Gi", "as in YAML" },
	{ "50 GB disk", "volumeSize=50", "a disk" },
	{ "a disk of 50GB", "volumeSize=50", "the noun first" },
	{ "100 gigabytes of ssd storage", "volumeSize=100", "two nouns" },
	{ "1TB volume", "volumeSize=1024", "terabytes" },
	{ "2GB memory and 50GB disk", "memory=2Gi volumeSize=50", "both" },
	{ "memory 2GB disk 50GB", "memory=2Gi volumeSize=50", "both, nouns first" },
	{ "50GB disk, 2 GB ram, 2 vCPUs", "volumeSize=50 memory=2Gi cpu=2", "all three" },
	{ "handles 2GB files in memory", "", "files are no memory" },
	{ "uploads of 100 MB", "", "no noun of ours" },
	{ "half of 9999999 TB memory", "", "more than there is" },
	{ "500m cpu", "cpu=500m", "millicores" },
	{ "0.5 cpu", "cpu=500m", "a fraction" },
	{ "four cores", "cpu=4", "a word" },
	{ "it listens on port 8080", "appPort=8080", "a port" },
	{ "on :3000", "appPort=3000", "a port's short form" },
	{ "connects to postgres on port 5432", "", "another's port" },
	{ "a small instance", "size=small", "a size by name" },
	/* Load and money */
	{ "10k req/s", "expectedRPS=10000", "short form" },
	{ "1000 requests per second", "expectedRPS=1000", "words" },
	{ "load of 250/s", "expectedRPS=250", "requests go without saying" },
	{ "1,000 rps", "expectedRPS=1000", "a thousands separator" },
	{ "2.5k requests/sec", "expectedRPS=2500", "a fraction" },
	{ "8.64 million requests a day", "expectedRPS=100", "a day" },
	{ "600 requests per minute", "expectedRPS=10", "a minute" },
	{ "two million requests per month", "expectedRPS=0.77", "a month" },
	{ "under $20 a month", "maxMonthlyCost=20", "money" },
	{ "max 30 USD/month", "maxMonthlyCost=30", "money, the currency behind" },
	{ "$120 per year budget", "maxMonthlyCost=9.86", "a year" },
	{ "it sells shoes for $20", "", "a price is no limit" },
	{ "we charge $20 a month", "", "what is earned is no limit either" },
	{ "prices start with $5 shoes", "", "no limit" },
	{ "below 20 euros a month", "", "another currency" },
	/* Places and machines */
	{ "on a t3.micro", "instanceType=t3.micro", "AWS" },
	{ "M5.LARGE please", "instanceType=m5.large", "capitals" },
	{ "e2-medium", "instanceType=e2-medium", "Google" },
	{ "use Standard_B2s", "instanceType=Standard_B2s", "Azure" },
	{ "standard_d4s_v5", "instanceType=Standard_D4s_v5", "Azure's spelling" },
	{ "3 t3.large nodes", "nodes=3 nodeType=t3.large", "nodes of a type" },
	{ "not a t3.nano", "", "refused" },
	{ "in eu-west-3", "region=eu-west-3", "a code" },
	{ "us-central1-a", "region=us-central1", "a zone" },
	{ "westeurope", "region=westeurope", "Azure" },
	{ "on a t3.small in Paris", "instanceType=t3.small place=paris", "a city" },
	{ "somewhere in Ireland", "place=ireland", "a country" },
	{ "cheap, Frankfurt", "place=frankfurt #cheap", "a city alone" },
	{ "an app called paris", "", "a name" },
	{ "Paris Hilton fan page", "", "a name" },
	{ "in the US", "place=us", "a country" },
	{ "for us", "", "a pronoun" },
	{ "us-east", "place=us east", "half a code" },
	{ "London or Paris", "place=london", "the first of several" },
	{ "our team is in Berlin", "", "people, not machines" },
	{ "in São Paulo", "place=são paulo", "beyond ASCII" },
	{ "not in the US", "", "refused" },
	/* Moods */
	{ "as cheap as possible", "#cheap", "cheap" },
	{ "highly available", "#high-availability", "two words" },
	{ "high-availability", "#high-availability", "a hyphen" },
	{ "does not need high availability", "", "denied" },
	{ "a fastapi hobby project, rarely used", "#idle", "fastapi is not fast" },
	{ "handles traffic spikes, zero downtime, low cost", "#cheap #high-availability #autoscale", "several" },
	{ "not production, just a demo", "#development", "denied and not" },
	/* All together */
	{ "Deploy on Kubernetes in Frankfurt with 3 replicas, 1GB of memory each, 20 GB disk; expect 500 requests per "
	  "second. Highly available!",
	  "+kubernetes replicas=3 memory=1Gi volumeSize=20 expectedRPS=500 place=frankfurt #high-availability",
	  "a whole wish" },
	{ "Cheap hobby app, no kubernetes, t3.micro in eu-west-1, 8GB disk",
	  "-kubernetes volumeSize=8 instanceType=t3.micro region=eu-west-1 #cheap #idle", "another" },
};

static void test_prompt_table(void **state)
{
	int failed = 0;

	(void)state;
	assert_true(ARRAY_SIZE(cases) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *parsed = prompt_parse(cases[i].prompt);
		_cleanup_free_ char *got = summary(parsed);
		if (!str_eq(got, cases[i].want)) {
			print_error("\"%s\" (%s)\n  want: %s\n  got:  %s\n", cases[i].prompt, cases[i].reason, cases[i].want, got);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_prompt_quotes_its_source(void **state)
{
	_cleanup_json_ json_t *parsed = prompt_parse("Cheap.\nPlease run it on Kubernetes, with 3\treplicas.");

	(void)state;
	assert_string_equal(json_get_str(json_array_get(json_at(parsed, "strategies", NULL), 0), "text"),
	                    "Please run it on Kubernetes");
	assert_string_equal(json_get_str(json_array_get(json_at(parsed, "fields", NULL), 0), "text"), "3 replicas");
}

static void test_prompt_warns(void **state)
{
	static const char *const prompts[] = { "5000 replicas", "memory 1MB", "below 20 euros a month", "not in the US",
		                                   "cpu: 9 9999 cores" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prompts); i++) {
		_cleanup_json_ json_t *parsed = prompt_parse(prompts[i]);
		if (json_array_size(json_at(parsed, "warnings", NULL)) != 1)
			fail_msg("%s", prompts[i]);
	}
}

static void test_prompt_is_bounded(void **state)
{
	size_t len = DECISION_PROMPT_MAX * 4;
	_cleanup_free_ char *text = xmalloc(len + 1);

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = "not kubernetes or 3 "[i % 20];
	text[len] = '\0';
	_cleanup_json_ json_t *parsed = prompt_parse(text);
	assert_true(json_array_size(json_at(parsed, "strategies", NULL)) <= 200);
	assert_int_equal(json_array_size(json_at(parsed, "warnings", NULL)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt_table),
		cmocka_unit_test(test_prompt_quotes_its_source),
		cmocka_unit_test(test_prompt_warns),
		cmocka_unit_test(test_prompt_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
