#include "output/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include <cmocka.h>

static struct kcl_heap *heap;

static int setup(void **state)
{
	(void)state;
	heap = kcl_heap_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heap = kcl_heap_free(heap);
	return 0;
}

static const char *yaml(struct kcl_value v)
{
	struct kcl_text t = { .h = heap };

	kcl_put_yaml(&t, v, NULL);
	return kcl_text_str(&t).str->s;
}

static const char *json(struct kcl_value v, int indent)
{
	struct kcl_text t = { .h = heap };

	kcl_put_json(&t, v, &(struct kcl_write_options){ .indent = indent });
	return kcl_text_str(&t).str->s;
}

static struct kcl_value str(const char *s)
{
	return kcl_strz(heap, s);
}

static struct kcl_value dict(int n, ...)
{
	struct kcl_value d = kcl_dict(heap, 0);
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < n; i++) {
		const char *key = va_arg(ap, const char *);

		kcl_dict_setz(heap, d.dict, key, va_arg(ap, struct kcl_value));
	}
	va_end(ap);
	return d;
}

static struct kcl_value list(int n, ...)
{
	struct kcl_value l = kcl_list(heap, 0);
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		kcl_list_push(heap, l.list, va_arg(ap, struct kcl_value));
	va_end(ap);
	return l;
}

static void test_yaml_blocks(void **state)
{
	(void)state;
	assert_string_equal(yaml(dict(2, "a", dict(1, "b", list(2, kcl_int(1), str("x"))), "c", kcl_bool(true))),
	                    "a:\n  b:\n  - 1\n  - x\nc: true\n");
	assert_string_equal(yaml(dict(1, "a", list(2, dict(2, "b", kcl_int(1), "c", list(1, kcl_int(2))), kcl_none()))),
	                    "a:\n- b: 1\n  c:\n  - 2\n- null\n");
	assert_string_equal(yaml(list(2, list(2, kcl_int(1), list(1, kcl_int(2))), list(0))), "- - 1\n  - - 2\n- []\n");
	assert_string_equal(yaml(dict(2, "a", dict(0), "b", list(0))), "a: {}\nb: []\n");
	assert_string_equal(yaml(dict(0)), "{}\n");
	assert_string_equal(yaml(str("x")), "x\n");
	assert_string_equal(yaml(dict(1, "t", str("one\ntwo\n"))), "t: |\n  one\n  two\n");
	assert_string_equal(yaml(list(1, dict(1, "t", str("one\n\n two")))), "- t: |-\n    one\n\n     two\n");
	/* What is nothing for a document leaves an empty one. */
	assert_string_equal(yaml(dict(1, "a", dict(1, "b", kcl_undefined()))), "a: {}\n");
}

static void test_yaml_scalars(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "plain text", "plain text" },
		{ "", "''" },
		{ "yes", "'yes'" },
		{ "No", "'No'" },
		{ "1", "'1'" },
		{ "1.5", "'1.5'" },
		{ "-x", "'-x'" },
		{ "null", "'null'" },
		{ "~", "'~'" },
		{ "a: b", "'a: b'" },
		{ "a:b", "a:b" },
		{ "a #b", "'a #b'" },
		{ "a#b", "a#b" },
		{ "it's", "it's" },
		{ "'q", "'''q'" },
		{ "tab\there", "\"tab\\there\"" },
		{ "é", "é" },
		{ "😀", "\"\\U0001F600\"" },
		{ " lead", "' lead'" },
		{ "trail ", "'trail '" },
		{ "@at", "'@at'" },
		{ "{a}", "'{a}'" },
		{ "a{b}", "a{b}" },
		{ "2026-01-02", "'2026-01-02'" },
		{ "x\n", "|\n  x" },
		{ "nan", "'nan'" },
		{ "inf", "inf" },
		{ "a\n ", "\"a\\n \"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(yaml(str(cases[i].text)), kcl_printf(heap, "%s\n", cases[i].shown));
	assert_string_equal(yaml(kcl_unit_value(heap, 1, KCL_UNIT_Ki)), "1024.0\n");
	assert_string_equal(yaml(kcl_float((double)INFINITY)), "null\n");
	assert_string_equal(yaml(kcl_float(1e-9)), "1e-9\n");
}

static void test_json(void **state)
{
	(void)state;
	assert_string_equal(
		json(dict(3, "a", list(2, kcl_int(1), kcl_undefined()), "b", dict(0), "c", str("\x01\"\\\n/é")), 0),
		"{\"a\": [1], \"b\": {}, \"c\": \"\\u0001\\\"\\\\\\n/é\"}");
	assert_string_equal(json(dict(2, "a", list(1, kcl_float(2)), "b", list(0)), 4),
	                    "{\n    \"a\": [\n        2.0\n    ],\n    \"b\": []\n}");
}

