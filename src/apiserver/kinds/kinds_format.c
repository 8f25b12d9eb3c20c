/* The forms of single values, in Kubernetes' words. */
#include "base/str.h"
#include "kinds_rules.h"
#include "kube/label_fault.h"
#include "kube/name_fault.h"
#include "objects/field_checks.h"

#include <stdlib.h>
#include <string.h>

static void check_int_or_percent(const json_t *v, bool share, const char *field, struct err *err)
{
	const char *text = json_string_value(v);
	_cleanup_strv_ char **faults = text ? kube_percent_faults(text) : NULL;

	if (!text)
		check_not_negative(err, v, "%s", field);
	else if (faults)
		check_fail_int_or_string(err, v, faults[0], field);
	else if (share && strtol(text, NULL, 10) > 100)
		check_fail_int_or_string(err, v, "must not be greater than 100%", field);
}

static void check_labels(const json_t *map, const char *field, struct err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach (json_unconst(map), key, v) {
		_cleanup_json_ json_t *name = json_string(key);
		const char *value = json_string_value(v);
		check_faults(err, kube_label_key_faults(key), name, "%s", field);
		if (value)
			check_faults(err, kube_label_value_faults(value), v, "%s", field);
	}
}

#define FILE_MODE_MAX 0777

static void check_number(enum kinds_format form, const json_t *v, const char *field, struct err *err)
{
	int64_t n = json_int(v, 0);

	if (form == KINDS_NOT_NEGATIVE)
		check_not_negative(err, v, "%s", field);
	else if (form == KINDS_POSITIVE && n <= 0)
		check_fail(err, v, "must be greater than zero", "%s", field);
	else if (form == KINDS_FILE_MODE && (n < 0 || n > FILE_MODE_MAX))
		check_fail(err, v, "must be a number between 0 and 0777 (octal), both inclusive", "%s", field);
	else if (form == KINDS_PORT && n != 0)
		check_port(err, v, "%s", field);
}

static char **absolute_path_faults(const char *path)
{
	char **faults = NULL;

	if (*path != '/')
		strv_push(&faults, "must be an absolute path");
	return faults;
}

typedef char **(*faults_fn)(const char *text);

static faults_fn faults_of(enum kinds_format form)
{
	static const faults_fn FUNCTIONS[] = {
		[KINDS_DNS_LABEL] = kube_dns_label_faults,       [KINDS_DNS_SUBDOMAIN] = kube_dns_subdomain_faults,
		[KINDS_DNS_1035] = kube_dns1035_faults,          [KINDS_HOST] = kube_host_faults,
		[KINDS_PORT_NAME] = kube_port_name_faults,       [KINDS_PORT_OR_NAME] = kube_port_name_faults,
		[KINDS_CONFIG_KEY] = kube_config_key_faults,     [KINDS_ENV_NAME] = kube_env_name_faults,
		[KINDS_QUALIFIED_NAME] = kube_label_key_faults,  [KINDS_LABEL_VALUE] = kube_label_value_faults,
		[KINDS_PATH_SEGMENT] = kube_path_segment_faults, [KINDS_IP] = kube_ip_faults,
		[KINDS_ABSOLUTE_PATH] = absolute_path_faults,
	};

	return form < ARRAY_SIZE(FUNCTIONS) ? FUNCTIONS[form] : NULL;
}

void kinds_check_format(enum kinds_format form, const json_t *v, const char *field, struct err *err)
{
	const char *text = json_string_value(v);
	faults_fn faults = faults_of(form);

	if (form == KINDS_LABELS)
		check_labels(v, field, err);
	else if (form == KINDS_INT_OR_PERCENT || form == KINDS_SHARE)
		check_int_or_percent(v, form == KINDS_SHARE, field, err);
	else if (text && faults && (*text || form == KINDS_PORT_OR_NAME))
		check_faults(err, faults(text), v, "%s", field);
	else if (form == KINDS_PORT_OR_NAME && json_is_integer(v))
		check_port(err, v, "%s", field);
	else if (json_is_integer(v))
		check_number(form, v, field, err);
}
