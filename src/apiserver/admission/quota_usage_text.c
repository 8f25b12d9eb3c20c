/* What an object uses, as a text that is kept with it, so that who counts need not read the object again. */
#include "base/buf.h"
#include "base/str.h"
#include "quota.h"

#include <inttypes.h>

#define FORMAT "1" /* another one when objects are measured differently: then they are read again */
#define TEXT_MAX ((size_t)256 * 1024)

/* FORMAT, a letter for each trait, the class; then a line for each amount: thousandths, "i" or "-", the name. */
char *quota_usage_text(const struct quota_usage *u)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	const struct quota_traits *t = &u->traits;

	buf_printf(&out, FORMAT "%s%s%s%s %s", t->pod ? "p" : "", t->terminating ? "t" : "", t->best_effort ? "b" : "",
	           t->cross_namespace ? "x" : "", t->priority_class ? t->priority_class : "");
	for (size_t i = 0; i < u->amounts.len; i++) {
		const struct quota_amount *a = &u->amounts.list[i];
		buf_printf(&out, "\n%" PRId64 " %c %s", a->milli, a->binary ? 'i' : '-', a->name);
	}
	if (!out.failed)
		return buf_steal(&out);
	buf_clear(&out);
	return NULL;
}

static bool read_traits(const char *line, struct quota_traits *ret)
{
	const char *letters = str_after(line, FORMAT), *class = letters ? strchr(letters, ' ') : NULL;

	if (!class)
		return false;
	for (; letters < class; letters++) {
		ret->pod |= *letters == 'p';
		ret->terminating |= *letters == 't';
		ret->best_effort |= *letters == 'b';
		ret->cross_namespace |= *letters == 'x';
	}
	if (ret->pod)
		ret->priority_class = xstrdup(class + 1);
	return true;
}

static bool read_amount(char *line, struct quota_amounts *ret)
{
	char *unit = strchr(line, ' ');
	int64_t milli;

	if (!unit || (unit[1] != 'i' && unit[1] != '-') || unit[2] != ' ')
		return false;
	*unit = '\0';
	if (!str_to_i64(line, INT64_MIN, INT64_MAX, &milli))
		return false;
	quota_amounts_add(ret, unit + 3, milli, unit[1] == 'i');
	return true;
}

bool quota_usage_read(const char *text, struct quota_usage *ret)
{
	_cleanup_strv_ char **lines = str_split(text, "\n");
	struct quota_usage u = { 0 };
	bool ok = lines && lines[0] && read_traits(lines[0], &u.traits);

	for (size_t i = 1; ok && lines[i]; i++)
		ok = read_amount(lines[i], &u.amounts);
	if (ok)
		*ret = u;
	else
		quota_usage_clear(&u);
	return ok;
}
