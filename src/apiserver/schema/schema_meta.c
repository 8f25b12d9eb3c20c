/* The schema of metadata, which every resource has: types, list types and map types of ObjectMeta. */
#include "schema_internal.h"

#define FIELDS(array) .fields_len = ARRAY_SIZE(array), .fields = array

const struct schema SCHEMA_PLAIN_STRING = { .type = SCHEMA_STRING };
static const struct schema INTEGER = { .type = SCHEMA_INTEGER };
static const struct schema BOOLEAN = { .type = SCHEMA_BOOLEAN };
static const struct schema STRING_MAP = { .type = SCHEMA_OBJECT, .additional = &SCHEMA_PLAIN_STRING };
static const struct schema FREE_OBJECT = { .type = SCHEMA_OBJECT, .flags = SCHEMA_PRESERVE };

static const struct schema FINALIZERS = {
	.type = SCHEMA_ARRAY,
	.list_type = SCHEMA_LIST_SET,
	.items = &SCHEMA_PLAIN_STRING,
	.patch_strategy = "merge",
};

static const struct schema_field OWNER_FIELDS[] = {
	{ "apiVersion", &SCHEMA_PLAIN_STRING }, { "blockOwnerDeletion", &BOOLEAN }, { "controller", &BOOLEAN },
	{ "kind", &SCHEMA_PLAIN_STRING },       { "name", &SCHEMA_PLAIN_STRING },   { "uid", &SCHEMA_PLAIN_STRING },
};
static const struct schema OWNER = {
	.type = SCHEMA_OBJECT,
	.flags = SCHEMA_MAP_ATOMIC,
	FIELDS(OWNER_FIELDS),
};
static char OWNER_KEY[] = "uid";
static char *const OWNER_KEYS[] = { OWNER_KEY, NULL };
static const struct schema OWNERS = {
	.type = SCHEMA_ARRAY,
	.list_type = SCHEMA_LIST_MAP,
	.list_map_keys = OWNER_KEYS,
	.items = &OWNER,
	.patch_strategy = "merge",
	.patch_merge_key = OWNER_KEY,
};

static const struct schema_field MANAGER_FIELDS[] = {
	{ "apiVersion", &SCHEMA_PLAIN_STRING }, { "fieldsType", &SCHEMA_PLAIN_STRING },
	{ "fieldsV1", &FREE_OBJECT },           { "manager", &SCHEMA_PLAIN_STRING },
	{ "operation", &SCHEMA_PLAIN_STRING },  { "subresource", &SCHEMA_PLAIN_STRING },
	{ "time", &SCHEMA_PLAIN_STRING },
};
static const struct schema MANAGER = { .type = SCHEMA_OBJECT, FIELDS(MANAGER_FIELDS) };
static const struct schema MANAGERS = { .type = SCHEMA_ARRAY, .items = &MANAGER };

static const struct schema_field META_FIELDS[] = {
	{ "annotations", &STRING_MAP },
	{ "creationTimestamp", &SCHEMA_PLAIN_STRING },
	{ "deletionGracePeriodSeconds", &INTEGER },
	{ "deletionTimestamp", &SCHEMA_PLAIN_STRING },
	{ "finalizers", &FINALIZERS },
	{ "generateName", &SCHEMA_PLAIN_STRING },
	{ "generation", &INTEGER },
	{ "labels", &STRING_MAP },
	{ "managedFields", &MANAGERS },
	{ "name", &SCHEMA_PLAIN_STRING },
	{ "namespace", &SCHEMA_PLAIN_STRING },
	{ "ownerReferences", &OWNERS },
	{ "resourceVersion", &SCHEMA_PLAIN_STRING },
	{ "selfLink", &SCHEMA_PLAIN_STRING },
	{ "uid", &SCHEMA_PLAIN_STRING },
};
const struct schema SCHEMA_OBJECT_META = { .type = SCHEMA_OBJECT, FIELDS(META_FIELDS) };
