#ifndef LANG_KCL_MODULES_SETTINGS_H
#define LANG_KCL_MODULES_SETTINGS_H
/* What a run of a KCL program is told: [profile] of kcl.mod, settings files (kcl.yaml) with kcl_cli_configs and
 * kcl_options, and KEY=VALUE of a command line. Later ones count; lists grow. */

#include "codec/json.h"
#include "lang/kcl/kcl.h"

struct kcl_settings {
	json_t *values;                            /* values of options, by name; NULL before the first */
	char **files;                              /* strv of the files that are to run, below their settings' folder */
	char **overrides, **selectors, **packages; /* strv; packages: NAME=DIR */
	bool strict_range_check, disable_none, debug, sort_keys, show_hidden, include_schema_type_path;
	struct kcl_option *options; /* into values */
	size_t options_len;
};

void kcl_settings_done(struct kcl_settings *s);
/* Adds a settings file; path names it in errors, and relative files begin at its folder. */
int kcl_settings_add(struct kcl_settings *s, const char *text, size_t len, const char *path, struct err *err);
/* Adds [profile] of a kcl.mod, but for its entries; NULL is none. */
int kcl_settings_add_profile(struct kcl_settings *s, const json_t *profile, struct err *err);
/* Adds KEY=VALUE: a value that is JSON is read as that (also True, False and None), everything else is a string. */
int kcl_settings_define(struct kcl_settings *s, const char *definition, struct err *err);
/* Makes options of the values: once, at the end. */
void kcl_settings_finish(struct kcl_settings *s);

#endif
