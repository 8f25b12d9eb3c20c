/* Server reflection (v1 and v1alpha, which are alike on the wire): what services are there, and the .proto files that
 * describe them, compiled. */

#include "grpc_internal.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/protobuf.h"

#define FILES_MAX 64

struct file {
	char *name, *text; /* text: the descriptor in base64 */
	char **imports;
};

struct grpc_reflection {
	struct file files[FILES_MAX];
	size_t files_len;
	struct map *symbols; /* full name -> file */
	char **services;
};

/* ---- reading descriptors (google/protobuf/descriptor.proto) ---- */

static char *token_text(const struct pb_token *t)
{
	return xstrndup((const char *)t->data, t->len);
}

static char *name_in(const struct pb_token *t)
{
	struct pb_reader r = { t->data, t->data + t->len };
	struct pb_token part;

	while (pb_next(&r, &part) > 0)
		if (part.field == 1 && part.wire == 2)
			return token_text(&part);
	return xstrdup("");
}

/* A message, enum or service and what is within: messages have their own in fields 3 and 4, services methods in 2. */
static void add_symbol(struct grpc_reflection *r, struct file *file, const char *scope, const struct pb_token *t,
                       unsigned kind)
{
	_cleanup_free_ char *name = name_in(t);
	_cleanup_free_ char *full = scope[0] == '\0' ? xstrdup(name) : xasprintf("%s.%s", scope, name);
	struct pb_reader reader = { t->data, t->data + t->len };
	struct pb_token part;

	map_set(r->symbols, full, file);
	if (kind == 6)
		strv_push(&r->services, full);
	while (kind != 0 && pb_next(&reader, &part) > 0) {
		if (part.wire == 2 && kind == 4 && (part.field == 3 || part.field == 4))
			add_symbol(r, file, full, &part, part.field == 3 ? 4 : 0);
		else if (part.wire == 2 && kind == 6 && part.field == 2)
			add_symbol(r, file, full, &part, 0);
	}
}

static void add_file(struct grpc_reflection *r, const struct pb_token *descriptor)
{
	struct pb_reader reader = { descriptor->data, descriptor->data + descriptor->len };
	struct file *file = &r->files[r->files_len];
	_cleanup_free_ char *package = xstrdup("");
	struct pb_token t;

	if (r->files_len == FILES_MAX)
		return;
	r->files_len++;
	file->text = base64_encode(descriptor->data, descriptor->len);
	while (pb_next(&reader, &t) > 0) {
		if (t.wire != 2)
			continue;
		if (t.field == 1) {
			file->name = token_text(&t);
		} else if (t.field == 2) {
			free(package);
			package = token_text(&t);
		} else if (t.field == 3) {
			_cleanup_free_ char *name = token_text(&t);
			strv_push(&file->imports, name);
		} else if (t.field == 4 || t.field == 5 || t.field == 6) {
			add_symbol(r, file, package, &t, t.field == 5 ? 0 : t.field);
		}
	}
}

struct grpc_reflection *grpc_reflection_new(const struct embedded_file *descriptors)
{
	struct grpc_reflection *r = new0(struct grpc_reflection);
	const uint8_t *data = (const uint8_t *)descriptors->text;
	struct pb_reader reader = { data, data + descriptors->len };
	struct pb_token t;

	r->symbols = map_new(NULL);
	while (pb_next(&reader, &t) > 0)
		if (t.field == 1 && t.wire == 2)
			add_file(r, &t);
	return r;
}

struct grpc_reflection *grpc_reflection_free(struct grpc_reflection *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->files_len; i++) {
		free(r->files[i].name);
		free(r->files[i].text);
		strv_free(r->files[i].imports);
	}
	map_free(r->symbols);
	strv_free(r->services);
	free(r);
	return NULL;
}

/* ---- answering ---- */

static const struct pb_field EXTENSION[] = { { 1, "containing_type", PB_STRING, PB_SINGLE, NULL },
	                                         { 2, "extension_number", PB_ENUM, PB_SINGLE, NULL },
	                                         { 0 } };
static const struct pb_field REQUEST[] = { { 1, "host", PB_STRING, PB_SINGLE, NULL },
	                                       { 3, "file_by_filename", PB_STRING, PB_OPTIONAL, NULL },
	                                       { 4, "file_containing_symbol", PB_STRING, PB_OPTIONAL, NULL },
	                                       { 5, "file_containing_extension", PB_MESSAGE, PB_OPTIONAL, EXTENSION },
	                                       { 6, "all_extension_numbers_of_type", PB_STRING, PB_OPTIONAL, NULL },
	                                       { 7, "list_services", PB_STRING, PB_OPTIONAL, NULL },
	                                       { 0 } };
