#include "stdlib/blake3.h"
#include "stdlib/library.h"

#include "base/str.h"

#include <gnutls/crypto.h>
#include <sys/random.h>

static struct kcl_value hex(struct kcl_vm *vm, const uint8_t *digest, size_t len)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	for (size_t i = 0; i < len; i++)
		kcl_text_printf(&t, "%02x", digest[i]);
	return kcl_text_str(&t);
}

/* The bytes of a text in an encoding of that name. Those that every text has are here, and Latin-1. */
static const struct kcl_str *encoded(struct kcl_vm *vm, const struct kcl_str *s, const struct kcl_str *encoding)
{
	static const char *const utf8[] = { "utf-8", "utf8", "unicode-1-1-utf-8", NULL };
	static const char *const narrow[] = { "ascii", "us-ascii", "latin1", "iso-8859-1", "windows-1252", NULL };
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	uint32_t c;

	if (!encoding)
		return s;

	char *name = kcl_strndup(t.h, encoding->s, encoding->len);

	str_lower(name);
	for (char *p = name; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	if (str_in(name, utf8))
		return s;
	if (!str_in(name, narrow))
		kcl_raise(t.h, "unknown encoding %s", name);
	for (size_t at = 0, n; at < s->len; at += n) {
		n = utf8_next(s->s + at, s->len - at, &c);
		if (n == 0 || c > 0xff || (c >= 0x80 && c < 0xa0))
			kcl_raise(t.h, "encoding errors occurred while encoding to %s", name);
		kcl_text_putc(&t, (char)c);
	}
	return kcl_text_str(&t).str;
}

static const struct kcl_str *input(struct kcl_vm *vm, const struct kcl_args *args, const char *function)
{
	const struct kcl_str *s = kcl_arg_str(vm, args, 0, "value");

	if (!s)
		kcl_raise(kcl_vm_heap(vm), "%s() missing 1 required positional argument: 'value'", function);
	kcl_steps(kcl_vm_heap(vm), s->len / 8);
	return encoded(vm, s, kcl_arg_str(vm, args, 1, "encoding"));
}

static struct kcl_value digest(struct kcl_vm *vm, const void *data, size_t len, gnutls_digest_algorithm_t algorithm)
{
	uint8_t result[64];

	if (gnutls_hash_fast(algorithm, data, len, result) < 0)
		kcl_raise(kcl_vm_heap(vm), "this system offers no such digest");
	return hex(vm, result, gnutls_hash_get_len(algorithm));
}

static struct kcl_value digest_text(struct kcl_vm *vm, const struct kcl_args *args, const char *function,
                                    gnutls_digest_algorithm_t algorithm)
{
	const struct kcl_str *s = input(vm, args, function);

	return digest(vm, s->s, s->len, algorithm);
}

static KCL_BUILTIN(crypto_md5)
{
	(void)self;
	return digest_text(vm, args, "md5", GNUTLS_DIG_MD5);
}

static KCL_BUILTIN(crypto_sha1)
{
	(void)self;
	return digest_text(vm, args, "sha1", GNUTLS_DIG_SHA1);
}

static KCL_BUILTIN(crypto_sha224)
{
	(void)self;
	return digest_text(vm, args, "sha224", GNUTLS_DIG_SHA224);
}

static KCL_BUILTIN(crypto_sha256)
{
	(void)self;
	return digest_text(vm, args, "sha256", GNUTLS_DIG_SHA256);
}

static KCL_BUILTIN(crypto_sha384)
{
	(void)self;
	return digest_text(vm, args, "sha384", GNUTLS_DIG_SHA384);
}

static KCL_BUILTIN(crypto_sha512)
{
	(void)self;
	return digest_text(vm, args, "sha512", GNUTLS_DIG_SHA512);
}

static KCL_BUILTIN(crypto_blake3)
{
	const struct kcl_str *s = input(vm, args, "blake3");
	uint8_t result[32];

	(void)self;
	kcl_blake3(s->s, s->len, result);
	return hex(vm, result, sizeof(result));
}

/* Version 4: random but for six bits. */
static KCL_BUILTIN(crypto_uuid)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	uint8_t b[16];

	(void)self;
	(void)args;
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		kcl_raise(h, "uuid(): the system gives no random numbers");
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	return kcl_strz(h, kcl_printf(h, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	                              b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	                              b[15]));
}

static KCL_BUILTIN(crypto_filesha256)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "filesha256() missing 1 required positional argument: 'filepath'");
	const struct kcl_str *content = kcl_file_content(vm, path, "access");

	(void)self;
	return digest(vm, content->s, content->len, GNUTLS_DIG_SHA256);
}

const struct kcl_builtin kcl_crypto_rows[] = {
	{ "md5", "(value: str, encoding?: str) -> str", crypto_md5, NULL, "The MD5 digest in hexadecimal." },
	{ "sha1", "(value: str, encoding?: str) -> str", crypto_sha1, NULL, "The SHA-1 digest in hexadecimal." },
	{ "sha224", "(value: str, encoding?: str) -> str", crypto_sha224, NULL, "The SHA-224 digest in hexadecimal." },
	{ "sha256", "(value: str, encoding?: str) -> str", crypto_sha256, NULL, "The SHA-256 digest in hexadecimal." },
	{ "sha384", "(value: str, encoding?: str) -> str", crypto_sha384, NULL, "The SHA-384 digest in hexadecimal." },
	{ "sha512", "(value: str, encoding?: str) -> str", crypto_sha512, NULL, "The SHA-512 digest in hexadecimal." },
	{ "blake3", "(value: str, encoding?: str) -> str", crypto_blake3, NULL, "The BLAKE3 digest in hexadecimal." },
	{ "uuid", "() -> str", crypto_uuid, NULL, "A random UUID (version 4)." },
	{ "filesha256", "(filepath: str) -> str", crypto_filesha256, NULL, "The SHA-256 digest of a file." },
	{ 0 },
};
