#include "stdlib/stdlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What an expression gives, as the program that has it alone shows it; or the message that it fails with. */
struct stdlib_case {
	const char *expression, *result;
};

static const char imports[] = "import base32\nimport base64\nimport collection\nimport crypto\nimport datetime\n"
							  "import file\nimport json\nimport math\nimport net\nimport regex\nimport runtime\n"
							  "import template\nimport units\nimport yaml\n";

static char *outcome(struct kcl_context *context, const char *expression, const struct kcl_limits *limits)
{
	_cleanup_free_ char *text = xasprintf("%sx = %s\n", imports, expression);
	struct kcl_source source = { .name = "main.k", .text = text, .len = strlen(text) };
	struct kcl_diagnostics d = { 0 };
	_cleanup_(kcl_program_unrefp) struct kcl_program *p = kcl_compile(
		&(struct kcl_compile_options){ .sources = &source, .sources_len = 1 }, &d);
	struct kcl_eval_options o = { .now_ns = INT64_C(1767225845000000000) };

	if (limits)
		o.limits = *limits;
	_cleanup_(kcl_result_freep) struct kcl_result *r = p ? kcl_evaluate(p, context, &o, &d) : NULL;
	struct buf out = BUF_INIT(1 << 20);
	struct err e = { 0 };

	if (r)
		assert_int_equal(kcl_result_yaml(r, &out, &e), 0);
	for (size_t i = 0; !r && i < d.len; i++)
		if (d.items[i].severity == KCL_ERROR)
			buf_puts(&out, d.items[i].message);
	kcl_diagnostics_clear(&d);
	return buf_steal(&out);
}

static void check(const struct stdlib_case *cases, size_t n)
{
	_cleanup_(kcl_context_freep) struct kcl_context *context = kcl_context_new();
	unsigned failures = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *got = outcome(context, cases[i].expression, NULL);
		_cleanup_free_ char *want = xasprintf("x:%s%s\n", cases[i].result[0] == '\n' ? "" : " ", cases[i].result);
		bool failure = cases[i].result[0] == '!';

		if (failure ? !strstr(got, cases[i].result + 1) : strcmp(got, want) != 0) {
			print_error("%s\n  gives %s\n  not   %s\n", cases[i].expression, got, failure ? cases[i].result + 1 : want);
			failures++;
		}
	}
	assert_int_equal(failures, 0);
}

