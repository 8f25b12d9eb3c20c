#include "write_fields.h"

#include "base/clock.h"
#include "conversion/conversion.h"
#include "objects/object_view.h"
#include "server.h"

static const struct api_version *version_of(const struct api_type *t, const char *api_version)
{
	for (size_t i = 0; i < t->versions_len; i++)
		if (strcmp(t->versions[i].api_version, api_version) == 0)
			return &t->versions[i];
	return NULL;
}

static bool schema_of(void *self, const char *api_version, const struct schema **ret)
{
	const struct api_request *req = self;
	const struct api_version *v = version_of(req->type, api_version);

	if (!v)
		return false;
	*ret = schema_resolve(v->schema);
	return true;
}

static json_t *convert(void *self, const json_t *obj, const char *from, const char *to)
{
	const struct api_request *req = self;
	const struct api_version *source = version_of(req->type, from), *target = version_of(req->type, to);

	if (!source || !target)
		return NULL;
	json_t *converted = json_clone(obj);
	if (req->type->conversion) {
		if (conversion_run(req->type->conversion, req->server->store, to, &converted, 1, NULL) == 0)
			return converted;
		json_decref(converted);
		return NULL;
	}
	object_to_storage(req->type, source, converted);
	object_from_storage(req->type, target, converted);
	if (target->schema)
		schema_prune(target->schema, converted, NULL);
	return converted;
}

void write_fields_init(struct write_fields *f, const struct api_request *req, const char *subresource)
{
	*f = (struct write_fields){ 0 };
	f->versions = (struct apply_versions){ .self = (void *)(uintptr_t)req, .schema = schema_of, .convert = convert };
	f->request = (struct apply_request){
		.schema = schema_resolve(req->version->schema),
		.versions = req->type->versions_len > 1 ? &f->versions : NULL,
		.manager = api_request_manager(req, f->manager),
		.api_version = req->version->api_version,
		.kind = req->type->kind,
		.subresource = subresource,
		.has_status = req->version->has_status,
		.force = req->options.force,
		.now_wall_ns = clock_wall_ns(),
	};
}
