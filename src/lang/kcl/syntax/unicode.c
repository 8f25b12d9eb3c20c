#include "syntax/unicode.h"

#include <stddef.h>

/* Blocks without letters, sorted. Unicode's own tables (XID_Start, XID_Continue) have 700 ranges; what is in those but
 * not told apart here are unassigned code points, which no program has. */
static const struct {
	uint32_t first, last;
} no_letters[] = {
	{ 0x80, 0xa9 },       { 0xab, 0xb4 },        { 0xb6, 0xb9 },     { 0xbb, 0xbf },       { 0xd7, 0xd7 },
	{ 0xf7, 0xf7 },       { 0x2000, 0x2070 },    { 0x2072, 0x207e }, { 0x2080, 0x208f },   { 0x20a0, 0x2101 },
	{ 0x2103, 0x2106 },   { 0x2108, 0x2109 },    { 0x2190, 0x2bff }, { 0x2e00, 0x2fff },   { 0x3000, 0x3004 },
	{ 0x3008, 0x3020 },   { 0x3030, 0x3030 },    { 0xd800, 0xf8ff }, { 0xfe10, 0xfe6f },   { 0xff00, 0xff20 },
	{ 0xff3b, 0xff40 },   { 0xff5b, 0xff65 },    { 0xffe0, 0xffff }, { 0x1d000, 0x1d3ff }, { 0x1f000, 0x1fbff },
	{ 0xe0000, 0xe00ff }, { 0xf0000, 0x10ffff },
};

/* Combining marks and digits: they go on with a name but begin none. */
static const struct {
	uint32_t first, last;
} marks[] = {
	{ 0xb7, 0xb7 },     { 0x300, 0x36f },     { 0x483, 0x487 },   { 0x591, 0x5bd },   { 0x610, 0x61a },
	{ 0x64b, 0x669 },   { 0x6d6, 0x6dc },     { 0x6f0, 0x6f9 },   { 0x900, 0x903 },   { 0x93a, 0x93c },
	{ 0x93e, 0x94f },   { 0x966, 0x96f },     { 0xe31, 0xe31 },   { 0xe34, 0xe3a },   { 0xe47, 0xe4e },
	{ 0xe50, 0xe59 },   { 0x1ab0, 0x1aff },   { 0x1dc0, 0x1dff }, { 0x203f, 0x2040 }, { 0x20d0, 0x20f0 },
	{ 0x302a, 0x302f }, { 0x3099, 0x309a },   { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xff10, 0xff19 },
	{ 0xff3f, 0xff3f }, { 0xe0100, 0xe01ef },
};

static bool is_mark(uint32_t c)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (c >= marks[i].first && c <= marks[i].last)
			return true;
	return false;
}

static bool is_no_letter(uint32_t c)
{
	for (size_t i = 0; i < sizeof(no_letters) / sizeof(*no_letters); i++)
		if (c >= no_letters[i].first && c <= no_letters[i].last)
			return true;
	return false;
}

bool kcl_is_letter(uint32_t c)
{
	if (c < 0x80)
		return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return !is_mark(c) && !is_no_letter(c);
}

bool kcl_is_name_part(uint32_t c)
{
	if (c < 0x80)
		return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return is_mark(c) || !is_no_letter(c);
}

bool kcl_is_other_space(uint32_t c)
{
	return c == '\v' || c == '\f' || c == '\r' || c == 0x85 || c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029;
}
