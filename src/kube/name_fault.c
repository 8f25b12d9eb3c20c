#include "kube/name_fault.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define KEY_CHARACTERS "-._" LETTERS DIGITS

#define LABEL_LEN_MAX 63
#define SUBDOMAIN_LEN_MAX 253
#define PORT_NAME_LEN_MAX 15

#define LABEL_RULE                                                                                              \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " \
	"end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1035_RULE                                                                                                \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " \
	"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "             \
	"'[a-z]([-a-z0-9]*[a-z0-9])?')"
#define WILDCARD_RULE                                                                                            \
	"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist " \
	"of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. "            \
	"'*.example.com', regex used for validation is "                                                             \
	"'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define CONFIG_KEY_RULE                                                                                  \
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or " \
	"'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
#define ENV_NAME_RULE                                                                                                \
	"a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must "   \
	"not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is " \
	"'[-._a-zA-Z][-._a-zA-Z0-9]*')"
#define HEADER_RULE                                                                                             \
	"a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for " \
	"validation is '[-A-Za-z0-9]+')"
#define PERCENT_RULE                                                                                          \
	"a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex " \
	"used for validation is '[0-9]+%')"

static void check_len(const char *s, size_t max, char ***faults)
{
	if (strlen(s) <= max)
		return;
	_cleanup_free_ char *text = xasprintf("must be no more than %zu characters", max);
	strv_push(faults, text);
}

static bool consists_of(const char *s, const char *characters)
{
	return *s && s[strspn(s, characters)] == '\0';
}

/* A DNS label of any length. */
static bool has_label_form(const char *s, size_t len)
{
	return len > 0 && strspn(s, "-" LOWER DIGITS) >= len && s[0] != '-' && s[len - 1] != '-';
}

/* Such labels with dots between. */
static bool has_subdomain_form(const char *s)
{
	for (;; s++) {
		size_t len = strcspn(s, ".");
		if (!has_label_form(s, len))
			return false;
		s += len;
		if (!*s)
			return true;
	}
}

char **kube_dns_label_faults(const char *name)
{
	char **faults = NULL;

	check_len(name, LABEL_LEN_MAX, &faults);
	if (!has_label_form(name, strlen(name)))
		strv_push(&faults, LABEL_RULE);
	return faults;
}

char **kube_dns_subdomain_faults(const char *name)
{
	char **faults = NULL;

	check_len(name, SUBDOMAIN_LEN_MAX, &faults);
	if (!has_subdomain_form(name))
		strv_push(&faults, KUBE_SUBDOMAIN_RULE);
	return faults;
}

char **kube_dns1035_faults(const char *name)
{
	char **faults = NULL;

	check_len(name, LABEL_LEN_MAX, &faults);
	if (!has_label_form(name, strlen(name)) || strchr(DIGITS, *name))
		strv_push(&faults, LABEL_1035_RULE);
	return faults;
}

char **kube_host_faults(const char *host)
{
	char **faults = NULL;

	if (!strchr(host, '*'))
		return kube_dns_subdomain_faults(host);
	check_len(host, SUBDOMAIN_LEN_MAX, &faults);
	if (!str_starts_with(host, "*.") || !has_subdomain_form(host + 2))
		strv_push(&faults, WILDCARD_RULE);
	return faults;
}

char **kube_port_name_faults(const char *name)
{
	char **faults = NULL;
	size_t len = strlen(name);

	check_len(name, PORT_NAME_LEN_MAX, &faults);
	if (!consists_of(name, "-" LOWER DIGITS))
		strv_push(&faults, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
	if (!strpbrk(name, LOWER))
		strv_push(&faults, "must contain at least one letter (a-z)");
	if (strstr(name, "--"))
		strv_push(&faults, "must not contain consecutive hyphens");
	if (len > 0 && (name[0] == '-' || name[len - 1] == '-'))
		strv_push(&faults, "must not begin or end with a hyphen");
	return faults;
}

/* What would lead out of a folder. */
static void check_no_parent(const char *s, char ***faults)
{
	if (strcmp(s, ".") == 0)
		strv_push(faults, "must not be '.'");
	else if (strcmp(s, "..") == 0)
		strv_push(faults, "must not be '..'");
	else if (str_starts_with(s, ".."))
		strv_push(faults, "must not start with '..'");
}

char **kube_config_key_faults(const char *key)
{
	char **faults = NULL;

	check_len(key, SUBDOMAIN_LEN_MAX, &faults);
	if (!consists_of(key, KEY_CHARACTERS))
		strv_push(&faults, CONFIG_KEY_RULE);
	check_no_parent(key, &faults);
	return faults;
}

char **kube_env_name_faults(const char *name)
{
	char **faults = NULL;

	if (!consists_of(name, KEY_CHARACTERS) || strchr(DIGITS, *name))
		strv_push(&faults, ENV_NAME_RULE);
	check_no_parent(name, &faults);
	return faults;
}

char **kube_header_name_faults(const char *name)
{
	char **faults = NULL;

	if (!consists_of(name, "-" LETTERS DIGITS))
		strv_push(&faults, HEADER_RULE);
	return faults;
}

char **kube_path_segment_faults(const char *name)
{
	char **faults = NULL;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		_cleanup_free_ char *text = xasprintf("may not be '%s'", name);
		strv_push(&faults, text);
		return faults;
	}
	if (strchr(name, '/'))
		strv_push(&faults, "may not contain '/'");
	if (strchr(name, '%'))
		strv_push(&faults, "may not contain '%'");
	return faults;
}

char **kube_percent_faults(const char *text)
{
	char **faults = NULL;
	size_t digits = strspn(text, DIGITS);

	if (digits == 0 || strcmp(text + digits, "%") != 0)
		strv_push(&faults, PERCENT_RULE);
	return faults;
}

char **kube_ip_faults(const char *text)
{
	char **faults = NULL;
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
		strv_push(&faults, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	return faults;
}
