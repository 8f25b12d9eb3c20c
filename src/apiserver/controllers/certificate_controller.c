/* Signs CertificateSigningRequests of kubernetes.io/kube-apiserver-client that were approved, with the CA of this API;
 * removes those that are old. After kube-controller-manager's csrsigning and csrcleaner. */
#include "auth/pki.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"
#include "controllers.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "net/tls.h"
#include "objects/object_view.h"
#include "server.h"
#include "types/builtin.h"

#define RESOURCE "certificates.k8s.io/certificatesigningrequests"
#define HOUR_NS (3600 * NS_PER_S)
#define DECIDED_KEPT_NS HOUR_NS        /* approved, denied, failed */
#define PENDING_KEPT_NS (24 * HOUR_NS) /* neither */
#define LIFETIME_S ((int64_t)365 * 86400)
#define SECONDS_MIN 600

static const struct internal_identity SIGNER = { INTERNAL_ACCOUNT("certificate-controller"), "status" };

struct certificate_controller {
	struct apiserver *server;
	struct api_type *type;
	struct store_watch *watch;
	struct loop *loop;
};

/* ---- signing ---- */

static bool has_condition(const json_t *csr, const char *type)
{
	return kube_condition_is(csr, type, "True");
}

/* The usages as bits; ERR_INVALID says which is none of a client's. */
static int usages_of(const json_t *csr, unsigned *ret, struct err *err)
{
	unsigned usages = 0;
	size_t i;
	json_t *v;

	json_array_foreach (json_at(csr, "spec", "usages", NULL), i, v) {
		const char *usage = json_string_value(v);
		if (str_eq(usage, "client auth"))
			usages |= TLS_CSR_CLIENT_AUTH;
		else if (str_eq(usage, "digital signature"))
			usages |= TLS_CSR_DIGITAL_SIGNATURE;
		else if (str_eq(usage, "key encipherment"))
			usages |= TLS_CSR_KEY_ENCIPHERMENT;
		else
			return err_set(err, ERR_INVALID, "invalid usage for client certificate: %s", usage ? usage : "");
	}
	if (!(usages & TLS_CSR_CLIENT_AUTH))
		return err_set(err, ERR_INVALID, "missing required usage for client certificate: client auth");
	*ret = usages;
	return 0;
}

static int64_t seconds_of(const json_t *csr)
{
	int64_t wanted = json_int(json_at(csr, "spec", "expirationSeconds", NULL), LIFETIME_S);

	if (wanted > LIFETIME_S)
		return LIFETIME_S;
	return wanted < SECONDS_MIN ? SECONDS_MIN : wanted;
}

static void put_failure(json_t *csr, const char *why)
{
	char now[RFC3339_SIZE];
	json_t *conditions = json_at(csr, "status", "conditions", NULL);

	rfc3339_format(clock_wall_ns(), now);
	json_array_append_new(conditions, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "Failed", "status", "True",
	                                            "reason", "SignerValidationFailure", "message", why, "lastUpdateTime",
	                                            now, "lastTransitionTime", now));
}

/* The CA as it is now: it may be replaced while the server runs. */
static int sign(struct certificate_controller *c, json_t *csr, unsigned usages, struct err *err)
{
	const char *request = json_str_at(csr, "spec", "request", NULL);
	size_t len;
	_cleanup_free_ char *pem = request ? base64_decode(request, strlen(request), &len) : NULL, *certificate = NULL;
	_cleanup_tls_pair_ struct tls_pair ca = { 0 };

	if (pki_read_ca(c->server->data_dir, &ca, err) < 0 ||
	    tls_csr_issue(&ca, pem ? pem : "", usages, seconds_of(csr), &certificate, err) < 0)
		return -1;
	_cleanup_free_ char *encoded = base64_encode(certificate, strlen(certificate));
	json_put_str(json_ensure_object(csr, "status"), "certificate", encoded);
	return 0;
}

