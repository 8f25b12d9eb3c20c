#ifndef CLI_KCL_SETTINGS_H
#define CLI_KCL_SETTINGS_H
/* What a run of a KCL program is told: settings files (-Y) with kcl_cli_configs and kcl_options, and -D KEY=VALUE. */

#include "codec/json.h"
#include "lang/kcl/kcl.h"

struct kcl_settings {
	json_t *configs;            /* kcl_cli_configs of all files, the last one counts */
	json_t *values;             /* values of options, by name */
	char *base;                 /* the folder that their files are below; NULL: this one */
	struct kcl_option *options; /* into values */
	size_t options_len;
};

void kcl_settings_done(struct kcl_settings *s);
/* Adds a file. */
int kcl_settings_read(struct kcl_settings *s, const char *path, struct err *err);
/* Adds KEY=VALUE: a value that is JSON is read as that (also True, False and None), everything else is a string. */
int kcl_settings_define(struct kcl_settings *s, const char *definition, struct err *err);
/* Makes options of the values: once, at the end. */
void kcl_settings_finish(struct kcl_settings *s);
/* A config by name. */
bool kcl_settings_flag(const struct kcl_settings *s, const char *name);
/* The strings of a list (or one string) appended to *v. */
void kcl_settings_strings(const struct kcl_settings *s, const char *name, char ***v);

#endif
