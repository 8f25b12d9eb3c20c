#ifndef DECISION_FACTS_H
#define DECISION_FACTS_H
/* What rules can ask about: the names, their types, and how they come from spec and analysis. */

#include "decision.h"

enum fact_type { FACT_UNKNOWN, FACT_STRING, FACT_NUMBER, FACT_BOOL, FACT_LIST };

/* FACT_UNKNOWN when there is no such fact. */
enum fact_type decision_fact_type(const char *name);
/* The names, for a message (free()). */
char *decision_fact_names(void);
/* Fills in what the input alone says; facts that are not known stay absent. Wishes add theirs later. */
void decision_facts_collect(const struct decision_input *input, json_t *facts);

#endif