static void test_plan(void **state)
{
	struct kcl_value v = dict(4, "b", kcl_none(), "_p", kcl_int(1), "a", list(2, kcl_none(), dict(1, "_q", kcl_int(1))),
	                          "u", kcl_undefined());
	const char *const one[] = { "a.1", NULL }, *const two[] = { "a.1", "a.1", NULL };
	struct kcl_planned p;

	(void)state;
	p = kcl_plan(heap, v, &(struct kcl_eval_options){ 0 });
	assert_string_equal(json(p.value, 0), "{\"b\": null, \"a\": [null, {}]}");
	p = kcl_plan(heap, v, &(struct kcl_eval_options){ .sort_keys = true, .disable_none = true, .show_hidden = true });
	assert_string_equal(json(p.value, 0), "{\"_p\": 1, \"a\": [{\"_q\": 1}]}");
	p = kcl_plan(heap, v, &(struct kcl_eval_options){ .path_selector = one, .show_hidden = true });
	assert_false(p.is_stream);
	assert_string_equal(json(p.value, 0), "{\"_q\": 1}");
	p = kcl_plan(heap, v, &(struct kcl_eval_options){ .path_selector = two, .show_hidden = true });
	assert_true(p.is_stream);

	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	assert_int_equal(kcl_write_yaml(heap, &p, &(struct kcl_write_options){ 0 }, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "_q: 1\n---\n_q: 1\n");

	_cleanup_buf_ struct buf tight = BUF_INIT(5);
	struct err e = { 0 };
	assert_int_equal(kcl_write_yaml(heap, &p, &(struct kcl_write_options){ 0 }, &tight, &e), -1);
	err_clear(&e);
}

/* ---- against libyaml, which upstream's writer is a translation of ---- */

static int append(void *out, unsigned char *data, size_t len)
{
	return buf_append(out, data, len) == 0;
}

static void emit(yaml_emitter_t *e, yaml_event_t *event)
{
	assert_true(yaml_emitter_emit(e, event));
}

static void emit_str(yaml_emitter_t *e, const char *s)
{
	static const char *const quoted[] = {
		"y", "yes", "n", "no", "on", "off", "true", "false", "null", "nil", "~", "nan"
	};
	yaml_scalar_style_t style = strchr(s, '\n') ? YAML_LITERAL_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
	yaml_event_t event;

	if (!*s || (style == YAML_ANY_SCALAR_STYLE && strchr("0123456789+-.", *s)))
		style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++)
		if (strcasecmp(s, quoted[i]) == 0)
			style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
	yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)s, (int)strlen(s), 1, 1, style);
	emit(e, &event);
}

static void emit_value(yaml_emitter_t *e, struct kcl_value v)
{
	yaml_event_t event;

	if (v.kind == KCL_STR) {
		emit_str(e, v.str->s);
	} else if (v.kind == KCL_LIST) {
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_SEQUENCE_STYLE);
		emit(e, &event);
		for (uint32_t i = 0; i < v.list->len; i++)
			emit_value(e, v.list->items[i]);
		yaml_sequence_end_event_initialize(&event);
		emit(e, &event);
	} else {
		yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_MAPPING_STYLE);
		emit(e, &event);
		for (uint32_t i = 0; i < v.dict->len; i++) {
			emit_str(e, v.dict->pairs[i].key->s);
			emit_value(e, v.dict->pairs[i].value);
		}
		yaml_mapping_end_event_initialize(&event);
		emit(e, &event);
	}
}

static void reference(struct kcl_value v, struct buf *out)
{
	yaml_emitter_t e;
	yaml_event_t event;

	yaml_emitter_initialize(&e);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, -1);
	yaml_emitter_set_output(&e, append, out);
	yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
	emit(&e, &event);
	yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
	emit(&e, &event);
	emit_value(&e, v);
	yaml_document_end_event_initialize(&event, 1);
	emit(&e, &event);
	yaml_stream_end_event_initialize(&event);
	emit(&e, &event);
	yaml_emitter_flush(&e);
	yaml_emitter_delete(&e);
}

static uint64_t seed = 88172645463325252;

static unsigned any(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static struct kcl_value any_str(void)
{
	static const char *const parts[] = { "a",
		                                 "b",
		                                 " ",
		                                 "\n",
		                                 ":",
		                                 "#",
		                                 "'",
		                                 "\"",
		                                 "-",
		                                 "?",
		                                 "\t",
		                                 "é",
		                                 "{",
		                                 "\\",
		                                 ",",
		                                 "1",
		                                 ".",
		                                 "\r",
		                                 "|",
		                                 "😀",
		                                 "yes",
		                                 "\xc2\x85",
		                                 "\xe2\x80\xa8",
		                                 "[",
		                                 "&",
		                                 "@",
		                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct kcl_text t = { .h = heap };

	/* Few kinds at a time, so that what needs several of one comes about. */
	unsigned from = any(ARRAY_SIZE(parts)), width = 1 + any(6);

	for (unsigned n = any(7); n > 0; n--)
		kcl_text_puts(&t, parts[(from + any(width)) % ARRAY_SIZE(parts)]);
	return kcl_text_str(&t);
}

static struct kcl_value any_value(int depth)
{
	unsigned kind = depth > 3 ? 0 : any(4), n = any(4);

	if (kind < 2)
		return any_str();
	if (kind == 2) {
		struct kcl_value l = kcl_list(heap, 0);

		while (n-- > 0)
			kcl_list_push(heap, l.list, any_value(depth + 1));
		return l;
	}
	struct kcl_value d = kcl_dict(heap, 0);

	while (n-- > 0)
		kcl_dict_set(heap, d.dict, any_str().str, any_value(depth + 1));
	return d;
}

static void test_yaml_as_libyaml(void **state)
{
	(void)state;
	for (int i = 0; i < 60000; i++) {
		_cleanup_buf_ struct buf expected = BUF_INIT(1 << 20);

		kcl_heap_reset(heap, NULL);

		struct kcl_value v = any_value(0);

		reference(v, &expected);
		assert_string_equal(yaml(v), buf_str(&expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_yaml_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_scalars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_as_libyaml, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
