/* The messages of api/proto/fn/v1/run_function.proto; those of v1beta1 are the same on the wire. */

#include "function/function.h"

static const struct pb_field REQUEST_META[] = {
	{ 1, "tag", PB_STRING, PB_SINGLE, NULL },
	{ 2, "capabilities", PB_ENUM, PB_REPEATED, NULL },
	{ 0 },
};
static const struct pb_field RESOURCE[] = {
	{ 1, "resource", PB_STRUCT_KEPT, PB_OPTIONAL, NULL },
	{ 2, "connection_details", PB_BYTES, PB_MAP, NULL },
	{ 3, "ready", PB_ENUM, PB_SINGLE, NULL },
	{ 0 },
};
static const struct pb_field STATE[] = {
	{ 1, "composite", PB_MESSAGE, PB_OPTIONAL, RESOURCE },
	{ 2, "resources", PB_MESSAGE, PB_MAP, RESOURCE },
	{ 0 },
};
static const struct pb_field RESOURCES[] = { { 1, "items", PB_MESSAGE, PB_REPEATED, RESOURCE }, { 0 } };
static const struct pb_field CREDENTIAL_DATA[] = { { 1, "data", PB_BYTES, PB_MAP, NULL }, { 0 } };
static const struct pb_field CREDENTIALS[] = { { 1, "credential_data", PB_MESSAGE, PB_OPTIONAL, CREDENTIAL_DATA },
	                                           { 0 } };
static const struct pb_field SCHEMA[] = { { 1, "openapi_v3", PB_STRUCT_KEPT, PB_OPTIONAL, NULL }, { 0 } };

const struct pb_field FUNCTION_REQUEST[] = {
	{ 1, "meta", PB_MESSAGE, PB_OPTIONAL, REQUEST_META },  { 2, "observed", PB_MESSAGE, PB_OPTIONAL, STATE },
	{ 3, "desired", PB_MESSAGE, PB_OPTIONAL, STATE },      { 4, "input", PB_STRUCT, PB_OPTIONAL, NULL },
	{ 5, "context", PB_STRUCT_KEPT, PB_OPTIONAL, NULL },   { 6, "extra_resources", PB_MESSAGE, PB_MAP, RESOURCES },
	{ 7, "credentials", PB_MESSAGE, PB_MAP, CREDENTIALS }, { 8, "required_resources", PB_MESSAGE, PB_MAP, RESOURCES },
	{ 9, "required_schemas", PB_MESSAGE, PB_MAP, SCHEMA }, { 0 },
};

static const struct pb_field DURATION[] = {
	{ 1, "seconds", PB_ENUM, PB_SINGLE, NULL },
	{ 2, "nanos", PB_ENUM, PB_SINGLE, NULL },
	{ 0 },
};
static const struct pb_field RESPONSE_META[] = {
	{ 1, "tag", PB_STRING, PB_SINGLE, NULL },
	{ 2, "ttl", PB_MESSAGE, PB_OPTIONAL, DURATION },
	{ 0 },
};
static const struct pb_field RESULT[] = {
	{ 1, "severity", PB_ENUM, PB_SINGLE, NULL },
	{ 2, "message", PB_STRING, PB_SINGLE, NULL },
	{ 3, "reason", PB_STRING, PB_OPTIONAL, NULL },
	{ 4, "target", PB_ENUM, PB_OPTIONAL, NULL },
	{ 0 },
};
static const struct pb_field CONDITION[] = {
	{ 1, "type", PB_STRING, PB_SINGLE, NULL },   { 2, "status", PB_ENUM, PB_SINGLE, NULL },
	{ 3, "reason", PB_STRING, PB_SINGLE, NULL }, { 4, "message", PB_STRING, PB_OPTIONAL, NULL },
	{ 5, "target", PB_ENUM, PB_OPTIONAL, NULL }, { 0 },
};
static const struct pb_field MATCH_LABELS[] = { { 1, "labels", PB_STRING, PB_MAP, NULL }, { 0 } };
static const struct pb_field RESOURCE_SELECTOR[] = {
	{ 1, "api_version", PB_STRING, PB_SINGLE, NULL },  { 2, "kind", PB_STRING, PB_SINGLE, NULL },
	{ 3, "match_name", PB_STRING, PB_OPTIONAL, NULL }, { 4, "match_labels", PB_MESSAGE, PB_OPTIONAL, MATCH_LABELS },
	{ 5, "namespace", PB_STRING, PB_OPTIONAL, NULL },  { 0 },
};
static const struct pb_field SCHEMA_SELECTOR[] = {
	{ 1, "api_version", PB_STRING, PB_SINGLE, NULL },
	{ 2, "kind", PB_STRING, PB_SINGLE, NULL },
	{ 0 },
};
static const struct pb_field REQUIREMENTS[] = {
	{ 1, "extra_resources", PB_MESSAGE, PB_MAP, RESOURCE_SELECTOR },
	{ 2, "resources", PB_MESSAGE, PB_MAP, RESOURCE_SELECTOR },
	{ 3, "schemas", PB_MESSAGE, PB_MAP, SCHEMA_SELECTOR },
	{ 0 },
};

const struct pb_field FUNCTION_RESPONSE[] = {
	{ 1, "meta", PB_MESSAGE, PB_OPTIONAL, RESPONSE_META },
	{ 2, "desired", PB_MESSAGE, PB_OPTIONAL, STATE },
	{ 3, "results", PB_MESSAGE, PB_REPEATED, RESULT },
	{ 4, "context", PB_STRUCT_KEPT, PB_OPTIONAL, NULL },
	{ 5, "requirements", PB_MESSAGE, PB_OPTIONAL, REQUIREMENTS },
	{ 6, "conditions", PB_MESSAGE, PB_REPEATED, CONDITION },
	{ 7, "output", PB_STRUCT, PB_OPTIONAL, NULL },
	{ 0 },
};
