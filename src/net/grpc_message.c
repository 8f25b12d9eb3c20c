#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/gzip.h"

#include <ctype.h>
#include <stdio.h>

#define TIMEOUT_DIGITS_MAX 8
#define STATUS_TEXT_MAX ((size_t)8 * 1024)

int64_t grpc_timeout_parse(const char *s, size_t len)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = { { 'H', 3600 * NS_PER_S }, { 'M', 60 * NS_PER_S }, { 'S', NS_PER_S },
		          { 'm', NS_PER_MS },       { 'u', 1000 },          { 'n', 1 } };
	int64_t value = 0, ns;

	if (len < 2 || len > TIMEOUT_DIGITS_MAX + 1)
		return -1;
	for (size_t i = 0; i + 1 < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (s[len - 1] == units[i].unit)
			return __builtin_mul_overflow(value, units[i].ns, &ns) ? INT64_MAX : ns;
	return -1;
}

char *grpc_message_encode(const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT(STATUS_TEXT_MAX * 3);

	for (size_t i = 0; text[i] != '\0' && i < STATUS_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c < 0x7f && c != '%')
			buf_putc(&out, (char)c);
		else
			buf_printf(&out, "%%%02X", c);
	}
	return buf_steal(&out);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	                              : -1;
}

char *grpc_message_decode(const char *text, size_t len)
{
	char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high = i + 2 < len + 0 && text[i] == '%' ? hex(text[i + 1]) : -1;
		int low = high >= 0 ? hex(text[i + 2]) : -1;

		if (low >= 0 && (high | low) != 0) {
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = text[i];
		}
	}
	out[n] = '\0';
	return out;
}

void grpc_prefix_write(uint8_t ret[static GRPC_PREFIX_SIZE], size_t len)
{
	ret[0] = 0; /* not compressed */
	for (int i = 0; i < 4; i++)
		ret[1 + i] = (uint8_t)(len >> (8 * (3 - i)));
}

static int read_prefix(struct grpc_framing *f, enum grpc_status *ret_status, char **ret_why)
{
	size_t len = 0;

	f->compressed = f->prefix[0] == 1;
	if (f->prefix[0] > 1 || (f->compressed && !f->has_gzip)) {
		*ret_status = GRPC_INTERNAL;
		*ret_why = xstrdup(f->compressed ? "grpc: compressed flag set with identity or empty encoding"
		                                 : "grpc: a message begins with an invalid flag");
		return -1;
	}
	for (int i = 0; i < 4; i++)
		len = len << 8 | f->prefix[1 + i];
	if (len > f->max) {
		*ret_status = GRPC_RESOURCE_EXHAUSTED;
		*ret_why = xasprintf("grpc: received message larger than max (%zu vs. %zu)", len, f->max);
		return -1;
	}
	f->wanted = len;
	f->message.max = len;
	return 0;
}

int grpc_framing_feed(struct grpc_framing *f, const uint8_t *data, size_t len, size_t *ret_used,
                      enum grpc_status *ret_status, char **ret_why)
{
	size_t used = 0;

	while (f->prefix_len < GRPC_PREFIX_SIZE && used < len) {
		f->prefix[f->prefix_len++] = data[used++];
		if (f->prefix_len == GRPC_PREFIX_SIZE && read_prefix(f, ret_status, ret_why) < 0)
			return -1;
	}
	if (f->prefix_len == GRPC_PREFIX_SIZE) {
		size_t missing = f->wanted - f->message.len, n = len - used < missing ? len - used : missing;

		if (n > 0)
			buf_append(&f->message, data + used, n);
		used += n;
	}
	*ret_used = used;
	return f->prefix_len == GRPC_PREFIX_SIZE && f->message.len == f->wanted;
}

int grpc_framing_expand(const struct grpc_framing *f, size_t max, struct bytes **ret_expanded,
                        enum grpc_status *ret_status, char **ret_why)
{
	_cleanup_err_ struct err err = { 0 };

	*ret_expanded = NULL;
	if (!f->compressed || gzip_expand(buf_str(&f->message), f->message.len, max, ret_expanded, &err) == 0)
		return 0;
	*ret_status = err.kind == ERR_TOO_LARGE ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL;
	*ret_why = err.kind == ERR_TOO_LARGE
	               ? xasprintf("grpc: received message after decompression larger than max %zu", max)
	               : xasprintf("grpc: failed to decompress the received message: %s", err_message(&err));
	return -1;
}

void grpc_framing_next(struct grpc_framing *f)
{
	buf_reset(&f->message);
	f->prefix_len = 0;
	f->wanted = 0;
}

bool grpc_framing_is_between(const struct grpc_framing *f)
{
	return f->prefix_len == 0;
}
