#ifndef CLI_PRINTER_H
#define CLI_PRINTER_H
/* What commands print: tables, objects in several forms, colours only on a terminal. */

#include "codec/json.h"

#include <stdio.h>

/* A table whose columns are as wide as their widest cell. */
struct text_table;
struct text_table *text_table_new(const char *const *headers); /* NULL-terminated */
/* As many cells as headers; NULL is "<none>". Copied; control characters are made harmless. */
void text_table_row(struct text_table *t, const char *const *cells);
/* Prints and frees. */
void text_table_print(struct text_table *t, FILE *out);

/* Prints an object (or a List) as json, yaml, name or jsonpath=…; ERR_BAD_REQUEST for another format. */
int print_object(const json_t *object, const char *format, FILE *out, struct err *err);

bool use_colour(FILE *out);
/* "5m" since an RFC 3339 time; "<unknown>" when it is none. buf is the result. */
const char *age_of(const char *timestamp, char *buf, size_t size);
/* Text from outside, without what could steer a terminal (tabs and newlines stay). free(). */
char *harmless(const char *text);

#endif
