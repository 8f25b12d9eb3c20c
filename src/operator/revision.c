/* Revisions and the history of a Deployment. */

#include "deployment.h"

#include "base/clock.h"
#include "base/str.h"

#define HISTORY_MAX 1000

int64_t revision_number(const json_t *revision)
{
	return json_int(json_at(revision, "spec", "revision", NULL), 0);
}

json_t *revision_find(const struct deployment_pass *p, int64_t number)
{
	size_t i;
	json_t *revision;
	json_array_foreach (p->revisions, i, revision) {
		if (revision_number(revision) == number)
			return revision;
	}
	return NULL;
}

static json_t *find_entry(const struct deployment_pass *p, int64_t number)
{
	size_t i;
	json_t *entry;
	json_array_foreach (json_object_get(p->status, "history"), i, entry) {
		if (json_get_int(entry, "revision", 0) == number)
			return entry;
	}
	return NULL;
}

json_t *history_entry(struct deployment_pass *p, const json_t *revision)
{
	json_t *entry = find_entry(p, revision_number(revision));
	if (entry)
		return entry;
	json_t *history = json_ensure_array(p->status, "history");
	char now[RFC3339_SIZE];
	entry = json_pack("{s:I, s:s, s:s, s:s*, s:s*, s:s}", "revision", (json_int_t)revision_number(revision),
	                  "timestamp", rfc3339_format(clock_wall_ns(), now), "infrastructureRef", kube_name(p->object),
	                  "commit", json_str_at(revision, "spec", "commit", NULL), "strategy",
	                  json_str_at(revision, "spec", "decision", "strategy", NULL), "outcome", "InProgress");
	json_array_append_new(history, entry);
	while (json_array_size(history) > HISTORY_MAX)
		json_array_remove(history, 0);
	return entry;
}

const char *history_outcome(const struct deployment_pass *p, int64_t number)
{
	return json_get_str(find_entry(p, number), "outcome");
}

bool history_set_outcome(struct deployment_pass *p, const json_t *revision, const char *outcome, const char *reason)
{
	json_t *entry = history_entry(p, revision);
	if (str_eq(json_get_str(entry, "outcome"), outcome))
		return false;
	json_put_str(entry, "outcome", outcome);
	json_put_str(entry, "reason", str_empty(reason) ? NULL : reason);
	return true;
}

/* Old revisions go, but neither what serves, nor what is wanted, nor what one would go back to. */
int step_prune(struct deployment_pass *p)
{
	int64_t limit = json_get_int(deployment_spec(p), "revisionHistoryLimit", 10);
	int64_t current = json_get_int(p->status, "currentRevision", 0);
	int64_t excess = (int64_t)json_array_size(p->revisions) - limit;
	json_t *history = json_object_get(p->status, "history");
	size_t i;
	json_t *revision;

	json_array_foreach (p->revisions, i, revision) {
		int64_t number = revision_number(revision);
		if ((int64_t)i >= excess)
			break;
		if (number == current || number == revision_number(p->target) || number == revision_number(p->wanted))
			continue;
		if (kube_delete(p->op->config.client, &SCIA_REVISION, kube_namespace(revision), kube_name(revision),
		                kube_uid(revision), KUBE_BACKGROUND, p->pass->err) < 0)
			return err_wrap(p->pass->err, "deleting old revision %s", kube_name(revision));
	}
	/* The history tells of revisions that can be gone back to, and of no others. */
	for (size_t j = json_array_size(history); j-- > 0;) {
		int64_t number = json_get_int(json_array_get(history, j), "revision", 0);
		if ((int64_t)(json_array_size(history) - j) > limit && number != current)
			json_array_remove(history, j);
	}
	return STEP_CONTINUE;
}
