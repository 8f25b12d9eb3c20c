#ifndef LANG_KCL_KCL_MAKER_H
#define LANG_KCL_KCL_MAKER_H
/* Values that a caller makes for a program (kcl.h, struct kcl_option), straight in the heap of the evaluation: no tree
 * in between. A value is told from the outside to the inside, as a writer of JSON is:
 *
 *     kcl_make_dict(m, 2);
 *     kcl_make_key(m, "name");
 *     kcl_make_text(m, "web", 3);
 *     kcl_make_key(m, "observed");
 *     kcl_make_struct(m, data, len);
 *     kcl_make_end(m);
 *
 * Each of these may leave by a jump, when the evaluation's memory or steps are used up: who calls them owns nothing
 * that would be lost. */

#include "kcl.h"

struct kcl_maker;

/* Begin a dict or a list, which kcl_make_end() ends. n: how many parts are to come, at least about. Each key of a dict
 * is told once, before its value. */
void kcl_make_dict(struct kcl_maker *m, size_t n);
void kcl_make_list(struct kcl_maker *m, size_t n);
void kcl_make_end(struct kcl_maker *m);
void kcl_make_key(struct kcl_maker *m, const char *name);

/* Whole values. Text is UTF-8 without NUL; what is given is copied. */
void kcl_make_text(struct kcl_maker *m, const char *text, size_t len);
void kcl_make_json(struct kcl_maker *m, const json_t *v);
/* The dict that a google.protobuf.Struct stands for (codec/protobuf.h, which has checked the bytes). Each level of it
 * is made when the program looks into it, so the bytes are borrowed until kcl_result_free(). Numbers and the order of
 * keys are those of pb_struct_to_json(). */
void kcl_make_struct(struct kcl_maker *m, const void *data, size_t len);

#endif
