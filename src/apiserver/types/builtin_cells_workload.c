/* Printer columns of pods and of what makes pods. */
#include "base/clock.h"
#include "base/str.h"
#include "builtin_types.h"
#include "kube/object.h"

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

/* The time from one to the other (NULL: now), as people say it. */
static json_t *span(const char *from, const char *to, int64_t now_ns, const char *otherwise)
{
	char text[64];
	int64_t start, end = now_ns;

	if (!from || !rfc3339_parse(from, &start) || (to && !rfc3339_parse(to, &end)))
		return json_string(otherwise);
	return json_string(duration_human(end > start ? end - start : 0, text, sizeof(text)));
}

/* ---- templates ---- */

static const json_t *pod_spec_of(const json_t *obj)
{
	const json_t *spec = json_object_get(obj, "spec");
	const json_t *job = json_at(spec, "jobTemplate", "spec", NULL),
				 *template = json_object_get(job ? job : spec, "template");

	if (!template)
		template = json_object_get(obj, "template"); /* podtemplates */
	return json_object_get(template, "spec");
}

static json_t *joined(const json_t *list, const char *member)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		buf_printf(&out, "%s%s", i ? "," : "", or_text(json_get_str(item, member), ""));
	return cell_of(&out, "");
}

static json_t *containers(const json_t *obj, int64_t now_ns _unused_)
{
	return joined(json_object_get(pod_spec_of(obj), "containers"), "name");
}

static json_t *images(const json_t *obj, int64_t now_ns _unused_)
{
	return joined(json_object_get(pod_spec_of(obj), "containers"), "image");
}

static json_t *pod_labels(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_labels_cell(json_at(obj, "template", "metadata", "labels", NULL));
}

static json_t *label_selector(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_selector_cell(json_at(obj, "spec", "selector", NULL));
}

static json_t *cron_selector(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_selector_cell(json_at(obj, "spec", "jobTemplate", "spec", "selector", NULL));
}

static json_t *node_selector(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_labels_cell(json_object_get(pod_spec_of(obj), "nodeSelector"));
}

/* ---- numbers of pods ---- */

static int64_t status_number(const json_t *obj, const char *name)
{
	return json_int(json_at(obj, "status", name, NULL), 0);
}

static json_t *ready_of_wanted(const json_t *obj)
{
	return json_strf("%lld/%lld", (long long)status_number(obj, "readyReplicas"),
	                 (long long)json_int(json_at(obj, "spec", "replicas", NULL), 0));
}

static json_t *deployment_ready(const json_t *obj, int64_t now_ns _unused_)
{
	return ready_of_wanted(obj);
}

static json_t *stateful_ready(const json_t *obj, int64_t now_ns _unused_)
{
	return ready_of_wanted(obj);
}

static json_t *ready_replicas(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(status_number(obj, "readyReplicas"));
}

static json_t *updated_replicas(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(status_number(obj, "updatedReplicas"));
}

static json_t *available_replicas(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(status_number(obj, "availableReplicas"));
}

static json_t *daemon_updated(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(status_number(obj, "updatedNumberScheduled"));
}

static json_t *daemon_available(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer(status_number(obj, "numberAvailable"));
}

static json_t *revision_controller(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *owners = json_at(obj, "metadata", "ownerReferences", NULL);
	size_t i;
	json_t *owner;

	json_array_foreach (owners, i, owner) {
		if (!json_get_bool(owner, "controller", false))
			continue;
		const char *version = or_text(json_get_str(owner, "apiVersion"), ""), *slash = strrchr(version, '/');
		_cleanup_free_ char *kind = xstrdup(or_text(json_get_str(owner, "kind"), ""));
		str_lower(kind);
		return json_strf("%s%s%.*s/%s", kind, slash ? "." : "", slash ? (int)(slash - version) : 0, version,
		                 or_text(json_get_str(owner, "name"), ""));
	}
	return json_string("<none>");
}

/* ---- jobs ---- */

static const char *condition_status(const json_t *obj, const char *type)
{
	size_t i;
	json_t *c;

	json_array_foreach (json_at(obj, "status", "conditions", NULL), i, c)
		if (str_eq(json_get_str(c, "type"), type))
			return json_get_str(c, "status");
	return NULL;
}

static json_t *job_status(const json_t *obj, int64_t now_ns _unused_)
{
	static const char *const STATES[][2] = { { "Complete", "Complete" },
		                                     { "Failed", "Failed" },
		                                     { "Suspended", "Suspended" },
		                                     { "FailureTarget", "FailureTarget" },
		                                     { "SuccessCriteriaMet", "SuccessCriteriaMet" } };

	for (size_t i = 0; i < ARRAY_SIZE(STATES); i++)
		if (str_eq(condition_status(obj, STATES[i][0]), "True"))
			return json_string(STATES[i][1]);
	return json_string(json_at(obj, "metadata", "deletionTimestamp", NULL) ? "Terminating" : "Running");
}

