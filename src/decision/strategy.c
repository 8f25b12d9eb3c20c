#include "decision.h"

#include "base/str.h"

static const char *const names[DECISION_STRATEGIES] = {
	[DECISION_VM] = "vm", [DECISION_SERVERLESS] = "serverless", [DECISION_KUBERNETES] = "kubernetes"
};

const char *decision_strategy_name(enum decision_strategy strategy)
{
	return names[strategy];
}

bool decision_strategy_parse(const char *name, enum decision_strategy *ret)
{
	for (int i = 0; i < DECISION_STRATEGIES; i++) {
		if (str_eq(name, names[i])) {
			*ret = (enum decision_strategy)i;
			return true;
		}
	}
	return false;
}
