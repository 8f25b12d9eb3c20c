/* CertificateSigningRequests: what Kubernetes' validation says of them, and who may change what of their status. */
#include "base/clock.h"
#include "base/str.h"
#include "builtin.h"
#include "codec/base64.h"
#include "kube/object.h"
#include "net/tls.h"
#include "objects/invalid.h"
#include "objects/field_checks.h"

#include <string.h>

#define LEGACY "kubernetes.io/legacy-unknown"
#define SECONDS_MIN 600
#define SHOWN_MAX ((size_t)4 * 1024 * 1024)
#define CONDITIONS "status", "conditions", NULL

static const char *const DECISIONS[] = { "Approved", "Denied", NULL };

/* ---- the request ---- */

/* As Go prints a []byte. */
static void fail_bytes(struct err *err, const char *field, const char *bytes, size_t len, const char *detail)
{
	_cleanup_buf_ struct buf shown = BUF_INIT(SHOWN_MAX);

	for (size_t i = 0; i < len; i++)
		buf_printf(&shown, "%s0x%x", i ? ", " : "", (unsigned char)bytes[i]);
	invalid_add(err, INVALID_VALUE, field, "Invalid value: []byte{%s}: %s", buf_str(&shown), detail);
}

/* The bytes of a base64 member (free()), with a NUL behind them; "" when there are none. */
static char *decoded(const json_t *v, const char *key, size_t *ret_len)
{
	const char *text = json_get_str(v, key);
	char *bytes = text ? base64_decode(text, strlen(text), ret_len) : NULL;

	if (bytes)
		return bytes;
	*ret_len = 0;
	return xstrdup("");
}

static void check_request(const json_t *spec, struct err *err)
{
	size_t len;
	_cleanup_free_ char *pem = decoded(spec, "request", &len);
	_cleanup_err_ struct err wrong = { 0 };
	struct tls_csr csr = { 0 };

	if (tls_csr_read(pem, &csr, &wrong) < 0)
		fail_bytes(err, "spec.request", pem, len, err_message(&wrong));
	tls_csr_clear(&csr);
}

static void check_usages(const json_t *spec, struct err *err)
{
	const json_t *usages = json_object_get(spec, "usages");
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *v;

	if (json_array_size(usages) == 0)
		check_required(err, "", "spec.usages");
	json_array_foreach (usages, i, v)
		if (json_is_string(v) && !map_add(seen, json_string_value(v))) {
			_cleanup_free_ char *field = xasprintf("spec.usages[%zu]", i);
			invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: \"%s\"", json_string_value(v));
		}
}

static void check_labels(const char *segment, bool domain, struct err *err)
{
	_cleanup_strv_ char **labels = str_split(segment, ".");

	for (size_t i = 0; labels && labels[i]; i++) {
		_cleanup_err_ struct err wrong = { 0 };
		check_dns_label(&wrong, labels[i], "x");
		if (!err_is_set(&wrong))
			continue;
		const char *detail = strstr(wrong.causes[0].message, ": a ");
		invalid_add(err, INVALID_VALUE, "spec.signerName", "Invalid value: \"%s\": validating label \"%s\"%s", segment,
		            labels[i], detail ? detail : ": it is malformed");
		return;
	}
	if (domain && strv_len(labels) < 2)
		invalid_add(err, INVALID_VALUE, "spec.signerName",
		            "Invalid value: \"%s\": should be a domain with at least two segments separated by dots", segment);
}

static void check_signer(const json_t *spec, const json_t *old, struct err *err)
{
	static const char form[] = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
	const char *name = json_get_str(spec, "signerName"), *slash = name ? strchr(name, '/') : NULL;
	_cleanup_json_ json_t *shown = json_string(name ? name : "");

	if (str_empty(name)) {
		check_required(err, "", "spec.signerName");
	} else if (strcmp(name, LEGACY) == 0) {
		if (!old || !str_eq(json_str_at(old, "spec", "signerName", NULL), LEGACY))
			check_fail(err, shown, "the legacy signerName is not allowed via this API version", "spec.signerName");
	} else if (!slash || strchr(slash + 1, '/')) {
		check_fail(err, shown, form, "spec.signerName");
	} else {
		_cleanup_free_ char *domain = xstrndup(name, (size_t)(slash - name));
		check_labels(domain, true, err);
		check_labels(slash + 1, false, err);
	}
}

