/* Printer columns of volumes, nodes, autoscalers, budgets, certificates and the rest. */
#include "base/clock.h"
#include "base/str.h"
#include "builtin_types.h"

#include <string.h>

#define CELL_MAX ((size_t)64 * 1024)

static json_t *cell_of(struct buf *text, const char *otherwise)
{
	json_t *cell = text->len ? json_string_lossy(buf_str(text), text->len) : json_string(otherwise);

	buf_clear(text);
	return cell;
}

static const char *or_text(const char *s, const char *otherwise)
{
	return !str_empty(s) ? s : otherwise;
}

static json_t *text_at(const json_t *obj, const char *parent, const char *member, const char *otherwise)
{
	return json_string(or_text(json_str_at(obj, parent, member, NULL), otherwise));
}

/* ---- volumes ---- */

static json_t *modes_of(const json_t *modes)
{
	static const char *const SHORT[][2] = { { "ReadWriteOnce", "RWO" },
		                                    { "ReadOnlyMany", "ROX" },
		                                    { "ReadWriteMany", "RWX" },
		                                    { "ReadWriteOncePod", "RWOP" } };
	struct buf out = BUF_INIT(CELL_MAX);

	for (size_t k = 0; k < ARRAY_SIZE(SHORT); k++) {
		size_t i;
		json_t *mode;
		json_array_foreach (modes, i, mode)
			if (str_eq(json_string_value(mode), SHORT[k][0])) {
				buf_printf(&out, "%s%s", out.len ? "," : "", SHORT[k][1]);
				break;
			}
	}
	return cell_of(&out, "");
}

static json_t *access_modes(const json_t *obj, int64_t now_ns _unused_)
{
	return modes_of(json_at(obj, "spec", "accessModes", NULL));
}

static json_t *claim_modes(const json_t *obj, int64_t now_ns _unused_)
{
	const char *bound = json_str_at(obj, "spec", "volumeName", NULL);

	return str_empty(bound) ? json_string("") : modes_of(json_at(obj, "status", "accessModes", NULL));
}

static json_t *volume_capacity(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(or_text(json_str_at(obj, "spec", "capacity", "storage", NULL), ""));
}

static json_t *claim_capacity(const json_t *obj, int64_t now_ns _unused_)
{
	const char *bound = json_str_at(obj, "spec", "volumeName", NULL);

	return json_string(str_empty(bound) ? "" : or_text(json_str_at(obj, "status", "capacity", "storage", NULL), ""));
}

static json_t *volume_phase(const json_t *obj, int64_t now_ns _unused_)
{
	if (json_at(obj, "metadata", "deletionTimestamp", NULL))
		return json_string("Terminating");
	return text_at(obj, "status", "phase", "");
}

static json_t *volume_claim(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *claim = json_at(obj, "spec", "claimRef", NULL);

	if (!json_is_object(claim))
		return json_string("");
	return json_strf("%s/%s", or_text(json_get_str(claim, "namespace"), ""), or_text(json_get_str(claim, "name"), ""));
}

