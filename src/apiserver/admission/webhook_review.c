/* AdmissionReview (admission.k8s.io/v1 and v1beta1): what is sent and what may come back. */
#include "base/str.h"
#include "codec/go_json.h"
#include "webhook.h"

/* ---- the request ---- */

static json_t *kind_value(const char *group, const char *version, const char *kind)
{
	json_t *v = json_object();

	json_put_str(v, "group", group);
	json_put_str(v, "version", version);
	json_put_str(v, "kind", kind);
	return v;
}

static json_t *resource_value(const struct api_type *t, const struct api_version *v)
{
	json_t *r = json_object();

	json_put_str(r, "group", t->group);
	json_put_str(r, "version", v->name);
	json_put_str(r, "resource", t->plural);
	return r;
}

/* The kind of the object sent: that of a subresource has no other versions. */
static json_t *kind_of(const struct admission_attributes *a, const struct api_type *t, const struct api_version *v)
{
	if (a->kind)
		return kind_value(a->kind->group, a->kind->version, a->kind->kind);
	return kind_value(t->group, v->name, t->kind);
}

static void put_unless_empty(json_t *v, const char *key, const char *value)
{
	if (*value)
		json_put_str(v, key, value);
}

static const char *operation_name(enum admission_operation operation)
{
	switch (operation) {
	case ADMISSION_CREATE:
		return "CREATE";
	case ADMISSION_UPDATE:
		return "UPDATE";
	case ADMISSION_DELETE:
		return "DELETE";
	default:
		return "CONNECT";
	}
}

static json_t *shared_or_null(const json_t *v)
{
	return v ? json_incref(json_unconst(v)) : json_null();
}

json_t *webhook_review_request(const struct webhook *hook, const struct admission_attributes *a,
                               const struct webhook_match *m, const json_t *object, const json_t *old, const char *uid)
{
	json_t *review = json_object(), *r = json_object();

	json_put_str(review, "kind", "AdmissionReview");
	json_put(review, "apiVersion", json_strf("admission.k8s.io/%s", hook->review_version));
	json_put(review, "request", r);
	json_put_str(r, "uid", uid);
	json_put(r, "kind", kind_of(a, m->type, m->version));
	json_put(r, "resource", resource_value(m->type, m->version));
	put_unless_empty(r, "subResource", a->subresource);
	json_put(r, "requestKind", kind_of(a, a->type, a->version));
	json_put(r, "requestResource", resource_value(a->type, a->version));
	put_unless_empty(r, "requestSubResource", a->subresource);
	put_unless_empty(r, "name", a->name);
	put_unless_empty(r, "namespace", a->ns);
	json_put_str(r, "operation", operation_name(a->operation));
	json_put(r, "userInfo", auth_user_json(a->user));
	json_put(r, "object", shared_or_null(object));
	json_put(r, "oldObject", shared_or_null(old));
	json_put_bool(r, "dryRun", a->dry_run);
	json_put(r, "options", shared_or_null(a->options));
	return review;
}

/* ---- the response ---- */

/* The answer is no AdmissionReview: to Go, the call itself has failed then. */
static int not_decoded(const json_t *v, const char *field, const char *go_type, struct err *err)
{
	return err_set(err, ERR_BAD_REQUEST,
	               "failed to call webhook: json: cannot unmarshal %s into Go struct field "
	               "AdmissionResponse.response.%s of type %s",
	               go_json_type(v), field, go_type);
}

/* A member of a wanted type; absent and null are the same. Negative: another type. */
static int member(const json_t *response, const char *name, json_type type, const char *go_type, const json_t **ret,
                  struct err *err)
{
	const json_t *v = json_object_get(response, name);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (json_typeof(v) != type && !(type == JSON_TRUE && json_is_boolean(v)))
		return not_decoded(v, name, go_type, err);
	*ret = v;
	return 0;
}

static int check_strings(const json_t *v, const char *name, struct err *err)
{
	const char *key;
	json_t *s;
	size_t i;

	json_array_foreach (v, i, s)
		if (!json_is_string(s))
			return not_decoded(s, name, "string", err);
	json_object_foreach (json_unconst(v), key, s)
		if (!json_is_string(s))
			return not_decoded(s, name, "string", err);
	return 0;
}

static int check_identity(const json_t *answer, const json_t *response, const char *review_version, const char *uid,
                          struct err *err)
{
	const char *said = json_get_str(response, "uid"), *kind = json_get_str(answer, "kind");
	const char *api_version = json_get_str(answer, "apiVersion");

	if (!str_eq(review_version, "v1")) /* v1beta1 asked for neither */
		return 0;
	if (!str_eq(said, uid))
		return err_set(err, ERR_BAD_REQUEST, "expected response.uid=\"%s\", got \"%s\"", uid, said ? said : "");
	if (str_eq(kind, "AdmissionReview") && str_eq(api_version, "admission.k8s.io/v1"))
		return 0;
	return err_set(err, ERR_BAD_REQUEST,
	               "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got %s, Kind=%s",
	               str_empty(api_version) ? "/" : api_version, kind ? kind : "");
}

