#include "codec/jsonpath.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* The example of kubernetes.io/docs/reference/kubectl/jsonpath, with a few more fields. */
static const char nodes[] =
	"{\"kind\":\"List\",\"items\":["
	"{\"kind\":\"None\",\"metadata\":{\"name\":\"127.0.0.1\",\"labels\":{\"kubernetes.io/hostname\":\"127.0.0.1\"}},"
	"\"status\":{\"capacity\":{\"cpu\":\"4\"},\"addresses\":[{\"type\":\"LegacyHostIP\",\"address\":\"127.0.0.1\"}]}},"
	"{\"kind\":\"None\",\"metadata\":{\"name\":\"127.0.0.2\"},\"status\":{\"capacity\":{\"cpu\":\"8\"},\"addresses\":["
	"{\"type\":\"LegacyHostIP\",\"address\":\"127.0.0.2\"},{\"type\":\"another\",\"address\":\"127.0.0.3\"}]}}],"
	"\"users\":[{\"name\":\"myself\",\"user\":{},\"age\":30,\"admin\":true},"
	"{\"name\":\"e2e\",\"user\":{\"username\":\"admin\",\"password\":\"secret\"},\"age\":40.5,\"admin\":false}],"
	"\"n\":[0,1,2,3,4,5],\"empty\":[],\"nothing\":null,\"real\":0.25,\"a b\":\"space\"}";

static json_t *document(void)
{
	return json_parse(nodes, strlen(nodes), 0, NULL);
}

static void assert_prints(const json_t *doc, const char *template, const char *expected)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(100000);
	struct jsonpath *p = jsonpath_parse(template, &err);
	if (!p || jsonpath_print(p, doc, &out, &err) < 0)
		fail_msg("%s: %s", template, err_message(&err));
	print_message("%s\n", template);
	assert_string_equal(buf_str(&out), expected);
	jsonpath_free(p);
}

