#include "kube/object.h"

#include "base/clock.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
	struct err e = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &e);
	if (!v)
		fail_msg("%s: %s", text, err_message(&e));
	return v;
}

static void test_object_api_version(void **state)
{
	(void)state;
	_cleanup_free_ char *core = kube_type_api_version(&KUBE_SECRET), *group = kube_type_api_version(&SCIA_DEPLOYMENT);
	assert_string_equal(core, "v1");
	assert_string_equal(group, "scia.io/v1alpha1");
}

static void test_object_key_round_trip(void **state)
{
	(void)state;
	static const struct {
		const char *text, *ns, *name, *why;
	} cases[] = {
		{ "team-a/shop", "team-a", "shop", "namespaced" },
		{ "node-1", "", "node-1", "cluster-scoped" },
		{ "", NULL, NULL, "empty" },
		{ "a/", NULL, NULL, "no name" },
		{ "/b", NULL, NULL, "no namespace before the slash" },
		{ "a/b/c", NULL, NULL, "two slashes" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_key key = { 0 };
		bool ok = kube_key_parse(cases[i].text, &key);
		if (ok != (cases[i].name != NULL))
			fail_msg("%s: '%s'", cases[i].why, cases[i].text);
		if (!ok)
			continue;
		assert_string_equal(key.ns, cases[i].ns);
		assert_string_equal(key.name, cases[i].name);
		_cleanup_free_ char *back = kube_key_str(key.ns, key.name);
		assert_string_equal(back, cases[i].text);
		kube_key_clear(&key);
	}
}

#define ODD_OBJECT                                                                          \
	"{\"metadata\":{\"name\":1,\"labels\":[],\"ownerReferences\":{},\"finalizers\":\"x\"}," \
	"\"status\":{\"conditions\":7}}"

static void test_object_accessors_accept_anything(void **state)
{
	(void)state;
	static const char *const texts[] = { "null",    "[]", "\"x\"", "{}", "{\"metadata\":null}", "{\"metadata\":[]}",
		                                 ODD_OBJECT };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ json_t *obj = parse(texts[i]);
		assert_string_equal(kube_name(obj), "");
		assert_string_equal(kube_uid(obj), "");
		assert_int_equal(kube_generation(obj), 0);
		assert_false(kube_is_deleting(obj));
		assert_null(kube_label(obj, "a"));
		assert_null(kube_controller_of(obj));
		assert_false(kube_has_finalizer(obj, "x"));
		assert_false(kube_remove_finalizer(obj, "x"));
		assert_null(kube_condition(obj, "Ready"));
	}
	assert_string_equal(kube_name(NULL), "");
}

static void test_object_labels_and_annotations(void **state)
{
	(void)state;
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", "b");
	kube_set_annotation(obj, "x", NULL);
	assert_null(json_object_get(kube_meta(obj), "annotations"));
	kube_set_annotation(obj, "x", "1");
	kube_set_label(obj, "l", "2");
	assert_string_equal(kube_annotation(obj, "x"), "1");
	assert_string_equal(kube_label(obj, "l"), "2");
	kube_set_annotation(obj, "x", NULL);
	assert_null(kube_annotation(obj, "x"));
	_cleanup_free_ char *text = json_to_str(obj);
	assert_string_equal(text,
	                    "{\"apiVersion\":\"scia.io/v1alpha1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"b\","
	                    "\"namespace\":\"a\",\"annotations\":{},\"labels\":{\"l\":\"2\"}}}");
}

static void test_object_finalizers(void **state)
{
	(void)state;
	_cleanup_json_ json_t *obj = parse("{}");
	assert_true(kube_add_finalizer(obj, "a/b"));
	assert_false(kube_add_finalizer(obj, "a/b"));
	assert_true(kube_add_finalizer(obj, "c/d"));
	assert_true(kube_remove_finalizer(obj, "a/b"));
	assert_false(kube_has_finalizer(obj, "a/b"));
	assert_true(kube_has_finalizer(obj, "c/d"));
}

