/* Which strategies a prompt names, and in what mood: wished for, refused, considered, or only mentioned. */

#include "decision.h"
#include "prompt.h"

#include "base/str.h"

enum mood { MOOD_WANT, MOOD_AGAINST, MOOD_MAYBE, MOOD_MENTION };

static const char *const names[DECISION_STRATEGIES] = {
	[DECISION_VM] =
		"vm|vms|vps|ec2|droplet|virtual machine|virtual machines|virtual server|virtual private server|bare metal|"
		"compute engine|single server|one server|plain server|dedicated server",
	[DECISION_SERVERLESS] =
		"serverless|serverlessly|lambda|lambdas|faas|cloud run|cloud function|cloud functions|azure function|"
		"azure functions|function as a service|functions as a service|scale to zero|scales to zero|"
		"scaling to zero|scaled to zero|scale down to zero|scales down to zero|aws lambda|scale it to zero",
	[DECISION_KUBERNETES] =
		"kubernetes|k8s|k8|kube|eks|gke|aks|k3s|kubernets|kubernetis|kubernates|kuberentes|kubernetes cluster|"
		"k8s cluster|kubernetes clusters",
};

/* Words that turn the strategy's name into the topic of something else: a dashboard for Kubernetes. */
#define SERVERLESS_THINGS "framework|plugin|plugins|tutorial|documentation|course|book"
#define THINGS                                                                                                      \
	"operator|operators|api|dashboard|client|clients|controller|controllers|plugin|plugins|exporter|tutorial|docs|" \
	"documentation|framework|manifest|manifests|monitoring|tool|tools|ui|events|book|course|learning|library|sdk|"  \
	"examples|demo app|yaml|certification|explorer|visualizer|browser|cli"
#define ABOUT "about|called|named|explaining|explains|teaches|teaching|learn|learning|titled|monitors|manages|talks"
#define PAST "was|were|previously|formerly|earlier|old"
/* Those of the second kind deny all of a list: "without a VM and Kubernetes". */
#define DENIALS                                                                                                    \
	"not|no|never|don't|dont|doesn't|doesnt|can't|cannot|won't|isn't|aren't|shouldn't|nor|hate|dislike|skip|drop|" \
	"forget|ban|forbid|against|anti|wouldn't|non|refuse|nothing|nicht|kein|keine|keinen|pas"
#define LIST_DENIALS "ohne|sans|without|neither|avoid|avoiding|exclude|excluding|except"
#define HEDGES \
	"maybe|perhaps|possibly|might|could|may|optionally|considering|consider|wonder|wondering|unsure|whether|probably"
#define AUX                                                                                                            \
	"is|are|would|be|seems|seem|feels|feel|sounds|sound|looks|look|was|might|for|here|just|far|way|really|probably|a|" \
	"an|the|us|me|this|it|bit"
#define BREAKS "so|then|because|since|as|therefore|thus|hence|which|while|when|where|just|please|instead|only if"

static size_t strategy_at(const struct words *w, size_t i, enum decision_strategy *ret)
{
	size_t best = 0;

	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		size_t n = words_match_any(w, i, names[s]);
		if (n > best) {
			best = n;
			*ret = (enum decision_strategy)s;
		}
	}
	return best;
}

/* Are the words (from, to) only what joins the members of a list: "kubernetes or a vm"? */
static bool is_list_glue(const struct words *w, size_t from, size_t to, bool with_and)
{
	for (size_t i = from; i < to; i++) {
		if (!words_is(w, i, "or|nor|a|an|the|any|on|/|with") && !(with_and && words_is(w, i, "and|&")))
			return false;
	}
	return true;
}

/* What is said before the name, back to the start of its clause or to another strategy's name. */
struct before {
	int denials;
	bool list_denial; /* by a word that denies all of a list: without, neither, avoid */
	bool maybe, mention;
	bool inherited; /* it is the next member of a list of strategies */
};

/* "no downtime on kubernetes" denies the downtime, "no need for kubernetes" the name. */
static bool denies_something_else(const struct words *w, size_t denial, size_t name)
{
	size_t next = denial + 1;

	if (next >= name || prompt_is_filler(w, next) ||
	    words_is(w, next, "reason|wish|interest|requirement|dependency|fan|way|point|desire|intention|use|longer|more"))
		return false;
	for (size_t i = next + 1; i < name; i++) {
		if (words_is(w, i, "on|in|with|using|for|via|by"))
			return true;
	}
	return false;
}

static bool is_preferred(const struct words *w, size_t name)
{
	for (size_t k = name; k-- > 0 && words_same_clause(w, name, k) && name - k <= 4;) {
		if (words_is(w, k, "prefer|prefers|preferred|preferring"))
			return true;
	}
	return false;
}

/* "instead of", "rather than", "anything but", "move off", "migrating from": two words, of which i is the second. "From
 * Heroku to Kubernetes" denies Heroku, "rather a VM than Kubernetes" is denial over a distance. */