static bool is_to_be_signed(const json_t *csr)
{
	return str_eq(json_str_at(csr, "spec", "signerName", NULL), CERTIFICATE_SIGNER) && has_condition(csr, "Approved") &&
	       !has_condition(csr, "Denied") && !has_condition(csr, "Failed") &&
	       str_empty(json_str_at(csr, "status", "certificate", NULL));
}

/* ---- cleaning up ---- */

static int64_t age_of(const char *since)
{
	int64_t then;

	return since && rfc3339_parse(since, &then) ? clock_wall_ns() - then : 0;
}

/* How long it is kept yet; 0 or less: it may go. */
static int64_t kept_for(const json_t *csr)
{
	size_t i;
	json_t *v;
	int64_t left = PENDING_KEPT_NS - age_of(json_get_str(kube_meta(csr), "creationTimestamp"));

	json_array_foreach (json_at(csr, "status", "conditions", NULL), i, v)
		if (str_in(json_get_str(v, "type"), (const char *const[]){ "Approved", "Denied", "Failed", NULL }))
			left = DECIDED_KEPT_NS - age_of(json_get_str(v, "lastUpdateTime"));
	return left;
}

/* ---- the controller ---- */

static int look_at(struct certificate_controller *c, const struct store_object *current, json_t *csr,
                   int64_t *ret_after_ns, struct err *err)
{
	_cleanup_err_ struct err wrong = { 0 };
	unsigned usages = 0;
	int64_t left = kept_for(csr);

	if (left <= 0)
		return internal_delete(c->server, &SIGNER, c->type, current, err);
	*ret_after_ns = left;
	if (!is_to_be_signed(csr))
		return 0;
	if (usages_of(csr, &usages, &wrong) < 0)
		put_failure(csr, err_message(&wrong));
	else if (sign(c, csr, usages, err) < 0)
		return -1;
	return internal_update(c->server, &SIGNER, c->type, current, csr, err);
}

static int reconcile(void *self, const char *name, int64_t *ret_after_ns, struct err *err)
{
	struct certificate_controller *c = self;
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(c->server->store, RESOURCE, "", name);
	_cleanup_json_ json_t *csr = current ? object_stored_value(c->type, current) : NULL;
	_cleanup_err_ struct err failed = { 0 };

	if (!csr || kube_is_deleting(csr) || look_at(c, current, csr, ret_after_ns, &failed) == 0 ||
	    failed.kind == ERR_CONFLICT || failed.kind == ERR_NOT_FOUND)
		return 0; /* whoever changed it meanwhile has queued it again */
	err_move(err, &failed);
	return -1;
}

static void on_change(void *self, const struct store_change *change)
{
	struct certificate_controller *c = self;

	if (change->type != STORE_DELETED)
		loop_add(c->loop, change->object->name);
}

static int start(struct certificate_controller *c, struct err *err)
{
	const struct store_list_query query = { .resource = RESOURCE, .ns = "" };
	struct store_list list;

	if (loop_start("api-csr", reconcile, c, c->server->log, &c->loop, err) < 0 ||
	    store_list(c->server->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		loop_add(c->loop, list.items[i]->name);
	int r = store_watch(c->server->store, RESOURCE, "", list.version, on_change, c, &c->watch, err);
	store_list_clear(&list);
	return r;
}

int certificate_controller_start(struct apiserver *s, struct certificate_controller **ret, struct err *err)
{
	struct certificate_controller *c = new0(struct certificate_controller);

	*ret = c;
	c->server = s;
	c->type = registry_find(s->registry, "certificates.k8s.io", "v1", "certificatesigningrequests");
	return start(c, err);
}

struct certificate_controller *certificate_controller_stop(struct certificate_controller *c)
{
	if (!c)
		return NULL;
	store_unwatch(c->watch);
	loop_stop(c->loop);
	api_type_unref(c->type);
	free(c);
	return NULL;
}
