#ifndef LOCAL_LOG_TEXT_H
#define LOCAL_LOG_TEXT_H
/* What a program's log says about why it failed. */

#include "base/str.h"

/* The last `max` bytes of a file, from the start of a line when it is cut; NULL when there is none (free()). */
char *log_read_tail(const char *path, size_t max);

#define LOG_BUILD_TAIL ((size_t)64 * 1024)
#define LOG_EXIT_TAIL                                                                               \
	((size_t)4 * 1024) /* what a program that ran for days printed before its end is another matter \
	                    */

/* The line among the last `tail` bytes of a log (but after its first `from` ones) that most likely says what went
 * wrong, and its number from 1; NULL when the log says nothing there (free()). */
char *log_find_cause(const char *path, int64_t from, size_t tail, int64_t *ret_line);

/* Does the log say that the program could not listen, because its port is taken? *ret_port: which one, 0 when the log
 * does not name it. */
bool log_find_port_conflict(const char *path, int *ret_port);

/* Overwrites each appearance of a secret in the text; both may be NULL. Values of less than four characters are found
 * in too many words to be hidden. */
void log_mask(char *text, char *const *secrets);

/* Does the line speak of a network that could not be reached, which may be otherwise in a minute? */
bool log_is_about_network(const char *line);

#endif