static const struct pb_field FILE_RESPONSE[] = { { 1, "file_descriptor_proto", PB_BYTES, PB_REPEATED, NULL }, { 0 } };
static const struct pb_field EXTENSIONS[] = { { 1, "base_type_name", PB_STRING, PB_SINGLE, NULL }, { 0 } };
static const struct pb_field SERVICE[] = { { 1, "name", PB_STRING, PB_SINGLE, NULL }, { 0 } };
static const struct pb_field SERVICES[] = { { 1, "service", PB_MESSAGE, PB_REPEATED, SERVICE }, { 0 } };
static const struct pb_field ERROR[] = { { 1, "error_code", PB_ENUM, PB_SINGLE, NULL },
	                                     { 2, "error_message", PB_STRING, PB_SINGLE, NULL },
	                                     { 0 } };
static const struct pb_field RESPONSE[] = {
	{ 1, "valid_host", PB_STRING, PB_SINGLE, NULL },
	{ 2, "original_request", PB_MESSAGE, PB_OPTIONAL, REQUEST },
	{ 4, "file_descriptor_response", PB_MESSAGE, PB_OPTIONAL, FILE_RESPONSE },
	{ 5, "all_extension_numbers_response", PB_MESSAGE, PB_OPTIONAL, EXTENSIONS },
	{ 6, "list_services_response", PB_MESSAGE, PB_OPTIONAL, SERVICES },
	{ 7, "error_response", PB_MESSAGE, PB_OPTIONAL, ERROR },
	{ 0 },
};

static const struct file *find_file(const struct grpc_reflection *r, const char *name)
{
	for (size_t i = 0; name && i < r->files_len; i++)
		if (str_eq(r->files[i].name, name))
			return &r->files[i];
	return NULL;
}

static void not_found(json_t *response, const char *what, const char *name)
{
	json_t *error = json_ensure_object(response, "error_response");

	json_put_int(error, "error_code", GRPC_NOT_FOUND);
	json_put(error, "error_message", json_strf("%s not found: %s", what, name));
}

/* The file, and behind it what it imports: clients then need not ask again. */
static void put_file(const struct grpc_reflection *r, const struct file *file, json_t *list, char ***seen)
{
	if (!file || str_in(file->name, (const char *const *)*seen))
		return;
	strv_push(seen, file->name);
	json_push_str(list, file->text);
	for (char *const *import = file->imports; import && *import; import++)
		put_file(r, find_file(r, *import), list, seen);
}

static void answer_file(const struct grpc_reflection *r, const struct file *file, json_t *response, const char *what,
                        const char *name)
{
	_cleanup_strv_ char **seen = NULL;

	if (!file)
		return not_found(response, what, name);
	put_file(r, file,
	         json_ensure_array(json_ensure_object(response, "file_descriptor_response"), "file_descriptor_proto"),
	         &seen);
}

static void answer(const struct grpc_reflection *r, const json_t *request, json_t *response)
{
	const char *file = json_get_str(request, "file_by_filename");
	const char *symbol = json_get_str(request, "file_containing_symbol");
	const char *type = json_get_str(request, "all_extension_numbers_of_type");

	if (file) {
		answer_file(r, find_file(r, file), response, "file", file);
	} else if (symbol) {
		answer_file(r, map_get(r->symbols, symbol), response, "symbol", symbol);
	} else if (type && map_has(r->symbols, type)) {
		json_put_str(json_ensure_object(response, "all_extension_numbers_response"), "base_type_name", type);
	} else if (json_object_get(request, "list_services")) {
		json_t *list = json_ensure_array(json_ensure_object(response, "list_services_response"), "service");

		for (char *const *name = r->services; name && *name; name++)
			json_array_append_new(list, json_pack("{ss}", "name", *name));
	} else {
		not_found(response, "extension", type ? type : "");
	}
}

enum grpc_status grpc_reflection_info(void *self, struct grpc_call *call, const void *message, size_t len,
                                      char **ret_message)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *request = pb_decode(REQUEST, message, len, &err), *response = json_object();
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)1024 * 1024);

	if (!request) {
		*ret_message = xstrdup(err_message(&err));
		return GRPC_INVALID_ARGUMENT;
	}
	json_put_str(response, "valid_host", json_get_str(request, "host"));
	json_object_set(response, "original_request", request);
	answer(self, request, response);
	if (pb_encode(RESPONSE, response, &out, &err) < 0) {
		*ret_message = xstrdup(err_message(&err));
		return GRPC_INTERNAL;
	}
	grpc_call_send(call, buf_str(&out), out.len);
	return GRPC_OK;
}
