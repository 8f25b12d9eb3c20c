/* Field numbers of k8s.io/api and k8s.io/apimachinery, generated.proto. */
#include "base/str.h"
#include "proto.h"

#define FIELDS(NAME, ...)                                                     \
	static const struct proto_field NAME##_FIELDS[] = { __VA_ARGS__, { 0 } }; \
	static const struct proto_message NAME = { NAME##_FIELDS }
#define STR(n, name)                       \
	{                                      \
		n, name, PROTO_STRING, false, NULL \
	}
#define STRS(n, name)                     \
	{                                     \
		n, name, PROTO_STRING, true, NULL \
	}
#define INT(n, name)                    \
	{                                   \
		n, name, PROTO_INT, false, NULL \
	}
#define BOOL(n, name)                    \
	{                                    \
		n, name, PROTO_BOOL, false, NULL \
	}
#define TIME(n, name)                    \
	{                                    \
		n, name, PROTO_TIME, false, NULL \
	}
#define MICRO(n, name)                         \
	{                                          \
		n, name, PROTO_MICRO_TIME, false, NULL \
	}
#define MSG(n, name, m)                   \
	{                                     \
		n, name, PROTO_MESSAGE, false, &m \
	}
#define MSGS(n, name, m)                 \
	{                                    \
		n, name, PROTO_MESSAGE, true, &m \
	}
#define MAP(n, name)                           \
	{                                          \
		n, name, PROTO_STRING_MAP, false, NULL \
	}

/* ---- meta/v1 ---- */

FIELDS(OWNER, STR(1, "kind"), STR(3, "name"), STR(4, "uid"), STR(5, "apiVersion"), BOOL(6, "controller"),
       BOOL(7, "blockOwnerDeletion"));
FIELDS(MANAGED, STR(1, "manager"), STR(2, "operation"), STR(3, "apiVersion"), TIME(4, "time"), STR(6, "fieldsType"),
       { 7, "fieldsV1", PROTO_RAW_JSON, false, NULL }, STR(8, "subresource"));
FIELDS(META, STR(1, "name"), STR(2, "generateName"), STR(3, "namespace"), STR(4, "selfLink"), STR(5, "uid"),
       STR(6, "resourceVersion"), INT(7, "generation"), TIME(8, "creationTimestamp"), TIME(9, "deletionTimestamp"),
       INT(10, "deletionGracePeriodSeconds"), MAP(11, "labels"), MAP(12, "annotations"),
       MSGS(13, "ownerReferences", OWNER), STRS(14, "finalizers"), MSGS(17, "managedFields", MANAGED));
FIELDS(PRECONDITIONS, STR(1, "uid"), STR(2, "resourceVersion"));
FIELDS(DELETE_OPTIONS, INT(1, "gracePeriodSeconds"), MSG(2, "preconditions", PRECONDITIONS),
       BOOL(3, "orphanDependents"), STR(4, "propagationPolicy"), STRS(5, "dryRun"));
FIELDS(REQUIREMENT, STR(1, "key"), STR(2, "operator"), STRS(3, "values"));

/* ---- core/v1 ---- */

FIELDS(NAMESPACE_CONDITION, STR(1, "type"), STR(2, "status"), TIME(4, "lastTransitionTime"), STR(5, "reason"),
       STR(6, "message"));
FIELDS(NAMESPACE_SPEC, STRS(1, "finalizers"));
FIELDS(NAMESPACE_STATUS, STR(1, "phase"), MSGS(2, "conditions", NAMESPACE_CONDITION));
FIELDS(NAMESPACE, MSG(1, "metadata", META), MSG(2, "spec", NAMESPACE_SPEC), MSG(3, "status", NAMESPACE_STATUS));
FIELDS(CONFIG_MAP, MSG(1, "metadata", META), MAP(2, "data"), { 3, "binaryData", PROTO_BYTES_MAP, false, NULL },
       BOOL(4, "immutable"));
FIELDS(SECRET, MSG(1, "metadata", META), { 2, "data", PROTO_BYTES_MAP, false, NULL }, STR(3, "type"),
       MAP(4, "stringData"), BOOL(5, "immutable"));
FIELDS(REFERENCE, STR(1, "kind"), STR(2, "namespace"), STR(3, "name"), STR(4, "uid"), STR(5, "apiVersion"),
       STR(6, "resourceVersion"), STR(7, "fieldPath"));
FIELDS(LOCAL_REFERENCE, STR(1, "name"));
FIELDS(SERVICE_ACCOUNT, MSG(1, "metadata", META), MSGS(2, "secrets", REFERENCE),
       MSGS(3, "imagePullSecrets", LOCAL_REFERENCE), BOOL(4, "automountServiceAccountToken"));
FIELDS(EVENT_SOURCE, STR(1, "component"), STR(2, "host"));
FIELDS(EVENT_SERIES, INT(1, "count"), MICRO(2, "lastObservedTime"));
FIELDS(EVENT, MSG(1, "metadata", META), MSG(2, "involvedObject", REFERENCE), STR(3, "reason"), STR(4, "message"),
       MSG(5, "source", EVENT_SOURCE), TIME(6, "firstTimestamp"), TIME(7, "lastTimestamp"), INT(8, "count"),
       STR(9, "type"), MICRO(10, "eventTime"), MSG(11, "series", EVENT_SERIES), STR(12, "action"),
       MSG(13, "related", REFERENCE), STR(14, "reportingComponent"), STR(15, "reportingInstance"));

/* ---- events.k8s.io/v1, coordination.k8s.io/v1 ---- */

FIELDS(EVENT_V1, MSG(1, "metadata", META), MICRO(2, "eventTime"), MSG(3, "series", EVENT_SERIES),
       STR(4, "reportingController"), STR(5, "reportingInstance"), STR(6, "action"), STR(7, "reason"),
       MSG(8, "regarding", REFERENCE), MSG(9, "related", REFERENCE), STR(10, "note"), STR(11, "type"),
       MSG(12, "deprecatedSource", EVENT_SOURCE), TIME(13, "deprecatedFirstTimestamp"),
       TIME(14, "deprecatedLastTimestamp"), INT(15, "deprecatedCount"));
FIELDS(LEASE_SPEC, STR(1, "holderIdentity"), INT(2, "leaseDurationSeconds"), MICRO(3, "acquireTime"),
       MICRO(4, "renewTime"), INT(5, "leaseTransitions"), STR(6, "strategy"), STR(7, "preferredHolder"));
FIELDS(LEASE, MSG(1, "metadata", META), MSG(2, "spec", LEASE_SPEC));

/* ---- authorization.k8s.io/v1, authentication.k8s.io/v1; what a client asks, not what it is told ---- */

FIELDS(SELECTOR_ATTRIBUTES, STR(1, "rawSelector"), MSGS(2, "requirements", REQUIREMENT));
FIELDS(RESOURCE_ATTRIBUTES, STR(1, "namespace"), STR(2, "verb"), STR(3, "group"), STR(4, "version"), STR(5, "resource"),
       STR(6, "subresource"), STR(7, "name"), MSG(8, "fieldSelector", SELECTOR_ATTRIBUTES),
       MSG(9, "labelSelector", SELECTOR_ATTRIBUTES));
FIELDS(NON_RESOURCE_ATTRIBUTES, STR(1, "path"), STR(2, "verb"));
FIELDS(ACCESS_SPEC, MSG(1, "resourceAttributes", RESOURCE_ATTRIBUTES),
       MSG(2, "nonResourceAttributes", NON_RESOURCE_ATTRIBUTES), STR(3, "user"), STRS(4, "groups"),
       { 5, "extra", PROTO_LISTS_MAP, false, NULL }, STR(6, "uid"));
FIELDS(ACCESS_REVIEW, MSG(1, "metadata", META), MSG(2, "spec", ACCESS_SPEC));
FIELDS(RULES_SPEC, STR(1, "namespace"));
FIELDS(RULES_REVIEW, MSG(1, "metadata", META), MSG(2, "spec", RULES_SPEC));
FIELDS(SELF_REVIEW, MSG(1, "metadata", META));
FIELDS(TOKEN_SPEC, STR(1, "token"), STRS(2, "audiences"));
FIELDS(TOKEN_REVIEW, MSG(1, "metadata", META), MSG(2, "spec", TOKEN_SPEC));

static const struct {
	const char *api_version, *kind; /* NULL: any */
	const struct proto_message *message;
} KINDS[] = {
	{ "v1", "Namespace", &NAMESPACE },
	{ "v1", "ConfigMap", &CONFIG_MAP },
	{ "v1", "Secret", &SECRET },
	{ "v1", "ServiceAccount", &SERVICE_ACCOUNT },
	{ "v1", "Event", &EVENT },
	{ "events.k8s.io/v1", "Event", &EVENT_V1 },
	{ "coordination.k8s.io/v1", "Lease", &LEASE },
	{ "authorization.k8s.io/v1", "SubjectAccessReview", &ACCESS_REVIEW },
	{ "authorization.k8s.io/v1", "LocalSubjectAccessReview", &ACCESS_REVIEW },
	{ "authorization.k8s.io/v1", "SelfSubjectAccessReview", &ACCESS_REVIEW },
	{ "authorization.k8s.io/v1", "SelfSubjectRulesReview", &RULES_REVIEW },
	{ "authentication.k8s.io/v1", "SelfSubjectReview", &SELF_REVIEW },
	{ "authentication.k8s.io/v1", "TokenReview", &TOKEN_REVIEW },
	{ NULL, "DeleteOptions", &DELETE_OPTIONS },
};

const struct proto_message *proto_message_of(const char *api_version, const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
		if (strcmp(KINDS[i].kind, kind) == 0 &&
		    (!KINDS[i].api_version || strcmp(KINDS[i].api_version, api_version) == 0))
			return KINDS[i].message;
	return NULL;
}
