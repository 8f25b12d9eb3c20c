#include "syntax/unicode.h"

static bool is_within(const struct kcl_char_range *ranges, size_t len, uint32_t c)
{
	size_t from = 0, to = len;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (c < ranges[middle].first)
			to = middle;
		else if (c > ranges[middle].last)
			from = middle + 1;
		else
			return true;
	}
	return false;
}

bool kcl_is_letter(uint32_t c)
{
	if (c < 0x80)
		return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return is_within(kcl_xid_start, kcl_xid_start_len, c);
}

bool kcl_is_name_part(uint32_t c)
{
	if (c < 0x80)
		return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return is_within(kcl_xid_start, kcl_xid_start_len, c) || is_within(kcl_xid_continue, kcl_xid_continue_len, c);
}

bool kcl_is_other_space(uint32_t c)
{
	return c == '\v' || c == '\f' || c == '\r' || c == 0x85 || c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029;
}
