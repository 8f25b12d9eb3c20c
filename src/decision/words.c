#include "words.h"
#include "catalogue.h"

#include "base/buf.h"
#include "base/str.h"

#define WORD_MAX 64
#define QUOTE_MAX 160

/* While splitting. */
struct splitter {
	struct words *w;
	unsigned clause, sentence;
	size_t sentence_start; /* index of its first word */
};

/* Lower case, curly apostrophes straight. */
static char *plain_copy(const char *s, size_t len)
{
	char *text = xstrndup(s, len), *curly;

	str_lower(text);
	while ((curly = strstr(text, "’"))) {
		*curly = '\'';
		memmove(curly + 1, curly + 3, strlen(curly + 3) + 1);
	}
	return text;
}

static void add(struct splitter *s, size_t start, size_t end)
{
	struct words *w = s->w;
	struct word word = { .start = start, .end = end, .clause = s->clause, .sentence = s->sentence };

	if (end - start > WORD_MAX || end == start)
		return; /* no word that means anything here is that long */
	word.text = plain_copy(w->source + start, end - start);
	if ((w->len & (w->len - 1)) == 0)
		w->items = xreallocarray(w->items, w->len ? w->len * 2 : 1, sizeof(*w->items));
	/* The word itself begins a new clause, so that what was denied before it is not denied after it. */
	if (str_eq(word.text, "but") || str_eq(word.text, "however") || str_eq(word.text, "although"))
		word.clause = ++s->clause;
	w->items[w->len++] = word;
}

static bool is_word_char(unsigned char c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

/* Does the character at i join the word characters around it? 1,000 and 2.5 and t3.micro and don't and us-east-1 do. */
static bool joins(const char *s, size_t start, size_t i)
{
	unsigned char before = i > start ? (unsigned char)s[i - 1] : 0, after = (unsigned char)s[i + 1];

	if (!is_word_char(before) || !is_word_char(after))
		return false;
	if (s[i] == ',')
		return isdigit(before) && strspn(s + i + 1, "0123456789") == 3;
	if (s[i] == '.')
		return isdigit(before) || isdigit(after) || (isalnum(before) && islower(after));
	return s[i] == '-' || s[i] == '\'';
}

/* "50gb" is a number and its unit, but "2xlarge" and "3d" alike; longer mixtures stay. */
static void add_number(struct splitter *s, size_t start, size_t end)
{
	const char *text = s->w->source;
	size_t digits = start + strspn(text + start, "0123456789.,"), i = digits;

	while (i < end && isalpha((unsigned char)text[i]))
		i++;
	if (i < end || digits > end)
		digits = end;
	add(s, start, digits);
	add(s, digits, end);
}

static void add_plain(struct splitter *s, size_t start, size_t end)
{
	if (isdigit((unsigned char)s->w->source[start]))
		add_number(s, start, end);
	else
		add(s, start, end);
}

/* A run of joined characters: whole when it is a name of ours, else parted at hyphens. */
static void add_run(struct splitter *s, size_t start, size_t end)
{
	_cleanup_free_ char *run = xstrndup(s->w->source + start, end - start);
	struct catalogue_machine machine;
	enum catalogue_cloud cloud;
	char code[40];
	size_t part = start;

	if (catalogue_machine_parse(run, &machine) || catalogue_region_parse(run, &cloud, code)) {
		add(s, start, end);
		return;
	}
	for (size_t i = start; i < end; i++) {
		if (s->w->source[i] != '-')
			continue;
		add_plain(s, part, i);
		if (isdigit((unsigned char)s->w->source[part]) && isdigit((unsigned char)s->w->source[i + 1]))
			add(s, i, i + 1); /* 2-6: the hyphen means "to" */
		part = i + 1;
	}
	add_plain(s, part, end);
}

static void end_sentence(struct splitter *s, bool question)
{
	for (size_t i = s->sentence_start; question && i < s->w->len; i++)
		s->w->items[i].question = true;
	s->sentence_start = s->w->len;
	s->sentence++;
	s->clause++;
}

static void take_other(struct splitter *s, size_t i)
{
	const char *text = s->w->source;

	if (strchr(".!?\n", text[i]))
		end_sentence(s, text[i] == '?');
	else if (strchr(",;()[]{}\"", text[i]) || (text[i] == '-' && (text[i + 1] == ' ' || text[i + 1] == '-')))
		s->clause++;
	else if (strchr("$:=/<>~&", text[i]))
		add(s, i, i + 1);
}

/* "€", dashes and curly apostrophes have three bytes; dashes part clauses. The length, 0 for anything else. */
static size_t take_symbol(struct splitter *s, size_t i)
{
	const char *text = s->w->source + i;

	if (strncmp(text, "€", 3) == 0) {
		add(s, i, i + 3);
		return 3;
	}
	if (strncmp(text, "–", 3) == 0 || strncmp(text, "—", 3) == 0) {
		s->clause++;
		return 3;
	}
	if (strncmp(text, "“", 3) == 0 || strncmp(text, "”", 3) == 0 || strncmp(text, "…", 3) == 0)
		return 3;
	return 0;
}

void words_init(struct words *w, const char *text)
{
	struct splitter s = { .w = w };
	size_t i = 0;

	*w = (struct words){ .source = text };
	while (text[i]) {
		size_t start = i, symbol = take_symbol(&s, i);
		if (symbol) {
			i += symbol;
			continue;
		}
		while (text[i] && (is_word_char((unsigned char)text[i]) || joins(text, start, i))) {
			if (i > start && (unsigned char)text[i] == 0xe2 && strncmp(text + i, "’", 3) != 0)
				break;
			i++;
		}
		if (i > start)
			add_run(&s, start, i);
		else
			take_other(&s, i++);
	}
	end_sentence(&s, false);
}

void words_done(struct words *w)
{
	for (size_t i = 0; i < w->len; i++)
		free(w->items[i].text);
	free(w->items);
	*w = (struct words){ .source = NULL };
}

const char *words_at(const struct words *w, size_t i)
{
	return i < w->len ? w->items[i].text : "";
}

bool words_same_clause(const struct words *w, size_t i, size_t j)
{
	return i < w->len && j < w->len && w->items[i].clause == w->items[j].clause;
}

/* The same for a phrase of known length. */
static size_t match_part(const struct words *w, size_t i, const char *phrase, size_t len)
{
	size_t n = 0;

	for (size_t at = 0; at < len; n++) {
		size_t part = 0;
		while (at + part < len && phrase[at + part] != ' ')
			part++;
		const char *text = words_at(w, i + n);
		if (!words_same_clause(w, i, i + n) || strlen(text) != part || memcmp(text, phrase + at, part) != 0)
			return 0;
		at += part + 1;
	}
	return n;
}

size_t words_match(const struct words *w, size_t i, const char *phrase)
{
	return match_part(w, i, phrase, strlen(phrase));
}

size_t words_match_any(const struct words *w, size_t i, const char *phrases)
{
	char first = words_at(w, i)[0];
	size_t best = 0;

	for (const char *p = phrases; *p;) {
		size_t len = (size_t)(strchrnul(p, '|') - p), n = *p == first ? match_part(w, i, p, len) : 0;
		if (n > best)
			best = n;
		p += len + (p[len] == '|');
	}
	return best;
}

bool words_is(const struct words *w, size_t i, const char *alternatives)
{
	const char *text = words_at(w, i);
	size_t text_len = strlen(text);

	for (const char *p = alternatives; *p && text_len;) {
		size_t len = (size_t)(strchrnul(p, '|') - p);
		if (len == text_len && memcmp(p, text, len) == 0)
			return true;
		p += len + (p[len] == '|');
	}
	return false;
}

char *words_quote(const struct words *w, size_t i, size_t j)
{
	struct buf out = BUF_INIT(QUOTE_MAX + 8);

	if (i >= j || j > w->len)
		return xstrdup("");
	for (size_t at = w->items[i].start; at < w->items[j - 1].end; at++) {
		char c = w->source[at];
		if (out.len >= QUOTE_MAX && ((unsigned char)c & 0xc0) != 0x80) {
			buf_puts(&out, "…");
			break;
		}
		buf_putc(&out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
	}
	return buf_steal(&out);
}

static bool digits_number(const char *text, double *ret)
{
	char plain[32];
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p == ',')
			continue;
		if ((!isdigit((unsigned char)*p) && *p != '.') || n >= sizeof(plain) - 1)
			return false;
		plain[n++] = *p;
	}
	plain[n] = '\0';
	return n > 0 && isdigit((unsigned char)plain[0]) && str_to_double(plain, ret);
}

