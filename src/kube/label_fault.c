#include "kube/label_fault.h"

#include "base/str.h"
#include "kube/name_fault.h"
#include "kube/object.h"

#define NAME_MAX_LEN 63
#define PREFIX_MAX_LEN 253

#define NAME_RULE \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
#define NAME_EXAMPLES                                                \
	" (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " \
	"validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define VALUE_RULE                                                                                               \
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "    \
	"start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " \
	"validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/* Letters, digits, '-', '_', '.' of any length; not empty. */
static bool has_name_form(const char *s)
{
	static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(s);

	return len > 0 && strchr(alphanumeric, s[0]) && strchr(alphanumeric, s[len - 1]) &&
	       strspn(s, "-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static void check_prefix(const char *prefix, char ***faults)
{
	if (!*prefix) {
		strv_push(faults, "prefix part must be non-empty");
		return;
	}
	if (strlen(prefix) > PREFIX_MAX_LEN)
		strv_push(faults, "prefix part must be no more than 253 characters");
	else if (!kube_is_dns_subdomain(prefix))
		strv_push(faults, "prefix part " KUBE_SUBDOMAIN_RULE);
}

char **kube_label_key_faults(const char *key)
{
	char **faults = NULL;
	const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;

	if (strchr(name, '/')) {
		strv_push(&faults, "a qualified name " NAME_RULE NAME_EXAMPLES
		                   " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
		return faults;
	}
	if (slash) {
		_cleanup_free_ char *prefix = xstrndup(key, (size_t)(slash - key));
		check_prefix(prefix, &faults);
	}
	if (!*name)
		strv_push(&faults, "name part must be non-empty");
	else if (strlen(name) > NAME_MAX_LEN)
		strv_push(&faults, "name part must be no more than 63 characters");
	if (!has_name_form(name))
		strv_push(&faults, "name part " NAME_RULE NAME_EXAMPLES);
	return faults;
}

char **kube_label_value_faults(const char *value)
{
	char **faults = NULL;

	if (strlen(value) > NAME_MAX_LEN)
		strv_push(&faults, "must be no more than 63 characters");
	if (*value && !has_name_form(value))
		strv_push(&faults, VALUE_RULE);
	return faults;
}
