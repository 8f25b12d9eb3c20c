/* Names that may have been meant by one that is unknown: those whose Jaro-Winkler similarity is above 0.8, as clap
 * (and with it upstream) has it; the best one last. */

#include "check/suggest.h"

#include "base/buf.h"
#include "base/str.h"

#define SIMILAR_ENOUGH 0.8
#define NAME_MAX_COMPARED 256 /* longer names are not compared: the time is the product of the lengths */
#define WORK_MAX ((size_t)20 * 1000 * 1000)

/* W. E. Winkler, "String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model of Record Linkage",
 * 1990: how many characters are the same at about the same place, and in the same order. */
static double jaro(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool taken[NAME_MAX_COMPARED];
	size_t longer = a_len > b_len ? a_len : b_len, range = longer / 2 > 0 ? longer / 2 - 1 : 0, last = 0;
	double same = 0, transposed = 0;

	memset(taken, 0, b_len * sizeof(*taken));
	for (size_t i = 0; i < a_len; i++) {
		for (size_t j = i > range ? i - range : 0; j < b_len && j <= i + range; j++) {
			if (a[i] != b[j] || taken[j])
				continue;
			taken[j] = true;
			same++;
			transposed += j < last;
			last = j;
			break;
		}
	}
	return same > 0 ? (same / (double)a_len + same / (double)b_len + (same - transposed) / same) / 3 : 0;
}

static double similarity(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t prefix = 0;

	while (prefix < a_len && prefix < b_len && a[prefix] == b[prefix])
		prefix++;

	double j = jaro(a, a_len, b, b_len);

	return j + 0.1 * (double)prefix * (1 - j);
}

bool suggest_is_over(const struct suggestions *s)
{
	return *s->work > WORK_MAX;
}

void suggest_name(struct suggestions *s, const char *meant)
{
	if (suggest_is_over(s))
		return;

	size_t len = strlen(s->name), meant_len = strlen(meant), at = s->len;

	*s->work += 1 + len + meant_len;
	if (len > NAME_MAX_COMPARED || meant_len > NAME_MAX_COMPARED)
		return;
	*s->work += len * meant_len;

	double similar = similarity(s->name, len, meant, meant_len);

	if (similar <= SIMILAR_ENOUGH || s->len == ARRAY_SIZE(s->items))
		return;
	for (; at > 0 && s->items[at - 1].similarity > similar; at--)
		s->items[at] = s->items[at - 1];
	s->items[at].meant = meant;
	s->items[at].similarity = similar;
	s->len++;
}

char *suggest_text(const struct suggestions *s, bool is_list)
{
	_cleanup_buf_ struct buf text = BUF_INIT(8192);

	for (size_t i = 0; i < s->len; i++)
		buf_printf(&text, is_list ? "%s\"%s\"" : "%s%s", i == 0 ? "" : is_list ? ", " : " or ", s->items[i].meant);
	if (s->len == 0)
		return xstrdup("");
	return xasprintf(is_list ? ", did you mean '[%s]'?" : ", did you mean '%s'?", buf_str(&text));
}