static json_t *volume_class(const json_t *obj, int64_t now_ns _unused_)
{
	const char *noted = json_str_at(obj, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class", NULL);

	return noted ? json_string(noted) : text_at(obj, "spec", "storageClassName", "");
}

static json_t *attributes_class(const json_t *obj, int64_t now_ns _unused_)
{
	return text_at(obj, "spec", "volumeAttributesClassName", "<unset>");
}

static json_t *volume_reason(const json_t *obj, int64_t now_ns _unused_)
{
	return text_at(obj, "status", "reason", "");
}

static json_t *volume_mode(const json_t *obj, int64_t now_ns _unused_)
{
	return text_at(obj, "spec", "volumeMode", "<unset>");
}

static json_t *storage_name(const json_t *obj, int64_t now_ns _unused_)
{
	const char *usual = json_str_at(obj, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class",
	                                NULL);

	return json_strf("%s%s", or_text(json_str_at(obj, "metadata", "name", NULL), ""),
	                 str_eq(usual, "true") ? " (default)" : "");
}

static json_t *storage_expansion(const json_t *obj, int64_t now_ns _unused_)
{
	return json_boolean(json_get_bool(obj, "allowVolumeExpansion", false));
}

static json_t *token_audiences(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *request;

	json_array_foreach (json_at(obj, "spec", "tokenRequests", NULL), i, request)
		buf_printf(&out, "%s%s", i ? "," : "", or_text(json_get_str(request, "audience"), ""));
	return cell_of(&out, "<unset>");
}

static json_t *driver_modes(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *mode;

	json_array_foreach (json_at(obj, "spec", "volumeLifecycleModes", NULL), i, mode)
		buf_printf(&out, "%s%s", i ? "," : "", or_text(json_string_value(mode), ""));
	return cell_of(&out, "");
}

static json_t *drivers_count(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer((json_int_t)json_array_size(json_at(obj, "spec", "drivers", NULL)));
}

/* ---- nodes ---- */

static json_t *node_status(const json_t *obj, int64_t now_ns _unused_)
{
	const char *status = "Unknown";
	size_t i;
	json_t *c;

	json_array_foreach (json_at(obj, "status", "conditions", NULL), i, c)
		if (str_eq(json_get_str(c, "type"), "Ready"))
			status = str_eq(json_get_str(c, "status"), "True") ? "Ready" : "NotReady";
	return json_strf("%s%s", status,
	                 json_bool(json_at(obj, "spec", "unschedulable", NULL), false) ? ",SchedulingDisabled" : "");
}

static json_t *node_roles(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	_cleanup_strv_ char **roles = NULL;
	const char *key;
	json_t *v;

	json_object_foreach (json_at(obj, "metadata", "labels", NULL), key, v) {
		const char *role = str_after(key, "node-role.kubernetes.io/");
		if (!str_empty(role))
			strv_push(&roles, role);
		else if (strcmp(key, "kubernetes.io/role") == 0 && !str_empty(json_string_value(v)))
			strv_push(&roles, json_string_value(v));
	}
	strv_sort(roles);
	for (size_t i = 0; roles && roles[i]; i++)
		buf_printf(&out, "%s%s", i ? "," : "", roles[i]);
	return cell_of(&out, "<none>");
}

static json_t *node_address(const json_t *obj, const char *type)
{
	size_t i;
	json_t *address;

	json_array_foreach (json_at(obj, "status", "addresses", NULL), i, address)
		if (str_eq(json_get_str(address, "type"), type))
			return json_string(or_text(json_get_str(address, "address"), ""));
	return json_string("<none>");
}

static json_t *node_internal(const json_t *obj, int64_t now_ns _unused_)
{
	return node_address(obj, "InternalIP");
}

static json_t *node_external(const json_t *obj, int64_t now_ns _unused_)
{
	return node_address(obj, "ExternalIP");
}

static json_t *node_info(const json_t *obj, const char *name)
{
	return json_string(or_text(json_str_at(obj, "status", "nodeInfo", name, NULL), "<unknown>"));
}

static json_t *node_os(const json_t *obj, int64_t now_ns _unused_)
{
	return node_info(obj, "osImage");
}

static json_t *node_kernel(const json_t *obj, int64_t now_ns _unused_)
{
	return node_info(obj, "kernelVersion");
}

static json_t *node_runtime(const json_t *obj, int64_t now_ns _unused_)
{
	return node_info(obj, "containerRuntimeVersion");
}

/* ---- autoscalers and budgets ---- */

static json_t *hpa_reference(const json_t *obj, int64_t now_ns _unused_)
{
	return json_strf("%s/%s", or_text(json_str_at(obj, "spec", "scaleTargetRef", "kind", NULL), ""),
	                 or_text(json_str_at(obj, "spec", "scaleTargetRef", "name", NULL), ""));
}

static json_t *number_or(const json_t *v, const char *otherwise)
{
	return json_is_integer(v) ? json_strf("%lld", (long long)json_integer_value(v)) : json_string(otherwise);
}

static json_t *scale_desired(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(json_int(json_at(obj, "spec", "replicas", NULL), 0));
}

static json_t *hpa_min(const json_t *obj, int64_t now_ns _unused_)
{
	return number_or(json_at(obj, "spec", "minReplicas", NULL), "<unset>");
}

/* The part of a metric that names it, and its target: "cpu", {averageUtilization: 80}. */
static void append_metric(struct buf *out, const json_t *metric)
{
	static const char *const PARTS[] = { "resource", "containerResource", "pods", "object", "external" };
	const json_t *target = NULL;
	const char *name = "";

	for (size_t i = 0; i < ARRAY_SIZE(PARTS) && !target; i++) {
		const json_t *part = json_object_get(metric, PARTS[i]);
		target = json_object_get(part, "target");
		name = or_text(json_get_str(part, "name"), or_text(json_str_at(part, "metric", "name", NULL), ""));
	}
	const json_t *percent = json_object_get(target, "averageUtilization");
	buf_puts(out, out->len ? ", " : "");
	if (json_object_get(metric, "resource"))
		buf_printf(out, "%s: ", name);
	if (json_is_integer(percent))
		buf_printf(out, "<unknown>/%lld%%", (long long)json_integer_value(percent));
	else
		buf_printf(out, "<unknown>/%s",
		           or_text(json_get_str(target, "averageValue"), or_text(json_get_str(target, "value"), "<auto>")));
}

static json_t *hpa_targets(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *metric;

	json_array_foreach (json_at(obj, "spec", "metrics", NULL), i, metric)
		append_metric(&out, metric);
	return cell_of(&out, "<none>");
}

static json_t *hpa_targets_v1(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *percent = json_at(obj, "spec", "targetCPUUtilizationPercentage", NULL);

	return json_is_integer(percent) ? json_strf("cpu: <unknown>/%lld%%", (long long)json_integer_value(percent))
	                                : json_string("<none>");
}

static json_t *int_or_text(const json_t *v)
{
	return json_is_string(v) ? json_string(json_string_value(v)) : number_or(v, "N/A");
}

static json_t *budget_min(const json_t *obj, int64_t now_ns _unused_)
{
	return int_or_text(json_at(obj, "spec", "minAvailable", NULL));
}

static json_t *budget_max(const json_t *obj, int64_t now_ns _unused_)
{
	return int_or_text(json_at(obj, "spec", "maxUnavailable", NULL));
}

static json_t *priority_default(const json_t *obj, int64_t now_ns _unused_)
{
	return json_boolean(json_get_bool(obj, "globalDefault", false));
}

/* ---- endpoint slices ---- */

#define SHOWN_MAX 3

static json_t *slice_ports(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *ports = json_object_get(obj, "ports");
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		const json_t *number = json_object_get(port, "port");
		if (i == SHOWN_MAX) {
			buf_printf(&out, " + %zu more...", json_array_size(ports) - SHOWN_MAX);
			break;
		}
		if (json_is_integer(number))
			buf_printf(&out, "%s%lld", i ? "," : "", (long long)json_integer_value(number));
		else
			buf_printf(&out, "%s*", i ? "," : "");
	}
	return cell_of(&out, "<unset>");
}

