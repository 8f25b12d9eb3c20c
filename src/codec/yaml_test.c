#include "codec/yaml.h"

#include "base/str.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void assert_reads(const char *text, const char *expected)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml_parse(text, strlen(text), "in", &err);
	if (!v)
		fail_msg("%s: %s", text, err_message(&err));
	_cleanup_free_ char *json = json_to_str(v);
	assert_string_equal(json, expected);
}

static void assert_refused(const char *text, const char *message)
{
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse(text, strlen(text), "in", &err));
	assert_int_equal(err.kind, ERR_BAD_REQUEST);
	assert_string_equal(err_message(&err), message);
}

static void assert_writes(const char *json, const char *expected)
{
	_cleanup_json_ json_t *v = json_parse(json, strlen(json), 0, NULL);
	_cleanup_buf_ struct buf out = BUF_INIT(100000);
	if (!v)
		fail_msg("does not parse: %s", json);
	assert_int_equal(yaml_write(v, &out), 0);
	assert_string_equal(out.data, expected);
}

static void test_yaml_scalars_are_kubernetes(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *json, *reason;
	} cases[] = {
		{ "null", "null", "null" },
		{ "~", "null", "null" },
		{ "NULL", "null", "null" },
		{ "nULL", "\"nULL\"", "no other case" },
		{ "true", "true", "bool" },
		{ "Yes", "true", "YAML 1.1 bool" },
		{ "on", "true", "YAML 1.1 bool" },
		{ "y", "true", "YAML 1.1 bool, as kubectl has it" },
		{ "off", "false", "YAML 1.1 bool" },
		{ "N", "false", "YAML 1.1 bool" },
		{ "yES", "\"yES\"", "no other case" },
		{ "'yes'", "\"yes\"", "quoted" },
		{ "\"true\"", "\"true\"", "quoted" },
		{ "! true", "\"true\"", "the non-specific tag makes a string" },
		{ "!!str 1", "\"1\"", "tag" },
		{ "!!int \"7\"", "7", "tag" },
		{ "!!float 3", "3", "tag" },
		{ "!!bool \"yes\"", "true", "tag" },
		{ "!!null ''", "null", "tag" },
		{ "!!binary aGVs\n  bG8=", "\"hello\"", "base64 text" },
		{ "!local 5", "\"5\"", "a tag that is not YAML's own" },
		{ "0", "0", "int" },
		{ "-12", "-12", "int" },
		{ "+12", "12", "int" },
		{ "0644", "420", "a file mode: octal" },
		{ "0o644", "420", "octal of YAML 1.2" },
		{ "0x1F", "31", "hexadecimal" },
		{ "-0x10", "-16", "hexadecimal" },
		{ "0b101", "5", "binary" },
		{ "1_000", "1000", "digits in groups" },
		{ "089", "89", "no octal, so decimal" },
		{ "0x", "\"0x\"", "no digits" },
		{ "1e3", "1000", "a whole number by way of JSON" },
		{ "1.50", "1.5", "float" },
		{ ".5", "0.5", "float" },
		{ ".8_9", "0.89", "digits in groups" },
		{ "._8", "\"._8\"", "no group" },
		{ "5.", "5", "float" },
		{ "-1.5e-3", "-0.0015", "float" },
		{ "1.2.3", "\"1.2.3\"", "a version" },
		{ "9223372036854775807", "9223372036854775807", "largest of 64 bits" },
		{ "-9223372036854775808", "-9223372036854775808", "smallest of 64 bits" },
		{ "9223372036854775808", "9223372036854776000", "exact as a double" },
		{ "9223372036854775809", "\"9223372036854775809\"", "no double is that: digits are not lost" },
		{ "123456789012345678901234567890", "\"123456789012345678901234567890\"", "digits are not lost" },
		{ "100000000000000000000", "100000000000000000000", "exact as a double" },
		{ "2001-01-01", "\"2001-01-01\"", "a date stays text" },
		{ "2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\"", "a time stays text" },
		{ "12:30:45", "\"12:30:45\"", "no number to base 60" },
		{ "-", "[null]", "an entry without value" },
		{ "-x", "\"-x\"", "a string" },
		{ "a b  c", "\"a b  c\"", "inner spaces" },
		{ "a\n  b\n\n  c", "\"a b\\nc\"", "folded plain text" },
		{ "\"a\\x41\\u00e9\\t\\\n  b\"", "\"aAé\\tb\"", "escapes" },
		{ "'it''s'", "\"it's\"", "single quotes" },
		{ "'''''a''''b'", "\"''a''b\"", "single quotes in a row" },
		{ "|\n  a\n   b\n", "\"a\\n b\\n\"", "literal" },
		{ "|-\n  a\n\n", "\"a\"", "literal, stripped" },
		{ "|+\n  a\n\n", "\"a\\n\\n\"", "literal, kept" },
		{ ">\n  a\n  b\n\n  c\n", "\"a b\\nc\\n\"", "folded" },
		{ "\xef\xbb\xbf"
		  "a",
		  "\"a\"", "byte order mark" },
		{ "\"\\U0001F600 😀\"", "\"😀 😀\"", "beyond U+FFFF" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s: %s\n", cases[i].yaml, cases[i].reason);
		assert_reads(cases[i].yaml, cases[i].json);
	}
}

