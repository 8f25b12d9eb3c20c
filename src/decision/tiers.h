#ifndef DECISION_TIERS_H
#define DECISION_TIERS_H
/* The built-in tiers. */

#include "draft.h"
#include "rules.h"

int decision_spec_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err);
int decision_prompt_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err);
/* self: a struct decision_rules. */
int decision_rules_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err);

/* What came out of the draft once all tiers are through: config (a new reference), and the decision. */
json_t *decision_config(struct decision_draft *d, const struct decision_input *input, enum decision_strategy strategy);
json_t *decision_outcome(struct decision_draft *d, const struct decision_input *input);

#endif
