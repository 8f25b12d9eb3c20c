#include "pod_spec.h"

#include "base/str.h"
#include "kinds/kinds.h"
#include "kinds/kinds_rules.h"
#include "kube/name_fault.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"
#include "schema/schema_internal.h"

#include <string.h>

static const char *const CONTAINER_LISTS[] = { "initContainers", "containers", "ephemeralContainers" };

/* ---- defaults ---- */

/* Without a tag or a digest, or with the tag latest: it may be another image tomorrow. */
static bool is_latest(const char *image)
{
	const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image, *colon = strchr(name, ':');

	if (strchr(name, '@'))
		return false;
	return !colon || strcmp(colon + 1, "latest") == 0;
}

static void default_container(json_t *container)
{
	const char *image = json_get_str(container, "image");

	if (str_empty(json_get_str(container, "imagePullPolicy")))
		json_put_str(container, "imagePullPolicy", is_latest(image ? image : "") ? "Always" : "IfNotPresent");
}

/* Nothing said: an empty folder that goes with the pod. */
static void default_volumes(json_t *volumes)
{
	size_t i;
	json_t *volume;

	json_array_foreach (volumes, i, volume)
		if (json_object_size(volume) == 0 || (json_object_size(volume) == 1 && json_object_get(volume, "name")))
			json_put(volume, "emptyDir", json_object());
}

void pod_spec_default(json_t *spec)
{
	const char *account = json_get_str(spec, "serviceAccountName"), *old_name = json_get_str(spec, "serviceAccount");
	size_t i;
	json_t *container;

	if (!json_is_object(spec))
		return;
	for (size_t k = 0; k < ARRAY_SIZE(CONTAINER_LISTS); k++)
		json_array_foreach (json_object_get(spec, CONTAINER_LISTS[k]), i, container)
			default_container(container);
	default_volumes(json_object_get(spec, "volumes"));
	/* Two names for one thing. */
	if (!str_empty(account))
		json_put_str(spec, "serviceAccount", account);
	else if (!str_empty(old_name))
		json_put_str(spec, "serviceAccountName", old_name);
}

/* What is limited but not requested is requested up to the limit. */
static void default_requests(json_t *container)
{
	json_t *resources = json_object_get(container, "resources"), *limits = json_object_get(resources, "limits"), *value;
	const char *name;

	if (json_object_size(limits) == 0)
		return;
	json_t *requests = json_ensure_object(resources, "requests");
	json_object_foreach (limits, name, value)
		if (!json_object_get(requests, name))
			json_object_set(requests, name, value);
}

static void default_host_ports(json_t *container)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(container, "ports"), i, port)
		if (!json_object_get(port, "hostPort"))
			json_object_set(port, "hostPort", json_object_get(port, "containerPort"));
}

void pod_only_default(json_t *spec)
{
	bool host_network = json_get_bool(spec, "hostNetwork", false);
	size_t i;
	json_t *container;

	for (size_t k = 0; k < 2; k++)
		json_array_foreach (json_object_get(spec, CONTAINER_LISTS[k]), i, container) {
			default_requests(container);
			if (host_network)
				default_host_ports(container);
		}
	if (!json_object_get(spec, "enableServiceLinks"))
		json_put_bool(spec, "enableServiceLinks", true);
}

/* ---- quality of service ---- */

static bool has_compute(const json_t *list)
{
	return json_object_get(list, "cpu") || json_object_get(list, "memory");
}

static bool is_guaranteed(const json_t *requests, const json_t *limits)
{
	static const char *const NAMES[] = { "cpu", "memory" };

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		const char *limit = json_get_str(limits, NAMES[i]), *request = json_get_str(requests, NAMES[i]);
		if (!limit || (request && strcmp(limit, request) != 0))
			return false;
	}
	return true;
}

