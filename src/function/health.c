#include "health.h"

#include "base/clock.h"
#include "base/str.h"
#include "call.h"

static bool number_at(const json_t *object, const char *part, const char *field, int64_t *ret)
{
	const json_t *v = json_at(object, part, field, NULL);

	if (!json_is_number(v))
		return false;
	*ret = json_is_integer(v) ? json_integer_value(v) : (int64_t)json_real_value(v);
	return true;
}

static int64_t wanted_replicas(const json_t *object)
{
	int64_t n = 1;

	number_at(object, "spec", "replicas", &n);
	return n;
}

static bool has_condition(const json_t *object, const char *type)
{
	return str_eq(object_condition(object, type), "True");
}

static bool exists(const json_t *object _unused_)
{
	return true;
}

static bool time_at(const json_t *object, const char *field, int64_t *ret)
{
	const char *text = json_str_at(object, "status", field, NULL);

	return text && rfc3339_parse(text, ret);
}

static bool cron_job(const json_t *object)
{
	int64_t scheduled, succeeded;

	if (json_is_true(json_at(object, "spec", "suspend", NULL)))
		return true;
	if (!time_at(object, "lastScheduleTime", &scheduled))
		return false;
	if (json_array_size(json_at(object, "status", "active", NULL)) > 0)
		return true;
	return time_at(object, "lastSuccessfulTime", &succeeded) && succeeded >= scheduled;
}

static bool daemon_set(const json_t *object)
{
	int64_t desired, ready, updated, available;

	return number_at(object, "status", "desiredNumberScheduled", &desired) &&
	       number_at(object, "status", "numberReady", &ready) &&
	       number_at(object, "status", "updatedNumberScheduled", &updated) &&
	       number_at(object, "status", "numberAvailable", &available) && desired == ready && desired == updated &&
	       desired == available;
}

static bool deployment(const json_t *object)
{
	int64_t wanted = wanted_replicas(object), updated, available;

	return number_at(object, "status", "updatedReplicas", &updated) &&
	       number_at(object, "status", "availableReplicas", &available) && wanted == updated && wanted == available &&
	       has_condition(object, "Available");
}

/* The first condition that says anything decides. */
static bool autoscaler(const json_t *object)
{
	static const char *const bad[] = { "FailedGetScale", "FailedUpdateScale", "FailedGetResourceMetric",
		                               "InvalidSelector", NULL };
	static const char *const good[] = { "ScalingActive", "ScalingLimited", NULL };
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(object, "status", "conditions", NULL), i, condition) {
		const char *type = json_get_str(condition, "type");

		if (!type || !str_eq(json_get_str(condition, "status"), "True"))
			continue;
		if (str_in(type, bad))
			return false;
		if (str_in(type, good))
			return true;
	}
	return false;
}

static bool has_ingress(const json_t *object)
{
	return json_array_size(json_at(object, "status", "loadBalancer", "ingress", NULL)) > 0;
}

static bool job(const json_t *object)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(object, "status", "conditions", NULL), i, condition) {
		const char *type = json_get_str(condition, "type");

		if (!str_eq(json_get_str(condition, "status"), "True"))
			continue;
		if (str_eq(type, "Failed") || str_eq(type, "Suspended"))
			return false;
		if (str_eq(type, "Complete"))
			return true;
	}
	return false;
}

static bool volume_claim(const json_t *object)
{
	return str_eq(json_str_at(object, "status", "phase", NULL), "Bound");
}

static bool pod(const json_t *object)
{
	const char *phase = json_str_at(object, "status", "phase", NULL);

	if (str_eq(phase, "Succeeded"))
		return true;
	return str_eq(phase, "Running") && str_eq(json_str_at(object, "spec", "restartPolicy", NULL), "Always") &&
	       has_condition(object, "Ready");
}

static bool replica_set(const json_t *object)
{
	int64_t observed = 0, generation = 0, available = 0;

	number_at(object, "status", "observedGeneration", &observed);
	number_at(object, "metadata", "generation", &generation);
	number_at(object, "status", "availableReplicas", &available);
	return observed >= generation && !has_condition(object, "ReplicaFailure") && available >= wanted_replicas(object);
}

static bool service(const json_t *object)
{
	return !str_eq(json_str_at(object, "spec", "type", NULL), "LoadBalancer") || has_ingress(object);
}

static bool stateful_set(const json_t *object)
{
	const char *current = json_str_at(object, "status", "currentRevision", NULL);
	int64_t wanted = wanted_replicas(object), ready, replicas;

	return number_at(object, "status", "readyReplicas", &ready) &&
	       number_at(object, "status", "currentReplicas", &replicas) && wanted == ready && wanted == replicas &&
	       current && str_eq(current, json_str_at(object, "status", "updateRevision", NULL));
}

static const struct {
	const char *version, *kind;
	bool (*is_healthy)(const json_t *object);
} CHECKS[] = {
	{ "v1", "ConfigMap", exists },
	{ "batch/v1", "CronJob", cron_job },
	{ "apps/v1", "DaemonSet", daemon_set },
	{ "apps/v1", "Deployment", deployment },
	{ "autoscaling/v2", "HorizontalPodAutoscaler", autoscaler },
	{ "networking.k8s.io/v1", "Ingress", has_ingress },
	{ "batch/v1", "Job", job },
	{ "v1", "Namespace", exists },
	{ "v1", "PersistentVolumeClaim", volume_claim },
	{ "v1", "Pod", pod },
	{ "apps/v1", "ReplicaSet", replica_set },
	{ "v1", "Secret", exists },
	{ "v1", "Service", service },
	{ "v1", "ServiceAccount", exists },
	{ "apps/v1", "StatefulSet", stateful_set },
};

/* Its index; -1: there is none. */
static int check_of(const char *version, const char *kind)
{
	for (size_t i = 0; version && kind && i < ARRAY_SIZE(CHECKS); i++)
		if (str_eq(version, CHECKS[i].version) && str_eq(kind, CHECKS[i].kind))
			return (int)i;
	return -1;
}

bool health_knows(const char *version, const char *kind)
{
	return check_of(version, kind) >= 0;
}

int health_check(const json_t *object)
{
	int check = check_of(json_get_str(object, "apiVersion"), json_get_str(object, "kind"));

	return check < 0 ? -1 : CHECKS[check].is_healthy(object);
}