static json_t *slice_endpoints(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i, k, count = 0;
	json_t *endpoint, *address;

	json_array_foreach (json_object_get(obj, "endpoints"), i, endpoint)
		json_array_foreach (json_object_get(endpoint, "addresses"), k, address)
			if (count++ < SHOWN_MAX)
				buf_printf(&out, "%s%s", out.len ? "," : "", or_text(json_string_value(address), ""));
	if (count > SHOWN_MAX)
		buf_printf(&out, " + %zu more...", count - SHOWN_MAX);
	return cell_of(&out, "<unset>");
}

/* ---- certificates, API services ---- */

static json_t *csr_duration(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *seconds = json_at(obj, "spec", "expirationSeconds", NULL);
	char text[64];

	if (!json_is_integer(seconds) || json_integer_value(seconds) < 0)
		return json_string("<none>");
	return json_string(duration_human(json_integer_value(seconds) * NS_PER_S, text, sizeof(text)));
}

static json_t *csr_condition(const json_t *obj, int64_t now_ns _unused_)
{
	static const char *const ORDER[] = { "Approved", "Denied", "Failed" };
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *c;

	for (size_t k = 0; k < ARRAY_SIZE(ORDER); k++)
		json_array_foreach (json_at(obj, "status", "conditions", NULL), i, c)
			if (str_eq(json_get_str(c, "type"), ORDER[k]))
				buf_printf(&out, "%s%s", out.len ? "," : "", ORDER[k]);
	if (!str_empty(json_str_at(obj, "status", "certificate", NULL)))
		buf_printf(&out, "%sIssued", out.len ? "," : "");
	return cell_of(&out, "Pending");
}

