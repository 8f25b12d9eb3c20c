#ifndef KUBE_EXEC_CREDENTIAL_H
#define KUBE_EXEC_CREDENTIAL_H
/* Credential plugins: programs that print an ExecCredential (client.authentication.k8s.io/v1 or v1beta1). Private to
 * this folder. */

#include "kube/client.h"

struct exec_credential {
	char *token;              /* or NULL */
	char *cert_pem, *key_pem; /* both or none */
	int64_t expires_wall_ns;  /* 0: not said */
};

/* Runs the plugin of the configuration. ERR_UNAUTHORIZED when it gives no credential. */
int exec_credential_run(const struct kube_client_config *config, const atomic_bool *cancel, struct exec_credential *ret,
                        struct err *err);
/* What a plugin printed. */
int exec_credential_parse(const char *api_version, const char *text, size_t len, struct exec_credential *ret,
                          struct err *err);
/* The value of KUBERNETES_EXEC_INFO; free(). */
char *exec_credential_info(const struct kube_client_config *config);
void exec_credential_clear(struct exec_credential *c);

#endif
