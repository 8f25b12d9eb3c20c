/* Services, ingresses and network policies. Nothing routes by them here. */
#include "base/str.h"
#include "builtin.h"
#include "kube/name_fault.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/field_checks.h"

#include <string.h>

static json_t *spec_of(const json_t *obj)
{
	return json_object_get(obj, "spec");
}

static void put_default_str(json_t *obj, const char *key, const char *value)
{
	if (str_empty(json_get_str(obj, key)))
		json_put_str(obj, key, value);
}

/* ---- services ---- */

#define AFFINITY_SECONDS 10800
#define AFFINITY_SECONDS_MAX 86400

static bool is_nothing(const json_t *port)
{
	return !port || json_is_null(port) || (json_is_integer(port) && json_integer_value(port) == 0) ||
	       (json_is_string(port) && json_string_length(port) == 0);
}

static void service_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *spec = spec_of(obj), *port;
	const char *type = json_get_str(spec, "type");
	size_t i;

	json_array_foreach (json_object_get(spec, "ports"), i, port)
		if (is_nothing(json_object_get(port, "targetPort")))
			json_object_set(port, "targetPort", json_object_get(port, "port"));
	if (str_eq(json_get_str(spec, "sessionAffinity"), "ClientIP") &&
	    !json_at(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds", NULL))
		json_put(spec, "sessionAffinityConfig", json_pack("{s:{s:i}}", "clientIP", "timeoutSeconds", AFFINITY_SECONDS));
	else if (str_eq(json_get_str(spec, "sessionAffinity"), "None"))
		json_object_del(spec, "sessionAffinityConfig");
	if (!str_eq(type, "ExternalName"))
		put_default_str(spec, "internalTrafficPolicy", "Cluster");
	if (str_eq(type, "NodePort") || str_eq(type, "LoadBalancer"))
		put_default_str(spec, "externalTrafficPolicy", "Cluster");
	if (str_eq(type, "LoadBalancer") && !json_object_get(spec, "allocateLoadBalancerNodePorts"))
		json_put_bool(spec, "allocateLoadBalancerNodePorts", true);
}

/* The address under its newer name too. Whoever said it under one owns that one only. */
static void list_address(json_t *spec)
{
	const char *ip = json_get_str(spec, "clusterIP");

	if (!str_empty(ip) && json_array_size(json_object_get(spec, "clusterIPs")) == 0)
		json_put(spec, "clusterIPs", json_pack("[s]", ip));
}

static void service_create(json_t *obj)
{
	list_address(spec_of(obj));
}

/* As Kubernetes, which would give out the same address again: an update that says nothing keeps it. */
static void keep_address(json_t *spec, const json_t *before)
{
	static const char *const KEPT[] = { "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy" };

	for (size_t i = 0; i < ARRAY_SIZE(KEPT); i++) {
		json_t *value = json_object_get(before, KEPT[i]);
		if (value && !json_object_get(spec, KEPT[i]))
			json_object_set(spec, KEPT[i], value);
	}
}

static bool has_node_ports(const char *type)
{
	return str_eq(type, "NodePort") || str_eq(type, "LoadBalancer");
}

static void drop_if_same(json_t *spec, const json_t *before, const char *key)
{
	const json_t *now = json_object_get(spec, key), *then = json_object_get(before, key);

	if (now && then && json_same(now, then))
		json_object_del(spec, key);
}

/* What the type before needed goes with it when the client did not touch it. */
static void drop_of_type(json_t *spec, const json_t *before, const char *type, const char *old_type)
{
	static const char *const ADDRESSES[] = { "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy" },
							 *const BALANCED[] = { "allocateLoadBalancerNodePorts", "loadBalancerClass",
		                                           "healthCheckNodePort" };
	bool had_ports = has_node_ports(old_type) && !has_node_ports(type),
		 was_balanced = str_eq(old_type, "LoadBalancer") && !str_eq(type, "LoadBalancer"),
		 had_address = !str_eq(old_type, "ExternalName") && str_eq(type, "ExternalName");
	size_t i;
	json_t *port;

	for (i = 0; had_address && i < ARRAY_SIZE(ADDRESSES); i++)
		drop_if_same(spec, before, ADDRESSES[i]);
	for (i = 0; was_balanced && i < ARRAY_SIZE(BALANCED); i++)
		drop_if_same(spec, before, BALANCED[i]);
	if (!had_ports)
		return;
	drop_if_same(spec, before, "externalTrafficPolicy");
	json_array_foreach (json_object_get(spec, "ports"), i, port)
		drop_if_same(port, json_array_get(json_object_get(before, "ports"), i), "nodePort");
}

/* Who changes one name of the address only means both. */
static void follow_address(json_t *spec, const json_t *before)
{
	json_t *now = json_object_get(spec, "clusterIP"), *list = json_object_get(spec, "clusterIPs");
	const json_t *then = json_object_get(before, "clusterIP"), *old_list = json_object_get(before, "clusterIPs");

	if (now && then && !json_same(now, then) && list && old_list && json_same(list, old_list))
		json_put(spec, "clusterIPs", json_pack("[O]", now));
}

static void service_update(json_t *obj, const json_t *old)
{
	const char *type = json_get_str(spec_of(obj), "type"), *old_type = json_get_str(spec_of(old), "type");

	list_address(spec_of(obj));
	follow_address(spec_of(obj), spec_of(old));
	drop_of_type(spec_of(obj), spec_of(old), type, old_type);
	if (!str_eq(type, "ExternalName"))
		keep_address(spec_of(obj), spec_of(old));
}

static void check_service_port(const json_t *port, size_t i, bool named, struct err *err)
{
	if (named && str_empty(json_get_str(port, "name")))
		check_required(err, "", "spec.ports[%zu].name", i);
	check_port(err, json_object_get(port, "port"), "spec.ports[%zu].port", i);
}

/* What Go shows of two ports that are the same. */
static void fail_duplicate_port(const json_t *port, size_t i, struct err *err)
{
	const char *protocol = json_get_str(port, "protocol");
	_cleanup_free_ char *field = xasprintf("spec.ports[%zu]", i);

	invalid_add(err, INVALID_DUPLICATE, field,
	            "Duplicate value: core.ServicePort{Name:\"\", Protocol:\"%s\", AppProtocol:(*string)(nil), Port:%lld, "
	            "TargetPort:intstr.IntOrString{Type:0, IntVal:0, StrVal:\"\"}, NodePort:0}",
	            protocol ? protocol : "", (long long)json_get_int(port, "port", 0));
}

/* Whether one before has the same protocol and number. */
static bool is_repeated(struct map *seen, const json_t *port, const char *number)
{
	int64_t value = json_get_int(port, number, 0);
	const char *protocol = json_get_str(port, "protocol");

	if (value == 0)
		return false;
	_cleanup_free_ char *key = xasprintf("%s %lld %s", number, (long long)value, protocol ? protocol : "");
	return !map_add(seen, key);
}

static void check_service_ports(const json_t *ports, const char *type, struct err *err)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *port;

	check_unique_names(err, ports, "spec.ports");
	json_array_foreach (ports, i, port) {
		_cleanup_free_ char *node_port = xasprintf("spec.ports[%zu].nodePort", i);
		int64_t number = json_get_int(port, "nodePort", 0);
		check_service_port(port, i, json_array_size(ports) > 1, err);
		if (number != 0 && str_eq(type, "ClusterIP"))
			check_forbidden(err, "may not be used when `type` is 'ClusterIP'", "%s", node_port);
		if (is_repeated(seen, port, "nodePort"))
			invalid_add(err, INVALID_DUPLICATE, node_port, "Duplicate value: %lld", (long long)number);
		if (is_repeated(seen, port, "port"))
			fail_duplicate_port(port, i, err);
	}
}

