/* The formats that Kubernetes checks in custom resources, as its kube-openapi library understands them; every other
 * format is a hint to people only. */
#include "base/str.h"
#include "schema_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

typedef bool (*checker)(const char *s, size_t len);

static bool digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool hex_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool is_any(const char *s, size_t len)
{
	(void)s;
	(void)len;
	return true;
}

static bool is_date(const char *s, size_t len)
{
	static const int DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (len != 10 || !digits(s, 4) || s[4] != '-' || !digits(s + 5, 2) || s[7] != '-' || !digits(s + 8, 2))
		return false;
	int year = (s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0';
	int month = (s[5] - '0') * 10 + s[6] - '0', day = (s[8] - '0') * 10 + s[9] - '0';
	if (month < 1 || month > 12 || day < 1)
		return false;
	bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return day <= DAYS[month - 1] + leap;
}

/* hh:mm:ss, a fraction behind any character, Z or an offset. */
static bool is_date_time(const char *s, size_t len)
{
	size_t i = 19;

	if (len < 20 || !is_date(s, 10) || (s[10] != 'T' && s[10] != 't') || !digits(s + 11, 2) || s[13] != ':' ||
	    !digits(s + 14, 2) || s[16] != ':' || !digits(s + 17, 2))
		return false;
	if (memcmp(s + 11, "23", 2) > 0 || memcmp(s + 14, "59", 2) > 0 || memcmp(s + 17, "59", 2) > 0)
		return false;
	if (i + 1 < len && s[i] != '+' && s[i] != '-' && s[i] != 'Z' && s[i] != 'z') {
		size_t n = 0;
		while (i + 1 + n < len && isdigit((unsigned char)s[i + 1 + n]))
			n++;
		if (n == 0)
			return false;
		i += 1 + n;
	}
	if (len - i == 1)
		return s[i] == 'Z' || s[i] == 'z';
	return len - i == 6 && (s[i] == '+' || s[i] == '-') && digits(s + i + 1, 2) && s[i + 3] == ':' &&
	       digits(s + i + 4, 2);
}

/* Go's time.ParseDuration(): [-+]? (digits [. digits] unit)+, or "0". */
static bool is_go_duration(const char *s)
{
	static const char *const UNITS[] = { "ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h" };

	s += *s == '-' || *s == '+';
	if (strcmp(s, "0") == 0)
		return true;
	if (!*s)
		return false;
	while (*s) {
		size_t whole = strspn(s, "0123456789"), fraction = 0, unit = 0;
		s += whole;
		if (*s == '.') {
			fraction = strspn(s + 1, "0123456789");
			s += 1 + fraction;
		}
		for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++)
			if (str_starts_with(s, UNITS[i]) && strlen(UNITS[i]) > unit)
				unit = strlen(UNITS[i]);
		if (whole + fraction == 0 || unit == 0 || whole > 18)
			return false;
		s += unit;
	}
	return true;
}

/* "2 hours 3 min": a number and a unit somewhere, as Scala writes durations. */
static bool is_scala_duration(const char *s)
{
	static const struct {
		const char *name;
		bool prefix; /* the longest form may have an ending */
	} UNITS[] = {
		{ "ns", false },  { "nano", true }, { "us", false }, { "micro", true }, { "ms", false }, { "milli", true },
		{ "s", false },   { "sec", true },  { "m", false },  { "min", true },   { "h", false },  { "hr", false },
		{ "hour", true }, { "d", false },   { "day", true }, { "w", false },    { "wk", false }, { "week", true },
	};
	bool found = false;

	while (*s) {
		size_t n = strspn(s, "0123456789");
		s += n ? n : 1;
		if (n == 0)
			continue;
		if (n > 18)
			return false;
		s += strspn(s, " \t\n\f\r");
		size_t word = 0;
		while (isalpha((unsigned char)s[word]))
			word++;
		for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++) {
			size_t len = strlen(UNITS[i].name);
			if (word >= len && strncasecmp(s, UNITS[i].name, len) == 0 && (word == len || UNITS[i].prefix))
				found = true;
		}
		s += word;
	}
	return found;
}

static bool is_duration(const char *s, size_t len)
{
	return strlen(s) == len && (is_go_duration(s) || is_scala_duration(s));
}

/* Four decimal numbers; leading zeros are tolerated. */
static bool is_ipv4_text(const char *s, size_t len)
{
	int parts = 0;

	for (size_t i = 0; i < len;) {
		size_t n = 0;
		int value = 0;
		while (i + n < len && isdigit((unsigned char)s[i + n]) && value < 1000)
			value = value * 10 + (s[i + n++] - '0');
		if (n == 0 || value > 255)
			return false;
		i += n;
		parts++;
		if (i < len && (s[i++] != '.' || i == len))
			return false;
	}
	return parts == 4;
}

