#include "kcl/go_decode.h"

#include "base/str.h"
#include "codec/go_json.h"
#include "call.h"

static const struct go_type string = { "string", GO_STRING, NULL, NULL };
static const struct go_type boolean = { "bool", GO_BOOL, NULL, NULL };
static const struct go_type anything = { "interface {}", GO_ANY, NULL, NULL };
static const struct go_type strings = { "map[string]string", GO_MAP, &string, NULL };
static const struct go_type target = { "resource.BindingTarget", GO_STRING, NULL, NULL };

static const struct go_type extra_requirement = { "resource.ExtraResourcesRequirement", GO_STRUCT, NULL,
	                                              (const struct go_member[]){ { "apiVersion", &string },
	                                                                          { "kind", &string },
	                                                                          { "matchLabels", &strings },
	                                                                          { "matchName", &string },
	                                                                          { "matchNamespace", &string },
	                                                                          { 0 } } };
static const struct go_type required_requirement = { "resource.RequiredResourcesRequirement", GO_STRUCT, NULL,
	                                                 (const struct go_member[]){ { "apiVersion", &string },
	                                                                             { "kind", &string },
	                                                                             { "matchLabels", &strings },
	                                                                             { "name", &string },
	                                                                             { "namespace", &string },
	                                                                             { 0 } } };
static const struct go_type condition_status = { "v1.ConditionStatus", GO_STRING, NULL, NULL };
static const struct go_type condition = {
	"resource.Condition", GO_STRUCT, NULL,
	(const struct go_member[]){
		{ "type", &string }, { "status", &condition_status }, { "reason", &string }, { "message", &string }, { 0 } }
};
static const struct go_type condition_entry = {
	"resource.ConditionResource", GO_STRUCT, NULL,
	(const struct go_member[]){ { "target", &target }, { "force", &boolean }, { "condition", &condition }, { 0 } }
};
static const struct go_type event_type = { "resource.EventType", GO_STRING, NULL, NULL };
static const struct go_type event = {
	"resource.Event", GO_STRUCT, NULL,
	(const struct go_member[]){ { "type", &event_type }, { "reason", &string }, { "message", &string }, { 0 } }
};
static const struct go_type event_entry = { "resource.CreateEvent", GO_STRUCT, NULL,
	                                        (const struct go_member[]){
												{ "target", &target }, { "event", &event }, { 0 } } };

const struct go_type GO_EXTRA_REQUIREMENTS = { "resource.ExtraResourcesRequirements", GO_MAP, &extra_requirement,
	                                           NULL };
const struct go_type GO_REQUIRED_REQUIREMENTS = { "resource.RequiredResourcesRequirements", GO_MAP,
	                                              &required_requirement, NULL };
const struct go_type GO_CONDITIONS = { "resource.ConditionResources", GO_LIST, &condition_entry, NULL };
const struct go_type GO_EVENTS = { "resource.EventResources", GO_LIST, &event_entry, NULL };
const struct go_type GO_OBJECT = { "map[string]interface {}", GO_MAP, &anything, NULL };

/* The struct that is being filled, and the keys of the structs that lead to where we are. */
struct place {
	const char *structure;
	const char *path;
};

static int refuse(const json_t *v, const struct go_type *t, const struct place *at, struct err *err)
{
	if (!at->structure)
		return err_set(err, ERR_INVALID, "json: cannot unmarshal %s into Go value of type %s", go_json_type(v),
		               t->name);
	return err_set(err, ERR_INVALID, "json: cannot unmarshal %s into Go struct field %s.%s of type %s", go_json_type(v),
	               at->structure, at->path, t->name);
}

static int decodes(const json_t *v, const struct go_type *t, const struct place *at, struct err *err);

static const struct go_type *member_type(const struct go_type *t, const char *key)
{
	for (const struct go_member *m = t->members; m->key; m++)
		if (str_eq(m->key, key))
			return m->type;
	return NULL;
}

static int decode_member(const json_t *v, const char *key, const struct go_type *t, const struct place *at,
                         struct err *err)
{
	const struct go_type *type = t->kind == GO_STRUCT ? member_type(t, key) : t->element;

	if (t->kind != GO_STRUCT || !type)
		return type ? decodes(v, type, at, err) : 0;

	_cleanup_free_ char *path = xasprintf("%s%s%s", at->path ? at->path : "", at->path ? "." : "", key);
	struct place inside = { .structure = strchr(t->name, '.') + 1, .path = path };

	return decodes(v, type, &inside, err);
}

static int decode_members(const json_t *v, const struct go_type *t, const struct place *at, struct err *err)
{
	size_t n;
	_cleanup_free_ const char **keys = json_keys_in_order(v, &n);

	for (size_t i = 0; i < n; i++)
		if (decode_member(json_object_get(v, keys[i]), keys[i], t, at, err) < 0)
			return -1;
	return 0;
}

static int decode_items(const json_t *v, const struct go_type *t, const struct place *at, struct err *err)
{
	for (size_t i = 0; i < json_array_size(v); i++)
		if (decodes(json_array_get(v, i), t->element, at, err) < 0)
			return -1;
	return 0;
}

static int decodes(const json_t *v, const struct go_type *t, const struct place *at, struct err *err)
{
	if (json_is_null(v) || t->kind == GO_ANY)
		return 0;
	switch (t->kind) {
	case GO_STRING:
		return json_is_string(v) ? 0 : refuse(v, t, at, err);
	case GO_BOOL:
		return json_is_boolean(v) ? 0 : refuse(v, t, at, err);
	case GO_LIST:
		return json_is_array(v) ? decode_items(v, t, at, err) : refuse(v, t, at, err);
	default:
		return json_is_object(v) ? decode_members(v, t, at, err) : refuse(v, t, at, err);
	}
}

int go_decodes(const json_t *value, const struct go_type *type, struct err *err)
{
	return decodes(value, type, &(struct place){ 0 }, err);
}