/* Fields that are for some types of services only. */
static void check_service_type(const json_t *spec, const char *type, struct err *err)
{
	static const char *const BALANCED[] = { "allocateLoadBalancerNodePorts", "loadBalancerClass" }, *const INSIDE[] = {
		"clusterIPs", "ipFamilies", "ipFamilyPolicy"
	};
	bool balanced = str_eq(type, "LoadBalancer"), external = balanced || str_eq(type, "NodePort");
	const json_t *policy = json_object_get(spec, "externalTrafficPolicy"),
				 *health = json_object_get(spec, "healthCheckNodePort");

	for (size_t i = 0; !balanced && i < ARRAY_SIZE(BALANCED); i++)
		if (json_object_get(spec, BALANCED[i]))
			check_forbidden(err, "may only be used when `type` is 'LoadBalancer'", "spec.%s", BALANCED[i]);
	for (size_t i = 0; str_eq(type, "ExternalName") && i < ARRAY_SIZE(INSIDE); i++)
		if (json_object_get(spec, INSIDE[i]))
			check_forbidden(err, "may not be set for ExternalName services", "spec.%s", INSIDE[i]);
	if (policy && !external)
		check_fail(err, policy, "may only be set when `type` is 'NodePort' or 'LoadBalancer'",
		           "spec.externalTrafficPolicy");
	if (health && !(balanced && str_eq(json_string_value(policy), "Local")))
		check_fail(err, health, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
		           "spec.healthCheckNodePort");
}