static void test_jsonpath_prints_what_kubectl_prints(void **state)
{
	(void)state;
	static const struct {
		const char *template, *text;
	} cases[] = {
		/* from the documentation */
		{ "{.kind}", "List" },
		{ "{['kind']}", "List" },
		{ "{@.kind}", "List" },
		{ "{$.kind}", "List" },
		{ "{..name}", "127.0.0.1 127.0.0.2 myself e2e" },
		{ "{.items[*].metadata.name}", "127.0.0.1 127.0.0.2" },
		{ "{.users[0].name}", "myself" },
		{ "{.users[-1].name}", "e2e" },
		{ "{.users[-1:].name}", "e2e" },
		{ "{.items[*]['metadata.name', 'status.capacity']}", "127.0.0.1 127.0.0.2 {\"cpu\":\"4\"} {\"cpu\":\"8\"}" },
		{ "{.users[?(@.name==\"e2e\")].user.password}", "secret" },
		{ "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
		  "[127.0.0.1, {\"cpu\":\"4\"}] [127.0.0.2, {\"cpu\":\"8\"}] " },
		{ "{range .items[*]}{.metadata.name}{'\\t'}{end}", "127.0.0.1\t127.0.0.2\t" },
		{ "{.items[*].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1" },
		{ "{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "127.0.0.1" },
		/* templates */
		{ "", "" },
		{ "kind is {.kind}!{\"\\n\"}", "kind is List!\n" },
		{ "{\"it's\"}", "it's" },
		{ "{'a\\x41\\u00e9\\'\\\\'}", "aAé'\\" },
		{ "{.kind}{.kind}", "ListList" },
		{ "{range .users[*]}{range .x}{end}{.name};{end}end", "myself;e2e;end" },
		{ "{range .users[*]}{.name}{range @.user}<{.username}>{end},{end}", "myself<>,e2e<admin>," },
		{ "{range .users[*]}{.name},", "myself,e2e," },
		{ "{range .missing[*]}x{end}y", "y" },
		/* relaxed */
		{ ".kind", "List" },
		{ "kind", "List" },
		{ "users[0].name", "myself" },
		{ "[\"kind\"]", "List" },
		/* steps */
		{ "{.n[1:3]}", "1 2" },
		{ "{.n[:2]}", "0 1" },
		{ "{.n[4:]}", "4 5" },
		{ "{.n[::2]}", "0 2 4" },
		{ "{.n[1:6:3]}", "1 4" },
		{ "{.n[-2:]}", "4 5" },
		{ "{.n[:-4]}", "0 1" },
		{ "{.n[0,-1]}", "0 5" },
		{ "{.n[ 2 ]}", "2" },
		{ "{.n}", "[0,1,2,3,4,5]" },
		{ "{.empty[*]}", "" },
		{ "{.empty[0:0]}", "" },
		{ "{.users[1].user.*}", "admin secret" },
		{ "{.users[0].user}", "{}" },
		{ "{.users[*].age}", "30 40.5" },
		{ "{.users[*].admin}", "true false" },
		{ "{..cpu}", "4 8" },
		{ "{..addresses[0].address}", "127.0.0.1 127.0.0.2" },
		{ "{['a b']}", "space" },
		{ "{.users[1]['user.*']}", "admin secret" },
		{ "{.real}", "0.25" },
		{ "{.nothing}", "null" },
		{ "{.nothing.x}", "" },
		{ "{.missing.x.y}", "" },
		{ "{.kind.x}", "" },
		{ "{[\"kind\",'real']}", "List 0.25" },
		/* filters */
		{ "{.items[*].status.addresses[?(@.type==\"another\")].address}", "127.0.0.3" },
		{ "{.users[?(@.age>30)].name}", "e2e" },
		{ "{.users[?(@.age>=30)].name}", "myself e2e" },
		{ "{.users[?(@.age<40.5)].name}", "myself" },
		{ "{.users[?(@.age<=30)].name}", "myself" },
		{ "{.users[?(@.age==30.0)].name}", "myself" },
		{ "{.users[?(@.name!='e2e')].name}", "myself" },
		{ "{.users[?(@.name<\"f\")].name}", "e2e" },
		{ "{.users[?(@.admin==true)].name}", "myself" },
		{ "{.users[?(@.user.password)].name}", "e2e" },
		{ "{.users[?(@.user.username==@.user.username)].name}", "e2e" },
		{ "{.users[?(@.name==\"a)]b\")].name}", "" },
		{ "{.users[?( @.name == \"e2e\" )].name}", "e2e" },
		{ "{.users[?(@.name>3)].name}", "" },
		{ "{.items[?(@.status.addresses[?(@.type==\"another\")])].metadata.name}", "127.0.0.2" },
		{ "{.n[?(@>3)]}", "4 5" },
		{ "{.empty[?(@.x)]}", "" },
	};
	_cleanup_json_ json_t *doc = document();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_prints(doc, cases[i].template, cases[i].text);
}

static void test_jsonpath_parse_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *template, *message;
	} cases[] = {
		{ "{.a", "JSONPath, column 1: a brace does not close" },
		{ "x{.a[1}", "JSONPath, column 5: a bracket does not close" },
		{ "{foo}", "JSONPath, column 5: \"foo\" is no keyword (a field begins with a dot)" },
		{ "{end}", "JSONPath, column 1: {end} without {range}" },
		{ "{.a[x]}", "JSONPath, column 4: \"x\" is no array index" },
		{ "{.a[]}", "JSONPath, column 4: an array index is missing" },
		{ "{.a[1:2:3:4]}", "JSONPath, column 4: a slice has at most three parts" },
		{ "{.a[::0]}", "JSONPath, column 4: the step of a slice must be positive" },
		{ "{.a[::-1]}", "JSONPath, column 4: the step of a slice must be positive" },
		{ "{.a[99999999999]}", "JSONPath, column 4: \"99999999999\" is no array index" },
		{ "{.a[?(@.b=1)]}", "JSONPath, column 4: \"=\" is no operator: use ==, !=, <, <=, > or >=" },
		{ "{.a[?(@.b==)]}", "JSONPath, column 4: the right side of the filter is missing" },
		{ "{.a[?(==1)]}", "JSONPath, column 4: the left side of the filter is missing" },
		{ "{.a[?(@.b]}", "JSONPath, column 4: a filter ends with )]" },
		{ "{\"abc}", "JSONPath, column 1: a brace does not close" },
		{ "{.a[?(@.b=='c)]}", "JSONPath, column 1: a brace does not close" },
		{ "{'\\q'}", "JSONPath, column 4: no such escape in a string" },
		{ "{'\\u0000'}", "JSONPath, column 4: the escape stands for no character" },
		{ "{1.2.3}", "JSONPath, column 7: \"1.2.3\" is no number" },
		{ "{....a}", "JSONPath, column 6: \"..\" must not follow itself" },
		{ "{#}", "JSONPath, column 2: '#' is not expected" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_null(jsonpath_parse(cases[i].template, &err));
		assert_string_equal(err_message(&err), cases[i].message);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
}

static void test_jsonpath_print_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *template, *message;
	} cases[] = {
		{ "{.n[6]}", "JSONPath: array index out of bounds: index 6, length 6" },
		{ "{.n[-7]}", "JSONPath: array index out of bounds: index -1, length 6" },
		{ "{.n[0:7]}", "JSONPath: array index out of bounds: index 6, length 6" },
		{ "{.n[3:1]}", "JSONPath: starting index 3 is greater than ending index 1" },
		{ "{.kind[0]}", "JSONPath: an index is applied to a value that is no array" },
		{ "{.kind[?(@.x)]}", "JSONPath: a filter is applied to a value that is no array" },
		{ "{.items[?(@..address==\"x\")]}", "JSONPath: a filter can only compare one element at a time" },
	};
	_cleanup_json_ json_t *doc = document();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_buf_ struct buf out = BUF_INIT(1000);
		struct jsonpath *p = jsonpath_parse(cases[i].template, NULL);
		assert_non_null(p);
		assert_int_equal(jsonpath_print(p, doc, &out, &err), -1);
		assert_string_equal(err_message(&err), cases[i].message);
		jsonpath_free(p);
	}
}

