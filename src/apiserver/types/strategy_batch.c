/* Jobs and cron jobs. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "pod_spec.h"
#include "objects/field_checks.h"

#include <string.h>

#define BATCH_UID "batch.kubernetes.io/controller-uid"

static void put_default_int(json_t *spec, const char *key, int64_t n)
{
	if (!json_object_get(spec, key))
		json_put_int(spec, key, n);
}

static void job_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *spec = json_object_get(obj, "spec");

	pod_spec_default(json_at(spec, "template", "spec", NULL));
	if (!json_object_get(spec, "completions") && !json_object_get(spec, "parallelism"))
		json_put_int(spec, "completions", 1);
	put_default_int(spec, "parallelism", 1);
	put_default_int(spec, "backoffLimit", json_object_get(spec, "backoffLimitPerIndex") ? INT32_MAX : 6);
	if (!json_object_get(spec, "completionMode"))
		json_put_str(spec, "completionMode", "NonIndexed");
	if (!json_object_get(spec, "suspend"))
		json_put_bool(spec, "suspend", false);
	if (!json_object_get(spec, "podReplacementPolicy"))
		json_put_str(spec, "podReplacementPolicy",
		             json_object_get(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
}

/* Pods of a job are told by its uid. */
static void job_create(json_t *obj)
{
	json_t *spec = json_object_get(obj, "spec"), *template = json_ensure_object(spec, "template");
	json_t *labels = json_ensure_object(json_ensure_object(template, "metadata"), "labels");
	const char *uid = kube_uid(obj), *name = kube_name(obj);

	if (json_get_bool(spec, "manualSelector", false))
		return;
	json_put_str(labels, "controller-uid", uid);
	json_put_str(labels, BATCH_UID, uid);
	json_put_str(labels, "job-name", name);
	json_put_str(labels, "batch.kubernetes.io/job-name", name);
	json_put_str(json_ensure_object(json_ensure_object(spec, "selector"), "matchLabels"), BATCH_UID, uid);
	if (json_object_size(json_object_get(kube_meta(obj), "labels")) == 0)
		json_put(kube_meta(obj), "labels", json_deep_copy(labels));
}

/* path: of the JobSpec. */
static void check_job_spec(const json_t *spec, const char *path, struct err *err)
{
	static const char *const POLICIES[] = { "OnFailure", "Never", NULL };
	_cleanup_free_ char *pods = xasprintf("%s.template.spec", path);
	const char *policy = json_str_at(spec, "template", "spec", "restartPolicy", NULL);

	if (str_eq(json_get_str(spec, "completionMode"), "Indexed") && !json_object_get(spec, "completions"))
		check_required(err, "when completion mode is Indexed", "%s.completions", path);
	pod_template_check(json_object_get(spec, "template"), path, err);
	if (str_empty(policy) || strcmp(policy, "Always") == 0)
		check_required(err, "valid values: \"OnFailure\", \"Never\"", "%s.restartPolicy", pods);
	else
		check_one_of(err, policy, POLICIES, "%s.restartPolicy", pods);
}

static int job_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const FIXED[] = { "completions", "selector", "template", "completionMode" };
	const json_t *spec = json_object_get(obj, "spec"), *before = json_object_get(old, "spec");

	check_job_spec(spec, "spec", err);
	for (size_t i = 0; old && i < ARRAY_SIZE(FIXED); i++) {
		_cleanup_free_ char *field = xasprintf("spec.%s", FIXED[i]);
		check_immutable_field(err, json_object_get(spec, FIXED[i]), json_object_get(before, FIXED[i]), field);
	}
	return check_result(err);
}

const struct api_strategy STRATEGY_JOB = {
	.generation = true,
	.unconditional_update = true,
	.decode = job_decode,
	.complete_create = job_create,
	.validate = job_validate,
};

static void cron_job_decode(json_t *obj, json_t *dropped _unused_)
{
	pod_spec_default(json_at(obj, "spec", "jobTemplate", "spec", "template", "spec", NULL));
}

/* Five fields, a descriptor (@daily) or an interval (@every 5m), perhaps after a time zone. */
static void check_schedule(const json_t *spec, struct err *err)
{
	const char *text = json_get_str(spec, "schedule");
	_cleanup_strv_ char **fields = str_split(text ? text : "", " \t");
	size_t len = fields ? strv_len(fields) : 0;

	if (str_empty(text) || *text == '@')
		return;
	bool zoned = str_starts_with(text, "TZ=") || str_starts_with(text, "CRON_TZ=");
	if (len - zoned == 5)
		return;
	_cleanup_buf_ struct buf why = BUF_INIT(4096);
	buf_printf(&why, "expected exactly 5 fields, found %zu: [", len - zoned);
	for (size_t i = zoned; i < len; i++)
		buf_printf(&why, "%s%s", i > zoned ? " " : "", fields[i]);
	buf_putc(&why, ']');
	check_fail(err, json_object_get(spec, "schedule"), buf_str(&why), "spec.schedule");
}

static int cron_job_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = json_object_get(obj, "spec");

	check_schedule(spec, err);
	check_job_spec(json_at(spec, "jobTemplate", "spec", NULL), "spec.jobTemplate.spec", err);
	return check_result(err);
}

const struct api_strategy STRATEGY_CRON_JOB = {
	.generation = true,
	.unconditional_update = true,
	.decode = cron_job_decode,
	.validate = cron_job_validate,
};
