#include "url.h"

#include "base/str.h"

bool git_is_commit_id(const char *s)
{
	return s && strspn(s, "0123456789abcdefABCDEF") == 40 && s[40] == '\0';
}

/* The rules of git-check-ref-format(1), each with its sentence. */
static const char *ref_fault(const char *ref)
{
	size_t len = strlen(ref);

	if (len > GIT_REF_MAX)
		return "it is longer than 250 characters";
	if (ref[0] == '-')
		return "it begins with '-'";
	if (ref[0] == '/' || ref[len - 1] == '/' || strstr(ref, "//"))
		return "it begins or ends with '/', or has an empty part";
	if (strstr(ref, "..") || strstr(ref, "@{") || str_eq(ref, "@"))
		return "it has \"..\" or \"@{\", or is \"@\"";
	if (ref[len - 1] == '.')
		return "it ends with '.'";
	for (const char *p = ref; *p; p++) {
		if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr("~^:?*[\\", *p))
			return "it has a space, a control character or one of ~^:?*[\\";
	}
	for (const char *part = ref; *part;) {
		size_t part_len = strcspn(part, "/");
		if (part[0] == '.')
			return "a part of it begins with '.'";
		if (part_len >= 5 && memcmp(part + part_len - 5, ".lock", 5) == 0)
			return "a part of it ends with \".lock\"";
		part += part_len + (part[part_len] == '/');
	}
	return NULL;
}

static int refuse(const char *ref, const char *why, struct err *err)
{
	char shown[64];
	size_t i = 0;

	for (; ref[i] && i < sizeof(shown) - 1; i++)
		shown[i] = (unsigned char)ref[i] < 0x20 || ref[i] == 0x7f ? '?' : ref[i];
	shown[i] = '\0';
	err_set(err, ERR_INVALID, "repository ref \"%s\" is no branch, tag or commit id: %s", shown, why);
	return err_set_terminal(err);
}

int git_ref_check(const char *ref, struct err *err)
{
	const char *fault;

	if (str_empty(ref))
		return 0;
	fault = ref_fault(ref);
	return fault ? refuse(ref, fault, err) : 0;
}
