#include "pod_spec.h"

#include "base/str.h"
#include "objects/invalid.h"
#include "schema/schema_internal.h"
#include "strategy_checks.h"

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

/* ---- checks ---- */

static bool has_name(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		if (str_eq(json_get_str(item, "name"), name))
			return true;
	return false;
}

static void check_container_ports(const json_t *ports, const char *path, struct err *err)
{
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		if (json_get_int(port, "containerPort", 0) == 0)
			check_required(err, "", "%s.ports[%zu].containerPort", path, i);
		else
			check_port(err, json_object_get(port, "containerPort"), "%s.ports[%zu].containerPort", path, i);
		if (json_object_get(port, "hostPort"))
			check_port(err, json_object_get(port, "hostPort"), "%s.ports[%zu].hostPort", path, i);
	}
}

static void check_mounts(const json_t *spec, const json_t *container, const char *path, struct err *err)
{
	size_t i;
	json_t *mount;

	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		const char *name = json_get_str(mount, "name");
		if (str_empty(name) || has_name(json_object_get(spec, "volumes"), name))
			continue;
		_cleanup_free_ char *field = xasprintf("%s.volumeMounts[%zu].name", path, i),
							*shown = schema_show(json_object_get(mount, "name"));
		invalid_add(err, INVALID_NOT_FOUND, field, "Not found: %s", shown);
	}
}

static void check_container(const json_t *spec, const json_t *container, const char *path, bool ephemeral,
                            struct err *err)
{
	check_dns_label(err, json_get_str(container, "name"), "%s.name", path);
	if (str_empty(json_get_str(container, "image")))
		check_required(err, "", "%s.image", path);
	if (!ephemeral)
		check_container_ports(json_object_get(container, "ports"), path, err);
	check_mounts(spec, container, path, err);
}

static void check_volumes(const json_t *volumes, const char *path, struct err *err)
{
	_cleanup_free_ char *list = xasprintf("%s.volumes", path);
	size_t i;
	json_t *volume;

	check_unique_names(err, volumes, list);
	json_array_foreach (volumes, i, volume) {
		check_dns_label(err, json_get_str(volume, "name"), "%s[%zu].name", list, i);
		if (json_object_size(volume) < 2)
			check_required(err, "must specify a volume type", "%s[%zu]", list, i);
		else if (json_object_size(volume) > 2) {
			_cleanup_free_ char *field = xasprintf("%s[%zu]", list, i);
			invalid_add(err, INVALID_FORBIDDEN, field, "Forbidden: may not specify more than 1 volume type");
		}
	}
}

void pod_spec_check(const json_t *spec, const char *path, struct err *err)
{
	size_t i;
	json_t *container;

	check_volumes(json_object_get(spec, "volumes"), path, err);
	for (size_t k = 0; k < ARRAY_SIZE(CONTAINER_LISTS); k++) {
		_cleanup_free_ char *list = xasprintf("%s.%s", path, CONTAINER_LISTS[k]);
		check_unique_names(err, json_object_get(spec, CONTAINER_LISTS[k]), list);
		json_array_foreach (json_object_get(spec, CONTAINER_LISTS[k]), i, container) {
			_cleanup_free_ char *at = xasprintf("%s[%zu]", list, i);
			check_container(spec, container, at, k == 2, err);
		}
	}
	check_not_negative(err, json_object_get(spec, "terminationGracePeriodSeconds"), "%s.terminationGracePeriodSeconds",
	                   path);
}