size_t words_number(const struct words *w, size_t i, bool is_count, double *ret)
{
	static const struct {
		const char *word;
		double value;
	} names[] = { { "zero", 0 },      { "one", 1 },         { "single", 1 },   { "two", 2 },     { "three", 3 },
		          { "four", 4 },      { "five", 5 },        { "six", 6 },      { "seven", 7 },   { "eight", 8 },
		          { "nine", 9 },      { "ten", 10 },        { "eleven", 11 },  { "twelve", 12 }, { "dozen", 12 },
		          { "fifteen", 15 },  { "twenty", 20 },     { "thirty", 30 },  { "forty", 40 },  { "fifty", 50 },
		          { "hundred", 100 }, { "thousand", 1000 }, { "million", 1e6 } };
	const char *text = words_at(w, i);
	double value = -1;
	size_t n = 1;

	if (isdigit((unsigned char)text[0]) && !digits_number(text, &value))
		return 0;
	for (size_t k = 0; value < 0 && k < ARRAY_SIZE(names); k++) {
		if (str_eq(text, names[k].word))
			value = names[k].value;
	}
	if (value < 0 && (n = words_match_any(w, i, "a couple of|couple of")))
		value = 2;
	if (value < 0)
		return 0;
	for (bool more = true; more && words_same_clause(w, i, i + n);) {
		more = true;
		if (words_is(w, i + n, "k|thousand"))
			value *= 1e3;
		else if (words_is(w, i + n, "million|mio") || (is_count && words_is(w, i + n, "m")))
			value *= 1e6;
		else if (words_is(w, i + n, "hundred"))
			value *= 100;
		else
			more = false;
		n += more;
	}
	*ret = value;
	return n;
}
