#include "patch_body.h"

#include "base/str.h"
#include "codec/go_format.h"
#include "codec/go_json.h"
#include "codec/patch.h"
#include "patch/strategic_merge.h"

#define TEXT_MAX ((size_t)256 * 1024)

static const struct {
	const char *media_type;
	enum patch_form form;
} FORMS[] = {
	{ "application/json-patch+json", PATCH_JSON },
	{ "application/merge-patch+json", PATCH_MERGE },
	{ "application/strategic-merge-patch+json", PATCH_STRATEGIC },
	{ "application/apply-patch+yaml", PATCH_APPLY },
};

int patch_form_of(const struct api_request *req, bool strategic, enum patch_form *ret, struct err *err)
{
	const char *header = http_request_header(req->http, "Content-Type");
	size_t len = header ? strcspn(header, ";") : 0;
	_cleanup_buf_ struct buf accepted = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(FORMS); i++) {
		if (FORMS[i].form == PATCH_STRATEGIC && !strategic)
			continue;
		if (len == strlen(FORMS[i].media_type) && strncmp(header, FORMS[i].media_type, len) == 0) {
			*ret = FORMS[i].form;
			return 0;
		}
		buf_printf(&accepted, "%s%s", accepted.len ? ", " : "", FORMS[i].media_type);
	}
	/* Built-in kinds are refused one layer above, which has words of its own. */
	if (strategic)
		return err_set(err, ERR_UNSUPPORTED_MEDIA, "415: Unsupported Media Type");
	return err_set(err, ERR_UNSUPPORTED_MEDIA,
	               "the body of the request was in an unknown format - accepted media types include: %s",
	               buf_str(&accepted));
}

/* An applied configuration is YAML, and an object; no text at all is an empty one. */
static json_t *configuration(json_t *body, const struct err *why, struct err *err)
{
	_cleanup_json_ json_t *v = body;

	if (!v)
		err_set(err, ERR_BAD_REQUEST, "error decoding YAML: error converting YAML to JSON: %s", err_message(why));
	else if (json_is_null(v))
		return json_object();
	else if (!json_is_object(v))
		err_set(err, ERR_BAD_REQUEST,
		        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s into Go "
		        "value of type map[string]interface {}",
		        go_json_type(v));
	else
		return TAKE_PTR(v);
	return NULL;
}

json_t *patch_body_read(struct api_request *req, enum patch_form form, struct err *err)
{
	_cleanup_err_ struct err why = { 0 };
	json_t *body = api_request_body(req, &why);

	if (form == PATCH_APPLY)
		return configuration(TAKE_PTR(body), &why, err);
	if (!body)
		err_set(err, ERR_BAD_REQUEST, "%s%s",
		        form == PATCH_STRATEGIC ? "" : "error decoding patch: ", err_message(&why));
	return body;
}

/* ---- what it makes ---- */

static json_t *apply_json(const json_t *doc, const json_t *patch, struct err *err)
{
	_cleanup_err_ struct err why = { 0 };
	json_t *patched = json_patch_apply(doc, patch, &why);

	if (patched)
		return patched;
	if (why.kind == ERR_BAD_REQUEST)
		err_set(err, ERR_BAD_REQUEST, "error decoding patch: %s", err_message(&why));
	else if (why.kind == ERR_INVALID)
		err_set(err, ERR_INVALID, "the server rejected our request due to an error in our request");
	else
		err_move(err, &why);
	return NULL;
}

static json_t *apply_merge(const json_t *doc, const json_t *patch, struct err *err)
{
	if (json_is_null(patch))
		return err_set(err, ERR_BAD_REQUEST, "Invalid JSON Patch"), NULL;
	if (!json_is_object(patch))
		return err_set(err, ERR_BAD_REQUEST,
		               "error decoding patch: json: cannot unmarshal %s into Go value of type map[string]interface {}",
		               go_json_type(patch)),
		       NULL;
	return json_merge_patch_apply(doc, patch);
}