static void test_yaml_structures(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *json, *reason;
	} cases[] = {
		{ "", "null", "nothing" },
		{ "# only a comment\n", "null", "nothing" },
		{ "---\n...\n", "null", "nothing, said at length" },
		{ "a: 1\nb:\n- x\n- w: 2\n  z:\n", "{\"a\":1,\"b\":[\"x\",{\"w\":2,\"z\":null}]}", "block style" },
		{ "a: {b: [1, 2, ], c: }", "{\"a\":{\"b\":[1,2],\"c\":null}}", "flow style" },
		{ "args: [\n  a,\n]\nb: 1", "{\"args\":[\"a\"],\"b\":1}", "a bracket that closes at the start of a line" },
		{ "{\n\t\"a\": [\n\t\t1.0\n\t]\n}", "{\"a\":[1]}", "JSON, with tabs" },
		{ "- a\r\n- b\r\n", "[\"a\",\"b\"]", "lines of Windows" },
		{ "1: a\ntrue: b\n1.5: c\n\"2\": d\n", "{\"1\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"2\":\"d\"}",
		  "keys become strings" },
		{ "? a\n: b\n? |\n  c\n: d\n", "{\"a\":\"b\",\"c\\n\":\"d\"}", "complex keys" },
		{ "%YAML 1.2\n---\na: 1\n", "{\"a\":1}", "directive" },
		{ "a: &x [1, {b: 2}]\nc: *x\n", "{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}]}", "alias" },
		{ "- &x a\n- &x b\n- *x\n", "[\"a\",\"b\",\"b\"]", "an anchor set twice" },
		{ "&k key: *k\n", "{\"key\":\"key\"}", "alias of a key" },
		{ "base: &b {q: 1, r: 2}\nz:\n  <<: *b\n  q: 3\n", "{\"base\":{\"q\":1,\"r\":2},\"z\":{\"q\":3,\"r\":2}}",
		  "merge key" },
		{ "z:\n  q: 3\n  <<: [{q: 1, r: 1}, {r: 2, s: 2}]\n", "{\"z\":{\"q\":3,\"r\":1,\"s\":2}}",
		  "merge of a list: the first wins" },
		{ "\"<<\": 1", "{\"<<\":1}", "quoted, it is a key like any other" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].reason);
		assert_reads(cases[i].yaml, cases[i].json);
	}
}

static void test_yaml_parse_like_go_tells_of_repeated_keys(void **state)
{
	(void)state;
	static const char text[] = "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n";
	char **repeated = NULL;
	_cleanup_json_ json_t *v = yaml_parse_like_go(text, strlen(text), &repeated, NULL);

	assert_int_equal(json_get_int(v, "a", 0), 3);
	assert_int_equal(json_get_int(json_object_get(v, "b"), "c", 0), 2);
	assert_string_equal(repeated[0], "line 4: key \"c\" already set in map");
	assert_string_equal(repeated[1], "line 5: key \"a\" already set in map");
	assert_null(repeated[2]);
	strv_free(repeated);
}

