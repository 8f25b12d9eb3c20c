#include "catalogue.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_machine_parse(void **state)
{
	static const struct {
		const char *word;
		enum catalogue_cloud cloud; /* CLOUD_NONE: no machine type */
		const char *name;
		int64_t cpu, memory;
	} cases[] = {
		{ "t3.micro", CLOUD_AWS, "t3.micro", 2000, 1024 },
		{ "T3.Micro", CLOUD_AWS, "t3.micro", 2000, 1024 },
		{ "m5.large", CLOUD_AWS, "m5.large", 2000, 8192 },
		{ "c5.xlarge", CLOUD_AWS, "c5.xlarge", 4000, 8192 },
		{ "r6g.2xlarge", CLOUD_AWS, "r6g.2xlarge", 8000, 65536 },
		{ "m7i-flex.large", CLOUD_AWS, "m7i-flex.large", 2000, 8192 },
		{ "p4d.24xlarge", CLOUD_AWS, "p4d.24xlarge", 0, 0 },
		{ "i3.metal", CLOUD_AWS, "i3.metal", 0, 0 },
		{ "e2-medium", CLOUD_GCP, "e2-medium", 2000, 4096 },
		{ "n2-standard-8", CLOUD_GCP, "n2-standard-8", 8000, 32768 },
		{ "n2d-highmem-4", CLOUD_GCP, "n2d-highmem-4", 4000, 32768 },
		{ "a2-highgpu-1g", CLOUD_GCP, "a2-highgpu-1g", 0, 0 },
		{ "standard_b2s", CLOUD_AZURE, "Standard_B2s", 2000, 4096 },
		{ "Standard_D4s_v5", CLOUD_AZURE, "Standard_D4s_v5", 4000, 16384 },
		{ "STANDARD_E8AS_V4", CLOUD_AZURE, "Standard_E8as_v4", 8000, 65536 },
		{ "basic_a1", CLOUD_AZURE, "Basic_A1", 0, 0 },
		{ "node.js", CLOUD_NONE, NULL, 0, 0 },
		{ "t3", CLOUD_NONE, NULL, 0, 0 },
		{ "t3.", CLOUD_NONE, NULL, 0, 0 },
		{ "t3.tiny", CLOUD_NONE, NULL, 0, 0 },
		{ "v1.medium", CLOUD_NONE, NULL, 0, 0 },
		{ "e2e-medium", CLOUD_NONE, NULL, 0, 0 },
		{ "e2-", CLOUD_NONE, NULL, 0, 0 },
		{ "n1-medium", CLOUD_NONE, NULL, 0, 0 },
		{ "standard_", CLOUD_NONE, NULL, 0, 0 },
		{ "standard_library", CLOUD_NONE, NULL, 0, 0 },
		{ "", CLOUD_NONE, NULL, 0, 0 },
		{ "t3.0xlarge", CLOUD_NONE, NULL, 0, 0 },
		{ "s3.bucket", CLOUD_NONE, NULL, 0, 0 },
		{ "t3.99999xlarge", CLOUD_NONE, NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct catalogue_machine m = { .cloud = CLOUD_NONE };
		bool is_machine = catalogue_machine_parse(cases[i].word, &m);
		if (is_machine != (cases[i].name != NULL) || m.cloud != cases[i].cloud)
			fail_msg("%s: %d", cases[i].word, (int)m.cloud);
		if (is_machine &&
		    (!str_eq(m.name, cases[i].name) || m.cpu_milli != cases[i].cpu || m.memory_mib != cases[i].memory))
			fail_msg("%s: %s %lld %lld", cases[i].word, m.name, (long long)m.cpu_milli, (long long)m.memory_mib);
	}
}

static void test_machine_for(void **state)
{
	static const struct {
		enum catalogue_cloud cloud;
		int64_t cpu, memory;
		const char *name;
	} cases[] = {
		{ CLOUD_AWS, 250, 256, "t3.nano" },        { CLOUD_AWS, 500, 640, "t3.micro" },
		{ CLOUD_AWS, 3000, 100, "t3.xlarge" },     { CLOUD_GCP, 500, 640, "e2-micro" },
		{ CLOUD_AZURE, 500, 640, "Standard_B1s" }, { CLOUD_AZURE, 2000, 100, "Standard_B2s" },
		{ CLOUD_AWS, 1000000, 1, "m5.24xlarge" },  { CLOUD_GCP, 0, 0, "e2-micro" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct catalogue_machine m;
		catalogue_machine_for(cases[i].cloud, cases[i].cpu, cases[i].memory, &m);
		assert_string_equal(m.name, cases[i].name);
	}
}

static void test_region_parse(void **state)
{
	static const struct {
		const char *word, *code; /* code NULL: none */
		enum catalogue_cloud cloud;
	} cases[] = {
		{ "eu-west-3", "eu-west-3", CLOUD_AWS },
		{ "EU-West-3", "eu-west-3", CLOUD_AWS },
		{ "us-east-1a", "us-east-1", CLOUD_AWS },
		{ "us-gov-east-1", "us-gov-east-1", CLOUD_AWS },
		{ "europe-west9", "europe-west9", CLOUD_GCP },
		{ "us-central1-f", "us-central1", CLOUD_GCP },
		{ "me-central1", "me-central1", CLOUD_GCP },
		{ "me-central-1", "me-central-1", CLOUD_AWS },
		{ "westeurope", "westeurope", CLOUD_AZURE },
		{ "EastUS2", "eastus2", CLOUD_AZURE },
		{ "eu-west", NULL, CLOUD_NONE },
		{ "eu-west-", NULL, CLOUD_NONE },
		{ "eu-west-3ab", NULL, CLOUD_NONE },
		{ "xx-west-3", NULL, CLOUD_NONE },
		{ "west", NULL, CLOUD_NONE },
		{ "europe-west", NULL, CLOUD_NONE },
		{ "~eu-west-1", NULL, CLOUD_NONE },
		{ "", NULL, CLOUD_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum catalogue_cloud cloud = CLOUD_NONE;
		char code[40] = "";
		bool is_region = catalogue_region_parse(cases[i].word, &cloud, code);
		if (is_region != (cases[i].code != NULL) ||
		    (is_region && (!str_eq(code, cases[i].code) || cloud != cases[i].cloud)))
			fail_msg("%s: %s", cases[i].word, code);
	}
}

static void test_place_regions(void **state)
{
	bool near;

	(void)state;
	assert_string_equal(catalogue_place_region(catalogue_place_find("paris"), CLOUD_GCP, &near), "europe-west9");
	assert_false(near);
	assert_string_equal(catalogue_place_region(catalogue_place_find("ireland"), CLOUD_GCP, &near), "europe-west2");
	assert_true(near);
	assert_int_equal(catalogue_place_of(CLOUD_AWS, "eu-west-3"), catalogue_place_find("france"));
	assert_int_equal(catalogue_place_of(CLOUD_NONE, "eu-west-3"), -1);
	assert_int_equal(catalogue_place_find("par"), -1);
	assert_int_equal(catalogue_place_find(""), -1);
}

/* Every region of the table is one that its cloud's scheme knows. */
static void test_place_table_is_sound(void **state)
{
	static const char *const some[] = { "france",  "the united states", "us",  "asia",
		                                "toronto", "hong kong",         "uae", "sao paulo" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		int place = catalogue_place_find(some[i]);
		for (int c = CLOUD_AWS; place >= 0 && c <= CLOUD_AZURE; c++) {
			enum catalogue_cloud cloud = CLOUD_NONE;
			char code[40] = "";
			bool near;
			const char *region = catalogue_place_region(place, (enum catalogue_cloud)c, &near);
			if (!catalogue_region_parse(region, &cloud, code) || cloud != (enum catalogue_cloud)c ||
			    !str_eq(code, region))
				fail_msg("%s", region);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine_parse),        cmocka_unit_test(test_machine_for),
		cmocka_unit_test(test_region_parse),         cmocka_unit_test(test_place_regions),
		cmocka_unit_test(test_place_table_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