static json_t *api_service(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *service = json_at(obj, "spec", "service", NULL);

	if (!json_is_object(service))
		return json_string("Local");
	return json_strf("%s/%s", or_text(json_get_str(service, "namespace"), ""),
	                 or_text(json_get_str(service, "name"), ""));
}

static json_t *api_available(const json_t *obj, int64_t now_ns _unused_)
{
	size_t i;
	json_t *c;

	json_array_foreach (json_at(obj, "status", "conditions", NULL), i, c) {
		if (!str_eq(json_get_str(c, "type"), "Available"))
			continue;
		const char *status = or_text(json_get_str(c, "status"), "Unknown");
		return str_eq(status, "True") ? json_string(status)
		                              : json_strf("%s (%s)", status, or_text(json_get_str(c, "reason"), ""));
	}
	return json_string("Unknown");
}

builtin_cell_fn builtin_cell_of_cluster(const char *name)
{
	static const struct {
		const char *name;
		builtin_cell_fn cell;
	} CELLS[] = {
		{ "access-modes", access_modes },
		{ "claim-modes", claim_modes },
		{ "volume-capacity", volume_capacity },
		{ "claim-capacity", claim_capacity },
		{ "volume-phase", volume_phase },
		{ "volume-claim", volume_claim },
		{ "volume-class", volume_class },
		{ "attributes-class", attributes_class },
		{ "volume-reason", volume_reason },
		{ "volume-mode", volume_mode },
		{ "storage-name", storage_name },
		{ "storage-expansion", storage_expansion },
		{ "token-audiences", token_audiences },
		{ "driver-modes", driver_modes },
		{ "drivers-count", drivers_count },
		{ "node-status", node_status },
		{ "node-roles", node_roles },
		{ "node-internal", node_internal },
		{ "node-external", node_external },
		{ "node-os", node_os },
		{ "node-kernel", node_kernel },
		{ "node-runtime", node_runtime },
		{ "hpa-reference", hpa_reference },
		{ "scale-desired", scale_desired },
		{ "hpa-min", hpa_min },
		{ "hpa-targets", hpa_targets },
		{ "hpa-targets-v1", hpa_targets_v1 },
		{ "budget-min", budget_min },
		{ "budget-max", budget_max },
		{ "priority-default", priority_default },
		{ "slice-ports", slice_ports },
		{ "slice-endpoints", slice_endpoints },
		{ "csr-duration", csr_duration },
		{ "csr-condition", csr_condition },
		{ "api-service", api_service },
		{ "api-available", api_available },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CELLS); i++)
		if (strcmp(CELLS[i].name, name) == 0)
			return CELLS[i].cell;
	return NULL;
}
