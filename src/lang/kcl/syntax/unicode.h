#ifndef LANG_KCL_SYNTAX_UNICODE_H
#define LANG_KCL_SYNTAX_UNICODE_H
/* Which characters beyond ASCII may stand in names. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether it may begin a name: a letter of any script. Symbols, punctuation, spaces and emoji may not. */
bool kcl_is_letter(uint32_t c);
/* Whether it may go on with a name: also digits and combining marks. */
bool kcl_is_name_part(uint32_t c);
/* White space that neither ends a line nor indents. */
bool kcl_is_other_space(uint32_t c);

/* unicode_tables.c */
struct kcl_char_range {
	uint32_t first, last;
};
extern const struct kcl_char_range kcl_xid_start[], kcl_xid_continue[];
extern const size_t kcl_xid_start_len, kcl_xid_continue_len;

#endif
