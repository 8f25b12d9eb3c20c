#include "codec/xml.h"

#include "base/buf.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const char pom[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
						  "<!-- comment -->\n"
						  "<m:project xmlns:m=\"http://maven.apache.org/POM/4.0.0\" xsi:kind='a &amp; b'>\n"
						  "  <artifactId> shop </artifactId>\n"
						  "  <dependencies>\n"
						  "    <dependency><artifactId>one</artifactId><scope>test</scope></dependency>\n"
						  "    <other/>\n"
						  "    <dependency><artifactId>two</artifactId></dependency>\n"
						  "  </dependencies>\n"
						  "  <text>a<b>inner</b> b<![CDATA[ <c> ]]>&#233;&lt;</text>\n"
						  "</m:project>\n";

static void test_xml_tree(void **state)
{
	(void)state;
	_cleanup_(xml_freep) struct xml_node *root = xml_parse(pom, strlen(pom), "pom.xml", NULL);
	assert_non_null(root);
	assert_string_equal(root->name, "project");
	assert_int_equal(root->line, 3);
	assert_null(root->next);
	assert_string_equal(xml_attribute(root, "kind"), "a & b");
	assert_null(xml_attribute(root, "missing"));
	assert_string_equal(xml_child_text(root, "artifactId"), "shop");
	assert_null(xml_child_text(root, "scope"));

	const struct xml_node *dependencies = xml_child(root, "dependencies");
	assert_string_equal(dependencies->text, "");
	const struct xml_node *d = xml_child(dependencies, "dependency");
	assert_int_equal(d->line, 6);
	assert_string_equal(xml_child_text(d, "artifactId"), "one");
	assert_string_equal(xml_child_text(d, "scope"), "test");
	d = xml_next(d, "dependency");
	assert_int_equal(d->line, 8);
	assert_string_equal(xml_child_text(d, "artifactId"), "two");
	assert_null(xml_next(d, "dependency"));
	assert_null(xml_attribute(d, "x"));

	assert_string_equal(xml_child_text(root, "text"), "a b <c> é<");
	assert_null(xml_child(NULL, "x"));
	assert_null(xml_next(NULL, "x"));
	assert_null(xml_child_text(NULL, "x"));
	assert_null(xml_attribute(NULL, "x"));
}

static void test_xml_accepts_other_encodings_and_a_named_dtd(void **state)
{
	(void)state;
	static const char latin[] = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"
								"<!DOCTYPE web-app PUBLIC \"-//X//Y\" \"file:///etc/passwd\">\n<a>\xe9</a>";
	_cleanup_(xml_freep) struct xml_node *root = xml_parse(latin, strlen(latin), NULL, NULL);
	assert_string_equal(root->text, "é");
}

static void test_xml_refuses_with_line_and_column(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *message;
	} cases[] = {
		{ "", "in:1:1: no element found" },
		{ "<a>\n <b></a>", "in:2:7: mismatched tag" },
		{ "<a>", "in:1:4: no element found" },
		{ "<a/><b/>", "in:1:5: junk after document element" },
		{ "<a x='1' x='2'/>", "in:1:10: duplicate attribute" },
		{ "<a>&nbsp;</a>", "in:1:4: undefined entity" },
		{ "<a>\xff</a>", "in:1:4: not well-formed (invalid token)" },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
		  "in:1:13: a document type with declarations of its own is not supported" },
		{ "<!DOCTYPE a [<!ATTLIST a x CDATA \"y\">]><a/>",
		  "in:1:13: a document type with declarations of its own is not supported" },
		{ "<!DOCTYPE a SYSTEM \"a.dtd\"><a>&x;</a>", "in:1:31: the entity \"x\" is not known" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_null(xml_parse(cases[i].xml, strlen(cases[i].xml), "in", &err));
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
		assert_string_equal(err_message(&err), cases[i].message);
	}
}

static void test_xml_limits(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf deep = BUF_INIT(1000000), wide = BUF_INIT(10000000);
	_cleanup_err_ struct err err = { 0 };
	for (int i = 0; i < 201; i++)
		buf_puts(&deep, "<a>");
	assert_null(xml_parse(deep.data, deep.len, "in", &err));
	assert_string_equal(err_message(&err), "in:1:601: nested deeper than 200 levels");
	buf_consume(&deep, 3);
	for (int i = 0; i < 200; i++)
		buf_puts(&deep, "</a>");
	_cleanup_(xml_freep) struct xml_node *fits = xml_parse(deep.data, deep.len, "in", NULL);
	assert_non_null(fits);

	buf_puts(&wide, "<r>");
	for (int i = 0; i < 200000; i++)
		buf_puts(&wide, "<a/>");
	buf_puts(&wide, "</r>");
	err_clear(&err);
	assert_null(xml_parse(wide.data, wide.len, "in", &err));
	assert_non_null(strstr(err_message(&err), "more than 200000 elements"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml_tree),
		cmocka_unit_test(test_xml_accepts_other_encodings_and_a_named_dtd),
		cmocka_unit_test(test_xml_refuses_with_line_and_column),
		cmocka_unit_test(test_xml_limits),
	};
	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