static void test_jsonpath_is_bounded(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = document();
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(100), deep = BUF_INIT(100000);

	struct jsonpath *p = jsonpath_parse("{.users}{.items}", NULL);
	assert_int_equal(jsonpath_print(p, doc, &out, &err), -1);
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	jsonpath_free(p);

	/* Every step multiplies what is selected. */
	buf_puts(&deep, "{.n");
	for (int i = 0; i < 12; i++)
		buf_puts(&deep, "['', '', '', '']");
	buf_puts(&deep, "}");
	err_clear(&err);
	p = jsonpath_parse(deep.data, &err);
	assert_string_equal(err_message(&err), "");
	assert_null(jsonpath_select(p, doc, &err));
	assert_string_equal(err_message(&err), "JSONPath: it visits more than 1000000 values");
	jsonpath_free(p);

	buf_reset(&deep);
	buf_puts(&deep, "{.n");
	for (int i = 0; i < 17; i++)
		buf_puts(&deep, "[?(@.a");
	for (int i = 0; i < 17; i++)
		buf_puts(&deep, ")]");
	buf_puts(&deep, "}");
	err_clear(&err);
	assert_null(jsonpath_parse(deep.data, &err));
	assert_non_null(strstr(err_message(&err), "nested deeper than 16 levels"));

	buf_reset(&deep);
	for (int i = 0; i < 17; i++)
		buf_puts(&deep, "{range .n[*]}");
	err_clear(&err);
	assert_null(jsonpath_parse(deep.data, &err));
	assert_non_null(strstr(err_message(&err), "more than 16 ranges in each other"));

	buf_reset(&deep);
	for (int i = 0; i < 7000; i++)
		buf_puts(&deep, "0123456789");
	err_clear(&err);
	assert_null(jsonpath_parse(deep.data, &err));
	assert_non_null(strstr(err_message(&err), "longer than 65536 bytes"));
}

static void test_jsonpath_select(void **state)
{
	(void)state;
	static const struct {
		const char *template, *json;
	} cases[] = {
		{ "{.users[*].age}", "[30,40.5]" },
		{ "text {.n[0:2]} {.kind}", "[0,1]" },
		{ ".missing", "[]" },
		{ "{range .n[0:1]}{.x}{end}", "[0]" },
		{ "text", "[]" },
		{ "", "[]" },
	};
	_cleanup_json_ json_t *doc = document();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jsonpath *p = jsonpath_parse(cases[i].template, NULL);
		_cleanup_json_ json_t *v = jsonpath_select(p, doc, NULL);
		_cleanup_free_ char *json = json_to_str(v);
		assert_string_equal(json, cases[i].json);
		jsonpath_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jsonpath_prints_what_kubectl_prints),
		cmocka_unit_test(test_jsonpath_parse_refuses),
		cmocka_unit_test(test_jsonpath_print_refuses),
		cmocka_unit_test(test_jsonpath_is_bounded),
		cmocka_unit_test(test_jsonpath_select),
	};
	return cmocka_run_group_tests_name("jsonpath", tests, NULL, NULL);
}