static void test_stdlib_conversions(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "int('10Ki')", "10240" },
		{ "int('-3')", "-3" },
		{ "int('ff', 16)", "255" },
		{ "int('-0xff', 16)", "-255" },
		{ "int(3.9)", "3" },
		{ "int(True)", "1" },
		{ "int('x1')", "!invalid literal for int() with base 10: 'x1'" },
		{ "int(None)", "!int() argument must be a string or a number, not 'NoneType'" },
		{ "float('1.5e3')", "1500.0" },
		{ "float(' 1')", "!invalid literal for float() with base 10: ' 1'" },
		{ "float('inf')", "!inf: A 64-bit floating point number overflow" },
		{ "bool('')", "false" },
		{ "str([1, 'a', None])", "'[1, a, None]'" },
		{ "list('añ')", "\n- a\n- ñ" },
		{ "list({b = 1, a = 2})", "\n- b\n- a" },
		{ "dict([['k', 1]], z=2)", "\n  k: 1\n  z: 2" },
		{ "typeof(1Mi)", "number_multiplier(1Mi)" },
		{ "typeof(None)", "None" },
		{ "option('absent', default='d')", "d" },
		{ "option('absent', required=True)", "!option('absent') must be initialized, try '-D absent=?' argument" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_numbers(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "abs(-5)", "5" },
		{ "[hex(255), oct(-8), bin(5)]", "\n- '0xff'\n- '-0o10'\n- '0b101'" },
		{ "pow(2, 10)", "1024" },
		{ "pow(2, -1)", "0.5" },
		{ "pow(3, 200, 7)", "2" },
		{ "round(2.5)", "3" },
		{ "round(2.675, 2)", "2.68" },
		{ "round(1234.5, -2)", "1200.0" },
		{ "multiplyof(9, 3)", "true" },
		{ "ord('é')", "233" },
		{ "math.factorial(20)", "2432902008176640000" },
		{ "math.factorial(21)", "!factorial() result overflow" },
		{ "math.gcd(-12, 18)", "6" },
		{ "math.modf(-2.5)", "\n- -0.5\n- -2.0" },
		{ "math.log(100, 10.0)", "2" },
		{ "math.pow(3, 39)", "4052555153018976267" },
		{ "math.pow(3, 60)", "!A 64 bit integer overflow" },
		{ "units.to_Mi(1048576 * 3)", "'3Mi'" },
		{ "units.to_m(0.5)", "'500m'" },
		{ "units.Gi", "1073741824" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_sequences(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "sorted([3, 1, 2.5])", "\n- 1\n- 2.5\n- 3" },
		{ "sorted('bca', reverse=True)", "\n- c\n- b\n- a" },
		{ "sorted([1, 'a'])", "!cannot compare str and int" },
		{ "range(3)", "\n- 0\n- 1\n- 2" },
		{ "range(5, 0, -2)", "\n- 5\n- 3\n- 1" },
		{ "range(1, 2, 0)", "!range() step argument must not be zero" },
		{ "[max(1, 3, 2), min([4, 2]), max('héo')]", "\n- 3\n- 2\n- é" },
		{ "max([])", "!arg is an empty list" },
		{ "sum([1, 2.5], 10)", "13.5" },
		{ "zip([1, 2], 'ab')", "\n- - 1\n  - a\n- - 2\n  - b" },
		{ "isunique([1, 2, 1.0])", "false" },
		{ "isunique([{a = 1}, {a = 2}, [1], '1', 1])", "true" },
		{ "[all_true([]), any_true([0, 'x']), all_true([1, None])]", "\n- true\n- true\n- false" },
		{ "reduce(lambda a, b { a + b }, [1, 2, 3], 10)", "16" },
		{ "collection.union_all([{a = 1}, {b.c = 2}, {b.d = 3}])", "\n  a: 1\n  b:\n    c: 2\n    d: 3" },
		{ "len('né')", "3" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_strings(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "'hELLO wörld'.capitalize()", "Hello wörld" },
		{ "'straße'.upper()", "STRASSE" },
		{ "'ΟΔΟΣ'.lower()", "οδος" },
		{ "\"they're bill's\".title()", "They'Re Bill'S" },
		{ "'a,b,,c'.split(',', 2)", "\n- a\n- b\n- ',c'" },
		{ "'a,b,c'.rsplit(',', 1)", "\n- a,b\n- c" },
		{ "' a  b '.split()", "\n- a\n- b" },
		{ "'ab'.split('')", "\n- ''\n- a\n- b\n- ''" },
		{ "'a\\r\\nb\\n'.splitlines()", "\n- a\n- b" },
		{ "'xxaxx'.strip('x')", "a" },
		{ "'\u2003a '.strip()", "a" },
		{ "'aaa'.replace('a', 'b', 2)", "bba" },
		{ "'ab'.replace('', '-')", "'-a-b-'" },
		{ "'abcabc'.find('c', 3)", "5" },
		{ "'abcabc'.rfind('b')", "4" },
		{ "'abc'.index('z')", "!substring not found" },
		{ "'ababa'.count('aba')", "1" },
		{ "'file.k'.removesuffix('.k')", "file" },
		{ "'-'.join([1, 'a', None])", "'1-a-None'" },
		{ "'Abc1é'.isalnum()", "true" },
		{ "['ab'.isalpha(), 'a1'.isalpha(), ''.isalpha()]", "\n- true\n- false\n- false" },
		{ "['Ab Cd'.istitle(), 'AB'.isupper(), ' \\t'.isspace()]", "\n- true\n- true\n- true" },
		{ "'{} {1}'.format(1, 2)", "!cannot switch from automatic field numbering to manual field specification" },
		{ "'{0:>4}|{a[0].b:.1f}|{{}}'.format(7, a=[{b = 2.25}])", "'   7|2.2|{}'" },
		{ "'{'.format()", "!format error" },
		{ "'né'.chars()", "\n- 'n'\n- é" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_texts(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "regex.match('a1', '\\\\d')", "true" },
		{ "regex.findall('a1b22', '[0-9]+')", "\n- '1'\n- '22'" },
		{ "regex.findall('k=v;x=y', '(\\\\w)=(\\\\w)')", "\n- - k\n  - v\n- - x\n  - 'y'" },
		{ "regex.replace('2026-01', '(\\\\d+)-(?P<m>\\\\d+)', '$m/$1')", "'01/2026'" },
		{ "regex.split('a1b2c', '\\\\d')", "\n- a\n- b\n- c" },
		{ "regex.compile('(')", "false" },
		/* sets within classes */
		{ "regex.findall('abcde', '[a-z&&[^cd]]')", "\n- a\n- b\n- e" },
		{ "regex.findall('a1_', '[\\w--[0-9_]]')", "\n- a" },
		{ "regex.findall('a1_-', '[^\\w--_]')", "\n- _\n- '-'" },
		{ "regex.findall('abcd', '[a-c~~b-d]')", "\n- a\n- d" },
		{ "regex.findall('aXb9', '[a[X-Z]9]')", "\n- a\n- X\n- '9'" },
		{ "regex.findall('a]-[', '[]-]')", "\n- ']'\n- '-'" },
		{ "regex.findall('a&b', '[[:alpha:]&]')", "\n- a\n- '&'\n- b" },
		{ "regex.findall('x^', '[x&&x^]+')", "\n- x" },
		{ "regex.match('fF0', '^\\h+$')", "true" },
		{ "regex.match('\u00e9', r'^[\\u00e9\\u{ea}]$')", "true" },
		{ "regex.compile('[a&&[b]')", "false" },
		{ "regex.match('aaa', '^a{,3}$')", "true" },
		{ "regex.match('xx{3}', '^x{2}{3}$')", "true" },
		{ "regex.match('{a', '^{a$') and regex.match('a{2', 'a{2$')", "true" },
		{ "regex.match('éA', '^\\\\p{L}{2}$') and regex.match('J', '^\\\\x{4a}{1,2}$')", "true" },
		{ "regex.match('é', '^(?u)\\\\w(?iu:E|É)?$')", "true" },
		{ "regex.match('ab', '(?x) ^ a # }\\n b$')", "true" },
		{ "[p for p in ['a**', '(?:)*', '^+', '(?=a)*', '(?R)', '(*ACCEPT)', '\\\\R', '\\\\K', '\\\\Q', '(?|a)'] if "
		  "regex.compile(p)]",
		  "[]" },
		{ "regex.match('a', 'a**')", "!called `Result::unwrap()` on an `Err` value: TargetNotRepeatable" },
		{ "regex.match('a', '(a')", "!called `Result::unwrap()` on an `Err` value: UnclosedOpenParen" },
		{ "regex.match('a', 'a)')", "!called `Result::unwrap()` on an `Err` value: ParseError" },
		{ "regex.match('a', '[a')", "!called `Result::unwrap()` on an `Err` value: InvalidClass" },
		{ "regex.match('a', '\\\\q')", "!called `Result::unwrap()` on an `Err` value: InvalidEscape(\"\\\\q\")" },
		{ "regex.match('a', '(?iz)')", "!called `Result::unwrap()` on an `Err` value: UnknownFlag(\"(?iz\")" },
		{ "regex.match('a', '\\\\x{}')", "!called `Result::unwrap()` on an `Err` value: InvalidHex" },
		{ "regex.match('a', '(' * 64)", "!called `Result::unwrap()` on an `Err` value: RecursionExceeded" },
		{ "regex.match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '(a|aa|a+)+$')", "!matching the regular expression" },
		{ "base64.encode('né')", "bsOp" },
		{ "base64.decode('bsOp')", "né" },
		{ "base64.decode('/w==')", "!holds no text" },
		{ "base32.encode('foobar')", "MZXW6YTBOI======" },
		{ "base32.decode('MZXW6YTBOI======')", "foobar" },
		{ "crypto.md5('')", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "crypto.sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "crypto.sha224('abc')", "'23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7'" },
		{ "crypto.blake3('')", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" },
		{ "crypto.blake3('abc')", "'6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85'" },
		{ "crypto.md5('a', 'koi8-r')", "!unknown encoding koi8-r" },
		{ "len(crypto.uuid())", "36" },
		{ "file.read('x')", "!this evaluation may touch no files" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_documents(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "json.encode({b = [1, None], a = '\"', _p = 1}, sort_keys=True, ignore_none=True)",
		  "'{\"_p\": 1, \"a\": \"\\\"\", \"b\": [1]}'" },
		{ "json.decode('{\"a\": [1, 2.0, null]}')", "\n  a:\n  - 1\n  - 2.0\n  - null" },
		{ "json.validate('{')", "false" },
		{ "json.merge({a = 1, b = {c = 1, d = 2}}, {a = None, b = {c = 3}})", "\n  b:\n    c: 3\n    d: 2" },
		{ "yaml.encode({a = ['x']})", "|\n  a:\n  - x" },
		{ "yaml.decode('a: yes\\nb: 0644\\nc: 0x1f\\nd: 1.0\\ne: ~\\n1: [true, .inf]')",
		  "\n  a: 'yes'\n  b: '0644'\n  c: 31\n  d: 1.0\n  e: null\n  '1':\n  - true\n  - null" },
		{ "yaml.decode('a: &x [1]\\nb: *x')", "\n  a:\n  - 1\n  b:\n  - 1" },
		{ "yaml.decode('a: *x')", "!unknown anchor" },
		{ "yaml.decode_all('a: &x 1\\n---\\nb: *x')", "!unknown anchor" },
		{ "yaml.decode('a: [')", "!did not find expected node content at line 2 column 1, while parsing a flow node" },
		{ "yaml.decode('k: \\'x')",
		  "!found unexpected end of stream at line 1 column 6, while scanning a quoted scalar at line 1 column 4" },
		{ "yaml.decode('*x')", "!unknown anchor" },
		{ "json.decode('{')", "!EOF while parsing an object at line 1 column 1" },
		{ "json.decode('')", "!EOF while parsing a value at line 1 column 0" },
		{ "json.decode('[1, 2')", "!EOF while parsing a list at line 1 column 5" },
		{ "json.decode('[1 2]')", "!expected `,` or `]` at line 1 column 4" },
		{ "json.decode('[1,]')", "!trailing comma at line 1 column 4" },
		{ "json.decode('{\"a\": 1,}')", "!trailing comma at line 1 column 9" },
		{ "json.decode('{\"a\" 1}')", "!expected `:` at line 1 column 6" },
		{ "json.decode('{\"a\": 1 \"b\"}')", "!expected `,` or `}` at line 1 column 9" },
		{ "json.decode('{a: 1}')", "!key must be a string at line 1 column 2" },
		{ "json.decode('{\"a\":\\n  nul}')", "!expected ident at line 2 column 6" },
		{ "json.decode('x')", "!expected value at line 1 column 1" },
		{ "json.decode('1 2')", "!trailing characters at line 1 column 3" },
		{ "json.decode('01')", "!invalid number at line 1 column 2" },
		{ "json.decode('-')", "!EOF while parsing a value at line 1 column 1" },
		{ "json.decode('1.x')", "!invalid number at line 1 column 3" },
		{ "json.decode('\"abc')", "!EOF while parsing a string at line 1 column 4" },
		{ "json.decode('\"a\\\\q\"')", "!invalid escape at line 1 column 4" },
		{ "json.decode('\"\\\\ud800\"')", "!unexpected end of hex escape at line 1 column 8" },
		{ "json.decode('\"a\\tb\"')",
		  "!control character (\\u0000-\\u001F) found while parsing a string at line 1 column 3" },
		{ "json.decode('[' * 200)", "!recursion limit exceeded at line 1 column 128" },
		{ "json.validate('[' * 127 + ']' * 127)", "true" },
		{ "json.validate('[' * 128 + ']' * 128)", "false" },
		{ "yaml.decode_all('a: 1\\n---\\nb: 2')", "\n- a: 1\n- b: 2" },
		{ "yaml.validate('a: b: c')", "false" },
		{ "template.execute('{{#each xs}}{{@index}}={{this}};{{else}}none{{/each}}', {xs = ['<a>', 2]})",
		  "'0=&lt;a&gt;;1=2;'" },
		{ "template.execute('{{#if a.b}}y{{else if c}}{{{c}}}{{/if}}{{! note }}', {c = '<'})", "<" },
		{ "template.execute('a\\n  {{#if on}}\\n  b\\n  {{/if}}\\nc', {on = True})", "|-\n  a\n    b\n  c" },
		{ "template.execute('{{#with a}}{{b}}{{../c}}{{/with}} {{~ len xs}}', {a.b = 1, c = 2, xs = [1]})", "'121'" },
		{ "template.execute('{{#if a}}')", "!is not closed" },
		{ "template.html_escape('<a href=\"x\">')", "'&lt;a href&#x3D;&quot;x&quot;&gt;'" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void test_stdlib_dates_and_networks(void **state)
{
	static const struct stdlib_case cases[] = {
		{ "datetime.date()", "'2026-01-01 00:04:05'" },
		{ "datetime.now('%d/%m/%y')", "'01/01/26'" },
		{ "datetime.ticks()", "1767225845.0" },
		{ "datetime.validate('2024-02-29', '%Y-%m-%d')", "true" },
		{ "datetime.validate('2023-02-29', '%Y-%m-%d')", "false" },
		{ "datetime.validate('12:61', '%H:%M')", "false" },
		{ "datetime.validate('3 Mar 2026 07:05 PM', '%e %b %Y %I:%M %p')", "true" },
		{ "datetime.is_rfc3339('2026-01-02T03:04:05Z')", "true" },
		{ "[datetime.is_iso8601('P1DT2H'), datetime.is_iso8601('PT')]", "\n- true\n- false" },
		{ "net.CIDR_host('10.0.0.0/8', -2)", "'10.255.255.254'" },
		{ "net.CIDR_subnet('10.0.0.0/8', 8, 3)", "'10.3.0.0/16'" },
		{ "net.CIDR_subnets('10.1.0.0/16', [4, 4, 8, 4])",
		  "\n- '10.1.0.0/20'\n- '10.1.16.0/20'\n- '10.1.32.0/24'\n- '10.1.48.0/20'" },
		{ "net.CIDR_netmask('172.16.0.0/12')", "'255.240.0.0'" },
		{ "net.CIDR_netmask('172.16.0.1/12')", "!invalid cidr: host part of address was not zero" },
		{ "net.parse_CIDR('fd00::/8')", "\n  ip: 'fd00::'\n  mask: 8" },
		{ "net.is_IP_in_CIDR('10.9.8.7', '10.0.0.0/8')", "true" },
		{ "net.split_host_port('[::1]:80')", "\n- ::1\n- '80'" },
		{ "net.split_host_port('a:b:1')", "!too many colons" },
		{ "net.join_host_port('::1', 80)", "'[::1]:80'" },
		{ "[net.to_IP6('1.2.3.4'), net.IP_string('1:0:0:2::3'), net.IP_string('01.2.3.4')]",
		  "\n- ::ffff:1.2.3.4\n- '1:0:0:2::3'\n- ''" },
		{ "[net.is_global_unicast_IP('8.8.8.8'), net.is_global_unicast_IP('10.0.0.1')]", "\n- true\n- false" },
		{ "[net.is_loopback_IP('::1'), net.is_multicast_IP('224.0.0.1')]", "\n- true\n- true" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* However much is asked for, the limits end it. */
static void test_stdlib_is_bounded(void **state)
{
	static const char *const expressions[] = {
		"range(1000000000000)",
		"'a' * 10000000000",
		"[1] * 1000000000",
		"'{:999999999}'.format(1)",
		"'x'.replace('x', 'y' * 100000000)",
		"sorted(range(100000000))",
		"json.encode([[i] for i in range(100000000)], indent=1000)",
	};
	const struct kcl_limits limits = { .memory = 64 << 20, .steps = 50000000 };
	_cleanup_(kcl_context_freep) struct kcl_context *context = kcl_context_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
		_cleanup_free_ char *got = outcome(context, expressions[i], &limits);

		if (!strstr(got, "out of memory") && !strstr(got, "too many steps"))
			fail_msg("%s\n  gives %.100s", expressions[i], got);
	}
}

static void test_stdlib_rows(void **state)
{
	(void)state;
	assert_non_null(kcl_builtin("len"));
	assert_null(kcl_builtin("nothing"));
	assert_true(kcl_is_system_module("json"));
	assert_false(kcl_is_system_module("os"));
	for (const struct kcl_builtin *row = kcl_builtins(); row->name; row++)
		assert_true(row->call && row->type[0] == '(' && row->doc);
	assert_non_null(kcl_module_member("units", "Ki")->constant);
	assert_null(kcl_module_member("units", "Zi"));
	assert_null(kcl_module_member("nothing", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stdlib_conversions),
		cmocka_unit_test(test_stdlib_numbers),
		cmocka_unit_test(test_stdlib_sequences),
		cmocka_unit_test(test_stdlib_strings),
		cmocka_unit_test(test_stdlib_texts),
		cmocka_unit_test(test_stdlib_documents),
		cmocka_unit_test(test_stdlib_dates_and_networks),
		cmocka_unit_test(test_stdlib_is_bounded),
		cmocka_unit_test(test_stdlib_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