static bool is_ipv6_text(const char *s, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len >= sizeof(copy) || !memchr(s, ':', len))
		return false;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return strlen(copy) == len && inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_ipv4(const char *s, size_t len)
{
	return is_ipv4_text(s, len) || (memchr(s, '.', len) && is_ipv6_text(s, len));
}

static bool is_cidr(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);
	int64_t bits;

	if (!slash || strlen(s) != len || !isdigit((unsigned char)slash[1]))
		return false;
	size_t address = (size_t)(slash - s);
	bool v4 = is_ipv4_text(s, address);
	return (v4 || is_ipv6_text(s, address)) && str_to_i64(slash + 1, 0, v4 ? 32 : 128, &bits);
}

static bool is_mac(const char *s, size_t len)
{
	size_t group = len > 4 && s[4] == '.' ? 4 : 2;
	char separator = group == 4 ? '.' : len > 2 ? s[2] : '\0';

	if (separator != '.' && separator != ':' && separator != '-')
		return false;
	if (len != 14 && len != 17 && len != 19 && len != 23 && len != 49 && len != 59)
		return false;
	size_t bytes = (len + 1) / (group + 1) * (group / 2);
	if ((len + 1) % (group + 1) != 0 || (bytes != 6 && bytes != 8 && bytes != 20))
		return false;
	for (size_t i = 0; i < len; i++)
		if (i % (group + 1) == group ? s[i] != separator : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

/* 8-4-4-4-12 hexadecimal digits, each dash optional; version 0: any. */
static bool uuid(const char *s, size_t len, char version)
{
	static const size_t GROUPS[] = { 8, 4, 4, 4, 12 };
	size_t at = 0;

	for (size_t g = 0; g < ARRAY_SIZE(GROUPS); g++) {
		if (g > 0 && at < len && s[at] == '-')
			at++;
		if (len - at < GROUPS[g] || !hex_digits(s + at, GROUPS[g]))
			return false;
		if (version && g == 2 && s[at] != version)
			return false;
		if (version >= '4' && g == 3 && !strchr("89abAB", s[at]))
			return false;
		at += GROUPS[g];
	}
	return at == len;
}

static bool is_uuid(const char *s, size_t len)
{
	return uuid(s, len, '\0');
}

static bool is_uuid3(const char *s, size_t len)
{
	return uuid(s, len, '3');
}

static bool is_uuid4(const char *s, size_t len)
{
	return uuid(s, len, '4');
}

static bool is_uuid5(const char *s, size_t len)
{
	return uuid(s, len, '5');
}

/* Letters of any script count; symbols beyond ASCII are taken for letters too. */
static bool is_hostname(const char *s, size_t len)
{
	size_t label = 0;

	if (len == 0 || len > 255)
		return false;
	for (size_t i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)s[i] : '.';
		if (c == '.') {
			if (label == 0 || label > 63 || s[i - 1] == '-')
				return false;
			label = 0;
			if (i + 1 == len)
				return false;
		} else if (isalnum(c) || c >= 0x80 || strchr("$+<=>^`|~", c) || (c == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
	const char *dot = memrchr(s, '.', len);
	if (!dot)
		return true;
	/* The top-level domain has at least two letters. */
	for (const char *p = dot + 1; p < s + len; p++)
		if (!isalpha((unsigned char)*p) && (unsigned char)*p < 0x80)
			return false;
	return s + len - dot - 1 >= 2;
}

/* user@host, also in the form "Name <user@host>". */
static bool is_email(const char *s, size_t len)
{
	if (memchr(s, '<', len)) {
		const char *open = memchr(s, '<', len);
		if (s[len - 1] != '>')
			return false;
		len = (size_t)(s + len - 1 - (open + 1));
		s = open + 1;
	}
	const char *at = memrchr(s, '@', len);
	if (!at || at == s || at + 1 == s + len)
		return false;
	bool quoted = s[0] == '"' && at - s > 2 && at[-1] == '"';
	for (const char *p = s; p < s + len; p++) {
		bool in_local = p < at;
		unsigned char c = (unsigned char)*p;
		if (p == at || c >= 0x80 || isalnum(c) || (in_local && quoted && c >= ' '))
			continue;
		if (c == '.' ? p == s || p == at + 1 || p + 1 == at || p + 1 == s + len || p[1] == '.'
		             : !strchr("!#$%&'*+-/=?^_`{|}~", c) && !(!in_local && strchr("[]:", c)))
			return false;
	}
	return true;
}

/* An absolute URI or an absolute path, as in a request line. */
static bool is_uri(const char *s, size_t len)
{
	size_t scheme = 0;

	if (len == 0 || strlen(s) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c < ' ' || c == 0x7f)
			return false;
		if (c == '%' && !(i + 2 < len && hex_digits(s + i + 1, 2)) && !memchr(s, '?', i))
			return false;
	}
	if (s[0] == '/' || strcmp(s, "*") == 0)
		return true;
	if (!isalpha((unsigned char)s[0]))
		return false;
	while (isalnum((unsigned char)s[scheme]) || (s[scheme] && strchr("+-.", s[scheme])))
		scheme++;
	if (s[scheme] != ':')
		return false;
	if (!str_starts_with(s + scheme, "://"))
		return s[scheme + 1] == '/'; /* mailto:x has no path to request */
	const char *host = s + scheme + 3, *colon = NULL;
	size_t n = strcspn(host, "/?");
	if (memchr(host, ' ', n))
		return false;
	const char *user = memrchr(host, '@', n), *bracket;
	size_t skip = user ? (size_t)(user + 1 - host) : 0;
	bracket = memrchr(host + skip, ']', n - skip);
	if (host[skip] == '[' && !bracket)
		return false;
	colon = memchr(bracket ? bracket : host + skip, ':', n - (size_t)((bracket ? bracket : host + skip) - host));
	return !colon || digits(colon + 1, (size_t)(host + n - colon - 1));
}

static bool is_base64(const char *s, size_t len)
{
	size_t padding = 0;

	if (len % 4 != 0)
		return false;
	while (padding < 2 && padding < len && s[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '+' && s[i] != '/')
			return false;
	return true; /* also for "", which kube-openapi refuses and built-in kinds hold */
}

static bool is_hexcolor(const char *s, size_t len)
{
	if (len > 0 && *s == '#') {
		s++;
		len--;
	}
	return (len == 3 || len == 6) && hex_digits(s, len);
}

static bool is_rgbcolor(const char *s, size_t len)
{
	int part = 0;

	if (len < 10 || memcmp(s, "rgb(", 4) != 0 || s[len - 1] != ')' || strlen(s) != len)
		return false;
	for (s += 4; part < 3; part++) {
		s += strspn(s, " \t");
		size_t n = strspn(s, "0123456789");
		int64_t value;
		_cleanup_free_ char *number = xstrndup(s, n);
		if (n == 0 || n > 3 || (n > 1 && *s == '0') || !str_to_i64(number, 0, 255, &value))
			return false;
		s += n;
		s += strspn(s, " \t");
		if (*s++ != (part < 2 ? ',' : ')'))
			return false;
	}
	return !*s;
}

static bool is_bson(const char *s, size_t len)
{
	return len == 24 && hex_digits(s, len);
}

static bool is_ssn(const char *s, size_t len)
{
	return len == 11 && digits(s, 3) && (s[3] == '-' || s[3] == ' ') && digits(s + 4, 2) &&
	       (s[6] == '-' || s[6] == ' ') && digits(s + 7, 4);
}

/* The characters of s without spaces and dashes; its length, or 0 when they are too many. */
static size_t without_gaps(const char *s, size_t len, bool only_digits, char *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (only_digits ? !isdigit((unsigned char)s[i]) : s[i] == '-' || isspace((unsigned char)s[i]))
			continue;
		if (n == max)
			return 0;
		ret[n++] = s[i];
	}
	return n;
}

static bool is_isbn10(const char *s, size_t len)
{
	char d[10];
	int sum = 0;

	if (without_gaps(s, len, false, d, 10) != 10 || !digits(d, 9) || !(isdigit((unsigned char)d[9]) || d[9] == 'X'))
		return false;
	for (int i = 0; i < 9; i++)
		sum += (i + 1) * (d[i] - '0');
	return (sum + 10 * (d[9] == 'X' ? 10 : d[9] - '0')) % 11 == 0;
}

static bool is_isbn13(const char *s, size_t len)
{
	char d[13];
	int sum = 0;

	if (without_gaps(s, len, false, d, 13) != 13 || !digits(d, 13))
		return false;
	for (int i = 0; i < 12; i++)
		sum += (i % 2 ? 3 : 1) * (d[i] - '0');
	return d[12] - '0' == (10 - sum % 10) % 10;
}

static bool is_isbn(const char *s, size_t len)
{
	return is_isbn10(s, len) || is_isbn13(s, len);
}

/* The prefix and length of a known issuer, and Luhn's check digit. */
static bool is_creditcard(const char *s, size_t len)
{
	char d[16];
	size_t n = without_gaps(s, len, true, d, 16);
	int sum = 0;

	if (n < 13)
		return false;
	bool known = (d[0] == '4' && (n == 13 || n == 16)) || (d[0] == '5' && d[1] >= '1' && d[1] <= '5' && n == 16) ||
	             (d[0] == '6' && (d[1] == '5' || memcmp(d + 1, "011", 3) == 0) && n == 16) ||
	             (d[0] == '3' && (d[1] == '4' || d[1] == '7') && n == 15) ||
	             (d[0] == '3' && ((d[1] == '0' && d[2] <= '5') || d[1] == '6' || d[1] == '8') && n == 14) ||
	             ((memcmp(d, "2131", 4) == 0 || memcmp(d, "1800", 4) == 0) && n == 15) ||
	             (memcmp(d, "35", 2) == 0 && n == 16);
	for (size_t i = 0; i < n; i++) {
		int v = d[n - 1 - i] - '0';
		if (i % 2)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return known && sum % 10 == 0;
}

static bool is_short_name(const char *s, size_t len)
{
	if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool is_long_name(const char *s, size_t len)
{
	const char *end = s + len;

	if (len > 253)
		return false;
	for (;;) {
		const char *dot = memchr(s, '.', (size_t)(end - s));
		size_t n = (size_t)((dot ? dot : end) - s);
		/* A segment may be longer than a short name. */
		if (n == 0 || s[0] == '-' || s[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++)
			if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-')
				return false;
		if (!dot)
			return true;
		s = dot + 1;
	}
}

static const struct {
	const char *name;
	enum schema_type type;
	checker check;
	bool secret; /* values are not shown */
} FORMATS[] = {
	{ "", SCHEMA_ANY, is_any, false },
	{ "date-time", SCHEMA_STRING, is_date_time, false },
	{ "datetime", SCHEMA_STRING, is_date_time, false },
	{ "date", SCHEMA_STRING, is_date, false },
	{ "duration", SCHEMA_STRING, is_duration, false },
	{ "ipv4", SCHEMA_STRING, is_ipv4, false },
	{ "ipv6", SCHEMA_STRING, is_ipv6_text, false },
	{ "cidr", SCHEMA_STRING, is_cidr, false },
	{ "mac", SCHEMA_STRING, is_mac, false },
	{ "uri", SCHEMA_STRING, is_uri, false },
	{ "uuid", SCHEMA_STRING, is_uuid, false },
	{ "uuid3", SCHEMA_STRING, is_uuid3, false },
	{ "uuid4", SCHEMA_STRING, is_uuid4, false },
	{ "uuid5", SCHEMA_STRING, is_uuid5, false },
	{ "email", SCHEMA_STRING, is_email, false },
	{ "hostname", SCHEMA_STRING, is_hostname, false },
	{ "byte", SCHEMA_STRING, is_base64, false },
	{ "password", SCHEMA_STRING, is_any, true },
	{ "bsonobjectid", SCHEMA_STRING, is_bson, false },
	{ "isbn", SCHEMA_STRING, is_isbn, false },
	{ "isbn10", SCHEMA_STRING, is_isbn10, false },
	{ "isbn13", SCHEMA_STRING, is_isbn13, false },
	{ "creditcard", SCHEMA_STRING, is_creditcard, true },
	{ "ssn", SCHEMA_STRING, is_ssn, true },
	{ "hexcolor", SCHEMA_STRING, is_hexcolor, false },
	{ "rgbcolor", SCHEMA_STRING, is_rgbcolor, false },
	{ "k8s-short-name", SCHEMA_STRING, is_short_name, false },
	{ "k8s-long-name", SCHEMA_STRING, is_long_name, false },
};

uint8_t schema_format_find(const char *name, enum schema_type type)
{
	enum schema_type wanted = type == SCHEMA_ANY ? SCHEMA_STRING : type;

	for (size_t i = 1; i < ARRAY_SIZE(FORMATS); i++)
		if (FORMATS[i].type == wanted && strcmp(FORMATS[i].name, name) == 0)
			return (uint8_t)i;
	return 0;
}

const char *schema_format_name(uint8_t format)
{
	return FORMATS[format].name;
}

bool schema_format_is_secret(uint8_t format)
{
	return FORMATS[format].secret;
}

bool schema_format_check(uint8_t format, const char *s, size_t len)
{
	return FORMATS[format].check(s, len);
}
