/* Which options may be together, in Kubernetes' words
 * (k8s.io/apimachinery/pkg/apis/meta/{v1,internalversion}/validation).
 */
#include "base/str.h"
#include "codec/go_format.h"
#include "objects/invalid.h"
#include "request.h"

#define MANAGER_MAX 128
#define TEXT_MAX ((size_t)4096)
#define META_GROUP "meta.k8s.io"

static int finish(struct err *found, const char *kind, const char **ret_kind, struct err *err)
{
	if (invalid_finish(found, kind, META_GROUP, "") == 0)
		return 0;
	*ret_kind = kind;
	err_move(err, found);
	return -1;
}

/* A text as Go's %q shows it. */
static char *quote(const char *text)
{
	_cleanup_json_ json_t *v = json_string_lossy(text, strlen(text));

	return json_to_str(v);
}

/* ---- lists and watches ---- */

static void forbid(struct err *err, const char *field, const char *why)
{
	invalid_add(err, INVALID_FORBIDDEN, field, "Forbidden: %s", why);
}

static void not_supported(struct err *err, const char *field, const char *value, const char *supported)
{
	_cleanup_free_ char *quoted = quote(value);

	invalid_add(err, INVALID_NOT_SUPPORTED, field, "Unsupported value: %s: supported values: %s", quoted, supported);
}