const char *pod_qos_class(const json_t *spec)
{
	bool any = false, all = true;
	size_t i;
	json_t *container;

	for (size_t k = 0; k < 2; k++)
		json_array_foreach (json_object_get(spec, CONTAINER_LISTS[k]), i, container) {
			const json_t *resources = json_object_get(container, "resources");
			const json_t *requests = json_object_get(resources, "requests"),
						 *limits = json_object_get(resources, "limits");
			any = any || has_compute(requests) || has_compute(limits);
			all = all && is_guaranteed(requests, limits);
		}
	return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

/* ---- checks: what the tables cannot say, for it is about several parts of a pod ---- */

/* The names of its volumes. One that is wrong itself counts as none. */
static struct map *sound_volumes(const json_t *spec)
{
	const struct kinds_message *type = kinds_find_message("io.k8s.api.core.v1.Volume");
	struct map *sound = map_new(NULL);
	size_t i;
	json_t *volume;

	json_array_foreach (json_object_get(spec, "volumes"), i, volume) {
		_cleanup_err_ struct err wrong = { 0 };
		kinds_check(type, volume, &wrong);
		if (json_get_str(volume, "name") && !err_is_set(&wrong))
			map_add(sound, json_get_str(volume, "name"));
	}
	return sound;
}

static void check_container_ports(const json_t *ports, const char *path, struct err *err)
{
	_cleanup_free_ char *list = xasprintf("%s.ports", path);
	size_t i;
	json_t *port;

	check_unique_names(err, ports, list);
	json_array_foreach (ports, i, port) {
		if (json_get_int(port, "containerPort", 0) == 0)
			check_required(err, "", "%s[%zu].containerPort", list, i);
		else
			check_port(err, json_object_get(port, "containerPort"), "%s[%zu].containerPort", list, i);
	}
}

/* A path below the volume. */
static void check_sub_path(const json_t *mount, const char *key, const char *list, struct err *err)
{
	const json_t *path = json_object_get(mount, key);
	const char *text = json_string_value(path);

	if (str_empty(text))
		return;
	_cleanup_strv_ char **parts = str_split(text, "/");
	if (*text == '/')
		check_fail(err, path, "must be a relative path", "%s.%s", list, key);
	if (str_in("..", (const char *const *)parts))
		check_fail(err, path, "must not contain '..'", "%s.%s", list, key);
}

static void check_mounts(const struct map *volumes, const json_t *container, const char *path, struct err *err)
{
	_cleanup_free_ char *list = xasprintf("%s.volumeMounts", path);
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *mount;

	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		const char *name = json_get_str(mount, "name"), *at = json_get_str(mount, "mountPath");
		if (!map_has(volumes, name ? name : "")) {
			_cleanup_free_ char *field = xasprintf("%s[%zu].name", list, i),
								*shown = schema_show(json_object_get(mount, "name"));
			invalid_add(err, INVALID_NOT_FOUND, field, "Not found: %s", shown);
		}
		if (!map_add(seen, at ? at : "") && at)
			check_fail(err, json_object_get(mount, "mountPath"), "must be unique", "%s[%zu].mountPath", list, i);
		check_sub_path(mount, "subPath", list, err);
		check_sub_path(mount, "subPathExpr", list, err);
	}
}

static void check_probes(const json_t *container, const char *path, struct err *err)
{
	static const char *const ONCE[] = { "livenessProbe", "startupProbe" };
	const json_t *patience = json_at(container, "readinessProbe", "terminationGracePeriodSeconds", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(ONCE); i++) {
		const json_t *successes = json_at(container, ONCE[i], "successThreshold", NULL);
		if (successes && json_int(successes, 1) != 1)
			check_fail(err, successes, "must be 1", "%s.%s.successThreshold", path, ONCE[i]);
	}
	if (patience)
		check_fail(err, patience, "must not be set for readinessProbes",
		           "%s.readinessProbe.terminationGracePeriodSeconds", path);
}

/* What runs to its end before the others is not asked how it is. */
static void check_init_container(const json_t *container, const char *path, struct err *err)
{
	static const char *const NOT_FOR_INIT[] = { "lifecycle", "livenessProbe", "readinessProbe", "startupProbe" };

	if (str_eq(json_get_str(container, "restartPolicy"), "Always")) {
		check_probes(container, path, err);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(NOT_FOR_INIT); i++)
		if (json_object_get(container, NOT_FOR_INIT[i]))
			check_forbidden(err, "may not be set for init containers", "%s.%s", path, NOT_FOR_INIT[i]);
}

enum { INIT_CONTAINER, CONTAINER, EPHEMERAL_CONTAINER };

/* Kinds of resources that a container asks for: quotas add them up. */
#define RESOURCES_MAX 1000

static void check_container(const struct map *volumes, const json_t *container, const char *path, int role,
                            struct err *err)
{
	static const char *const AMOUNTS[] = { "limits", "requests" };

