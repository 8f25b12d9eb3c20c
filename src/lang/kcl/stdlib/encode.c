#include "stdlib/library.h"

#include "base/str.h"
#include "codec/base64.h"

/* base64 and base32 (RFC 4648). Only texts come out of decoding: what is no UTF-8 is an error. */

static bool is_utf8_text(const char *s, size_t len)
{
	uint32_t c;

	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_next(s + at, len - at, &c);
		if (n == 0)
			return false;
	}
	return true;
}

/* Takes data, of which malloc() made room. */
static struct kcl_value take_text(struct kcl_vm *vm, char *data, size_t len)
{
	struct kcl_value v = kcl_str(kcl_vm_heap(vm), kcl_heap_own(kcl_vm_heap(vm), data, free), len);

	kcl_heap_release(kcl_vm_heap(vm), data);
	return v;
}

static KCL_BUILTIN(base64_encode_text)
{
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "value",
	                                           "encode() missing 1 required positional argument: 'value'");

	(void)self;
	kcl_steps(kcl_vm_heap(vm), s->len / 64);
	kcl_heap_check(kcl_vm_heap(vm), s->len / 3 * 4);

	char *encoded = base64_encode(s->s, s->len);

	return take_text(vm, encoded, strlen(encoded));
}

static KCL_BUILTIN(base64_decode_text)
{
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "value",
	                                           "decode() missing 1 required positional argument: 'value'");
	size_t len = 0;

	(void)self;
	kcl_steps(kcl_vm_heap(vm), s->len / 64);
	kcl_heap_check(kcl_vm_heap(vm), s->len);

	char *data = base64_decode(s->s, s->len, &len);

	if (!data)
		kcl_raise(kcl_vm_heap(vm), "decode() argument 'value' is not valid base64");
	if (!is_utf8_text(data, len)) {
		free(data);
		kcl_raise(kcl_vm_heap(vm), "decode() argument 'value' holds no text in UTF-8");
	}
	return take_text(vm, data, len);
}

static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static KCL_BUILTIN(base32_encode)
{
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "value",
	                                           "encode() missing 1 required positional argument: 'value'");
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	uint32_t bits = 0;
	int have = 0;

	(void)self;
	kcl_steps(t.h, s->len / 16);
	for (uint32_t i = 0; i < s->len; i++) {
		bits = bits << 8 | (uint8_t)s->s[i];
		for (have += 8; have >= 5; have -= 5)
			kcl_text_putc(&t, base32_alphabet[bits >> (have - 5) & 31]);
	}
	if (have > 0)
		kcl_text_putc(&t, base32_alphabet[bits << (5 - have) & 31]);
	while (t.len % 8)
		kcl_text_putc(&t, '=');
	return kcl_text_str(&t);
}

/* The bytes of the text, without its padding; false when a character is none of the alphabet. */
static bool base32_bytes(struct kcl_text *t, const struct kcl_str *s)
{
	uint32_t bits = 0;
	size_t len = s->len;
	int have = 0;

	while (len > 0 && s->s[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *p = strchr(base32_alphabet, toupper((unsigned char)s->s[i]));

		if (!p)
			return false;
		bits = bits << 5 | (uint32_t)(p - base32_alphabet);
		have += 5;
		if (have >= 8) {
			have -= 8;
			kcl_text_putc(t, (char)(bits >> have & 255));
		}
	}
	return true;
}

static KCL_BUILTIN(base32_decode)
{
	const char *missing = "decode() missing 1 required positional argument: 'value'";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "value", missing);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_steps(t.h, s->len / 16);
	if (!base32_bytes(&t, s))
		kcl_raise(t.h, "decode() argument 'value' is not valid base32");
	return t.len == 0 || is_utf8_text(t.data, t.len) ? kcl_text_str(&t) : kcl_none();
}

const struct kcl_builtin kcl_base64_rows[] = {
	{ "encode", "(value: str, encoding?: str) -> str", base64_encode_text, NULL, "The text in base64." },
	{ "decode", "(value: str) -> str", base64_decode_text, NULL, "The text that base64 stands for." },
	{ 0 },
};

const struct kcl_builtin kcl_base32_rows[] = {
	{ "encode", "(value: str) -> str", base32_encode, NULL, "The text in base32." },
	{ "decode", "(value: str) -> str", base32_decode, NULL, "The text that base32 stands for." },
	{ 0 },
};