static void check_seconds(const json_t *spec, struct err *err)
{
	const json_t *v = json_object_get(spec, "expirationSeconds");

	if (json_is_integer(v) && json_integer_value(v) < SECONDS_MIN)
		check_fail(err, v, "may not specify a duration less than 600 seconds (10 minutes)", "spec.expirationSeconds");
}

/* ---- conditions ---- */

static size_t count(const json_t *obj, const char *type)
{
	size_t i, n = 0;
	json_t *c;

	json_array_foreach (json_at(obj, CONDITIONS), i, c)
		n += str_eq(json_get_str(c, "type"), type);
	return n;
}

static bool is_decision(const char *type)
{
	return type && str_in(type, DECISIONS);
}

static void check_condition(const json_t *c, size_t i, struct map *seen, struct err *err)
{
	static const char *const only_true[] = { "True", NULL }, *const all[] = { "False", "True", "Unknown", NULL };
	const char *type = json_get_str(c, "type"), *status = json_get_str(c, "status");
	const bool fixed = is_decision(type) || str_eq(type, "Failed");
	_cleanup_free_ char *field = xasprintf("status.conditions[%zu].type", i);

	if (str_empty(type))
		check_required(err, "", "%s", field);
	if (str_empty(status))
		check_required(err, "", "status.conditions[%zu].status", i);
	else
		check_one_of(err, status, fixed ? only_true : all, "status.conditions[%zu].status", i);
	for (size_t k = 0; is_decision(type) && DECISIONS[k]; k++)
		if (strcmp(type, DECISIONS[k]) != 0 && map_has(seen, DECISIONS[k]))
			invalid_add(err, INVALID_VALUE, field,
			            "Invalid value: \"%s\": Approved and Denied conditions are mutually exclusive", type);
	if (!map_add(seen, type ? type : ""))
		invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: \"%s\"", type ? type : "");
}

static void check_conditions(const json_t *obj, struct err *err)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(obj, CONDITIONS), i, condition)
		check_condition(condition, i, seen, err);
}

/* What is decided stays decided. */
static void check_removals(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const types[] = { "Approved", "Denied", "Failed" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (count(obj, types[i]) < count(old, types[i]))
			invalid_add(err, INVALID_FORBIDDEN, "status.conditions",
			            "Forbidden: updates may not remove a condition of type \"%s\"", types[i]);
}

static void check_additions(const json_t *obj, const json_t *old, struct err *err)
{
	for (size_t i = 0; DECISIONS[i]; i++)
		if (count(obj, DECISIONS[i]) > count(old, DECISIONS[i]))
			invalid_add(err, INVALID_FORBIDDEN, "status.conditions",
			            "Forbidden: updates may not add a condition of type \"%s\"", DECISIONS[i]);
}

/* ---- the certificate ---- */

static void check_certificate(const json_t *obj, const json_t *old, struct err *err)
{
	const char *before = json_str_at(old, "status", "certificate", NULL);
	const char *now = json_str_at(obj, "status", "certificate", NULL);
	size_t len;

	if (str_eq(str_empty(now) ? NULL : now, str_empty(before) ? NULL : before))
		return;
	_cleanup_free_ char *pem = decoded(json_object_get(obj, "status"), "certificate", &len);
	if (!strstr(pem, "-----BEGIN "))
		invalid_add(err, INVALID_VALUE, "status.certificate",
		            "Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block");
	else if (tls_cert_expiry(pem) < 0)
		invalid_add(err, INVALID_VALUE, "status.certificate",
		            "Invalid value: \"<certificate data>\": x509: malformed certificate");
	if (!str_empty(before))
		invalid_add(err, INVALID_FORBIDDEN, "status.certificate",
		            "Forbidden: updates may not modify existing certificate content");
}

/* ---- the strategy ---- */

static void set_requester(json_t *obj, const json_t *user)
{
	static const char *const members[] = { "username", "uid", "groups", "extra" };
	json_t *spec = json_ensure_object(obj, "spec");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *v = json_object_get(user, members[i]);
		json_object_del(spec, members[i]);
		if (v)
			json_object_set(spec, members[i], v);
	}
}