static bool denies_by_two(const struct words *w, size_t i, size_t name)
{
	enum decision_strategy preferred;
	static const char *const pairs[][2] = {
		{ "of", "instead" },
		{ "but", "anything|everything|all" },
		{ "off", "move|moving|migrate|migrating|get|getting|going|come|coming" },
		{ "from", "away|move|moving|moved|migrate|migrating|migrated|migration|switch|switching|coming|come|over|off" },
	};

	for (size_t k = i + 1; k < name; k++) {
		if (words_is(w, k, "to|onto|into|towards|use|we|i"))
			return false;
	}
	for (size_t back = 1; words_is(w, i, "than") && back <= 5 && back <= i && words_same_clause(w, i, i - back);
	     back++) {
		if (words_is(w, i - back, "rather|other|better|more|prefer"))
			return true;
	}
	/* "prefer a VM over Kubernetes", "I prefer a VM to Kubernetes" */
	for (size_t k = i; words_is(w, i, "over|to") && k-- > 0 && words_same_clause(w, i, k) && i - k <= 6;) {
		if (strategy_at(w, k, &preferred) > 0 && is_list_glue(w, i + 1, name, false))
			return words_is(w, i, "over") || is_preferred(w, k);
	}
	/* "Don't use anything but Kubernetes" */
	if (words_is(w, i, "but") && i > 0 && prompt_is_denied(w, i - 1, 4))
		return false;
	for (size_t k = 0; i > 0 && k < ARRAY_SIZE(pairs); k++) {
		if (words_is(w, i, pairs[k][0]) && words_is(w, i - 1, pairs[k][1]))
			return true;
	}
	return false;
}

/* Does word i deny the name? "not only" and "not sure" do not. */
static bool denies(const struct words *w, size_t i, size_t name, struct before *b)
{
	if (denies_by_two(w, i, name))
		return true;
	if (words_is(w, i, "no") && words_is(w, i + 1, "matter|problem|problems|preference|idea|objection|objections|wait"))
		return false;
	if (words_is(w, i, "not") && words_is(w, i + 1, "only|just"))
		return false;
	if ((words_is(w, i, "not") && words_is(w, i + 1, "sure|necessarily|opposed|against")) ||
	    words_match(w, i, "nothing against")) {
		b->maybe = true;
		return false;
	}
	if (words_is(w, i, "against") && i && words_is(w, i - 1, "nothing|not"))
		return false;
	if (!words_is(w, i, DENIALS "|" LIST_DENIALS) || denies_something_else(w, i, name))
		return false;
	b->list_denial = words_is(w, i, LIST_DENIALS);
	return true;
}

/* The word k before the name: what does it say about it? False: nothing before it counts. */
static bool weigh(const struct words *w, size_t k, size_t name, struct before *b)
{
	if (denies(w, k, name, b)) {
		b->denials++;
		/* "Don't use anything other than Kubernetes" denies twice. */
		return !denies_by_two(w, k, name) || (words_is(w, k, "than") && k && words_is(w, k - 1, "other"));
	}
	if (words_is(w, k, HEDGES))
		b->maybe = true;
	if (name - k <= 3 && words_is(w, k, ABOUT))
		b->mention = true;
	if (name - k <= 4 && (words_is(w, k, PAST) || words_match(w, k, "used to")))
		b->mention = true;
	if (name - k <= 2 && words_is(w, k, "for|to") && k && words_is(w, k - 1, THINGS))
		b->mention = true;
	if (words_is(w, k, BREAKS))
		return false;
	return !words_is(w, k, "and|&") || is_list_glue(w, k, name, true);
}

static void look_before(const struct words *w, size_t i, struct before *b)
{
	int meaningful = 0;

	*b = (struct before){ .denials = 0 };
	for (size_t k = i; k-- > 0 && meaningful <= 2 && words_same_clause(w, i, k);) {
		enum decision_strategy other;
		size_t n = strategy_at(w, k, &other);
		if (n > 0) {
			b->inherited = is_list_glue(w, k + n, i, true);
			return;
		}
		if (!weigh(w, k, i, b))
			return;
		meaningful += !prompt_is_filler(w, k);
	}
}

/* "Kubernetes? No thanks.", "kubernetes: no", "kubernetes=false" */
static bool is_declined(const struct words *w, size_t end)
{
	if (words_is(w, end, ":|=") && words_is(w, end + 1, "no|false|off|never|0|disabled|forbidden"))
		return true;
	if (end >= w->len || words_same_clause(w, end - 1, end) || !words_is(w, end, "no|never|nope"))
		return false;
	return !words_same_clause(w, end, end + 1) || words_is(w, end + 1, "thanks|thank|way|please|never|chance");
}

/* "kubernetes is overkill", "serverless isn't wanted", "a VM is not needed" */
static enum mood look_after(const struct words *w, enum decision_strategy strategy, size_t end)
{
	size_t i = end;

