#ifndef LANG_KCL_CHECK_SUGGEST_H
#define LANG_KCL_CHECK_SUGGEST_H
/* "did you mean …?" */

#include <stdbool.h>
#include <stddef.h>

struct suggestions {
	const char *name; /* the unknown one */
	size_t *work;     /* characters compared so far, of all names: past a limit nothing is suggested */
	struct {
		const char *meant;
		double similarity;
	} items[16];
	size_t len;
};

/* Past the limit. */
bool suggest_is_over(const struct suggestions *s);
/* Keeps it when it is similar; borrowed. */
void suggest_name(struct suggestions *s, const char *meant);
/* What a message has at its end: ", did you mean '["a", "b"]'?", or 'a or b' without is_list; "" without any. free().
 */
char *suggest_text(const struct suggestions *s, bool is_list);

#endif
