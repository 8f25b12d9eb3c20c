#ifndef APISERVER_KINDS_TABLES_H
#define APISERVER_KINDS_TABLES_H
/* The built-in kinds as constant tables, which tools/compile-kinds makes from the files in definitions/. Texts are
 * offsets into one block, messages are numbers: nothing in them needs a relocation, so their pages stay clean and
 * shared. */

#include <stddef.h>
#include <stdint.h>

enum kinds_type {
	KINDS_STRING,
	KINDS_BOOL,
	KINDS_INT32,
	KINDS_INT64,
	KINDS_DOUBLE,
	KINDS_BYTES,      /* base64 */
	KINDS_TIME,       /* RFC 3339, seconds */
	KINDS_MICRO_TIME, /* RFC 3339, microseconds */
	KINDS_DURATION,   /* "1m0s" */
	KINDS_QUANTITY,   /* "500m" */
	KINDS_INT_OR_STRING,
	KINDS_RAW,  /* an object of any kind */
	KINDS_JSON, /* any value */
	KINDS_FIELDS_V1,
	KINDS_MESSAGE,
};

enum kinds_shape { KINDS_ONE, KINDS_LIST, KINDS_MAP, KINDS_MAP_OF_LISTS };

enum kinds_field_flags {
	KINDS_POINTER = 1, /* nothing and the type's zero value differ */
	KINDS_ALWAYS = 2,  /* written even when it is the zero value */
	KINDS_REQUIRED = 4,
	KINDS_INLINE = 8,        /* a message by itself in protobuf only: in JSON its members lie in the one around it */
	KINDS_SET = 16,          /* list type set */
	KINDS_MAPPED = 32,       /* list type map, by keys */
	KINDS_ATOMIC = 64,       /* a map that has one owner */
	KINDS_MERGE = 128,       /* patch strategy merge */
	KINDS_RETAIN_KEYS = 256, /* patch strategy retainKeys */
	KINDS_LAX = 512,         /* published as required, though an empty value passes */
	KINDS_NONEMPTY = 1024,   /* the other way round */
	KINDS_UNINDEXED = 2048,  /* what is wrong with it is told of the list it lies in, without an index */
	KINDS_UNCHECKED = 4096,  /* nobody looks into it */
};

/* What a text, a number or a map must look like (kinds_format.c). */
enum kinds_format {
	KINDS_ANY_FORM,
	KINDS_DNS_LABEL,
	KINDS_DNS_SUBDOMAIN,
	KINDS_DNS_1035,
	KINDS_HOST, /* a subdomain, or one below which everything is meant */
	KINDS_PORT, /* not 0, which is nothing */
	KINDS_PORT_NAME,
	KINDS_PORT_OR_NAME,
	KINDS_CONFIG_KEY,
	KINDS_ENV_NAME,
	KINDS_QUALIFIED_NAME,
	KINDS_LABEL_VALUE,
	KINDS_LABELS,
	KINDS_PATH_SEGMENT,
	KINDS_IP,
	KINDS_NOT_NEGATIVE,
	KINDS_POSITIVE,
	KINDS_INT_OR_PERCENT,
	KINDS_SHARE, /* the same, up to 100% */
	KINDS_FILE_MODE,
	KINDS_ABSOLUTE_PATH,
};

/* What the parts of a message must be together (kinds_rules.h). */
enum kinds_rule {
	KINDS_NO_RULE,
	KINDS_RULE_SELECTOR_REQUIREMENT,
	KINDS_RULE_KEY_SELECTOR,
	KINDS_RULE_NAMED,
	KINDS_RULE_NAMED_SUBDOMAIN,
	KINDS_RULE_ENV_VAR,
	KINDS_RULE_ENV_FROM,
	KINDS_RULE_RESOURCES,
	KINDS_RULE_TOLERATION,
	KINDS_RULE_NETWORK_PORT,
	KINDS_RULE_NETWORK_PEER,
	KINDS_RULE_IP_BLOCK,
	KINDS_RULE_INGRESS_BACKEND,
	KINDS_RULE_INGRESS_PATH,
	KINDS_RULE_METRIC_SPEC,
	KINDS_RULE_METRIC_TARGET,
	KINDS_RULE_METRIC_OBJECT,
	KINDS_RULE_METRIC_EXTERNAL,
	KINDS_RULE_METRIC_PODS,
	KINDS_RULE_METRIC_RESOURCE,
	KINDS_RULE_SCALING_RULES,
	KINDS_RULE_CLAIM_SPEC,
	KINDS_RULES_LEN,
};

struct kinds_field {
	uint32_t name, text; /* text: what it is for */
	uint32_t value;      /* default, as JSON */
	uint32_t choices;    /* "A|B" */
	uint32_t keys;       /* "containerPort,protocol" */
	uint32_t merge_key;
	uint32_t go_type; /* "v1.Protocol": its type in Kubernetes' Go code where that has a name of its own */
	uint32_t missing; /* what is said when it is required and not there */
	uint16_t number, message;
	uint16_t flags;
	uint8_t type, shape, format;
};

enum kinds_message_flags { KINDS_MESSAGE_ATOMIC = 1 };

struct kinds_message {
	uint32_t name; /* as published, "io.k8s.api.core.v1.PodSpec" */
	uint32_t text;
	uint32_t one_of;     /* "volume type": exactly one of its fields is there; the first counts */
	uint16_t first, len; /* its fields in KINDS_FIELDS */
	uint8_t flags, rule;
};

struct kinds_column {
	uint32_t name, type;
	uint32_t source; /* ".spec.x" or the name of a builtin_cell() */
	uint32_t text;
	uint8_t priority;
};

enum kinds_kind_flags {
	KINDS_NAMESPACED = 1,
	KINDS_NAMELESS = 2, /* tables do not begin with the name */
	KINDS_HIDDEN = 4,   /* no resource of its own */
	/* As in struct api_strategy, for kinds that need nothing else of it. */
	KINDS_UNCONDITIONAL_UPDATE = 8,
	KINDS_CREATE_ON_UPDATE = 16,
	KINDS_GENERATION = 32,
	KINDS_ANY_NAME = 64,
};
enum kinds_subresources { KINDS_STATUS = 1, KINDS_SCALE = 2, KINDS_FINALIZE = 4, KINDS_APPROVAL = 8 };

struct kinds_kind {
	uint32_t group, version, kind, plural, singular;
	uint32_t short_names, categories, selectable; /* words with a space between */
	uint32_t unserved;                            /* what a warning says: nothing acts on objects of this kind here */
	uint32_t scale[3];                            /* paths of spec.replicas, status.replicas, the selector */
	uint16_t message, first_column, columns_len;
	uint8_t verbs; /* enum api_verb */
	uint8_t subresources, flags;
};

extern const char KINDS_TEXT[];
extern const struct kinds_field KINDS_FIELDS[];
extern const struct kinds_message KINDS_MESSAGES[];
extern const struct kinds_column KINDS_COLUMNS[];
extern const struct kinds_kind KINDS[];
extern const size_t KINDS_LEN, KINDS_MESSAGES_LEN;

/* "" for 0. */
static inline const char *kinds_text(uint32_t at)
{
	return KINDS_TEXT + at;
}

static inline const struct kinds_message *kinds_message_of(const struct kinds_field *f)
{
	return &KINDS_MESSAGES[f->message];
}

static inline const struct kinds_field *kinds_fields(const struct kinds_message *m)
{
	return &KINDS_FIELDS[m->first];
}

#endif
