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
};

struct kinds_field {
	uint32_t name, text; /* text: what it is for */
	uint32_t value;      /* default, as JSON */
	uint32_t choices;    /* "A|B" */
	uint32_t keys;       /* "containerPort,protocol" */
	uint32_t merge_key;
	uint16_t number, message;
	uint16_t flags;
	uint8_t type, shape;
};

enum kinds_message_flags { KINDS_MESSAGE_ATOMIC = 1 };

struct kinds_message {
	uint32_t name; /* as published, "io.k8s.api.core.v1.PodSpec" */
	uint32_t text;
	uint16_t first, len; /* its fields in KINDS_FIELDS */
	uint16_t flags;
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
