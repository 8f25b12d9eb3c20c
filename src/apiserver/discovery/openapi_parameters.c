#include "openapi_parameters.h"

/* In the order of their names. */
static const struct {
	const char *name, *type, *description;
	bool in_path;
} PARAMETERS[] = {
	[PARAMETER_BOOKMARKS] = { "allowWatchBookmarks", "boolean", "Events that only tell the version.", false },
	[PARAMETER_CONTINUE] = { "continue", "string", "Where the answer before this one ended.", false },
	[PARAMETER_DRY_RUN] = { "dryRun", "string", "All: run every stage of the request but store nothing.", false },
	[PARAMETER_MANAGER] = { "fieldManager", "string",
	                        "Name of who makes this change, for tracking the ownership of fields.", false },
	[PARAMETER_FIELDS] = { "fieldSelector", "string", "Only objects with these fields.", false },
	[PARAMETER_VALIDATION] = { "fieldValidation", "string",
	                           "What to do about unknown and duplicate fields: Ignore, Warn or Strict.", false },
	[PARAMETER_FORCE] = { "force", "boolean", "Take over fields that other managers applied.", false },
	[PARAMETER_GRACE] = { "gracePeriodSeconds", "integer", "Seconds before the object is deleted.", false },
	[PARAMETER_LABELS] = { "labelSelector", "string", "Only objects with these labels.", false },
	[PARAMETER_LIMIT] = { "limit", "integer", "At most so many objects in one answer.", false },
	[PARAMETER_NAME] = { "name", "string", "Name of the object.", true },
	[PARAMETER_NAMESPACE] = { "namespace", "string", "Namespace of the object.", true },
	[PARAMETER_ORPHAN] = { "orphanDependents", "boolean", "Use propagationPolicy instead.", false },
	[PARAMETER_PRETTY] = { "pretty", "string", "If 'true', the output is indented.", false },
	[PARAMETER_PROPAGATION] = { "propagationPolicy", "string",
	                            "What happens to dependents: Orphan, Background or Foreground.", false },
	[PARAMETER_VERSION] = { "resourceVersion", "string", "Which state to read.", false },
	[PARAMETER_MATCH] = { "resourceVersionMatch", "string", "How resourceVersion is meant.", false },
	[PARAMETER_INITIAL] = { "sendInitialEvents", "boolean", "Begin a watch with what is there.", false },
	[PARAMETER_TIMEOUT] = { "timeoutSeconds", "integer", "How long to follow changes.", false },
	[PARAMETER_WATCH] = { "watch", "boolean", "Follow changes.", false },
};

json_t *openapi_parameters(enum openapi_version api, unsigned parameters)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(PARAMETERS); i++) {
		if (!(parameters & (1u << i)))
			continue;
		json_t *v = json_object(), *where = v;
		json_put_str(v, "name", PARAMETERS[i].name);
		json_put_str(v, "in", PARAMETERS[i].in_path ? "path" : "query");
		json_put_str(v, "description", PARAMETERS[i].description);
		if (PARAMETERS[i].in_path)
			json_put_bool(v, "required", true);
		if (api == OPENAPI_V3)
			where = json_ensure_object(v, "schema");
		json_put_str(where, "type", PARAMETERS[i].type);
		json_put_bool(where, "uniqueItems", true);
		json_array_append_new(list, v);
	}
	return list;
}
