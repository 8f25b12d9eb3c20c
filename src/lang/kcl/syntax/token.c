#include "syntax/token.h"

#include "base/str.h"

static const char *const names[] = {
	[KCL_TOK_EOF] = "eof",
	[KCL_TOK_NEWLINE] = "newline",
	[KCL_TOK_INDENT] = "indent",
	[KCL_TOK_DEDENT] = "dedent",
	[KCL_TOK_COMMENT] = "comment",
	[KCL_TOK_NAME] = "identifier",
	[KCL_TOK_NUMBER] = "number",
	[KCL_TOK_STRING] = "string",
	[KCL_TOK_LPAREN] = "(",
	[KCL_TOK_RPAREN] = ")",
	[KCL_TOK_LBRACKET] = "[",
	[KCL_TOK_RBRACKET] = "]",
	[KCL_TOK_LBRACE] = "{",
	[KCL_TOK_RBRACE] = "}",
	[KCL_TOK_AT] = "@",
	[KCL_TOK_DOT] = ".",
	[KCL_TOK_ELLIPSIS] = "...",
	[KCL_TOK_COMMA] = ",",
	[KCL_TOK_COLON] = ":",
	[KCL_TOK_ARROW] = "->",
	[KCL_TOK_DOLLAR] = "$",
	[KCL_TOK_QUESTION] = "?",
	[KCL_TOK_ASSIGN] = "=",
	[KCL_TOK_TILDE] = "~",
	[KCL_TOK_BANG] = "!",
	[KCL_TOK_EQ] = "==",
	[KCL_TOK_NE] = "!=",
	[KCL_TOK_LT] = "<",
	[KCL_TOK_LE] = "<=",
	[KCL_TOK_GT] = ">",
	[KCL_TOK_GE] = ">=",
	[KCL_TOK_ADD] = "+",
	[KCL_TOK_SUB] = "-",
	[KCL_TOK_MUL] = "*",
	[KCL_TOK_DIV] = "/",
	[KCL_TOK_MOD] = "%",
	[KCL_TOK_POW] = "**",
	[KCL_TOK_FLOORDIV] = "//",
	[KCL_TOK_SHL] = "<<",
	[KCL_TOK_SHR] = ">>",
	[KCL_TOK_BITXOR] = "^",
	[KCL_TOK_BITAND] = "&",
	[KCL_TOK_BITOR] = "|",
	[KCL_TOK_ADD_ASSIGN] = "+=",
	[KCL_TOK_SUB_ASSIGN] = "-=",
	[KCL_TOK_MUL_ASSIGN] = "*=",
	[KCL_TOK_DIV_ASSIGN] = "/=",
	[KCL_TOK_MOD_ASSIGN] = "%=",
	[KCL_TOK_POW_ASSIGN] = "**=",
	[KCL_TOK_FLOORDIV_ASSIGN] = "//=",
	[KCL_TOK_SHL_ASSIGN] = "<<=",
	[KCL_TOK_SHR_ASSIGN] = ">>=",
	[KCL_TOK_BITXOR_ASSIGN] = "^=",
	[KCL_TOK_BITAND_ASSIGN] = "&=",
	[KCL_TOK_BITOR_ASSIGN] = "|=",
};

#define SHOWN_MAX 60 /* bytes of a literal in a message */

const char *kcl_token_text(const struct kcl_token *token, const char *text, struct arena *arena)
{
	uint32_t len = token->end - token->start;

	if (token->kind != KCL_TOK_NUMBER && token->kind != KCL_TOK_STRING)
		return names[token->kind];
	if (len <= SHOWN_MAX)
		return arena_strndup(arena, text + token->start, len);
	len = SHOWN_MAX;
	while (len > 0 && ((unsigned char)text[token->start + len] & 0xc0) == 0x80)
		len--; /* not in the middle of a character */
	return arena_printf(arena, "%.*s…", (int)len, text + token->start);
}

#define KEYWORD_MAX 9

enum kcl_keyword_id kcl_keyword_id(const char *s, size_t len)
{
	/* By their lengths. */
	static const struct {
		char name[KEYWORD_MAX + 1];
		uint8_t id;
	} keywords[] = {
		{ "or", KCL_KW_OR },
		{ "in", KCL_KW_IN },
		{ "is", KCL_KW_IS },
		{ "as", KCL_KW_AS },
		{ "if", KCL_KW_IF },
		{ "and", KCL_KW_AND },
		{ "not", KCL_KW_NOT },
		{ "for", KCL_KW_FOR },
		{ "all", KCL_KW_ALL },
		{ "any", KCL_KW_ANY },
		{ "map", KCL_KW_MAP },
		{ "int", KCL_KW_INT },
		{ "str", KCL_KW_STR },
		{ "True", KCL_KW_TRUE },
		{ "None", KCL_KW_NONE },
		{ "else", KCL_KW_ELSE },
		{ "elif", KCL_KW_ELIF },
		{ "rule", KCL_KW_RULE },
		{ "type", KCL_KW_TYPE },
		{ "bool", KCL_KW_BOOL },
		{ "False", KCL_KW_FALSE },
		{ "mixin", KCL_KW_MIXIN },
		{ "check", KCL_KW_CHECK },
		{ "float", KCL_KW_FLOAT },
		{ "import", KCL_KW_IMPORT },
		{ "schema", KCL_KW_SCHEMA },
		{ "assert", KCL_KW_ASSERT },
		{ "filter", KCL_KW_FILTER },
		{ "lambda", KCL_KW_LAMBDA },
		{ "protocol", KCL_KW_PROTOCOL },
		{ "Undefined", KCL_KW_UNDEFINED },
	};
	static const uint8_t from[KEYWORD_MAX + 2] = { 0, 0, 0, 5, 13, 20, 24, 29, 29, 30, 31 }; /* by length */

	if (len > KEYWORD_MAX)
		return KCL_KW_NOT_ONE;
	for (size_t i = from[len]; i < from[len + 1]; i++)
		if (keywords[i].name[0] == *s && memcmp(keywords[i].name, s, len) == 0)
			return keywords[i].id;
	return KCL_KW_NOT_ONE;
}
