#ifndef APISERVER_CERTIFICATE_PERMISSION_H
#define APISERVER_CERTIFICATE_PERMISSION_H
/* Who may have certificates signed, beyond the right to write the request: Kubernetes' admission plugins
 * CertificateApproval, CertificateSigning and CertificateSubjectRestriction. */

#include "auth.h"

struct certificate_write {
	const struct auth_user *user;
	const char *name, *subresource;
};
/* old NULL: create. ERR_FORBIDDEN. */
int certificate_check_write(const struct authorizer *a, const struct certificate_write *w, const json_t *obj,
                            const json_t *old, struct err *err);

#endif
