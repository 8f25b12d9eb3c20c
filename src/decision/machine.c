/* Machine types: recognised by the clouds' naming schemes, so that a type that is new or rare is one too. */

#include "catalogue.h"

#include "base/str.h"

#include <stdio.h>

bool catalogue_cloud_parse(const char *type, enum catalogue_cloud *ret)
{
	static const struct {
		const char *type;
		enum catalogue_cloud cloud;
	} types[] = { { "local", CLOUD_NONE },
		          { "none", CLOUD_NONE },
		          { "aws", CLOUD_AWS },
		          { "gcp", CLOUD_GCP },
		          { "azure", CLOUD_AZURE } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_eq(type, types[i].type)) {
			*ret = types[i].cloud;
			return true;
		}
	}
	return false;
}

const char *catalogue_cloud_title(enum catalogue_cloud cloud)
{
	static const char *const titles[] = { "the local provider", "AWS", "Google Cloud", "Azure" };

	return titles[cloud];
}

/* Digits at *s, at most 4 of them; 0 when there are none or the number begins with 0. */
static int take_number(const char **s)
{
	int n = 0, digits = 0;

	if (**s == '0')
		return 0;
	for (; **s >= '0' && **s <= '9' && digits < 4; (*s)++, digits++)
		n = n * 10 + (**s - '0');
	return n;
}

/* t3.micro, m5.large, c7gn.2xlarge: FAMILY DIGIT LETTERS "." SIZE */
static bool parse_aws(const char *word, struct catalogue_machine *m)
{
	static const struct {
		const char *name;
		int cpu, memory_mib; /* of t3; larger sizes of all families are a multiple of xlarge */
	} sizes[] = { { "nano", 2, 512 },    { "micro", 2, 1024 }, { "small", 2, 2048 },
		          { "medium", 2, 4096 }, { "large", 2, 8192 }, { "xlarge", 4, 16384 } };
	static const char *const families[] = { "t", "m", "c",  "r",   "x",   "i",  "d",  "g",  "p",   "h",   "z", "a",
		                                    "f", "u", "vt", "inf", "trn", "dl", "im", "is", "hpc", "mac", NULL };
	const char *p = word;
	size_t letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	_cleanup_free_ char *family = xstrndup(word, letters);
	int times;

	if (!str_in(family, families) || p[letters] < '1' || p[letters] > '9')
		return false;
	p += letters;
	take_number(&p);
	if (strspn(p, "abcdefghijklmnopqrstuvwxyz-") > 6)
		return false;
	p += strspn(p, "abcdefghijklmnopqrstuvwxyz-");
	if (*p++ != '.')
		return false;
	times = take_number(&p);
	if (times && !str_starts_with(p, "xlarge") && !str_starts_with(p, "metal"))
		return false;
	if (times && str_eq(p, "xlarge")) {
		m->cpu_milli = times * INT64_C(4000);
		m->memory_mib = times * INT64_C(16384);
	} else if (!str_starts_with(p, "metal")) {
		size_t i = 0;
		while (i < ARRAY_SIZE(sizes) && !str_eq(p, sizes[i].name))
			i++;
		if (i == ARRAY_SIZE(sizes) || times)
			return false;
		m->cpu_milli = sizes[i].cpu * INT64_C(1000);
		m->memory_mib = sizes[i].memory_mib;
	} else if (p[5] != '\0' && !str_starts_with(p + 5, "-")) {
		return false;
	}
	if (word[0] == 'c')
		m->memory_mib /= 2;
	else if (word[0] == 'r')
		m->memory_mib *= 2;
	else if (!strchr("tma", word[0]) || letters > 1)
		m->cpu_milli = m->memory_mib = 0; /* special families have proportions of their own */
	m->cloud = CLOUD_AWS;
	return true;
}

