#ifndef LANG_KCL_SYNTAX_TOKEN_H
#define LANG_KCL_SYNTAX_TOKEN_H
/* The tokens of a KCL text, and the lexer that cuts it into them.
 *
 * Indentation is significant everywhere, inside of brackets too: each line end is a token, and so is each change of
 * the indentation. The parser skips those where the grammar allows line breaks. */

#include "stop.h"
#include "syntax/ast.h"

enum kcl_token_kind {
	KCL_TOK_EOF,
	KCL_TOK_NEWLINE,
	KCL_TOK_INDENT,
	KCL_TOK_DEDENT,
	KCL_TOK_COMMENT, /* only where comments are asked for among the tokens */
	KCL_TOK_NAME,    /* keywords included */
	KCL_TOK_NUMBER,
	KCL_TOK_STRING,
	KCL_TOK_LPAREN,
	KCL_TOK_RPAREN,
	KCL_TOK_LBRACKET,
	KCL_TOK_RBRACKET,
	KCL_TOK_LBRACE,
	KCL_TOK_RBRACE,
	KCL_TOK_AT,
	KCL_TOK_DOT,
	KCL_TOK_ELLIPSIS,
	KCL_TOK_COMMA,
	KCL_TOK_COLON,
	KCL_TOK_ARROW,
	KCL_TOK_DOLLAR,
	KCL_TOK_QUESTION,
	KCL_TOK_ASSIGN,
	KCL_TOK_TILDE,
	KCL_TOK_BANG,
	/* in the order of enum kcl_compare_op */
	KCL_TOK_EQ,
	KCL_TOK_NE,
	KCL_TOK_LT,
	KCL_TOK_LE,
	KCL_TOK_GT,
	KCL_TOK_GE,
	/* both in the order of enum kcl_binary_op */
	KCL_TOK_ADD,
	KCL_TOK_SUB,
	KCL_TOK_MUL,
	KCL_TOK_DIV,
	KCL_TOK_MOD,
	KCL_TOK_POW,
	KCL_TOK_FLOORDIV,
	KCL_TOK_SHL,
	KCL_TOK_SHR,
	KCL_TOK_BITXOR,
	KCL_TOK_BITAND,
	KCL_TOK_BITOR,
	KCL_TOK_ADD_ASSIGN,
	KCL_TOK_SUB_ASSIGN,
	KCL_TOK_MUL_ASSIGN,
	KCL_TOK_DIV_ASSIGN,
	KCL_TOK_MOD_ASSIGN,
	KCL_TOK_POW_ASSIGN,
	KCL_TOK_FLOORDIV_ASSIGN,
	KCL_TOK_SHL_ASSIGN,
	KCL_TOK_SHR_ASSIGN,
	KCL_TOK_BITXOR_ASSIGN,
	KCL_TOK_BITAND_ASSIGN,
	KCL_TOK_BITOR_ASSIGN,
};

enum kcl_keyword_id {
	KCL_KW_NOT_ONE,
	KCL_KW_TRUE,
	KCL_KW_FALSE,
	KCL_KW_NONE,
	KCL_KW_UNDEFINED,
	KCL_KW_IMPORT,
	KCL_KW_AND,
	KCL_KW_OR,
	KCL_KW_IN,
	KCL_KW_IS,
	KCL_KW_NOT,
	KCL_KW_AS,
	KCL_KW_IF,
	KCL_KW_ELSE,
	KCL_KW_ELIF,
	KCL_KW_FOR,
	KCL_KW_SCHEMA,
	KCL_KW_MIXIN,
	KCL_KW_PROTOCOL,
	KCL_KW_CHECK,
	KCL_KW_ASSERT,
	KCL_KW_ALL,
	KCL_KW_ANY,
	KCL_KW_MAP,
	KCL_KW_FILTER,
	KCL_KW_LAMBDA,
	KCL_KW_RULE,
	KCL_KW_TYPE,
	KCL_KW_BOOL, /* names of types, special only where a type is expected */
	KCL_KW_INT,
	KCL_KW_FLOAT,
	KCL_KW_STR,
};

/* A text has as many tokens as a quarter of its bytes, so they are kept small. */
struct kcl_token {
	uint8_t kind;         /* enum kcl_token_kind */
	uint8_t keyword;      /* enum kcl_keyword_id */
	bool is_long, is_raw; /* STRING */
	uint32_t start, end;  /* bytes of the text */
	struct kcl_span span;
	union {
		const char *s; /* NAME without its $, STRING decoded, COMMENT */
		const struct kcl_number *number;
		uint32_t spaces; /* DEDENT: by how many it misses the level it goes back to; 0 when it is right */
		uint32_t match;  /* LBRACE: the index of the brace that closes it, or 0 */
	};
};

struct kcl_tokens {
	struct kcl_token *items; /* the last one is EOF; free() */
	uint32_t len;
};

/* Where lexing begins. */
struct kcl_lex_input {
	const char *file, *text; /* text: well-formed UTF-8 without NUL */
	uint32_t start, end;     /* the part to read */
	uint32_t line, column;   /* of start */
	bool is_part;            /* of a string: comments stay among the tokens, and the first line has no indentation */
	struct kcl_stop *stop;   /* NULL */
};

/* Texts of tokens go to the arena. Comments that are not among the tokens are appended to *comments, in order. */
struct kcl_tokens kcl_lex(const struct kcl_lex_input *input, struct arena *arena, struct kcl_comment **comments,
                          struct kcl_diagnostics *diagnostics);

/* As messages say it: "identifier", "newline", "[", a literal's own text. */
const char *kcl_token_text(const struct kcl_token *token, const char *text, struct arena *arena);

/* KCL_KW_NOT_ONE for other names. */
enum kcl_keyword_id kcl_keyword_id(const char *s, size_t len);

/* Decodes the inside of a string literal; NULL when an escape is wrong or a character cannot stand in it. */
char *kcl_decode_string(const char *s, size_t len, char quote, bool is_long, bool is_raw, struct arena *arena);
/* Takes the common indentation off the lines of a long string, and its first line when that is empty. */
char *kcl_dedent_string(const char *s, struct arena *arena);

/* Reads an integer literal with its base prefix and underscores; false when it is malformed or needs more than 64
 * bits. Values from 2^63 on wrap around, as upstream has it. */
bool kcl_parse_int(const char *s, size_t len, int64_t *ret);
/* KCL_UNIT_NONE when there is no such unit. */
enum kcl_unit kcl_unit_of(const char *s, size_t len);

#endif