static void test_object_controller_is_only_one(void **state)
{
	(void)state;
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_INFRASTRUCTURE, "a", "b");
	_cleanup_json_ json_t *first = parse(
		"{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"x\",\"uid\":\"1\"}}");
	_cleanup_json_ json_t *second = parse(
		"{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"y\",\"uid\":\"2\"}}");
	kube_set_controller(obj, first);
	kube_set_controller(obj, first);
	assert_int_equal(json_array_size(json_object_get(kube_meta(obj), "ownerReferences")), 1);
	assert_true(kube_is_controlled_by(obj, first));
	kube_set_controller(obj, second);
	assert_int_equal(json_array_size(json_object_get(kube_meta(obj), "ownerReferences")), 2);
	assert_false(kube_is_controlled_by(obj, first));
	assert_true(kube_is_controlled_by(obj, second));
	assert_string_equal(json_get_str(kube_controller_of(obj), "name"), "y");
	_cleanup_json_ json_t *nobody = parse("{\"metadata\":{\"name\":\"y\"}}");
	assert_false(kube_is_controlled_by(obj, nobody));
}

static void test_object_condition_time_changes_with_status_only(void **state)
{
	(void)state;
	_cleanup_json_ json_t *obj = parse("{\"status\":{}}");
	json_t *status = kube_status(obj);
	assert_true(kube_set_condition(status, "Ready", "False", "Starting", "wait", 1, 1000 * NS_PER_S));
	assert_string_equal(json_get_str(kube_condition(obj, "Ready"), "lastTransitionTime"), "1970-01-01T00:16:40Z");
	assert_false(kube_set_condition(status, "Ready", "False", "Starting", "wait", 1, 2000 * NS_PER_S));
	assert_true(kube_set_condition(status, "Ready", "False", "Starting", "wait longer", 1, 2000 * NS_PER_S));
	assert_true(kube_set_condition(status, "Ready", "False", "Starting", "wait longer", 2, 2000 * NS_PER_S));
	assert_string_equal(json_get_str(kube_condition(obj, "Ready"), "lastTransitionTime"), "1970-01-01T00:16:40Z");
	assert_true(kube_set_condition(status, "Ready", "True", "Up", "", 2, 3000 * NS_PER_S));
	assert_string_equal(json_get_str(kube_condition(obj, "Ready"), "lastTransitionTime"), "1970-01-01T00:50:00Z");
	assert_true(kube_condition_is(obj, "Ready", "True"));
	assert_false(kube_condition_is(obj, "Healthy", "True"));
	assert_int_equal(json_array_size(json_object_get(status, "conditions")), 1);
}

static void test_object_condition_message_is_cut_between_characters(void **state)
{
	(void)state;
	_cleanup_json_ json_t *status = json_object();
	_cleanup_free_ char *message = xmalloc(40001);
	for (size_t i = 0; i < 40000; i += 2)
		memcpy(message + i, "\xc3\xa4", 2);
	message[0] = 'x'; /* so that the limit falls into a character */
	message[1] = 'a';
	memmove(message + 1, message + 2, 39998);
	message[39999] = '\0';
	kube_set_condition(status, "Ready", "False", "X", message, 0, 0);
	const char *kept = json_get_str(json_array_get(json_object_get(status, "conditions"), 0), "message");
	assert_int_equal(strlen(kept), 32767);
	assert_int_equal((unsigned char)kept[32766], 0xa4);
}

static void test_object_names(void **state)
{
	(void)state;
	char label63[64], label64[65], sub254[255];
	memset(label63, 'a', 63);
	label63[63] = '\0';
	memset(label64, 'a', 64);
	label64[64] = '\0';
	memset(sub254, 'a', 254);
	sub254[254] = '\0';
	assert_true(kube_is_dns_label("a-1"));
	assert_true(kube_is_dns_label(label63));
	static const char *const bad_labels[] = { "", "-a", "a-", "A", "a.b", "a_b", "ä" };
	for (size_t i = 0; i < ARRAY_SIZE(bad_labels); i++)
		assert_false(kube_is_dns_label(bad_labels[i]));
	assert_false(kube_is_dns_label(label64));
	assert_true(kube_is_dns_subdomain("a.b-c.1"));
	static const char *const bad_subdomains[] = { "", ".", "a.", ".a", "a..b", "a.-b", "A.b" };
	for (size_t i = 0; i < ARRAY_SIZE(bad_subdomains); i++)
		assert_false(kube_is_dns_subdomain(bad_subdomains[i]));
	assert_false(kube_is_dns_subdomain(sub254));
	assert_true(kube_is_qualified_name("scia.io/Tenant_1.x"));
	assert_true(kube_is_qualified_name("app"));
	static const char *const bad_qualified[] = { "", "/a", "a/", "a/b/c", "UPPER/a", "a/-b", "a b" };
	for (size_t i = 0; i < ARRAY_SIZE(bad_qualified); i++)
		assert_false(kube_is_qualified_name(bad_qualified[i]));
	assert_true(kube_is_label_value(""));
	assert_true(kube_is_label_value("A_b-c.1"));
	assert_false(kube_is_label_value("a "));
	assert_false(kube_is_label_value("_a"));
	assert_false(kube_is_label_value(label64));
}

