/* Services, endpoints, ingresses and network policies. Nothing routes by them here, so no addresses are given out: a
 * service keeps the clusterIP it came with, or has none. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "strategy_checks.h"

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
	if (!str_eq(type, "ExternalName"))
		put_default_str(spec, "internalTrafficPolicy", "Cluster");
	if (str_eq(type, "NodePort") || str_eq(type, "LoadBalancer"))
		put_default_str(spec, "externalTrafficPolicy", "Cluster");
	if (str_eq(type, "LoadBalancer") && !json_object_get(spec, "allocateLoadBalancerNodePorts"))
		json_put_bool(spec, "allocateLoadBalancerNodePorts", true);
	const char *ip = json_get_str(spec, "clusterIP");
	if (!str_empty(ip) && json_array_size(json_object_get(spec, "clusterIPs")) == 0)
		json_put(spec, "clusterIPs", json_pack("[s]", ip));
}

/* As Kubernetes, which would give out the same address again: an update that says nothing keeps it. */
static void service_update(json_t *obj, const json_t *old)
{
	static const char *const KEPT[] = { "clusterIP", "clusterIPs" };

	if (str_eq(json_get_str(spec_of(obj), "type"), "ExternalName"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(KEPT); i++) {
		json_t *before = json_object_get(spec_of(old), KEPT[i]);
		if (before && !json_object_get(spec_of(obj), KEPT[i]))
			json_object_set(spec_of(obj), KEPT[i], before);
	}
}

static void check_service_port(const json_t *port, size_t i, bool named, struct err *err)
{
	const json_t *target = json_object_get(port, "targetPort");

	if (named && str_empty(json_get_str(port, "name")))
		check_required(err, "", "spec.ports[%zu].name", i);
	check_dns_label(err, json_get_str(port, "name"), "spec.ports[%zu].name", i);
	check_port(err, json_object_get(port, "port"), "spec.ports[%zu].port", i);
	if (json_is_integer(target))
		check_port(err, target, "spec.ports[%zu].targetPort", i);
}

static void check_service_ports(const json_t *ports, struct err *err)
{
	_cleanup_json_ json_t *seen = json_object();
	size_t i;
	json_t *port;

	check_unique_names(err, ports, "spec.ports");
	json_array_foreach (ports, i, port) {
		const char *protocol = json_get_str(port, "protocol");
		_cleanup_free_ char *key = xasprintf("%s/%lld", protocol ? protocol : "",
		                                     (long long)json_get_int(port, "port", 0));
		check_service_port(port, i, json_array_size(ports) > 1, err);
		if (json_object_get(seen, key)) {
			_cleanup_free_ char *field = xasprintf("spec.ports[%zu]", i), *shown = json_to_str(port);
			invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: %s", shown);
		}
		json_put_bool(seen, key, true);
	}
}

static void check_cluster_ip(const json_t *spec, const json_t *before, struct err *err)
{
	const json_t *now = json_object_get(spec, "clusterIPs"), *then = json_object_get(before, "clusterIPs");
	const char *type = json_get_str(spec, "type"), *old_type = json_get_str(before, "type");

	if (!then || str_eq(type, "ExternalName") || str_eq(old_type, "ExternalName"))
		return;
	if (!now || !json_same(json_array_get(now, 0), json_array_get(then, 0)))
		check_fail(err, now, "may not change once set", "spec.clusterIPs[0]");
}

/* Names of services are names in DNS. */
static void check_service_name(const json_t *obj, struct err *err)
{
	const char *name = kube_name(obj);

	if (!*name || (kube_is_dns_label(name) && !(*name >= '0' && *name <= '9')))
		return;
	check_fail(err, json_object_get(kube_meta(obj), "name"),
	           "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
	           "character, and "
	           "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
	           "'[a-z]([-a-z0-9]*[a-z0-9])?')",
	           "metadata.name");
}

static int service_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *spec = spec_of(obj), *ports = json_object_get(spec, "ports");
	bool external = str_eq(json_get_str(spec, "type"), "ExternalName"),
		 headless = str_eq(json_get_str(spec, "clusterIP"), "None");

	if (!old)
		check_service_name(obj, err);
	if (external && str_empty(json_get_str(spec, "externalName")))
		check_required(err, "", "spec.externalName");
	if (!external && !headless && json_array_size(ports) == 0)
		check_required(err, "", "spec.ports");
	check_service_ports(ports, err);
	if (old)
		check_cluster_ip(spec, spec_of(old), err);
	return check_result(err);
}

const struct api_strategy STRATEGY_SERVICE = {
	.create_on_update = true,
	.unconditional_update = true,
	.name_any = true, /* service_validate() knows better */
	.decode = service_decode,
	.prepare_update = service_update,
	.validate = service_validate,
};

/* ---- ingresses ---- */

static void check_backend(const json_t *backend, const char *at, struct err *err)
{
	const json_t *service = json_object_get(backend, "service"), *port = json_object_get(service, "port");

	if (!json_is_object(backend))
		return;
	if (!json_is_object(service)) {
		if (!json_is_object(json_object_get(backend, "resource")))
			check_required(err, "must provide either service or resource", "%s", at);
		return;
	}
	if (str_empty(json_get_str(port, "name")) && !json_get_int(port, "number", 0))
		check_required(err, "port name or number is required", "%s.service.port", at);
	else if (json_object_get(port, "number"))
		check_port(err, json_object_get(port, "number"), "%s.service.port.number", at);
}

static void check_path(const json_t *path, const char *at, struct err *err)
{
	_cleanup_free_ char *backend = xasprintf("%s.backend", at);
	const char *type = json_get_str(path, "pathType"), *text = json_get_str(path, "path");

	if (!type) {
		check_required(err, "pathType must be specified", "%s.pathType", at);
		return;
	}
	if (strcmp(type, "ImplementationSpecific") != 0 && (str_empty(text) || *text != '/'))
		check_fail(err, json_object_get(path, "path"), "must be an absolute path", "%s.path", at);
	check_backend(json_object_get(path, "backend"), backend, err);
}

static int ingress_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj), *rules = json_object_get(spec, "rules"),
				 *otherwise = json_object_get(spec, "defaultBackend");
	size_t i, k;
	json_t *rule, *path;

	if (json_array_size(rules) == 0 && !json_is_object(otherwise))
		check_fail(err, rules, "either `defaultBackend` or `rules` must be specified", "spec");
	check_backend(otherwise, "spec.defaultBackend", err);
	json_array_foreach (rules, i, rule)
		json_array_foreach (json_at(rule, "http", "paths", NULL), k, path) {
			_cleanup_free_ char *at = xasprintf("spec.rules[%zu].http.paths[%zu]", i, k);
			check_path(path, at, err);
		}
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