	if (str_empty(json_get_str(container, "image")))
		check_required(err, "", "%s.image", path);
	if (role != EPHEMERAL_CONTAINER)
		check_container_ports(json_object_get(container, "ports"), path, err);
	for (size_t i = 0; i < ARRAY_SIZE(AMOUNTS); i++)
		check_at_most(err, json_object_size(json_at(container, "resources", AMOUNTS[i], NULL)), RESOURCES_MAX,
		              "%s.resources.%s", path, AMOUNTS[i]);
	check_mounts(volumes, container, path, err);
	if (role == INIT_CONTAINER)
		check_init_container(container, path, err);
	else if (role == CONTAINER)
		check_probes(container, path, err);
}

/* Names of init containers are none of the others'. */
static void check_other_names(const json_t *spec, const char *path, struct err *err)
{
	_cleanup_(map_freep) struct map *others = map_new(NULL);
	size_t i;
	json_t *container;

	json_array_foreach (json_object_get(spec, "containers"), i, container)
		if (json_get_str(container, "name"))
			map_add(others, json_get_str(container, "name"));
	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		const char *name = json_get_str(container, "name");
		if (str_empty(name) || !map_has(others, name))
			continue;
		_cleanup_free_ char *field = xasprintf("%s.initContainers[%zu].name", path, i),
							*shown = schema_show(json_object_get(container, "name"));
		invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: %s", shown);
	}
}

static void check_os(const json_t *os, const char *path, struct err *err)
{
	static const char *const SYSTEMS[] = { "linux", "windows", NULL };
	const char *name = json_get_str(os, "name");

	if (json_is_object(os) && str_empty(name))
		check_required(err, "cannot be empty", "%s.os.name", path);
	else if (json_is_object(os))
		check_one_of(err, name, SYSTEMS, "%s.os", path);
}

/* Told of the whole list, as Kubernetes does. */
static void check_host_aliases(const json_t *aliases, const char *path, struct err *err)
{
	size_t i, k;
	json_t *alias, *host;

	json_array_foreach (aliases, i, alias) {
		const char *ip = json_get_str(alias, "ip");
		_cleanup_strv_ char **faults = kube_ip_faults(ip ? ip : "");
		if (faults)
			check_fail(err, json_object_get(alias, "ip"), "must be valid IP address", "%s.hostAliases.ip", path);
		json_array_foreach (json_object_get(alias, "hostnames"), k, host)
			check_faults(err, kube_dns_subdomain_faults(json_string_value(host) ? json_string_value(host) : ""), host,
			             "%s.hostAliases.hostnames", path);
	}
}

#define DEADLINE_SECONDS_MAX INT32_MAX

static void check_deadline(const json_t *spec, const char *path, struct err *err)
{
	const json_t *deadline = json_object_get(spec, "activeDeadlineSeconds");
	int64_t seconds = json_int(deadline, 1);

	if (seconds < 1 || seconds > DEADLINE_SECONDS_MAX)
		check_fail(err, deadline, "must be between 1 and 2147483647, inclusive", "%s.activeDeadlineSeconds", path);
}

void pod_spec_check(const json_t *spec, const char *path, struct err *err)
{
	_cleanup_free_ char *volume_list = xasprintf("%s.volumes", path);
	_cleanup_(map_freep) struct map *volumes = sound_volumes(spec);
	size_t i;
	json_t *container;

	check_unique_names(err, json_object_get(spec, "volumes"), volume_list);
	for (int role = INIT_CONTAINER; role <= EPHEMERAL_CONTAINER; role++) {
		_cleanup_free_ char *list = xasprintf("%s.%s", path, CONTAINER_LISTS[role]);
		check_unique_names(err, json_object_get(spec, CONTAINER_LISTS[role]), list);
		json_array_foreach (json_object_get(spec, CONTAINER_LISTS[role]), i, container) {
			_cleanup_free_ char *at = xasprintf("%s[%zu]", list, i);
			check_container(volumes, container, at, role, err);
		}
	}
	check_other_names(spec, path, err);
	check_deadline(spec, path, err);
	check_os(json_object_get(spec, "os"), path, err);
	check_host_aliases(json_object_get(spec, "hostAliases"), path, err);
}

void pod_template_check(const json_t *template, const char *owner, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s%stemplate", owner, *owner ? "." : "");
	_cleanup_free_ char *spec = xasprintf("%s.spec", path), *labels = xasprintf("%s.labels", path);

	/* Kubernetes leaves "metadata" out of this path. */
	kinds_check_format(KINDS_LABELS, json_at(template, "metadata", "labels", NULL), labels, err);
	pod_spec_check(json_object_get(template, "spec"), spec, err);
}
