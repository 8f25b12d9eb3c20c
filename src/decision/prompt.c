#include "prompt.h"
#include "decision.h"

#include "base/str.h"

#define LIST_MAX 200 /* entries of a list of the result */

void prompt_warn(json_t *out, const char *fmt, ...)
{
	json_t *warnings = json_ensure_array(out, "warnings");
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (json_array_size(warnings) < 20)
		json_array_append_new(warnings, json_string_lossy(text, strlen(text)));
}

void prompt_add_field(json_t *out, const char *field, json_t *value, const struct words *w, size_t from, size_t to)
{
	json_t *fields = json_ensure_array(out, "fields"), *entry;
	_cleanup_free_ char *text = words_quote(w, from, to);
	size_t i;

	json_array_foreach (fields, i, entry) {
		if (str_eq(json_get_str(entry, "field"), field)) {
			json_decref(value);
			return;
		}
	}
	entry = json_object();
	json_put_str(entry, "field", field);
	json_put(entry, "value", value);
	json_put(entry, "text", json_string_lossy(text, strlen(text)));
	json_array_append_new(fields, entry);
}

#define DENY                                                                                                           \
	"not|no|without|never|avoid|avoiding|don't|dont|doesn't|doesnt|can't|cannot|won't|isn't|aren't|shouldn't|needn't|" \
	"neither|nor|non|skip|except|nothing|unneeded"
/* Verbs and small words that may stand between a denial and what it denies. */
#define TRANSPARENT                                                                                                 \
	"a|an|the|any|some|to|be|is|it|this|that|want|need|needs|like|use|using|run|running|deploy|deploying|deployed|" \
	"have|have "                                                                                                    \
	"to|require|required|go|going|with|on|in|into|at|for|of|or|nor|necessarily|really|too|very|much|put|do|does|"   \
	"should|anything|host|hosted|choose|pick|looking|care|about|set|up|create|make|based|more|than|especially|"     \
	"particularly|my|our|app|under"

bool prompt_is_filler(const struct words *w, size_t i)
{
	return words_is(w, i, TRANSPARENT);
}

bool prompt_is_denied(const struct words *w, size_t i, size_t window)
{
	bool denied = false;

	for (size_t back = 1; back <= window && back <= i && words_same_clause(w, i, i - back); back++) {
		if (words_is(w, i - back, DENY))
			denied = !denied; /* "not without" */
		else if (!prompt_is_filler(w, i - back))
			break;
	}
	return denied;
}

static void add_words(const struct words *w, json_t *out)
{
	json_t *list = json_ensure_array(out, "words");
	_cleanup_free_ const char **sorted = xreallocarray(NULL, w->len + 1, sizeof(*sorted));

	for (size_t i = 0; i < w->len; i++)
		sorted[i] = w->items[i].text;
	str_sort(sorted, w->len);
	for (size_t i = 0; i < w->len; i++) {
		if (i == 0 || !str_eq(sorted[i], sorted[i - 1]))
			json_array_append_new(list, json_string_lossy(sorted[i], strlen(sorted[i])));
	}
}

static void cap_lists(json_t *out)
{
	static const char *const lists[] = { "strategies", "fields", "hints" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_ensure_array(out, lists[i]);
		while (json_array_size(list) > LIST_MAX)
			json_array_remove(list, json_array_size(list) - 1);
	}
}

json_t *prompt_parse(const char *text)
{
	json_t *out = json_object();
	size_t len = text ? strlen(text) : 0;
	_cleanup_free_ char *cut = xstrndup(text ? text : "", len > DECISION_PROMPT_MAX ? DECISION_PROMPT_MAX : len);
	_cleanup_words_ struct words w;

	json_ensure_array(out, "strategies");
	json_ensure_array(out, "fields");
	json_ensure_array(out, "hints");
	words_init(&w, cut);
	prompt_find_strategies(&w, out);
	prompt_find_sizes(&w, out);
	prompt_find_load(&w, out);
	prompt_find_places(&w, out);
	prompt_find_hints(&w, out);
	cap_lists(out);
	add_words(&w, out);
	json_ensure_array(out, "warnings");
	if (len > DECISION_PROMPT_MAX)
		prompt_warn(out, "Only the first %d bytes of the prompt were read.", DECISION_PROMPT_MAX);
	return out;
}