static json_t *apply_strategic(const struct schema *schema, const json_t *doc, const json_t *patch, struct err *err)
{
	json_t *patched = NULL;

	if (json_is_null(patch))
		return json_clone(doc);
	if (!json_is_object(patch))
		return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
		               go_json_type(patch)),
		       NULL;
	return strategic_merge_apply(schema, doc, patch, &patched, err) < 0 ? NULL : patched;
}

json_t *patch_body_apply(enum patch_form form, const struct schema *schema, const json_t *doc, const json_t *patch,
                         struct err *err)
{
	json_t *patched = form == PATCH_JSON    ? apply_json(doc, patch, err)
	                  : form == PATCH_MERGE ? apply_merge(doc, patch, err)
	                                        : apply_strategic(schema, doc, patch, err);

	if (!patched || json_is_object(patched))
		return patched;
	patch_body_invalid(form, patch, patched, "the patch does not leave an object", err);
	json_decref(patched);
	return NULL;
}

/* ---- what is wrong with it ---- */

int patch_body_invalid(enum patch_form form, const json_t *patch, const json_t *result, const char *why,
                       struct err *err)
{
	_cleanup_free_ char *text = form == PATCH_STRATEGIC ? go_format_value(patch) : json_canonical(result);
	_cleanup_buf_ struct buf shown = BUF_INIT((size_t)4 * TEXT_MAX + 8);

	go_quote(text, strlen(text), TEXT_MAX, &shown);
	err_set(err, ERR_INVALID, " \"\" is invalid: patch: Invalid value: %s: %s", buf_str(&shown), why);
	err_add_cause(err, "FieldValueInvalid", "patch", "Invalid value: %s: %s", buf_str(&shown), why);
	return -1;
}

static void note(char ***complaints, const char *head, const char *path)
{
	_cleanup_free_ char *text = xasprintf("%s field \"%s\"", head, path);

	strv_push(complaints, text);
}

/* An operation has few members; Kubernetes decodes it strictly. */
static void note_unknown_members(const json_t *patch, char ***complaints)
{
	size_t i;
	json_t *operation, *v;
	const char *key;

	json_array_foreach (patch, i, operation)
		json_object_foreach (operation, key, v)
			if (!str_in(key, (const char *const[]){ "op", "path", "from", "value", NULL })) {
				_cleanup_free_ char *path = xasprintf("[%zu].%s", i, key);
				note(complaints, "json patch unknown", path);
			}
}

/* The complaints in the order of a kube-apiserver: about the patch, then about the object. */
static char **complaints_of(const struct api_request *req, enum patch_form form, const json_t *patch,
                            const json_t *dropped)
{
	char **complaints = NULL;
	_cleanup_strv_ char **paths = NULL;
	size_t i;
	json_t *path;

	if (form == PATCH_JSON)
		note_unknown_members(patch, &complaints);
	for (i = 0; req->duplicates && req->duplicates[i]; i++)
		note(&complaints, form == PATCH_JSON ? "json patch duplicate" : "duplicate", req->duplicates[i]);
	json_array_foreach (dropped, i, path)
		strv_push(&paths, json_string_value(path));
	strv_sort(paths);
	for (i = 0; paths && paths[i]; i++)
		note(&complaints, "unknown", paths[i]);
	return complaints;
}

int patch_body_report(struct api_request *req, enum patch_form form, const json_t *patch, const json_t *result,
                      const json_t *dropped, struct err *err)
{
	if (req->options.validation == VALIDATION_IGNORE)
		return 0;
	_cleanup_strv_ char **complaints = complaints_of(req, form, patch, dropped);
	if (!complaints)
		return 0;
	if (req->options.validation == VALIDATION_STRICT) {
		_cleanup_free_ char *all = strv_join(complaints, ", ");
		_cleanup_free_ char *why = xasprintf("strict decoding error: %s", all);
		return patch_body_invalid(form, patch, result, why, err);
	}
	for (size_t i = 0; complaints[i]; i++)
		api_request_warn(req, "%s", complaints[i]);
	return 0;
}