/* As a kube-apiserver 1.26 answered them. */
static void test_yaml_parse_like_go_speaks_like_go(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "{", "yaml: line 1: did not find expected node content" },
		{ "{a: 1", "yaml: line 1: did not find expected ',' or '}'" },
		{ "a: b: c", "yaml: mapping values are not allowed in this context" },
		{ "a:\n\t- b", "yaml: line 2: found character that cannot start any token" },
		{ "- a\nb", "yaml: line 3: could not find expected ':'" },
		{ "a: &x 1\nb: *y", "yaml: unknown anchor 'y' referenced" },
		{ "\"abc", "yaml: found unexpected end of stream" },
		{ "%x", "yaml: found unknown directive name" },
		{ "? [a]\n: b", "yaml: invalid map key: []interface {}{\"a\"}" },
	};
	static const char two[] = "a: 1\n---\na: 2\n";
	char **repeated = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_null(yaml_parse_like_go(cases[i].text, strlen(cases[i].text), &repeated, &err));
		assert_string_equal(err_message(&err), cases[i].fault);
	}
	_cleanup_json_ json_t *first = yaml_parse_like_go(two, strlen(two), &repeated, NULL);
	assert_int_equal(json_get_int(first, "a", 0), 1);
	_cleanup_json_ json_t *nothing = yaml_parse_like_go("", 0, &repeated, NULL);
	assert_true(json_is_null(nothing));
	assert_null(repeated);
}

static void test_yaml_refuses_with_line_and_column(void **state)
{
	(void)state;
	assert_refused("a: [1\nb: 2",
	               "in:2:2: did not find expected ',' or ']' (while parsing a flow sequence from line 1 on)");
	assert_refused("a: b: c", "in:1:5: mapping values are not allowed in this context");
	assert_refused("a:\n\t- b",
	               "in:2:1: found character that cannot start any token (while scanning for the next token "
	               "from line 2 on)");
	assert_refused("a: 1\nb: 2\na: 3", "in:3:1: the key \"a\" is repeated");
	assert_refused("x: {a: 1, \"a\": 2}", "in:1:11: the key \"a\" is repeated");
	assert_refused("1: a\n\"1\": b", "in:2:1: the key \"1\" is repeated");
	assert_refused("a: *nope", "in:1:4: the alias *nope has no anchor &nope before it");
	assert_refused("a: &a [*a]", "in:1:8: the alias *a has no anchor &a before it");
	assert_refused("a: &a 1\n---\nb: *a", "in:3:4: the alias *a has no anchor &a before it");
	assert_refused("é: .inf", "in:1:4: .inf is no number that JSON can hold: quote it to make it a string");
	assert_refused("a: !!int x", "in:1:4: \"x\" cannot be read as !!int");
	assert_refused("a: !!binary '!'",
	               "in:1:4: !!binary must be base64 of a text in UTF-8 (leave out the tag to keep the "
	               "base64 itself)");
	assert_refused("? [1]\n: 2", "in:1:3: a mapping key must be a scalar");
	assert_refused("~: 2", "in:1:1: a mapping key must be a string, number or bool; quote it to make it a string");
	assert_refused("a: \"x\\0y\"", "in:1:4: the NUL character is not supported in strings");
	assert_refused("a: \"\\ud800\"",
	               "in:1:7: found invalid Unicode character escape code (while parsing a quoted scalar "
	               "from line 1 on)");
	assert_refused("é: \xff", "in:1:4: invalid leading UTF-8 octet");
	assert_refused("a:\n  b: \x01", "in:2:6: control characters are not allowed");
	assert_refused("a: 1\n---\nb: 2\n", "in:2:1: a second document begins here; only one is expected");
	assert_null(yaml_parse("a: [", 4, NULL, NULL));
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse("a: [", 4, NULL, &err));
	assert_string_equal(err_message(&err),
	                    "YAML:2:1: did not find expected node content (while parsing a flow node from "
	                    "line 2 on)");
	err_clear(&err);
	assert_null(yaml_parse("a: \0b", 5, "in", &err));
	assert_string_equal(err_message(&err), "in:1:4: control characters are not allowed");
}

static void test_yaml_parse_all(void **state)
{
	(void)state;
	static const char text[] = "# first\n---\na: 1\n---\n# nothing\n---\n- 2\n...\n---\n";
	_cleanup_json_ json_t *v = yaml_parse_all(text, strlen(text), NULL, NULL);
	_cleanup_free_ char *json = json_to_str(v);
	assert_string_equal(json, "[{\"a\":1},[2]]");
	_cleanup_json_ json_t *empty = yaml_parse_all("", 0, NULL, NULL);
	assert_int_equal(json_array_size(empty), 0);
	static const char broken[] = "a: 1\n---\nb: [\n";
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse_all(broken, strlen(broken), "many.yaml", &err));
	assert_non_null(strstr(err_message(&err), "many.yaml:4:1: "));
}