/* e2-medium, n2-standard-4, c3-highcpu-22-lssd */
static bool parse_gcp(const char *word, struct catalogue_machine *m)
{
	static const char *const families[] = { "e2", "f1",  "g1", "n1",  "n2",  "n2d", "n4",  "c2", "c2d",
		                                    "c3", "c3d", "c4", "c4a", "c4d", "t2a", "t2d", "m1", "m2",
		                                    "m3", "a2",  "a3", "g2",  "h3",  "z3",  NULL };
	static const struct {
		const char *name;
		int cpu, memory_mib;
	} small[] = { { "micro", 2, 1024 }, { "small", 2, 2048 }, { "medium", 2, 4096 } };
	static const struct {
		const char *name;
		int mib_per_cpu;
	} shapes[] = { { "standard-", 4096 }, { "highmem-", 8192 }, { "highcpu-", 1024 }, { "ultramem-", 0 },
		           { "megamem-", 0 },     { "highgpu-", 0 },    { "megagpu-", 0 } };
	size_t family_len = strcspn(word, "-");
	_cleanup_free_ char *family = xstrndup(word, family_len);
	const char *rest = word + family_len + (word[family_len] == '-');

	if (!str_in(family, families) || !*rest)
		return false;
	m->cloud = CLOUD_GCP;
	for (size_t i = 0; i < ARRAY_SIZE(small); i++) {
		if (str_eq(rest, small[i].name) && strchr("efg", word[0])) {
			m->cpu_milli = small[i].cpu * INT64_C(1000);
			m->memory_mib = small[i].memory_mib;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const char *p = str_after(rest, shapes[i].name);
		int n = p ? take_number(&p) : 0;
		if (n == 0 || (*p && *p != '-' && *p != 'g'))
			continue;
		m->cpu_milli = shapes[i].mib_per_cpu ? n * INT64_C(1000) : 0;
		m->memory_mib = (int64_t)n * shapes[i].mib_per_cpu;
		return true;
	}
	return false;
}

/* Standard_B2s, Standard_D4s_v5, Basic_A1: TIER "_" FAMILY NUMBER FEATURES ["_v" VERSION] */
static bool parse_azure(const char *word, struct catalogue_machine *m)
{
	static const struct {
		const char *name;
		int cpu, memory_mib;
	} burstable[] = { { "b1ls", 1, 512 },  { "b1s", 1, 1024 },   { "b1ms", 1, 2048 }, { "b2s", 2, 4096 },
		              { "b2ms", 2, 8192 }, { "b4ms", 4, 16384 }, { "b8ms", 8, 32768 } };
	const char *name = str_after(word, "standard_"), *p;
	size_t letters;
	int n;

	if (!name)
		name = str_after(word, "basic_");
	if (!name)
		return false;
	letters = strspn(name, "abcdefghijklmnopqrstuvwxyz");
	p = name + letters;
	n = take_number(&p);
	if (letters < 1 || letters > 3 || n == 0 || strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(p))
		return false;
	m->cloud = CLOUD_AZURE;
	for (size_t i = 0; i < ARRAY_SIZE(burstable); i++) {
		if (str_eq(name, burstable[i].name)) {
			m->cpu_milli = burstable[i].cpu * INT64_C(1000);
			m->memory_mib = burstable[i].memory_mib;
		}
	}
	if (letters == 1 && strchr("def", name[0])) {
		m->cpu_milli = n * INT64_C(1000);
		m->memory_mib = n * (name[0] == 'd' ? INT64_C(4096) : name[0] == 'e' ? INT64_C(8192) : INT64_C(2048));
	}
	return true;
}

/* As Azure writes it: "Standard_D4s_v5", only the tier and the family in capitals. */
static void azure_spelling(char *name)
{
	char *underscore = strchr(name, '_');

	name[0] = (char)toupper((unsigned char)name[0]);
	for (char *p = underscore + 1; *p >= 'a' && *p <= 'z'; p++)
		*p = (char)toupper((unsigned char)*p);
}

bool catalogue_machine_parse(const char *word, struct catalogue_machine *ret)
{
	struct catalogue_machine m = { .cloud = CLOUD_NONE };

	if (strlen(word) >= sizeof(m.name))
		return false;
	snprintf(m.name, sizeof(m.name), "%s", word);
	str_lower(m.name);
	if (!parse_gcp(m.name, &m) && !parse_aws(m.name, &m) && !parse_azure(m.name, &m))
		return false;
	if (m.cloud == CLOUD_AZURE)
		azure_spelling(m.name);
	*ret = m;
	return true;
}

void catalogue_machine_for(enum catalogue_cloud cloud, int64_t cpu_milli, int64_t memory_mib,
                           struct catalogue_machine *ret)
{
	static const char *const aws[] = { "t3.nano",    "t3.micro",    "t3.small",    "t3.medium",
		                               "t3.large",   "t3.xlarge",   "t3.2xlarge",  "m5.4xlarge",
		                               "m5.8xlarge", "m5.16xlarge", "m5.24xlarge", NULL };
	static const char *const gcp[] = { "e2-micro",
		                               "e2-small",
		                               "e2-medium",
		                               "e2-standard-2",
		                               "e2-standard-4",
		                               "e2-standard-8",
		                               "e2-standard-16",
		                               "e2-standard-32",
		                               "n2-standard-64",
		                               "n2-standard-96",
		                               NULL };
	static const char *const azure[] = { "Standard_B1ls",    "Standard_B1s",     "Standard_B1ms",    "Standard_B2s",
		                                 "Standard_B2ms",    "Standard_B4ms",    "Standard_B8ms",    "Standard_D16s_v5",
		                                 "Standard_D32s_v5", "Standard_D64s_v5", "Standard_D96s_v5", NULL };
	const char *const *names = cloud == CLOUD_AWS ? aws : cloud == CLOUD_GCP ? gcp : azure;

	for (size_t i = 0; names[i]; i++) {
		if (catalogue_machine_parse(names[i], ret) && ret->cpu_milli >= cpu_milli && ret->memory_mib >= memory_mib)
			return;
	}
}

bool catalogue_size(const char *name, int64_t *ret_cpu_milli, int64_t *ret_memory_mib)
{
	static const struct {
		const char *name;
		int64_t cpu_milli, memory_mib;
	} sizes[] = { { "micro", 250, 256 },
		          { "small", 500, 512 },
		          { "medium", 1000, 1024 },
		          { "large", 2000, 4096 },
		          { "xlarge", 4000, 8192 } };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (str_eq(name, sizes[i].name)) {
			*ret_cpu_milli = sizes[i].cpu_milli;
			*ret_memory_mib = sizes[i].memory_mib;
			return true;
		}
	}
	return false;
}