static json_t *job_completions(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *wanted = json_at(obj, "spec", "completions", NULL);
	long long done = status_number(obj, "succeeded"), parallel = json_int(json_at(obj, "spec", "parallelism", NULL), 0);

	if (json_is_integer(wanted))
		return json_strf("%lld/%lld", done, (long long)json_integer_value(wanted));
	return parallel > 1 ? json_strf("%lld/1 of %lld", done, parallel) : json_strf("%lld/1", done);
}

static json_t *job_duration(const json_t *obj, int64_t now_ns)
{
	return span(json_str_at(obj, "status", "startTime", NULL), json_str_at(obj, "status", "completionTime", NULL),
	            now_ns, "");
}

static json_t *cron_zone(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(or_text(json_str_at(obj, "spec", "timeZone", NULL), "<none>"));
}

static json_t *cron_suspend(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *suspend = json_at(obj, "spec", "suspend", NULL);

	return json_string(!json_is_boolean(suspend) ? "<unset>" : json_is_true(suspend) ? "True" : "False");
}

static json_t *cron_active(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer((json_int_t)json_array_size(json_at(obj, "status", "active", NULL)));
}

static json_t *cron_last(const json_t *obj, int64_t now_ns)
{
	return span(json_str_at(obj, "status", "lastScheduleTime", NULL), NULL, now_ns, "<none>");
}

/* ---- pods ---- */

static json_t *pod_ready(const json_t *obj, int64_t now_ns _unused_)
{
	size_t i, ready = 0;
	json_t *status;

	json_array_foreach (json_at(obj, "status", "containerStatuses", NULL), i, status)
		ready += json_get_bool(status, "ready", false);
	return json_strf("%zu/%zu", ready, json_array_size(json_at(obj, "spec", "containers", NULL)));
}

/* The reason of a container that waits or ended says more than the phase. */
static json_t *pod_status(const json_t *obj, int64_t now_ns _unused_)
{
	const char *reason = or_text(json_str_at(obj, "status", "reason", NULL), json_str_at(obj, "status", "phase", NULL));
	size_t i;
	json_t *status;

	json_array_foreach (json_at(obj, "status", "containerStatuses", NULL), i, status) {
		const char *waiting = json_str_at(status, "state", "waiting", "reason", NULL),
				   *ended = json_str_at(status, "state", "terminated", "reason", NULL);
		reason = or_text(waiting, or_text(ended, reason));
	}
	if (json_at(obj, "metadata", "deletionTimestamp", NULL))
		return json_string("Terminating");
	return json_string(or_text(reason, ""));
}

static json_t *pod_restarts(const json_t *obj, int64_t now_ns _unused_)
{
	int64_t restarts = 0;
	size_t i;
	json_t *status;

	json_array_foreach (json_at(obj, "status", "containerStatuses", NULL), i, status)
		restarts += json_get_int(status, "restartCount", 0);
	return json_strf("%lld", (long long)restarts);
}

static json_t *pod_ip(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(or_text(json_str_at(obj, "status", "podIP", NULL), "<none>"));
}

static json_t *pod_node(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(or_text(json_str_at(obj, "spec", "nodeName", NULL), "<none>"));
}

static json_t *pod_nominated(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(or_text(json_str_at(obj, "status", "nominatedNodeName", NULL), "<none>"));
}

static json_t *pod_gates(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *gates = json_at(obj, "spec", "readinessGates", NULL);
	size_t i, held = 0;
	json_t *gate;

	if (json_array_size(gates) == 0)
		return json_string("<none>");
	json_array_foreach (gates, i, gate)
		held += str_eq(condition_status(obj, or_text(json_get_str(gate, "conditionType"), "")), "True");
	return json_strf("%zu/%zu", held, json_array_size(gates));
}

builtin_cell_fn builtin_cell_of_workload(const char *name)
{
	static const struct {
		const char *name;
		builtin_cell_fn cell;
	} CELLS[] = {
		{ "containers", containers },
		{ "images", images },
		{ "pod-labels", pod_labels },
		{ "label-selector", label_selector },
		{ "cron-selector", cron_selector },
		{ "node-selector", node_selector },
		{ "deployment-ready", deployment_ready },
		{ "stateful-ready", stateful_ready },
		{ "ready-replicas", ready_replicas },
		{ "updated-replicas", updated_replicas },
		{ "available-replicas", available_replicas },
		{ "daemon-updated", daemon_updated },
		{ "daemon-available", daemon_available },
		{ "revision-controller", revision_controller },
		{ "job-status", job_status },
		{ "job-completions", job_completions },
		{ "job-duration", job_duration },
		{ "cron-zone", cron_zone },
		{ "cron-suspend", cron_suspend },
		{ "cron-active", cron_active },
		{ "cron-last", cron_last },
		{ "pod-ready", pod_ready },
		{ "pod-status", pod_status },
		{ "pod-restarts", pod_restarts },
		{ "pod-ip", pod_ip },
		{ "pod-node", pod_node },
		{ "pod-nominated", pod_nominated },
		{ "pod-gates", pod_gates },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CELLS); i++)
		if (strcmp(CELLS[i].name, name) == 0)
			return CELLS[i].cell;
	return NULL;
}