/* Nine levels of nine aliases each: 3.5e8 values, if they were all made. */
static void test_yaml_limits_aliases(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(10000);
	buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			buf_printf(&text, "*a%d, ", i - 1);
		buf_puts(&text, "]\n");
	}
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse(text.data, text.len, "lol", &err));
	assert_non_null(strstr(err_message(&err), "nearly all of the "));

	/* Merges that add nothing still cost. */
	_cleanup_buf_ struct buf merges = BUF_INIT(10000000);
	buf_puts(&merges, "m: &m {");
	for (int i = 0; i < 2000; i++)
		buf_printf(&merges, "k%d: 1, ", i);
	buf_puts(&merges, "}\nn: {<<: [");
	for (int i = 0; i < 1000; i++)
		buf_puts(&merges, "*m, ");
	buf_puts(&merges, "]}\n");
	err_clear(&err);
	assert_null(yaml_parse(merges.data, merges.len, "merge", &err));
	assert_non_null(strstr(err_message(&err), "nearly all of the "));
}

/* What people write: a common part in each of many. */
static void test_yaml_allows_repetition(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(1000000);
	buf_puts(&text, "base: &base {a: 1, b: [1, 2, 3], c: {d: 1, e: 2}, f: 1}\nall:\n");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "- <<: *base\n  name: n%d\n", i);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml_parse(text.data, text.len, "base", &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	assert_int_equal(json_array_size(json_object_get(v, "all")), 2000);
}

static void test_yaml_limits_directives(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(100000);
	for (int i = 0; i < 1001; i++)
		buf_printf(&text, "%%TAG !t%d! tag:x\n", i);
	buf_puts(&text, "--- x\n");
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse(text.data, text.len, "in", &err));
	assert_string_equal(err_message(&err), "in: more than 1000 %TAG directives");
	buf_consume(&text, strlen("%TAG !t0! tag:x\n"));
	_cleanup_json_ json_t *fits = yaml_parse(text.data, text.len, "in", NULL);
	assert_string_equal(json_string_value(fits), "x");
}

static bool parses_nested(size_t depth, const char *level)
{
	_cleanup_buf_ struct buf text = BUF_INIT(10000000);
	for (size_t i = 0; i < depth; i++)
		buf_puts(&text, level);
	buf_puts(&text, "x");
	for (size_t i = 0; *level == '[' && i < depth; i++)
		buf_putc(&text, ']');
	_cleanup_json_ json_t *v = yaml_parse(text.data, text.len, NULL, NULL);
	return v != NULL;
}

