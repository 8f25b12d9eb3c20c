/* Configurations of admission webhooks. */
#include "admission/webhook.h"
#include "builtin.h"

const struct api_strategy STRATEGY_WEBHOOKS = { .generation = true, .validate = webhook_configuration_validate };
