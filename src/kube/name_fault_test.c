#include "kube/name_fault.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Kubernetes' own examples (k8s.io/apimachinery/pkg/util/validation/validation_test.go), and the borders. */
static void test_name_faults_are_told(void **state _unused_)
{
	static const struct {
		char **(*faults)(const char *);
		const char *name;
		size_t wanted;
		const char *why;
	} CASES[] = {
		{ kube_dns_label_faults, "a-1", 0, "a label" },
		{ kube_dns_label_faults, "-a", 1, "begins with a hyphen" },
		{ kube_dns_label_faults, "a-", 1, "ends with one" },
		{ kube_dns_label_faults, "a.b", 1, "a dot separates labels" },
		{ kube_dns_label_faults, "", 1, "empty" },
		{ kube_dns_subdomain_faults, "a.b-c.1", 0, "a subdomain" },
		{ kube_dns_subdomain_faults, "a..b", 1, "an empty label" },
		{ kube_dns_subdomain_faults, "a.", 1, "an empty last label" },
		{ kube_dns_subdomain_faults, "A", 1, "upper case" },
		{ kube_dns1035_faults, "a1", 0, "begins with a letter" },
		{ kube_dns1035_faults, "1a", 1, "begins with a digit" },
		{ kube_host_faults, "*.a.b", 0, "all of a domain" },
		{ kube_host_faults, "a.*.b", 1, "a star elsewhere" },
		{ kube_host_faults, "*", 1, "only a star" },
		{ kube_port_name_faults, "http-1", 0, "a port" },
		{ kube_port_name_faults, "1234", 1, "no letter" },
		{ kube_port_name_faults, "a--b", 1, "two hyphens" },
		{ kube_port_name_faults, "Http", 1, "upper case" },
		{ kube_port_name_faults, "", 2, "empty: no characters, no letter" },
		{ kube_port_name_faults, "sixteen-letters1", 1, "16 characters" },
		{ kube_config_key_faults, "A_b.c-1", 0, "a key" },
		{ kube_config_key_faults, "a/b", 1, "a slash" },
		{ kube_config_key_faults, "..a", 1, "leads out of the folder" },
		{ kube_env_name_faults, "_A.b-1", 0, "a variable" },
		{ kube_env_name_faults, "1A", 1, "begins with a digit" },
		{ kube_env_name_faults, "A=B", 1, "an equals sign" },
		{ kube_header_name_faults, "X-A", 0, "a header" },
		{ kube_header_name_faults, "X A", 1, "a space" },
		{ kube_path_segment_faults, "a b", 0, "anything but two characters" },
		{ kube_path_segment_faults, "a/b%", 2, "both of them" },
		{ kube_path_segment_faults, "..", 1, "the folder above" },
		{ kube_percent_faults, "25%", 0, "a share" },
		{ kube_percent_faults, "25", 1, "no percent sign" },
		{ kube_percent_faults, "%", 1, "no number" },
		{ kube_percent_faults, "-5%", 1, "negative" },
		{ kube_ip_faults, "10.0.0.1", 0, "version 4" },
		{ kube_ip_faults, "2001:db8::1", 0, "version 6" },
		{ kube_ip_faults, "10.0.0.256", 1, "no byte" },
		{ kube_ip_faults, "10.0.0.0/8", 1, "a network" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_strv_ char **faults = CASES[i].faults(CASES[i].name);
		size_t found = faults ? strv_len(faults) : 0;
		if (found != CASES[i].wanted)
			fail_msg("\"%s\" (%s): %zu faults instead of %zu", CASES[i].name, CASES[i].why, found, CASES[i].wanted);
	}
}

static void test_name_faults_have_limits(void **state _unused_)
{
	_cleanup_free_ char *long_name = xcalloc(255, 1);

	memset(long_name, 'a', 254);
	_cleanup_strv_ char **label = kube_dns_label_faults(long_name), **subdomain = kube_dns_subdomain_faults(long_name);
	assert_string_equal(label[0], "must be no more than 63 characters");
	assert_null(label[1]);
	assert_string_equal(subdomain[0], "must be no more than 253 characters");
	long_name[253] = '\0';
	_cleanup_strv_ char **fits = kube_dns_subdomain_faults(long_name);
	assert_null(fits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_faults_are_told),
		cmocka_unit_test(test_name_faults_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