static void test_yaml_limits_depth(void **state)
{
	(void)state;
	assert_true(parses_nested(JSON_DEPTH_MAX, "["));
	assert_false(parses_nested(JSON_DEPTH_MAX + 1, "["));
	assert_true(parses_nested(JSON_DEPTH_MAX, "- "));
	assert_false(parses_nested(JSON_DEPTH_MAX + 1, "- "));
	assert_false(parses_nested(100000, "["));
	assert_false(parses_nested(100000, "? "));

	/* Each alias nests the last one deeper. */
	_cleanup_buf_ struct buf text = BUF_INIT(100000);
	buf_puts(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	_cleanup_err_ struct err err = { 0 };
	assert_null(yaml_parse(text.data, text.len, "in", &err));
	assert_string_equal(err_message(&err), "in:256:14: nested deeper than 256 levels");
}

static void test_yaml_aliases_share_nothing(void **state)
{
	(void)state;
	static const char text[] = "a: &x {b: {c: 1}}\nd: *x\ne: {<<: *x}\n";
	_cleanup_json_ json_t *v = yaml_parse(text, strlen(text), NULL, NULL);
	json_put_int(json_at(v, "a", "b", NULL), "c", 2);
	json_put_int(json_at(v, "d", "b", NULL), "c", 3);
	assert_int_equal(json_get_int(json_at(v, "e", "b", NULL), "c", 0), 1);
	assert_int_equal(json_get_int(json_at(v, "d", "b", NULL), "c", 0), 3);
}

static void test_yaml_write_looks_like_kubectl(void **state)
{
	(void)state;
	assert_writes(
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"x\",\"labels\":{},\"finalizers\":[]},"
		"\"spec\":{\"containers\":[{\"name\":\"a\",\"args\":[\"--x\",\"y\"],\"n\":[[1,2],[],[{}]]},"
		"{\"image\":null,\"ready\":true}],\"replicas\":3,\"ratio\":0.5}}",
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata:\n"
		"  finalizers: []\n"
		"  labels: {}\n"
		"  name: x\n"
		"spec:\n"
		"  containers:\n"
		"  - args:\n"
		"    - --x\n"
		"    - \"y\"\n"
		"    \"n\":\n"
		"    - - 1\n"
		"      - 2\n"
		"    - []\n"
		"    - - {}\n"
		"    name: a\n"
		"  - image: null\n"
		"    ready: true\n"
		"  ratio: 0.5\n"
		"  replicas: 3\n");
	assert_writes("{}", "{}\n");
	assert_writes("[]", "[]\n");
	assert_writes("null", "null\n");
	assert_writes("\"x\"", "x\n");
	assert_writes("\"a\\nb\"", "|-\n  a\n  b\n");
	assert_writes("[\"a\\nb\\n\",{\"c\":\"d\\ne\"}]", "- |\n  a\n  b\n- c: |-\n    d\n    e\n");
}

/* What kubectl 1.20 prints for the same strings. */
static void test_yaml_write_quotes_like_kubectl(void **state)
{
	(void)state;
	static const struct {
		const char *json, *yaml;
	} cases[] = {
		{ "\"\"", "\"\"" },
		{ "\"true\"", "\"true\"" },
		{ "\"yes\"", "\"yes\"" },
		{ "\"on\"", "\"on\"" },
		{ "\"y\"", "\"y\"" },
		{ "\"null\"", "\"null\"" },
		{ "\"~\"", "\"~\"" },
		{ "\"1\"", "\"1\"" },
		{ "\"+1\"", "\"+1\"" },
		{ "\"1e3\"", "\"1e3\"" },
		{ "\".5\"", "\".5\"" },
		{ "\"0x1F\"", "\"0x1F\"" },
		{ "\"017\"", "\"017\"" },
		{ "\"0o17\"", "\"0o17\"" },
		{ "\"1_000\"", "\"1_000\"" },
		{ "\"1:20\"", "\"1:20\"" },
		{ "\"12:30:45\"", "\"12:30:45\"" },
		{ "\".nan\"", "\".nan\"" },
		{ "\"2020-01-01\"", "\"2020-01-01\"" },
		{ "\"2001-12-14 21:59:43\"", "\"2001-12-14 21:59:43\"" },
		{ "\"2020-01-01-x\"", "2020-01-01-x" },
		{ "\"1.2.3\"", "1.2.3" },
		{ "\"10.0.0.1:80\"", "10.0.0.1:80" },
		{ "\"99999999999999999999\"", "\"99999999999999999999\"" },
		{ "\"0xFFFFFFFFFFFFFFFFFFFF\"", "0xFFFFFFFFFFFFFFFFFFFF" },
		{ "\"1e999\"", "1e999" },
		{ "\"- x\"", "'- x'" },
		{ "\"-\"", "'-'" },
		{ "\"-x\"", "-x" },
		{ "\"-- x\"", "-- x" },
		{ "\"---\"", "'---'" },
		{ "\"...\"", "'...'" },
		{ "\"---x\"", "'---x'" },
		{ "\"?\"", "'?'" },
		{ "\"? x\"", "'? x'" },
		{ "\"a: b\"", "'a: b'" },
		{ "\"a:b\"", "a:b" },
		{ "\"x:\"", "'x:'" },
		{ "\":x\"", ":x" },
		{ "\"#x\"", "'#x'" },
		{ "\"a #b\"", "'a #b'" },
		{ "\"a#b\"", "a#b" },
		{ "\"[a\"", "'[a'" },
		{ "\"]\"", "']'" },
		{ "\"a]b\"", "a]b" },
		{ "\"{{ x }}\"", "'{{ x }}'" },
		{ "\",x\"", "',x'" },
		{ "\"a, b\"", "a, b" },
		{ "\"&x\"", "'&x'" },
		{ "\"*\"", "'*'" },
		{ "\"!x\"", "'!x'" },
		{ "\"|\"", "'|'" },
		{ "\">\"", "'>'" },
		{ "\"%x\"", "'%x'" },
		{ "\"@x\"", "'@x'" },
		{ "\"`\"", "'`'" },
		{ "\"'q'\"", "'''q'''" },
		{ "\"a'b\\\"c\"", "a'b\"c" },
		{ "\"\\\"q\\\"\"", "'\"q\"'" },
		{ "\"a\\\\b\"", "a\\b" },
		{ "\" x\"", "' x'" },
		{ "\"x \"", "'x '" },
		{ "\"=\"", "=" },
		{ "\"a\\tb\"", "\"a\\tb\"" },
		{ "\"a\\u0007\"", "\"a\\a\"" },
		{ "\"a\\r\\nb\"", "\"a\\r\\nb\"" },
		{ "\"\\u2028\"", "\"\\L\"" },
		{ "\"\\u00a0x\"", "\xc2\xa0x" },
		{ "\"é\"", "é" },
		{ "\"😀\"", "\"\\U0001F600\"" },
		{ "\"<<\"", "<<" },
		{ "\"_1\"", "_1" },
		{ "\"2024-02-30\"", "2024-02-30" },
		{ "\"2024-02-29T1:2:3Z\"", "\"2024-02-29T1:2:3Z\"" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *json = xasprintf("{\"k\":%s}", cases[i].json);
		_cleanup_free_ char *yaml = xasprintf("k: %s\n", cases[i].yaml);
		assert_writes(json, yaml);
	}
}

static void test_yaml_write_blocks_like_kubectl(void **state)
{
	(void)state;
	static const struct {
		const char *json, *yaml, *reason;
	} cases[] = {
		{ "\"a\\nb\\n\"", "|\n  a\n  b\n", "ends with a newline" },
		{ "\"a\\nb\"", "|-\n  a\n  b\n", "ends without" },
		{ "\"a\\n\\n\"", "|+\n  a\n\n", "ends with several" },
		{ "\"\\n\"", "|2+\n\n", "nothing else" },
		{ "\"\\nlead\"", "|2-\n\n  lead\n", "begins with one" },
		{ "\" lead\\nsecond\"", "|2-\n   lead\n  second\n", "begins with a space" },
		{ "\"a\\n  b\\n\"", "|\n  a\n    b\n", "indented text" },
		{ "\"a\\n\\n\\nb\"", "|-\n  a\n\n\n  b\n", "empty lines" },
		{ "\"trail \\nsecond\"", "\"trail \\nsecond\"\n", "a space before the newline" },
		{ "\"a\\nb \"", "\"a\\nb \"\n", "a space at the end" },
		{ "\"a\\nb\\tc\"", "\"a\\nb\\tc\"\n", "a tab" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *json = xasprintf("{\"k\":%s}", cases[i].json);
		_cleanup_free_ char *yaml = xasprintf("k: %s", cases[i].yaml);
		print_message("%s\n", cases[i].reason);
		assert_writes(json, yaml);
	}
}

static void test_yaml_write_folds_long_lines(void **state)
{
	(void)state;
#define FIFTY "12345678 12345678 12345678 12345678 12345678 1234 "
	static const struct {
		const char *json, *yaml, *reason;
	} cases[] = {
		{ FIFTY "a " FIFTY "b", FIFTY "a 12345678 12345678 12345678\n  12345678 12345678 1234 b", "behind column 80" },
		{ "'" FIFTY "a " FIFTY "b", "'''" FIFTY "a 12345678 12345678 12345678\n  12345678 12345678 1234 b'",
		  "within quotes" },
		{ "\\t" FIFTY "a " FIFTY "b", "\"\\t" FIFTY "a 12345678 12345678 12345678\n  12345678 12345678 1234 b\"",
		  "within double quotes" },
		{ FIFTY "123456789 123456789 12345678    b c", FIFTY "123456789 123456789 12345678    b\n  c",
		  "not at several spaces" },
		{ "\\t" FIFTY "123456789 123456789 12345678    b", "\"\\t" FIFTY "123456789 123456789 12345678\n  \\   b\"",
		  "the next space is escaped" },
	};
#undef FIFTY
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *json = xasprintf("{\"k\":\"%s\"}", cases[i].json);
		_cleanup_free_ char *yaml = xasprintf("k: %s\n", cases[i].yaml);
		print_message("%s\n", cases[i].reason);
		assert_writes(json, yaml);
		assert_reads(yaml, json);
	}
}

static void test_yaml_write_numbers(void **state)
{
	(void)state;
	assert_writes("[1.5,1234567.5,0.00001,1e20,1e19,1e300,-0.0]",
	              "- 1.5\n- 1.2345675e+06\n- 1e-05\n- 1e+20\n- 10000000000000000000\n- 1e+300\n- 0\n");
}

static void test_yaml_write_keys(void **state)
{
	(void)state;
	assert_writes("{\"b\":1,\"a10\":1,\"a2\":1,\"a\":1,\"ab\":1,\"B\":1,\"_\":1,\"a02\":1}",
	              "_: 1\nB: 1\na: 1\na2: 1\na02: 1\na10: 1\nab: 1\nb: 1\n");
	assert_writes("{\"true\":1,\"\":2,\"a: b\":3,\"x\\ny\":4}",
	              "\"\": 2\n'a: b': 3\n\"true\": 1\n? |-\n  x\n  y\n: 4\n");
	char key[200], *json, *yaml;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	json = xasprintf("{\"a\":{\"%s\":{\"x\":[1]}},\"b\":{\"%s\":[1]},\"c\":{\"%s\":1}}", key, key, key);
	yaml = xasprintf("a:\n  ? %s\n  : x:\n    - 1\nb:\n  ? %s\n  : - 1\nc:\n  ? %s\n  : 1\n", key, key, key);
	assert_writes(json, yaml);
	assert_reads(yaml, json);
	free(json);
	free(yaml);
}

static void assert_round_trip(const json_t *v)
{
	_cleanup_buf_ struct buf out = BUF_INIT(10000000);
	_cleanup_err_ struct err err = { 0 };
	yaml_write(v, &out);
	_cleanup_json_ json_t *back = yaml_parse(out.data, out.len, NULL, &err);
	if (!json_same(v, back))
		fail_msg("%s\n%s", out.data, err_message(&err));
}

/* A string as value, key, element, and alone. */
static void assert_string_round_trip(const char *s)
{
	_cleanup_json_ json_t *v = json_object(), *alone = json_string(s);
	json_put_str(v, "value", s);
	json_put_str(v, s, "as key");
	json_put_int(json_ensure_object(v, "map"), s, 1);
	json_push_str(json_ensure_array(v, "list"), s);
	json_t *inner = json_array();
	json_push_str(inner, s);
	json_push_str(inner, "next");
	json_array_append_new(json_ensure_array(v, "list"), inner);
	assert_round_trip(v);
	assert_round_trip(alone);
}

/* Strings put together from everything that means something to YAML. */
static void test_yaml_round_trip_is_exact(void **state)
{
	(void)state;
	static const char *const atoms[] = {
		"a",
		"b",
		" ",
		"\n",
		"\t",
		"-",
		"?",
		":",
		"#",
		"'",
		"\"",
		"\\",
		"0",
		"1",
		".",
		"_",
		"e",
		"x",
		"+",
		"y",
		"true",
		"null",
		"{",
		"}",
		"[",
		"]",
		",",
		"&",
		"*",
		"!",
		"|",
		">",
		"%",
		"@",
		"`",
		"~",
		"é",
		"\xe2\x80\xa8",
		"\xc2\x85",
		"😀",
		"---",
		"...",
		"<<",
		"=",
		"0x",
		"1:2",
		"2001-01-01",
		" #",
		": ",
		"- ",
		"\n ",
		"\n\n",
		"\r",
		"\a",
		"\x7f",
		"\x1b",
		"NaN",
		".inf",
		"\xef\xbb\xbf",
		"\xc2\xa0",
		"  ",
		"\n  \n",
		"\xe2\x80\xa9",
		"\xef\xbf\xbf",
		"z",
	};
	uint64_t seed = 42;
	for (size_t i = 0; i < ARRAY_SIZE(atoms); i++) {
		assert_string_round_trip(atoms[i]);
		for (size_t j = 0; j < ARRAY_SIZE(atoms); j++) {
			char s[64];
			snprintf(s, sizeof(s), "%s%s", atoms[i], atoms[j]);
			assert_string_round_trip(s);
		}
	}
	for (int i = 0; i < 4000; i++) {
		char s[256] = "";
		size_t n = 0;
		for (int parts = 3 + i % 6; parts > 0; parts--) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			n += (size_t)snprintf(s + n, sizeof(s) - n, "%s", atoms[(seed >> 33) % ARRAY_SIZE(atoms)]);
		}
		assert_string_round_trip(s);
	}
}

static void test_yaml_round_trip_of_numbers(void **state)
{
	(void)state;
	static const char *const numbers[] = {
		"0",
		"-1",
		"9223372036854775807",
		"-9223372036854775808",
		"9223372036854775808",
		"18446744073709551616",
		"1e300",
		"-1e-300",
		"0.1",
		"1.0",
		"123456789.5",
		"1e20",
		"1e21",
		"1e-7",
		"5e-324",
		"1.7976931348623157e308",
		"-0.0",
	};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		_cleanup_json_ json_t *v = json_parse(numbers[i], strlen(numbers[i]), 0, NULL);
		assert_round_trip(v);
	}
}

