/* KCL's writers: a value made of the input's bytes, written as YAML and as JSON, reads back as the same value. */

#include "codec/json.h"
#include "output/plan.h"
#include "stdlib/yaml_read.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH_MAX 40

struct input {
	struct kcl_heap *h;
	const uint8_t *p, *end;
	unsigned depth;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t v = 0;

	for (; bytes > 0 && in->p < in->end; bytes--)
		v = v << 8 | *in->p++;
	return v;
}

/* The bytes before the first of Unicode's own ends of lines: upstream's YAML writes them into blocks of lines, where
 * readers take them for such. */
static size_t before_line_separator(const char *s, size_t n)
{
	static const char *const separators[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };

	for (size_t i = 0; i < ARRAY_SIZE(separators); i++) {
		const char *found = memmem(s, n, separators[i], strlen(separators[i]));

		n = found ? (size_t)(found - s) : n;
	}
	return n;
}

/* What JSON's reader takes for a text, too. */
static const struct kcl_str *text(struct input *in)
{
	size_t left = (size_t)(in->end - in->p), n = take(in, 1) % 64;
	const char *s = (const char *)in->p;
	json_t *lossy;

	left = (size_t)(in->end - in->p);
	n = n < left ? n : left;
	in->p += n;
	lossy = json_string_lossy(s, before_line_separator(s, strnlen(s, n)));

	const struct kcl_str *result = kcl_str(in->h, json_string_value(lossy), json_string_length(lossy)).str;

	json_decref(lossy);
	return result;
}

/* Few digits: upstream's YAML rounds those of 16 and more twice, and so does ours. */
static double number(struct input *in)
{
	return (double)(int32_t)take(in, 4) / 1000;
}

static struct kcl_value value(struct input *in)
{
	unsigned kind = (unsigned)take(in, 1) % 10, n = kind < 4 ? (unsigned)take(in, 1) % 8 : 0;
	struct kcl_value v;

	if (in->depth > DEPTH_MAX || in->p == in->end)
		return kcl_none();
	in->depth++;
	switch (kind) {
	case 0:
	case 1:
		v = kcl_list(in->h, 0);
		while (n-- > 0)
			kcl_list_push(in->h, v.list, value(in));
		break;
	case 2:
	case 3:
		v = kcl_dict(in->h, 0);
		while (n-- > 0) {
			const struct kcl_str *key = text(in);

			kcl_dict_set(in->h, v.dict, key, value(in));
		}
		break;
	case 4:
		v = kcl_bool(take(in, 1) & 1);
		break;
	case 5:
		v = kcl_int((int64_t)take(in, 8));
		break;
	case 6:
		v = kcl_float(number(in));
		break;
	default:
		v = kcl_str_value(text(in));
	}
	in->depth--;
	return v;
}

static void check_yaml(struct kcl_heap *h, struct kcl_value v)
{
	struct kcl_text t = { .h = h };

	kcl_put_yaml(&t, v, NULL);

	struct kcl_value back = kcl_yaml_read(h, kcl_text_str(&t).str);

	if (!kcl_equal(h, v, back)) {
		fprintf(stderr, "%s\n", kcl_text_str(&t).str->s);
		abort();
	}
}

static void check_json(struct kcl_heap *h, struct kcl_value v, int indent)
{
	const struct kcl_write_options o = { .indent = indent };
	struct kcl_text t = { .h = h };
	_cleanup_err_ struct err err = { 0 };

	kcl_put_json(&t, v, &o);

	_cleanup_json_ json_t *parsed = json_parse(t.data, t.len, 0, &err), *direct = kcl_to_json(v, &err);

	if (!parsed || !kcl_equal(h, v, kcl_from_json(h, parsed)) || !json_same(parsed, direct)) {
		fprintf(stderr, "%s %s\n", kcl_text_str(&t).str->s, err_message(&err));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kcl_heap *heap;
	struct input in = { .p = data, .end = data + size };
	struct kcl_failure f;

	if (!heap)
		heap = kcl_heap_new();
	kcl_heap_reset(heap, NULL);
	in.h = heap;
	f.outer = kcl_failure_push(heap, &f);
	if (!setjmp(f.jump)) {
		struct kcl_value v = value(&in);

		check_yaml(heap, v);
		check_json(heap, v, 0);
		check_json(heap, v, 4);
	} else {
		fprintf(stderr, "%s\n", f.message);
		abort();
	}
	kcl_failure_pop(heap, &f);
	return 0;
}
