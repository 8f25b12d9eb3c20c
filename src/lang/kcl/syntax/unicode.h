#ifndef LANG_KCL_SYNTAX_UNICODE_H
#define LANG_KCL_SYNTAX_UNICODE_H
/* Which characters beyond ASCII may stand in names. */

#include <stdbool.h>
#include <stdint.h>

/* Whether it may begin a name: a letter of any script. Symbols, punctuation, spaces and emoji may not. */
bool kcl_is_letter(uint32_t c);
/* Whether it may go on with a name: also digits and combining marks. */
bool kcl_is_name_part(uint32_t c);
/* White space that neither ends a line nor indents. */
bool kcl_is_other_space(uint32_t c);

#endif