static void check_affinity(const json_t *spec, struct err *err)
{
	const json_t *seconds = json_at(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds", NULL);

	if (seconds && (json_int(seconds, 0) <= 0 || json_int(seconds, 0) > AFFINITY_SECONDS_MAX))
		check_fail(err, seconds, "must be greater than 0 and less than 86400",
		           "spec.sessionAffinityConfig.clientIP.timeoutSeconds");
}

/* Without those of a type that has none. */
static void check_addresses(const json_t *spec, struct err *err)
{
	const json_t *list = json_object_get(spec, "clusterIPs"), *first = json_object_get(spec, "clusterIP");
	size_t i;
	json_t *ip;

	if (first && !json_same(first, json_array_get(list, 0)))
		check_fail_strings(err, list, "first value must match `clusterIP`", "spec.clusterIPs");
	if (!first && json_array_size(list) > 0)
		check_fail_strings(err, list, "must be empty when `clusterIP` is not specified", "spec.clusterIPs");
	json_array_foreach (list, i, ip) {
		if (i > 0 || !str_eq(json_string_value(ip), "None"))
			check_faults(err, kube_ip_faults(json_string_value(ip) ? json_string_value(ip) : ""), ip,
			             "spec.clusterIPs[%zu]", i);
		else if (json_array_size(list) > 1)
			check_fail_strings(err, list, "'None' must be the first and only value", "spec.clusterIPs");
	}
	if (json_array_size(list) > 2)
		check_fail_strings(err, list, "may only hold up to 2 values", "spec.clusterIPs");
}

static void check_cluster_ip(const json_t *spec, const json_t *before, struct err *err)
{
	const json_t *now = json_object_get(spec, "clusterIPs"), *then = json_object_get(before, "clusterIPs");
	const char *type = json_get_str(spec, "type"), *old_type = json_get_str(before, "type");

	if (!then || str_eq(type, "ExternalName") || str_eq(old_type, "ExternalName"))
		return;
	if (!now || !json_same(json_array_get(now, 0), json_array_get(then, 0)))
		check_fail_strings(err, now, "may not change once set", "spec.clusterIPs[0]");
}

static int service_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *spec = spec_of(obj), *ports = json_object_get(spec, "ports");
	const char *type = json_get_str(spec, "type");
	bool external = str_eq(type, "ExternalName"), headless = str_eq(json_get_str(spec, "clusterIP"), "None");

	if (!old && *kube_name(obj)) /* a name in DNS */
		check_faults(err, kube_dns1035_faults(kube_name(obj)), json_object_get(kube_meta(obj), "name"),
		             "metadata.name");
	if (external && str_empty(json_get_str(spec, "externalName")))
		check_required(err, "", "spec.externalName");
	if (!external && !headless && json_array_size(ports) == 0)
		check_required(err, "", "spec.ports");
	check_service_ports(ports, type, err);
	check_service_type(spec, type, err);
	check_affinity(spec, err);
	if (!external)
		check_addresses(spec, err);
	if (old)
		check_cluster_ip(spec, spec_of(old), err);
	return check_result(err);
}

const struct api_strategy STRATEGY_SERVICE = {
	.create_on_update = true,
	.unconditional_update = true,
	.name_any = true, /* service_validate() knows better */
	.addressed = true,
	.decode = service_decode,
	.prepare_create = service_create,
	.prepare_update = service_update,
	.validate = service_validate,
};

/* ---- ingresses ---- */

static int ingress_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj), *rules = json_object_get(spec, "rules");

	if (json_array_size(rules) == 0 && !json_is_object(json_object_get(spec, "defaultBackend")))
		invalid_add(err, INVALID_VALUE, "spec",
		            "Invalid value: []networking.IngressRule%s: either `defaultBackend` or `rules` must be specified",
		            rules ? "{}" : "(nil)");
	return check_result(err);
}

const struct api_strategy STRATEGY_INGRESS = {
	.generation = true,
	.unconditional_update = true,
	.validate = ingress_validate,
};

/* ---- network policies ---- */

static void network_policy_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *spec = spec_of(obj);

	if (json_array_size(json_object_get(spec, "policyTypes")) > 0)
		return;
	json_t *types = json_pack("[s]", "Ingress");
	if (json_array_size(json_object_get(spec, "egress")) > 0)
		json_push_str(types, "Egress");
	json_put(spec, "policyTypes", types);
}

const struct api_strategy STRATEGY_NETWORK_POLICY = {
	.generation = true,
	.unconditional_update = true,
	.decode = network_policy_decode,
};
