#ifndef CODEC_TOML_H
#define CODEC_TOML_H
/* TOML 1.0 to JSON values (dates and times become strings). Debian has no C library for it, so this one is ours. */

#include "codec/json.h"

/* Errors are ERR_BAD_REQUEST "NAME:LINE:COLUMN: …"; name may be NULL. */
json_t *toml_parse(const char *text, size_t len, const char *name, struct err *err);

#endif
