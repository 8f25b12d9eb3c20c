#ifndef DECISION_DRAFT_H
#define DECISION_DRAFT_H
/* The draft from the inside: what tiers wrote, for the outcome to read. */

#include "decision.h"

struct decision_draft {
	json_t *constraints; /* array of the decision's form, in the order in which they came */
	json_t *wishes;      /* field → the constraint that holds (an entry of constraints) */
	json_t *suggestions; /* field → value */
	json_t *facts, *fired, *warnings;
	struct {
		double score;
		json_t *why;     /* [{points, why}] */
		char *excluded;  /* why; NULL: not */
		json_t *against; /* the constraint that refuses it, borrowed of constraints; NULL: none */
	} strategies[DECISION_STRATEGIES];
};

void decision_draft_init(struct decision_draft *d);
void decision_draft_done(struct decision_draft *d);
#define _cleanup_decision_draft_ _cleanup_(decision_draft_done)

/* The wish that holds for a field, as its constraint; NULL: none. */
const json_t *decision_draft_wished(const struct decision_draft *d, const char *field);
/* Its value, else the suggested one, else NULL. */
const json_t *decision_draft_value(const struct decision_draft *d, const char *field);

#endif
