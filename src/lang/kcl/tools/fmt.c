#include "kcl_tools.h"
#include "syntax/parse.h"

int kcl_fmt(const struct kcl_source *source, struct buf *out, struct kcl_diagnostics *diagnostics)
{
	size_t before = diagnostics->errors;
	_cleanup_(kcl_module_freep) struct kcl_module *m = kcl_parse(source->name, source->text, source->len, diagnostics);

	if (diagnostics->errors > before)
		return -1;
	kcl_format(m, out);
	return 0;
}
