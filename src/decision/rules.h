#ifndef DECISION_RULES_H
#define DECISION_RULES_H
/* The rule set: a YAML file (docs/rules.md), checked as a whole when it is loaded. */

#include "decision.h"

#define RULES_TEXT_MAX ((size_t)1024 * 1024)
#define RULES_MAX 1000
#define RULES_DEPTH_MAX 8 /* of any/all/not within each other */
#define RULES_STRING_MAX 1024
#define RULES_POINTS_MAX 1000

struct decision_rule {
	const char *name; /* these borrow from the document */
	int64_t priority;
	const json_t *when; /* NULL: always */
	const json_t *then;
};

struct decision_rules {
	json_t *document;
	const char *name;
	char digest[65];             /* of the text */
	struct decision_rule *rules; /* the highest priority first; of equals the first in the file */
	size_t len;
};

/* file: its name in messages. ERR_INVALID (terminal): "FILE:LINE:COLUMN: …" for each mistake, and a cause for each. */
int decision_rules_parse(const char *text, size_t len, const char *file, struct decision_rules *ret, struct err *err);
void decision_rules_clear(struct decision_rules *r);

/* Checks the parsed document; 0, or negative with err as above. */
int decision_rules_check(const json_t *document, const char *text, size_t len, const char *file, struct err *err);

/* Does the condition (checked before; NULL: always) hold for the facts? */
bool decision_rules_match(const json_t *when, const json_t *facts);

/* The text with {fact} replaced by its value (free()). */
char *decision_rules_expand(const char *text, const json_t *facts);

#endif
