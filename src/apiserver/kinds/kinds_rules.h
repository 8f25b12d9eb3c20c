#ifndef APISERVER_KINDS_RULES_H
#define APISERVER_KINDS_RULES_H
/* What the tables name but cannot say: the forms of single values, and what the parts of a message must be together,
 * wherever it occurs. In Kubernetes' words (k8s.io/kubernetes/pkg/apis/.../validation). Each adds causes to err. */

#include "base/err.h"
#include "codec/json.h"
#include "kinds_tables.h"

/* v: of a field of that form; field: its path. */
void kinds_check_format(enum kinds_format form, const json_t *v, const char *field, struct err *err);

/* obj: a message that has the rule, at: its path. */
typedef void (*kinds_rule_fn)(const json_t *obj, const char *at, struct err *err);
/* NULL for KINDS_NO_RULE. */
kinds_rule_fn kinds_rule(enum kinds_rule rule);

/* kinds_rules_meta.c */
void kinds_rule_selector_requirement(const json_t *obj, const char *at, struct err *err);
/* kinds_rules_pod.c */
void kinds_rule_key_selector(const json_t *obj, const char *at, struct err *err);
void kinds_rule_named(const json_t *obj, const char *at, struct err *err);
void kinds_rule_named_subdomain(const json_t *obj, const char *at, struct err *err);
void kinds_rule_env_var(const json_t *obj, const char *at, struct err *err);
void kinds_rule_env_from(const json_t *obj, const char *at, struct err *err);
void kinds_rule_toleration(const json_t *obj, const char *at, struct err *err);
/* kinds_rules_resources.c */
void kinds_rule_resources(const json_t *obj, const char *at, struct err *err);
void kinds_rule_claim_spec(const json_t *obj, const char *at, struct err *err);
/* kinds_rules_network.c */
void kinds_rule_network_port(const json_t *obj, const char *at, struct err *err);
void kinds_rule_network_peer(const json_t *obj, const char *at, struct err *err);
void kinds_rule_ip_block(const json_t *obj, const char *at, struct err *err);
void kinds_rule_ingress_backend(const json_t *obj, const char *at, struct err *err);
void kinds_rule_ingress_path(const json_t *obj, const char *at, struct err *err);
/* kinds_rules_scaling.c */
void kinds_rule_metric_spec(const json_t *obj, const char *at, struct err *err);
void kinds_rule_metric_target(const json_t *obj, const char *at, struct err *err);
void kinds_rule_metric_object(const json_t *obj, const char *at, struct err *err);
void kinds_rule_metric_external(const json_t *obj, const char *at, struct err *err);
void kinds_rule_metric_pods(const json_t *obj, const char *at, struct err *err);
void kinds_rule_metric_resource(const json_t *obj, const char *at, struct err *err);
void kinds_rule_scaling_rules(const json_t *obj, const char *at, struct err *err);

#endif