static void check_list(const struct api_options *o, struct err *err)
{
	static const char field[] = "resourceVersionMatch";
	const char *match = o->version_match;

	if (match && !o->resource_version)
		forbid(err, field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
	if (match && o->continue_token)
		forbid(err, field, "resourceVersionMatch is forbidden when continue is provided");
	if (match && strcmp(match, "Exact") != 0 && strcmp(match, "NotOlderThan") != 0)
		not_supported(err, field, match, "\"Exact\", \"NotOlderThan\", \"\"");
	if (str_eq(match, "Exact") && str_eq(o->resource_version, "0"))
		forbid(err, field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
	if (o->send_initial_events >= 0)
		forbid(err, "sendInitialEvents", "sendInitialEvents is forbidden for list");
}

static void check_watch(const struct api_options *o, struct err *err)
{
	static const char field[] = "resourceVersionMatch";
	const char *match = o->version_match;
	bool not_older = str_eq(match, "NotOlderThan");

	if (o->send_initial_events >= 0 && !not_older)
		forbid(err, field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
	if (match && o->send_initial_events < 0)
		forbid(err, field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
	if (match && !not_older)
		not_supported(err, field, match, "\"NotOlderThan\"");
	if (match && o->continue_token)
		forbid(err, field, "resourceVersionMatch is forbidden when continue is provided");
}

/* ---- writes ---- */

/* "All", and nothing else, however often. */
static void check_dry_run(const struct api_options *o, struct err *err)
{
	_cleanup_buf_ struct buf shown = BUF_INIT((size_t)64 * 1024);
	bool wrong = false;

	for (size_t i = 0; o->dry_runs && o->dry_runs[i]; i++) {
		buf_puts(&shown, i ? ", " : "");
		go_quote(o->dry_runs[i], strlen(o->dry_runs[i]), TEXT_MAX, &shown);
		wrong = wrong || strcmp(o->dry_runs[i], "All") != 0;
	}
	if (wrong)
		invalid_add(err, INVALID_NOT_SUPPORTED, "dryRun", "Unsupported value: []string{%s}: supported values: \"All\"",
		            buf_str(&shown));
}

static void check_manager(const char *manager, struct err *err)
{
	_cleanup_free_ char *quoted = quote(manager);

	if (strlen(manager) > MANAGER_MAX)
		invalid_add(err, INVALID_TOO_LONG, "fieldManager", "Too long: must have at most %d bytes", MANAGER_MAX);
	for (const char *c = manager; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			invalid_add(err, INVALID_VALUE, "fieldManager",
			            "Invalid value: %s: invalid character U+%04X (at position %zu)", quoted, (unsigned char)*c,
			            (size_t)(c - manager));
}

static void check_write(const struct api_options *o, struct err *err)
{
	static const char *const known[] = { "Ignore", "Strict", "Warn", NULL };

	if (o->field_manager)
		check_manager(o->field_manager, err);
	check_dry_run(o, err);
	if (o->validation_text && !str_in(o->validation_text, known))
		not_supported(err, "fieldValidation", o->validation_text, "\"\", \"Ignore\", \"Strict\", \"Warn\"");
}

int api_options_check_patch(const struct api_options *o, bool apply, const char **ret_kind, struct err *err)
{
	_cleanup_err_ struct err found = { 0 };

	if (apply && !o->field_manager)
		invalid_add(&found, INVALID_REQUIRED, "fieldManager", "Required value: is required for apply patch");
	if (!apply && o->force_said)
		invalid_add(&found, INVALID_FORBIDDEN, "force", "Forbidden: may not be specified for non-apply patch");
	check_write(o, &found);
	return finish(&found, "PatchOptions", ret_kind, err);
}

int api_options_check(const char *verb, const struct api_options *o, const char **ret_kind, struct err *err)
{
	static const struct {
		const char *verb, *kind;
		void (*check)(const struct api_options *o, struct err *err);
	} checks[] = {
		{ "list", "ListOptions", check_list },      { "deletecollection", "ListOptions", check_list },
		{ "watch", "ListOptions", check_watch },    { "create", "CreateOptions", check_write },
		{ "update", "UpdateOptions", check_write },
	};
	_cleanup_err_ struct err found = { 0 };
	bool deletes = str_starts_with(verb, "delete");

	if (o->export && strcmp(verb, "get") == 0)
		return err_set(err, ERR_BAD_REQUEST, "the export parameter, deprecated since v1.14, is no longer supported");
	if (o->delete_fault && deletes)
		return err_set(err, ERR_BAD_REQUEST, "%s", o->delete_fault);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (strcmp(checks[i].verb, verb) != 0)
			continue;
		if (o->list_fault && strcmp(checks[i].kind, "ListOptions") == 0)
			return err_set(err, ERR_BAD_REQUEST, "%s", o->list_fault);
		checks[i].check(o, &found);
		return finish(&found, checks[i].kind, ret_kind, err);
	}
	return 0;
}

int api_options_check_delete(struct api_options *o, const char **ret_kind, struct err *err)
{
	static const char *const names[] = { NULL, "Background", "Foreground", "Orphan" };
	_cleanup_err_ struct err found = { 0 };
	const char *text = o->propagation_text;

	if (text && o->orphan >= 0)
		invalid_add(&found, INVALID_VALUE, "propagationPolicy",
		            "Invalid value: \"%s\": orphanDependents and deletionPropagation cannot be both set", text);
	o->propagation = PROPAGATION_DEFAULT;
	for (enum propagation p = PROPAGATION_BACKGROUND; p <= PROPAGATION_ORPHAN; p++)
		if (str_eq(text, names[p]))
			o->propagation = p;
	if (text && o->propagation == PROPAGATION_DEFAULT)
		not_supported(&found, "propagationPolicy", text, "\"Foreground\", \"Background\", \"Orphan\", \"nil\"");
	if (o->orphan >= 0)
		o->propagation = o->orphan ? PROPAGATION_ORPHAN : PROPAGATION_BACKGROUND;
	check_dry_run(o, &found);
	return finish(&found, "DeleteOptions", ret_kind, err);
}

/* ---- resource versions ---- */

int api_options_version(const char *text, uint64_t *ret, struct err *err)
{
	int64_t version = 0;

	if (str_empty(text) || str_to_i64(text, 0, INT64_MAX, &version)) {
		*ret = (uint64_t)version;
		return 0;
	}
	bool digits = strspn(text, "0123456789") == strlen(text);
	_cleanup_free_ char *quoted = quote(text);
	return err_set(err, ERR_UNKNOWN, "resourceVersion: Invalid value: %s: strconv.ParseUint: parsing %s: %s", quoted,
	               quoted, digits ? "value out of range" : "invalid syntax");
}
