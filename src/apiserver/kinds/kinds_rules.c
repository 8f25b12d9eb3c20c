#include "kinds_rules.h"

kinds_rule_fn kinds_rule(enum kinds_rule rule)
{
	static const kinds_rule_fn RULES[KINDS_RULES_LEN] = {
		[KINDS_RULE_SELECTOR_REQUIREMENT] = kinds_rule_selector_requirement,
		[KINDS_RULE_KEY_SELECTOR] = kinds_rule_key_selector,
		[KINDS_RULE_NAMED] = kinds_rule_named,
		[KINDS_RULE_NAMED_SUBDOMAIN] = kinds_rule_named_subdomain,
		[KINDS_RULE_ENV_VAR] = kinds_rule_env_var,
		[KINDS_RULE_ENV_FROM] = kinds_rule_env_from,
		[KINDS_RULE_RESOURCES] = kinds_rule_resources,
		[KINDS_RULE_TOLERATION] = kinds_rule_toleration,
		[KINDS_RULE_NETWORK_PORT] = kinds_rule_network_port,
		[KINDS_RULE_NETWORK_PEER] = kinds_rule_network_peer,
		[KINDS_RULE_IP_BLOCK] = kinds_rule_ip_block,
		[KINDS_RULE_INGRESS_BACKEND] = kinds_rule_ingress_backend,
		[KINDS_RULE_INGRESS_PATH] = kinds_rule_ingress_path,
		[KINDS_RULE_METRIC_SPEC] = kinds_rule_metric_spec,
		[KINDS_RULE_METRIC_TARGET] = kinds_rule_metric_target,
		[KINDS_RULE_METRIC_OBJECT] = kinds_rule_metric_object,
		[KINDS_RULE_METRIC_EXTERNAL] = kinds_rule_metric_external,
		[KINDS_RULE_METRIC_PODS] = kinds_rule_metric_pods,
		[KINDS_RULE_METRIC_RESOURCE] = kinds_rule_metric_resource,
		[KINDS_RULE_SCALING_RULES] = kinds_rule_scaling_rules,
		[KINDS_RULE_CLAIM_SPEC] = kinds_rule_claim_spec,
	};

	return rule < KINDS_RULES_LEN ? RULES[rule] : NULL;
}
