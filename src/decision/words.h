#ifndef DECISION_WORDS_H
#define DECISION_WORDS_H
/* English text as words with their places, for the prompt's parser. */

#include "base/mem.h"

struct word {
	char *text;        /* lower case */
	size_t start, end; /* in the text it came from */
	unsigned clause;   /* words between commas, full stops, brackets, "but", … have the same */
	unsigned sentence;
	bool question; /* its sentence ends with a question mark */
};

struct words {
	const char *source; /* borrowed */
	struct word *items;
	size_t len;
};

/* Splits the text. Numbers part from the units stuck to them ("50GB": "50", "gb"); names of machine types and regions
 * stay whole; other words part at hyphens; "$", "€", ":", "=", "/", "<", ">", "~", "&" are words of their own. At most
 * as many words as the text has bytes. */
void words_init(struct words *w, const char *text);
void words_done(struct words *w);
#define _cleanup_words_ _cleanup_(words_done)

/* The word's text, "" outside of the list. */
const char *words_at(const struct words *w, size_t i);
/* Do the words from i on read like the phrase ("highly available"), in one clause? The number of words, else 0. */
size_t words_match(const struct words *w, size_t i, const char *phrase);
/* The longest of the '|'-separated phrases that fits at i; the number of words, else 0. */
size_t words_match_any(const struct words *w, size_t i, const char *phrases);
/* Is word i one of the '|'-separated words? */
bool words_is(const struct words *w, size_t i, const char *alternatives);
bool words_same_clause(const struct words *w, size_t i, size_t j);
/* The original text of words [i, j), in one line (free()). */
char *words_quote(const struct words *w, size_t i, size_t j);

/* A number at i: "3", "1,000", "2.5", "three", "10 k", "two million"; the number of words, else 0. "m" counts as a
 * million only with is_count, as it is a unit elsewhere. */
size_t words_number(const struct words *w, size_t i, bool is_count, double *ret);

#endif
