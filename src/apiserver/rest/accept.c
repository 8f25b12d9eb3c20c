/* Content negotiation (RFC 9110, 12.5.1, and Kubernetes' as/g/v parameters). */
#include "base/str.h"
#include "request.h"

#include <stdio.h>

#define RANGES_MAX 32

struct range {
	char *type;
	char *as, *group, *version;
	double q;
};

static void range_clear(struct range *r)
{
	free(r->type);
	free(r->as);
	free(r->group);
	free(r->version);
}

static void parse_range(const char *text, struct range *ret)
{
	_cleanup_strv_ char **parts = str_split(text, ";");

	*ret = (struct range){ .q = 1 };
	for (size_t i = 0; parts && parts[i]; i++) {
		const char *part = str_strip(parts[i]);
		const char *value;
		if (i == 0)
			ret->type = xstrdup(part);
		else if ((value = str_after(part, "as=")) && !ret->as)
			ret->as = xstrdup(value);
		else if ((value = str_after(part, "g=")) && !ret->group)
			ret->group = xstrdup(value);
		else if ((value = str_after(part, "v=")) && !ret->version)
			ret->version = xstrdup(value);
		else if ((value = str_after(part, "q=")) && !str_to_double(value, &ret->q))
			ret->q = 0;
	}
	if (!ret->type)
		ret->type = xstrdup("");
}

static bool media_of(const struct range *r, unsigned forms, enum api_media *ret)
{
	static const char *const json[] = { "application/json", "*/*", "application/*", NULL };
	static const char *const yaml[] = { "application/yaml", "application/x-yaml", "text/yaml", NULL };

	(void)forms;
	if (str_in(r->type, json))
		*ret = MEDIA_JSON;
	else if (str_in(r->type, yaml))
		*ret = MEDIA_YAML;
	else
		return false;
	return true;
}

static bool form_of(const struct range *r, unsigned forms, struct api_accept *a)
{
	if (!r->as) {
		a->form = FORM_OBJECT;
		return true;
	}
	if (str_eq(r->group, "meta.k8s.io") && (str_eq(r->version, "v1") || str_eq(r->version, "v1beta1"))) {
		a->v1beta1 = str_eq(r->version, "v1beta1");
		if (strcmp(r->as, "Table") == 0)
			a->form = FORM_TABLE;
		else if (strcmp(r->as, "PartialObjectMetadata") == 0 || strcmp(r->as, "PartialObjectMetadataList") == 0)
			a->form = FORM_PARTIAL;
		else
			return false;
	} else if (str_eq(r->group, "apidiscovery.k8s.io") && strcmp(r->as, "APIGroupDiscoveryList") == 0) {
		if (str_eq(r->version, "v2"))
			a->form = FORM_DISCOVERY_V2;
		else if (str_eq(r->version, "v2beta1"))
			a->form = FORM_DISCOVERY_V2BETA1;
		else
			return false;
	} else {
		return false;
	}
	return forms & (1u << a->form);
}

int api_accept_parse(const char *accept, unsigned forms, struct api_accept *ret, struct err *err)
{
	_cleanup_strv_ char **ranges = str_split(accept ? accept : "", ",");
	double best = 0;

	*ret = (struct api_accept){ 0 };
	if (strv_len(ranges) == 0)
		return 0;
	for (size_t i = 0; ranges[i] && i < RANGES_MAX; i++) {
		struct api_accept a = { 0 };
		struct range r;
		parse_range(ranges[i], &r);
		if (r.q > best && media_of(&r, forms, &a.media) && form_of(&r, forms, &a)) {
			best = r.q;
			*ret = a;
		}
		range_clear(&r);
	}
	if (best > 0)
		return 0;
	return err_set(err, ERR_NOT_ACCEPTABLE,
	               "only the following media types are accepted: application/json, application/yaml");
}
