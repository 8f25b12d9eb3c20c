/* Content negotiation (RFC 9110, 12.5.1), with Kubernetes' as/g/v parameters and in the order of the library it uses.
 */
#include "base/str.h"
#include "request.h"

#define RANGES_MAX 32

struct range {
	char *type;
	char *as, *group, *version, *stream;
	double q;
};

static void range_clear(struct range *r)
{
	free(r->type);
	free(r->as);
	free(r->group);
	free(r->version);
	free(r->stream);
}

static void set_once(char **to, const char *value)
{
	if (!*to)
		*to = xstrdup(value);
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
		else if ((value = str_after(part, "as=")))
			set_once(&ret->as, value);
		else if ((value = str_after(part, "g=")))
			set_once(&ret->group, value);
		else if ((value = str_after(part, "v=")))
			set_once(&ret->version, value);
		else if ((value = str_after(part, "stream=")))
			set_once(&ret->stream, value);
		else if ((value = str_after(part, "q=")) && !str_to_double(value, &ret->q))
			ret->q = 1;
	}
	if (!ret->type)
		ret->type = xstrdup("");
}

/* Better quality first; then those with a wildcard go behind those without. */
static bool goes_first(const struct range *a, const struct range *b)
{
	bool a_any = strcmp(a->type, "*/*") == 0, b_any = strcmp(b->type, "*/*") == 0;

	if (a->q > b->q)
		return true;
	if (!a_any && b_any)
		return true;
	return !str_ends_with(a->type, "/*") && str_ends_with(b->type, "/*");
}

/* As many as RANGES_MAX, sorted by insertion; the number. */
static size_t parse_ranges(const char *accept, struct range ranges[static RANGES_MAX])
{
	_cleanup_strv_ char **texts = str_split(accept, ",");
	size_t len = 0;

	for (size_t i = 0; texts && texts[i] && len < RANGES_MAX; i++) {
		size_t at = len++;
		struct range r;
		parse_range(texts[i], &r);
		for (; at > 0 && goes_first(&r, &ranges[at - 1]); at--)
			ranges[at] = ranges[at - 1];
		ranges[at] = r;
	}
	return len;
}

static bool media_of(const struct range *r, enum api_media *ret)
{
	static const char *const json[] = { "application/json", "*/*", "application/*", NULL };

	if (str_in(r->type, json))
		*ret = MEDIA_JSON;
	else if (strcmp(r->type, "application/yaml") == 0)
		*ret = MEDIA_YAML;
	else
		return false;
	return str_empty(r->stream) || (strcmp(r->stream, "watch") == 0 && *ret == MEDIA_JSON);
}

static bool discovery_form(const struct range *r, struct api_accept *a)
{
	if (!str_eq(r->as, "APIGroupDiscoveryList"))
		return false;
	a->form = str_eq(r->version, "v2") ? FORM_DISCOVERY_V2 : FORM_DISCOVERY_V2BETA1;
	return str_eq(r->version, "v2") || str_eq(r->version, "v2beta1");
}

static bool meta_form(const struct range *r, struct api_accept *a)
{
	a->v1beta1 = str_eq(r->version, "v1beta1");
	a->list = str_eq(r->as, "PartialObjectMetadataList");
	a->form = str_eq(r->as, "Table") ? FORM_TABLE : FORM_PARTIAL;
	return (a->v1beta1 || str_eq(r->version, "v1")) &&
	       (a->list || a->form == FORM_TABLE || str_eq(r->as, "PartialObjectMetadata"));
}

static bool form_of(const struct range *r, unsigned forms, struct api_accept *a)
{
	bool known = true;

	if (!r->as && !r->group && !r->version) {
		a->form = FORM_OBJECT;
		return true;
	}
	if (str_eq(r->group, "meta.k8s.io"))
		known = meta_form(r, a);
	else if (str_eq(r->group, "apidiscovery.k8s.io"))
		known = discovery_form(r, a);
	else
		return false;
	return known && forms & (1u << a->form);
}

int api_accept_parse(const char *accept, unsigned forms, struct api_accept *ret, struct err *err)
{
	struct range ranges[RANGES_MAX];
	size_t len = str_empty(accept) ? 0 : parse_ranges(accept, ranges);
	bool found = str_empty(accept);

	*ret = (struct api_accept){ 0 };
	for (size_t i = 0; i < len; i++) {
		struct api_accept a = { 0 };
		if (!found && media_of(&ranges[i], &a.media) && form_of(&ranges[i], forms, &a)) {
			*ret = a;
			found = true;
		}
		range_clear(&ranges[i]);
	}
	if (found)
		return 0;
	return err_set(err, ERR_NOT_ACCEPTABLE,
	               "only the following media types are accepted: application/json, application/yaml");
}
