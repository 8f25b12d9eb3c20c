#include "kube/label_fault.h"

#include "base/buf.h"
#include "base/str.h"
#include "kube/object.h"

#define FAULT_MAX ((size_t)4096)
#define NAME_MAX_LEN 63
#define PREFIX_MAX_LEN 253

#define NAME_RULE \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
#define NAME_EXAMPLES                                                \
	" (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " \
	"validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define SUBDOMAIN_RULE                                                                                         \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " \
	"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define VALUE_RULE                                                                                               \
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "    \
	"start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " \
	"validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

static void add(struct buf *out, const char *fault)
{
	buf_printf(out, "%s%s", out->len ? "; " : "", fault);
}

/* Letters, digits, '-', '_', '.' of any length; not empty. */
static bool has_name_form(const char *s)
{
	static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(s);

	return len > 0 && strchr(alphanumeric, s[0]) && strchr(alphanumeric, s[len - 1]) &&
	       strspn(s, "-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static void check_prefix(const char *prefix, struct buf *out)
{
	if (!*prefix) {
		add(out, "prefix part must be non-empty");
		return;
	}
	if (strlen(prefix) > PREFIX_MAX_LEN)
		add(out, "prefix part must be no more than 253 characters");
	else if (!kube_is_dns_subdomain(prefix))
		add(out, "prefix part " SUBDOMAIN_RULE);
}

static char *finish(struct buf *out)
{
	return out->len ? buf_steal(out) : NULL;
}

char *kube_label_key_fault(const char *key)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FAULT_MAX);
	const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;

	if (strchr(name, '/')) {
		add(&out, "a qualified name " NAME_RULE NAME_EXAMPLES
		          " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
		return finish(&out);
	}
	if (slash) {
		_cleanup_free_ char *prefix = xstrndup(key, (size_t)(slash - key));
		check_prefix(prefix, &out);
	}
	if (!*name)
		add(&out, "name part must be non-empty");
	else if (strlen(name) > NAME_MAX_LEN)
		add(&out, "name part must be no more than 63 characters");
	if (!has_name_form(name))
		add(&out, "name part " NAME_RULE NAME_EXAMPLES);
	return finish(&out);
}

char *kube_label_value_fault(const char *value)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FAULT_MAX);

	if (strlen(value) > NAME_MAX_LEN)
		add(&out, "must be no more than 63 characters");
	if (*value && !has_name_form(value))
		add(&out, VALUE_RULE);
	return finish(&out);
}
