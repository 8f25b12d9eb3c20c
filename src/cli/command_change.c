/* scia rollback, delete, pause, resume, approve: small changes of one Deployment. */

#include "commands.h"

#include "base/clock.h"
#include "base/str.h"

#define POLL_NS (250 * NS_PER_MS)

static int patch_deployment(struct session *s, const char *name, json_t *patch)
{
	int r = kube_patch(s->client, &SCIA_DEPLOYMENT, s->ns, bare_name(name), KUBE_PATCH_MERGE, patch, NULL, NULL,
	                   &s->err);
	json_decref(patch);
	return r;
}

/* The healthy revision before the current one; 0: there is none. */
static int64_t previous_revision(const json_t *deployment)
{
	int64_t current = json_get_int(kube_status(deployment), "currentRevision", 0), best = 0;
	size_t i;
	json_t *entry;
	json_array_foreach (json_at(deployment, "status", "history", NULL), i, entry) {
		int64_t number = json_get_int(entry, "revision", 0);
		const char *outcome = json_get_str(entry, "outcome");
		if (number < current && number > best && (str_eq(outcome, "Success") || str_eq(outcome, "Superseded")))
			best = number;
	}
	return best;
}

static int rollback(struct session *s, const char *name, int64_t number)
{
	_cleanup_json_ json_t *deployment = session_get_deployment(s, name);
	if (!deployment)
		return -1;
	if (number == 0)
		number = previous_revision(deployment);
	if (number == 0)
		return err_set(&s->err, ERR_NOT_FOUND,
		               "%s has no earlier healthy revision to go back to; `scia history %s` lists all", name, name);
	_cleanup_json_ json_t *revision = session_get_revision(s, name, number);
	if (!revision ||
	    patch_deployment(s, name, json_pack("{s:{s:{s:I}}}", "spec", "rollbackTo", "revision", (json_int_t)number)) < 0)
		return -1;
	printf("%s goes back to revision %lld; it stays there until the spec changes or `scia rollback %s --release`.\n",
	       bare_name(name), (long long)number, bare_name(name));
	return 0;
}

int command_rollback(int argc, char **argv)
{
	struct session s = { 0 };
	int64_t number = 0;
	bool release = false;
	char **args;
	const struct cli_option options[] = {
		{ "to-revision", 0, CLI_NUMBER, &number, "N",
		  "the revision (default: the last healthy one before the current)" },
		{ "release", 0, CLI_FLAG, &release, NULL, "no longer pin a revision: follow the repository again" },
		CLIENT_OPTIONS(s.client_options),
		{ 0 },
	};
	int r = session_begin(&s, &COMMAND_ROLLBACK, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_ROLLBACK, "the name of a Deployment is missing");
	else if (r == 0 && !release)
		rollback(&s, args[0], number);
	else if (r == 0 && patch_deployment(&s, args[0], json_pack("{s:{s:n}}", "spec", "rollbackTo")) == 0)
		printf("%s follows its repository again.\n", bare_name(args[0]));
	return session_end(&s, r);
}

static int wait_until_gone(struct session *s, const char *name, int64_t timeout_ns)
{
	int64_t deadline = clock_mono_ns() + timeout_ns;
	for (;;) {
		_cleanup_json_ json_t *deployment = session_get_deployment(s, name);
		if (!deployment)
			break;
		if (clock_mono_ns() >= deadline)
			return err_set(&s->err, ERR_TIMEOUT, "%s is still there: %s", name,
			               json_get_str(kube_condition(deployment, "Ready"), "message")
			                   ? json_get_str(kube_condition(deployment, "Ready"), "message")
			                   : "");
		clock_sleep_ns(POLL_NS);
	}
	if (s->err.kind != ERR_NOT_FOUND)
		return -1;
	err_clear(&s->err);
	return 0;
}

static int delete_one(struct session *s, const char *name, bool no_wait, int64_t timeout_ns)
{
	/* To tell "gone" from "never was". */
	_cleanup_json_ json_t *deployment = session_get_deployment(s, name);
	if (!deployment || kube_delete(s->client, &SCIA_DEPLOYMENT, s->ns, bare_name(name), kube_uid(deployment),
	                               KUBE_BACKGROUND, &s->err) < 0)
		return -1;
	if (!no_wait && wait_until_gone(s, name, timeout_ns) < 0)
		return -1;
	printf("%s is %s.\n", bare_name(name), no_wait ? "being deleted" : "deleted, with everything that was made for it");
	return 0;
}

int command_delete(int argc, char **argv)
{
	struct session s = { 0 };
	bool no_wait = false;
	int64_t timeout_ns = 120 * NS_PER_S;
	char **args;
	const struct cli_option options[] = {
		{ "no-wait", 0, CLI_FLAG, &no_wait, NULL, "do not wait until everything is gone" },
		{ "timeout", 0, CLI_DURATION, &timeout_ns, "DURATION", "how long to wait (120s)" },
		CLIENT_OPTIONS(s.client_options),
		{ 0 }
	};
	int r = session_begin(&s, &COMMAND_DELETE, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_DELETE, "the name of a Deployment is missing");
	for (; r == 0 && *args; args++) {
		if (delete_one(&s, *args, no_wait, timeout_ns) < 0)
			break;
	}
	return session_end(&s, r);
}

/* For the commands whose work is one patch. */
static int change_one(const struct cli_command *command, int argc, char **argv,
                      json_t *(*make_patch)(struct session *s, const char *name), const char *done)
{
	struct session s = { 0 };
	char **args;
	const struct cli_option options[] = { CLIENT_OPTIONS(s.client_options), { 0 } };
	int r = session_begin(&s, command, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(command, "the name of a Deployment is missing");
	json_t *patch = r == 0 ? make_patch(&s, args[0]) : NULL;
	if (patch && patch_deployment(&s, args[0], patch) == 0)
		printf("%s %s\n", bare_name(args[0]), done);
	return session_end(&s, r);
}

static json_t *make_pause(struct session *s _unused_, const char *name _unused_)
{
	return json_pack("{s:{s:{s:s}}}", "metadata", "annotations", "scia.io/paused", "true");
}

static json_t *make_resume(struct session *s _unused_, const char *name _unused_)
{
	return json_pack("{s:{s:{s:n}}}", "metadata", "annotations", "scia.io/paused");
}

static json_t *make_approval(struct session *s, const char *name)
{
	_cleanup_json_ json_t *deployment = session_get_deployment(s, name);
	const char *hash = json_str_at(deployment, "status", "plan", "hash", NULL);
	if (deployment && !hash)
		err_set(&s->err, ERR_NOT_FOUND, "%s has no plan to approve", name);
	return hash ? json_pack("{s:{s:{s:s}}}", "metadata", "annotations", "scia.io/approved-plan", hash) : NULL;
}

int command_pause(int argc, char **argv)
{
	return change_one(&COMMAND_PAUSE, argc, argv, make_pause, "is paused: nothing is changed until `scia resume`.");
}

int command_resume(int argc, char **argv)
{
	return change_one(&COMMAND_RESUME, argc, argv, make_resume, "is watched over again.");
}

int command_approve(int argc, char **argv)
{
	return change_one(&COMMAND_APPROVE, argc, argv, make_approval, "may go ahead: its plan is approved.");
}