	if (words_same_clause(w, end - 1, i) &&
	    words_is(w, i, strategy == DECISION_SERVERLESS ? SERVERLESS_THINGS : THINGS))
		return MOOD_MENTION;
	if (is_declined(w, end))
		return MOOD_AGAINST;
	while (i < end + 4 && words_same_clause(w, end - 1, i) && words_is(w, i, AUX))
		i++;
	if (!words_same_clause(w, end - 1, i))
		return MOOD_WANT;
	if (words_is(w, i,
	             "overkill|unnecessary|needless|forbidden|excluded|banned|isn't|aren't|won't|unwanted|prohibited|"
	             "disallowed|unneeded"))
		return MOOD_AGAINST;
	if (i > end && words_is(w, i, "too|out|no|never") && !words_is(w, i + 1, "problem|issue"))
		return MOOD_AGAINST;
	if (words_match_any(w, i, "not a must|not a requirement|not mandatory|not strictly|not a hard"))
		return MOOD_MAYBE;
	if (words_is(w, i, "not") &&
	    (i > end || words_is(w, i + 1, "needed|wanted|required|necessary|allowed|possible|desired|an")) &&
	    !words_is(w, i + 1, "only|just|bad|negotiable|optional"))
		return MOOD_AGAINST;
	if (i > end && words_is(w, i, "full|down|busy|broken|gone|unavailable"))
		return MOOD_MENTION;
	if (i > end && words_is(w, i, "fine|ok|okay|possible|acceptable|optional|alright"))
		return MOOD_MAYBE;
	if (words_match_any(w, i, "if possible|if needed|if necessary|if you|if it|if that|would be nice"))
		return MOOD_MAYBE;
	return MOOD_WANT;
}

static enum mood mood_of(const struct words *w, enum decision_strategy strategy, size_t i, size_t n,
                         const struct before *b, enum mood other)
{
	enum mood after = look_after(w, strategy, i + n);
	size_t first = i;

	if (b->mention || after == MOOD_MENTION)
		return MOOD_MENTION;
	if (b->denials)
		return b->denials % 2 ? MOOD_AGAINST : MOOD_WANT;
	if (after == MOOD_AGAINST)
		return after;
	if (b->inherited && other == MOOD_AGAINST)
		return MOOD_AGAINST;
	while (first > 0 && w->items[first - 1].sentence == w->items[i].sentence)
		first--;
	if (w->items[i].question && words_is(w, first, "should|is|would|do|does|why|what|how|which|who"))
		return MOOD_MAYBE;
	if (b->maybe || after == MOOD_MAYBE)
		return MOOD_MAYBE;
	return MOOD_WANT;
}

/* "Actually, …" takes back what was wished before. */
static bool is_correction(const struct words *w, size_t i)
{
	for (size_t k = i; k-- > 0 && w->items[k].sentence == w->items[i].sentence;) {
		if (words_is(w, k, "actually|correction") || words_match(w, k, "second thought") ||
		    words_match(w, k, "no wait"))
			return true;
	}
	return false;
}

static void drop_wishes(json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		if (!str_eq(json_get_str(json_array_get(list, i), "mood"), "against"))
			json_array_remove(list, i);
	}
}

static void add_strategy(json_t *list, enum decision_strategy strategy, enum mood mood, const struct words *w,
                         size_t from, size_t to)
{
	static const char *const moods[] = { "want", "against", "maybe" };
	json_t *entry = json_object();
	_cleanup_free_ char *text = NULL;

	while (from > 0 && to - from < 8 && words_same_clause(w, from, from - 1))
		from--;
	text = words_quote(w, from, to);
	json_put_str(entry, "strategy", decision_strategy_name(strategy));
	json_put_str(entry, "mood", moods[mood]);
	json_put(entry, "text", json_string_lossy(text, strlen(text)));
	json_array_append_new(list, entry);
}

void prompt_find_strategies(const struct words *w, json_t *out)
{
	json_t *list = json_ensure_array(out, "strategies");
	enum mood last_mood = MOOD_WANT;
	bool last_denies_lists = false;
	size_t last_end = 0;

	for (size_t i = 0; i < w->len;) {
		enum decision_strategy strategy = DECISION_VM;
		size_t n = strategy_at(w, i, &strategy);
		struct before before;
		enum mood mood;

		if (n == 0) {
			i++;
			continue;
		}
		look_before(w, i, &before);
		/* "or" continues a refusal, "and" only one of a word that denies all of a list. */
		before.inherited = before.inherited && is_list_glue(w, last_end, i, last_denies_lists);
		mood = mood_of(w, strategy, i, n, &before, last_mood);
		if (mood == MOOD_WANT && is_correction(w, i))
			drop_wishes(list);
		if (mood != MOOD_MENTION)
			add_strategy(list, strategy, mood, w, i, i + n);
		last_mood = mood;
		last_denies_lists = before.list_denial || (before.inherited && last_denies_lists);
		last_end = i + n;
		i += n;
	}
}
