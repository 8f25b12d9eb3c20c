#include "grpc_internal.h"

#include "base/fs.h"
#include "base/str.h"
#include "http_server_internal.h"

#include <sys/stat.h>

#define PEM_MAX ((size_t)1024 * 1024)

static const char *const FILES[] = { "tls.crt", "tls.key", "ca.crt" };

static void forget(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

int grpc_credentials_load(const char *dir, struct http_tls **ret, struct err *err)
{
	_cleanup_(forget) char *cert = NULL, *key = NULL, *ca = NULL;
	char **const texts[] = { &cert, &key, &ca };

	for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
		_cleanup_free_ char *path = fs_join(dir, FILES[i]);

		if (fs_read_file(path, PEM_MAX, texts[i], NULL, err) < 0)
			return err_wrap(err, "certificates of the server");
	}
	if (http_tls_new(&(struct tls_server_config){ .cert_pem = cert, .key_pem = key, .client_ca_pem = ca }, ret, err) <
	    0)
		return err_wrap(err, "certificates in %s", dir);
	return 0;
}

uint64_t grpc_credentials_stamp(const char *dir)
{
	uint64_t stamp = 1469598103934665603u;

	for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
		_cleanup_free_ char *path = fs_join(dir, FILES[i]);
		struct stat st = { 0 };

		if (stat(path, &st) < 0)
			continue;
		/* Kubernetes replaces a mounted Secret by moving a link: the inode tells as well as the time. */
		const uint64_t parts[] = { (uint64_t)st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
			                       (uint64_t)st.st_mtim.tv_nsec };
		for (size_t j = 0; j < ARRAY_SIZE(parts); j++)
			stamp = (stamp ^ parts[j]) * 1099511628211u;
	}
	return stamp;
}