static void test_object_error_crosses_as_status(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	err_set(&e, ERR_INVALID, "spec is wrong");
	err_add_cause(&e, "FieldValueRequired", "spec.repository", "%s", "Required value");
	_cleanup_json_ json_t *status = kube_status_from_err(&e, "scia.io", "Deployment", "shop");
	assert_int_equal(json_get_int(status, "code", 0), 422);
	assert_string_equal(json_get_str(status, "reason"), "Invalid");
	assert_string_equal(json_str_at(status, "details", "name", NULL), "shop");
	_cleanup_free_ char *text = json_to_str(status);
	_cleanup_err_ struct err back = { 0 };
	assert_int_equal(kube_err_from_status(&back, 422, text, strlen(text)), -1);
	assert_int_equal(back.kind, ERR_INVALID);
	assert_string_equal(err_message(&back), "spec is wrong");
	assert_int_equal(back.causes_len, 1);
	assert_string_equal(back.causes[0].field, "spec.repository");
	assert_string_equal(back.causes[0].reason, "FieldValueRequired");
}

static void test_object_error_of_others_servers(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		enum err_kind kind;
		const char *message, *why;
	} cases[] = {
		{ 409,
		  "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"AlreadyExists\",\"message\":\"there\",\"code\":"
		  "409}",
		  ERR_ALREADY_EXISTS, "there", "reason tells 409s apart" },
		{ 409,
		  "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Conflict\",\"message\":\"moved\",\"code\":409}",
		  ERR_CONFLICT, "moved", "reason tells 409s apart" },
		{ 410, "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\",\"message\":\"old\",\"code\":410}",
		  ERR_EXPIRED, "old", "expired" },
		{ 502, "<html>\n<b>Bad\x01 Gateway</b></html>", ERR_UNAVAILABLE, NULL, "a proxy's page" },
		{ 404, "404 page not found\n", ERR_NOT_FOUND, "the server answered with HTTP status 404: 404 page not found",
		  "plain text" },
		{ 500, "", ERR_INTERNAL, "the server answered with HTTP status 500 and no explanation", "nothing" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		kube_err_from_status(&e, cases[i].status, cases[i].body, strlen(cases[i].body));
		if (cases[i].status == 502 ? e.kind == ERR_NONE : e.kind != cases[i].kind)
			fail_msg("%s: kind %d", cases[i].why, e.kind);
		if (cases[i].message)
			assert_string_equal(err_message(&e), cases[i].message);
		assert_null(strchr(err_message(&e), '\n'));
	}
}

static void test_object_secret_text(void **state)
{
	(void)state;
	_cleanup_json_ json_t *secret = json_pack("{s:{s:s, s:s, s:s, s:s}}", "data", "text", "aGVsbG8=", "empty", "",
	                                          "binary", "YQBi", "broken", "***");
	_cleanup_free_ char *text = kube_secret_text(secret, "text"), *empty = kube_secret_text(secret, "empty");
	assert_string_equal(text, "hello");
	assert_string_equal(empty, "");
	assert_null(kube_secret_text(secret, "binary")); /* a NUL: no text */
	assert_null(kube_secret_text(secret, "broken"));
	assert_null(kube_secret_text(secret, "absent"));
	assert_null(kube_secret_text(NULL, "text"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_secret_text),
		cmocka_unit_test(test_object_api_version),
		cmocka_unit_test(test_object_key_round_trip),
		cmocka_unit_test(test_object_accessors_accept_anything),
		cmocka_unit_test(test_object_labels_and_annotations),
		cmocka_unit_test(test_object_finalizers),
		cmocka_unit_test(test_object_controller_is_only_one),
		cmocka_unit_test(test_object_condition_time_changes_with_status_only),
		cmocka_unit_test(test_object_condition_message_is_cut_between_characters),
		cmocka_unit_test(test_object_names),
		cmocka_unit_test(test_object_error_crosses_as_status),
		cmocka_unit_test(test_object_error_of_others_servers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