static void test_yaml_write_is_all_or_nothing(void **state)
{
	(void)state;
	static const char json[] = "{\"a\":[1,\"two\",{\"b\":\"c\\nd\"}]}",
					  whole[] = "a:\n- 1\n- two\n- b: |-\n    c\n    d\n";
	_cleanup_json_ json_t *v = json_parse(json, strlen(json), 0, NULL);
	for (size_t max = 1; max <= strlen(whole) + 1; max++) {
		_cleanup_buf_ struct buf out = BUF_INIT(max);
		buf_putc(&out, '>');
		bool fits = max == strlen(whole) + 1;
		assert_int_equal(yaml_write(v, &out), fits ? 0 : -1);
		assert_int_equal(out.failed, !fits);
		assert_string_equal(out.data + 1, fits ? whole : "");
	}
}

static void test_yaml_locate(void **state)
{
	(void)state;
	static const char text[] = "# comment\n"
							   "a: &x\n"
							   "  b: [1, {c: 2}]\n"
							   "  \"d/e\":\n"
							   "    f: |\n"
							   "      text\n"
							   "g: *x\n"
							   "h: {<<: *x, b: 3}\n"
							   "i:\n";
	static const struct {
		const char *pointer;
		int line, column; /* 0: not found */
	} cases[] = {
		{ "", 2, 1 },          { "/a", 2, 4 },        { "/a/b", 3, 6 },       { "/a/b/0", 3, 7 },
		{ "/a/b/1/c", 3, 14 }, { "/a/d~1e/f", 5, 8 }, { "/g", 7, 4 },         { "/g/b/1/c", 7, 4 },
		{ "/h/b", 8, 16 },     { "/h/d~1e", 8, 5 },   { "/h/missing", 0, 0 }, { "/g/missing", 0, 0 },
		{ "/a/b/2", 0, 0 },    { "/missing", 0, 0 },  { "a", 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int line = 0, column = 0;
		print_message("\"%s\"\n", cases[i].pointer);
		assert_int_equal(yaml_locate(text, strlen(text), cases[i].pointer, &line, &column), cases[i].line > 0);
		assert_int_equal(line, cases[i].line);
		assert_int_equal(column, cases[i].column);
	}
	int line, column;
	static const char json[] = "{\n  \"scripts\": {\n    \"start\": \"node .\"\n  }\n}\n";
	assert_true(yaml_locate(json, strlen(json), "/scripts/start", &line, &column));
	assert_int_equal(line, 3);
	assert_int_equal(column, 14);
}

static void test_yaml_core_schema(void **state)
{
	static const char text[] = "a: [yes, n, On, 0644, 0b1, 1_000, true, FALSE, 0x10, 0o17, 12, -3, ~, null]\nn: y\n";
	_cleanup_json_ json_t *v = yaml_parse_core(text, strlen(text), NULL, NULL);
	_cleanup_free_ char *json = json_to_str(v);

	(void)state;
	assert_string_equal(json, "{\"a\":[\"yes\",\"n\",\"On\",\"0644\",\"0b1\",\"1_000\",true,false,16,15,12,-3,null,"
	                          "null],\"n\":\"y\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_core_schema),
		cmocka_unit_test(test_yaml_scalars_are_kubernetes),
		cmocka_unit_test(test_yaml_structures),
		cmocka_unit_test(test_yaml_parse_like_go_tells_of_repeated_keys),
		cmocka_unit_test(test_yaml_parse_like_go_speaks_like_go),
		cmocka_unit_test(test_yaml_refuses_with_line_and_column),
		cmocka_unit_test(test_yaml_parse_all),
		cmocka_unit_test(test_yaml_limits_aliases),
		cmocka_unit_test(test_yaml_allows_repetition),
		cmocka_unit_test(test_yaml_limits_directives),
		cmocka_unit_test(test_yaml_limits_depth),
		cmocka_unit_test(test_yaml_aliases_share_nothing),
		cmocka_unit_test(test_yaml_write_looks_like_kubectl),
		cmocka_unit_test(test_yaml_write_quotes_like_kubectl),
		cmocka_unit_test(test_yaml_write_blocks_like_kubectl),
		cmocka_unit_test(test_yaml_write_folds_long_lines),
		cmocka_unit_test(test_yaml_write_numbers),
		cmocka_unit_test(test_yaml_write_keys),
		cmocka_unit_test(test_yaml_round_trip_is_exact),
		cmocka_unit_test(test_yaml_round_trip_of_numbers),
		cmocka_unit_test(test_yaml_write_is_all_or_nothing),
		cmocka_unit_test(test_yaml_locate),
	};
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
