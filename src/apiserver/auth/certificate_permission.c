#include "certificate_permission.h"

#include "base/str.h"
#include "codec/base64.h"
#include "net/tls.h"
#include "types/builtin.h"

#include <string.h>

#define MASTERS "system:masters"

static int forbidden(const struct certificate_write *w, const char *why, const char *signer, struct err *err)
{
	return err_set(err, ERR_FORBIDDEN, "certificatesigningrequests.certificates.k8s.io \"%s\" is forbidden: %s\"%s\"",
	               w->name, why, signer);
}

/* The verb for the signer by name, or for all of its domain. */
static bool may(const struct authorizer *a, const struct auth_user *user, const char *verb, const char *signer)
{
	const char *slash = strchr(signer, '/');
	_cleanup_free_ char *all = xasprintf("%.*s/*", slash ? (int)(slash - signer) : (int)strlen(signer), signer);
	struct auth_attributes what = { .verb = verb,
		                            .group = "certificates.k8s.io",
		                            .version = "*",
		                            .resource = "signers",
		                            .subresource = "",
		                            .ns = "",
		                            .name = signer,
		                            .path = "" };

	if (a->allow(a->self, user, &what, NULL))
		return true;
	what.name = all;
	return a->allow(a->self, user, &what, NULL);
}

static int check_subject(const struct certificate_write *w, const json_t *obj, struct err *err)
{
	const char *text = json_str_at(obj, "spec", "request", NULL);
	size_t len;
	_cleanup_free_ char *pem = text ? base64_decode(text, strlen(text), &len) : NULL;
	struct tls_csr csr = { 0 };
	int r = 0;

	if (!str_eq(json_str_at(obj, "spec", "signerName", NULL), CERTIFICATE_SIGNER) || !pem ||
	    tls_csr_read(pem, &csr, NULL) < 0)
		return 0; /* validation tells */
	if (csr.organizations && str_in(MASTERS, (const char *const *)csr.organizations))
		r = err_set(err, ERR_FORBIDDEN,
		            "certificatesigningrequests.certificates.k8s.io \"%s\" is forbidden: use of " CERTIFICATE_SIGNER
		            " signer with " MASTERS " group is not allowed",
		            w->name);
	tls_csr_clear(&csr);
	return r;
}

static bool is_same(const json_t *a, const json_t *b, const char *member)
{
	const json_t *x = json_at(a, "status", member, NULL), *y = json_at(b, "status", member, NULL);

	return x == y || (x && y && json_same(x, y));
}

int certificate_check_write(const struct authorizer *a, const struct certificate_write *w, const json_t *obj,
                            const json_t *old, struct err *err)
{
	const char *signer = old ? json_str_at(old, "spec", "signerName", NULL) : NULL;

	if (!old)
		return check_subject(w, obj, err);
	if (strcmp(w->subresource, "approval") == 0 && !may(a, w->user, "approve", signer ? signer : ""))
		return forbidden(w, "user not permitted to approve requests with signerName ", signer ? signer : "", err);
	if (strcmp(w->subresource, "status") == 0 &&
	    !(is_same(obj, old, "certificate") && is_same(obj, old, "conditions")) &&
	    !may(a, w->user, "sign", signer ? signer : ""))
		return forbidden(w, "user not permitted to sign requests with signerName ", signer ? signer : "", err);
	return 0;
}
