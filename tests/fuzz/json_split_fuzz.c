/* A watch or a list, cut into objects without being parsed. The first byte chooses which, and in what pieces it comes.
 * Beyond not crashing: pieces make no difference; and of a text that is JSON, the objects given out are JSON, and of a
 * list as many as it has. */

#include "../../src/kube/json_split.h"

#include "codec/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct result {
	struct buf text;
	size_t values, parsed;
	int status;
};

static bool on_value(void *self, const char *text, size_t len)
{
	struct result *r = self;
	_cleanup_json_ json_t *v = json_parse(text, len, 0, NULL);
	require(text[len] == '\0' && text[0] == '{');
	r->values++;
	r->parsed += v != NULL;
	buf_append(&r->text, text, len);
	buf_putc(&r->text, '\n');
	return true;
}

static void run(enum json_split_mode mode, const char *text, size_t size, size_t step, struct result *r)
{
	*r = (struct result){ .text = BUF_INIT(64 * 1024 * 1024) };
	struct json_split s = JSON_SPLIT_INIT(mode, on_value, r);
	for (size_t i = 0; i < size && r->status == 0; i += step)
		r->status = json_split_feed(&s, text + i, size - i < step ? size - i : step, NULL);
	if (r->status == 0)
		r->status = json_split_end(&s, NULL);
	if (r->status == 0)
		buf_puts(&r->text, buf_str(&s.rest));
	json_split_clear(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 1024 * 1024)
		return 0;
	enum json_split_mode mode = data[0] & 1 ? JSON_SPLIT_ITEMS : JSON_SPLIT_VALUES;
	size_t step = (size_t)(data[0] >> 1) + 1;
	const char *text = (const char *)data + 1;
	size--;
	struct result whole, pieces;
	run(mode, text, size, size + 1, &whole);
	run(mode, text, size, step, &pieces);
	require(whole.status == pieces.status && whole.values == pieces.values);
	require(strcmp(buf_str(&whole.text), buf_str(&pieces.text)) == 0);
	_cleanup_json_ json_t *v = json_parse(text, size, JSON_STRICT_KEYS, NULL);
	const json_t *items = json_object_get(v, "items");
	if (json_is_object(v) && mode == JSON_SPLIT_VALUES)
		require(whole.status == 0 && whole.values == 1 && whole.parsed == 1);
	if (json_is_object(v) && mode == JSON_SPLIT_ITEMS && whole.status == 0 && memmem(text, size, "\"items\"", 7))
		require(whole.parsed == whole.values && whole.values == json_array_size(items));
	buf_clear(&whole.text);
	buf_clear(&pieces.text);
	return 0;
}
