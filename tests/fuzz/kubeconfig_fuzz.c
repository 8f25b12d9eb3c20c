/* A kubeconfig file, and what a credential plugin prints. Beyond not crashing: what is resolved has a server and a
 * namespace, a certificate comes with its key, and errors never repeat a secret. */

#include "../../src/kube/exec_credential.h"
#include "../../src/kube/kubeconfig.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_config(const char *text, size_t size)
{
	struct kubeconfig k = { 0 };
	struct kube_client_config config = { 0 };
	struct err err = { 0 };
	/* Files are looked for where none are, so that only the text counts. */
	if (kubeconfig_add(&k, "/nonexistent/config", text, size, &err) == 0 &&
	    kubeconfig_resolve(&k, NULL, &config, &err) == 0) {
		require(config.server && strstr(config.server, "://"));
		require(config.namespace_default && *config.namespace_default);
		require(!config.cert_pem == !config.key_pem);
		require(!config.exec_argv || (config.exec_argv[0] && config.exec_api_version));
	} else {
		require(err.kind != ERR_NONE);
	}
	kube_client_config_clear(&config);
	kubeconfig_clear(&k);
	err_clear(&err);
}

static void check_credential(const char *text, size_t size)
{
	struct exec_credential c = { 0 };
	struct err err = { 0 };
	if (exec_credential_parse("client.authentication.k8s.io/v1", text, size, &c, &err) == 0)
		require(c.token || (c.cert_pem && c.key_pem));
	else
		require(err.kind == ERR_UNAUTHORIZED);
	exec_credential_clear(&c);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An absolute path may name a device that never answers. */
	if (memmem(data, size, "/dev", 4) || memmem(data, size, "/proc", 5))
		return 0;
	_cleanup_free_ char *text = xmalloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	check_config(text, size);
	check_credential(text, size);
	return 0;
}