/* type NULL: patchType was not given. */
static int check_patch(const json_t *patch, const json_t *type, const char *review_version, bool mutating,
                       struct err *err)
{
	bool patched = patch && *json_string_value(patch);

	if (str_eq(review_version, "v1beta1"))
		return 0;
	if (!mutating && patched)
		return err_set(err, ERR_BAD_REQUEST, "validating webhook may not return response.patch");
	if (!mutating && type)
		return err_set(err, ERR_BAD_REQUEST, "validating webhook may not return response.patchType");
	if (patched && !type)
		return err_set(err, ERR_BAD_REQUEST, "webhook returned response.patch but not response.patchType");
	if (!patched && type)
		return err_set(err, ERR_BAD_REQUEST, "webhook returned response.patchType but not response.patch");
	if (type && !*json_string_value(type))
		return err_set(err, ERR_BAD_REQUEST, "webhook returned invalid response.patchType of \"\"");
	if (type && strcmp(json_string_value(type), "JSONPatch") != 0)
		return err_set(err, ERR_BAD_REQUEST, "unsupported patch type \"%s\"", json_string_value(type));
	return 0;
}

static int check(const json_t *answer, const json_t *response, const json_t *patch, const json_t *type,
                 const char *review_version, bool mutating, const char *uid, struct err *err)
{
	if (check_identity(answer, response, review_version, uid, err) < 0 ||
	    check_patch(patch, type, review_version, mutating, err) < 0)
		return err_wrap(err, "received invalid webhook response");
	return 0;
}

int webhook_review_verdict(const json_t *answer, const char *review_version, bool mutating, const char *uid,
                           struct webhook_verdict *ret, struct err *err)
{
	const json_t *response, *allowed, *patch, *type;
	struct webhook_verdict v = { 0 };

	if (!json_is_object(answer))
		return err_set(err, ERR_BAD_REQUEST,
		               "failed to call webhook: couldn't get version/kind; json parse error: " GO_NO_OBJECT,
		               go_json_type(answer));
	if (member(answer, "response", JSON_OBJECT, "v1.AdmissionResponse", &response, err) < 0)
		return -1;
	if (!response)
		return err_set(err, ERR_BAD_REQUEST, "received invalid webhook response: webhook response was absent");
	if (member(response, "allowed", JSON_TRUE, "bool", &allowed, err) < 0 ||
	    member(response, "status", JSON_OBJECT, "v1.Status", &v.status, err) < 0 ||
	    member(response, "warnings", JSON_ARRAY, "[]string", &v.warnings, err) < 0 ||
	    member(response, "auditAnnotations", JSON_OBJECT, "map[string]string", &v.annotations, err) < 0 ||
	    member(response, "patch", JSON_STRING, "[]uint8", &patch, err) < 0 ||
	    member(response, "patchType", JSON_STRING, "v1.PatchType", &type, err) < 0 ||
	    check_strings(v.warnings, "warnings", err) < 0 || check_strings(v.annotations, "auditAnnotations", err) < 0 ||
	    check(answer, response, patch, type, review_version, mutating, uid, err) < 0)
		return -1;
	v.allowed = json_is_true(allowed);
	if (mutating && patch && *json_string_value(patch))
		v.patch = json_string_value(patch);
	*ret = v;
	return 0;
}

/* ---- denials ---- */

json_t *webhook_denial(const char *hook, const json_t *status)
{
	static const char *const kept[] = { "message", "reason", "details" };
	const char *message = json_get_str(status, "message"), *reason = json_get_str(status, "reason");
	int64_t code = json_get_int(status, "code", 0);
	json_t *v = json_object();

	json_put_str(v, "kind", "Status");
	json_put_str(v, "apiVersion", "v1");
	json_put(v, "metadata", json_object());
	json_put_str(v, "status", "Failure");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_get(status, kept[i]))
			json_put(v, kept[i], json_clone(json_object_get(status, kept[i])));
	if (!str_empty(message))
		json_put(v, "message", json_strf("admission webhook \"%s\" denied the request: %s", hook, message));
	else if (!str_empty(reason))
		json_put(v, "message", json_strf("admission webhook \"%s\" denied the request: %s", hook, reason));
	else
		json_put(v, "message", json_strf("admission webhook \"%s\" denied the request without explanation", hook));
	json_put_int(v, "code", code < 400 || code > 599 ? 400 : code);
	return v;
}

json_t *webhook_internal_error(const char *message)
{
	json_t *v = json_object(), *details = json_object(), *cause = json_object();

	json_put_str(v, "kind", "Status");
	json_put_str(v, "apiVersion", "v1");
	json_put(v, "metadata", json_object());
	json_put_str(v, "status", "Failure");
	json_put(v, "message", json_strf("Internal error occurred: %s", message));
	json_put_str(v, "reason", "InternalError");
	json_put_str(cause, "message", message);
	json_array_append_new(json_ensure_array(details, "causes"), cause);
	json_put(v, "details", details);
	json_put_int(v, "code", 500);
	return v;
}