/* After its creation only subresources change it. */
static void prepare_update(json_t *obj, const json_t *old)
{
	json_put(obj, "spec", json_deep_copy(json_object_get(old, "spec")));
}

/* The one condition of that type, NULL when there is none, or several; *ret_at: its place. */
static const json_t *only_one(const json_t *obj, const char *type, size_t *ret_at)
{
	const json_t *conditions = json_at(obj, CONDITIONS);

	if (count(obj, type) != 1)
		return NULL;
	for (*ret_at = 0; !str_eq(json_get_str(json_array_get(conditions, *ret_at), "type"), type);)
		++*ret_at;
	return json_array_get(conditions, *ret_at);
}

/* Decisions are made through approval only: the other way to the status leaves those that are there as they are. */
static void keep_decisions(json_t *obj, const json_t *old)
{
	for (size_t d = 0; DECISIONS[d]; d++) {
		size_t at, before;
		const json_t *was = only_one(old, DECISIONS[d], &before);

		if (was && only_one(obj, DECISIONS[d], &at))
			json_array_set_new(json_at(obj, CONDITIONS), at, json_deep_copy(was));
	}
}

static const char *transition_before(const json_t *old, const json_t *condition)
{
	size_t i;
	json_t *c;

	json_array_foreach (json_at(old, CONDITIONS), i, c)
		if (str_eq(json_get_str(c, "type"), json_get_str(condition, "type")) &&
		    str_eq(json_get_str(c, "status"), json_get_str(condition, "status")))
			return json_get_str(c, "lastTransitionTime");
	return NULL;
}

static void prepare_subresource(json_t *obj, const json_t *old, const char *subresource)
{
	char now[RFC3339_SIZE];
	size_t i;
	json_t *c;

	if (strcmp(subresource, "status") == 0)
		keep_decisions(obj, old);
	rfc3339_format(clock_wall_ns(), now);
	json_array_foreach (json_at(obj, CONDITIONS), i, c) {
		const char *before = transition_before(old, c);
		if (str_empty(json_get_str(c, "lastUpdateTime")))
			json_put_str(c, "lastUpdateTime", now);
		if (str_empty(json_get_str(c, "lastTransitionTime")))
			json_put_str(c, "lastTransitionTime", before ? before : now);
	}
}

static int validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *spec = json_object_get(obj, "spec");

	check_request(spec, err);
	check_usages(spec, err);
	check_signer(spec, old, err);
	check_seconds(spec, err);
	check_conditions(obj, err);
	if (old) {
		check_removals(obj, old, err);
		check_certificate(obj, old, err);
	}
	return check_result(err);
}

static int validate_subresource(const json_t *obj, const json_t *old, const char *subresource, struct err *err)
{
	if (strcmp(subresource, "status") == 0)
		check_additions(obj, old, err);
	return check_result(err);
}

static void warn(const json_t *obj, const json_t *old, char ***warnings)
{
	if (!old && !str_eq(json_str_at(obj, "spec", "signerName", NULL), CERTIFICATE_SIGNER))
		strv_push(warnings, "certificatesigningrequests are stored, but only those of signer " CERTIFICATE_SIGNER
		                    " are signed here");
}

const struct api_strategy STRATEGY_CERTIFICATE_REQUEST = {
	.name_any = true,
	.unconditional_update = true,
	.set_requester = set_requester,
	.prepare_update = prepare_update,
	.prepare_subresource = prepare_subresource,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.warn = warn,
};
