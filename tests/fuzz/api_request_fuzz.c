/* What an API request says of itself: path, query, Accept. The input's first lines are these. */
#include "apiserver/rest/request.h"
#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void try_path(const char *text, const struct api_options *options)
{
	struct api_path p;

	if (!api_path_parse(text, &p))
		return;
	/* No part may hold a separator: names go into keys and messages. */
	check(!strchr(p.name, '/') && !strchr(p.ns, '/') && !strchr(p.resource, '/') && !strchr(p.subresource, '/'));
	check(*api_verb_of("GET", &p, options));
	api_path_clear(&p);
}

static void try_accept(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	struct api_accept a;

	if (api_accept_parse(text, 1u << FORM_TABLE, &a, &err) == 0)
		check(a.form == FORM_OBJECT || a.form == FORM_TABLE);
	else
		check(err.kind == ERR_NOT_ACCEPTABLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	char *query = strchr(text, '\n'), *accept = query ? strchr(query + 1, '\n') : NULL;
	struct api_options options;

	if (!accept)
		return 0;
	*query++ = *accept++ = '\0';
	api_options_parse(query, &options);
	try_path(text, &options);
	try_accept(accept);
	api_options_clear(&options);
	return 0;
}
