/* Field validation: what of a body nobody knows or what it says twice, in warnings or as an error. */
#include "base/str.h"
#include "codec/go_format.h"
#include "write.h"

#include <string.h>

#define PATH_SHOWN_MAX ((size_t)4096)

/* One complaint: a warning, or another part of the text of the error. Only Go's decoder of types quotes the path. */
static void complain(struct api_request *req, const char *what, const char *path, struct buf *text)
{
	_cleanup_buf_ struct buf shown = BUF_INIT(4 * PATH_SHOWN_MAX + 16);

	if (req->body_type->custom)
		buf_printf(&shown, "\"%.*s\"", (int)PATH_SHOWN_MAX, path);
	else
		go_quote(path, strlen(path), PATH_SHOWN_MAX, &shown);
	if (req->options.validation == VALIDATION_WARN)
		api_request_warn(req, "%s field %s", what, buf_str(&shown));
	buf_printf(text, "%s%s field %s", text->len ? ", " : "", what, buf_str(&shown));
}

/* Keys that a body in YAML repeats: a warning each, but one part of the text. */
static void complain_of_yaml(struct api_request *req, struct buf *text)
{
	if (!req->repeated)
		return;
	buf_puts(text, "yaml: unmarshal errors:");
	for (size_t i = 0; req->repeated[i]; i++) {
		buf_printf(text, "\n  %s", req->repeated[i]);
		if (req->options.validation == VALIDATION_WARN)
			api_request_warn(req, "%s", req->repeated[i]);
	}
}

int write_report_dropped(struct api_request *req, const json_t *dropped, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	size_t i;
	json_t *path;

	if (req->options.validation == VALIDATION_IGNORE)
		return 0;
	complain_of_yaml(req, &text);
	for (i = 0; req->duplicates && req->duplicates[i]; i++)
		complain(req, "duplicate", req->duplicates[i], &text);
	json_array_foreach (dropped, i, path)
		complain(req, "unknown", json_string_value(path), &text);
	if (text.len == 0 || req->options.validation == VALIDATION_WARN)
		return 0;
	return err_set(err, ERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
	               req->body_type->kind, req->body_version->name, req->body_type->kind, buf_str(&text));
}
