#include "kinds.h"

#include "base/str.h"

#include <string.h>

const struct kinds_kind *kinds_find(const char *group, const char *version, const char *kind)
{
	for (size_t i = 0; i < KINDS_LEN; i++)
		if (strcmp(kinds_text(KINDS[i].kind), kind) == 0 && strcmp(kinds_text(KINDS[i].group), group) == 0 &&
		    (!version || strcmp(kinds_text(KINDS[i].version), version) == 0))
			return &KINDS[i];
	return NULL;
}

const struct kinds_message *kinds_find_message(const char *name)
{
	for (size_t i = 0; i < KINDS_MESSAGES_LEN; i++)
		if (strcmp(kinds_text(KINDS_MESSAGES[i].name), name) == 0)
			return &KINDS_MESSAGES[i];
	return NULL;
}

const struct kinds_field *kinds_find_field(const struct kinds_message *m, const char *name)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		if (f->flags & KINDS_INLINE) {
			const struct kinds_field *inner = kinds_find_field(kinds_message_of(f), name);
			if (inner)
				return inner;
		} else if (strcmp(kinds_text(f->name), name) == 0) {
			return f;
		}
	}
	return NULL;
}

const char *kinds_message_word(const struct kinds_message *m)
{
	const char *dot = strrchr(kinds_text(m->name), '.');

	return dot ? dot + 1 : kinds_text(m->name);
}
