#include "log_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_SHOWN 300
#define CHUNK 65536
#define SECRET_MIN 4

/* Reads from an offset to the end, NUL bytes made visible so that they end no string; NULL when there is nothing. */
static char *read_from(int fd, off_t offset, size_t len)
{
	char *data = xmalloc(len + 1);
	ssize_t n = pread(fd, data, len, offset);
	if (n < 0)
		n = 0;
	data[n] = '\0';
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] == '\0')
			data[i] = '?';
	}
	return data;
}

/* Of what follows the first `from` bytes; *ret_offset: where in the file it begins. */
static char *read_tail(int fd, int64_t from, size_t max, off_t *ret_offset)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || from > st.st_size)
		return NULL;
	bool is_cut = (uint64_t)(st.st_size - from) > max;
	*ret_offset = is_cut ? st.st_size - (off_t)max : (off_t)from;
	char *text = read_from(fd, *ret_offset, (size_t)(st.st_size - *ret_offset));
	char *line = is_cut ? strchr(text, '\n') : NULL;
	if (line) {
		*ret_offset += line + 1 - text;
		memmove(text, line + 1, strlen(line + 1) + 1);
	}
	return text;
}

char *log_read_tail(const char *path, size_t max)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t offset;
	return read_tail(fd, 0, max, &offset);
}

static int64_t count_lines_before(int fd, off_t end)
{
	_cleanup_free_ char *data = xmalloc(CHUNK);
	int64_t lines = 0;
	for (off_t at = 0; at < end;) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(fd, data, want, at);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			lines += data[i] == '\n';
		at += n;
	}
	return lines;
}

static bool contains_any(const char *lower_line, const char *const *words)
{
	for (; *words; words++) {
		if (str_contains(lower_line, *words))
			return true;
	}
	return false;
}

static bool looks_like_cause(const char *line)
{
	static const char *const words[] = { "error",  "err!",      "fatal",  "cannot find", "not found", "no such file",
		                                 "failed", "exception", "denied", "eaddrinuse",  NULL };
	_cleanup_free_ char *lower = xstrdup(line);
	str_lower(lower);
	/* A warning that mentions an error is a retry, mostly; the error itself follows. */
	if (str_starts_with(lower, "warning") || str_starts_with(lower, "npm warn"))
		return false;
	return contains_any(lower, words);
}

/* Calls see() for each line with something in it, stripped, until it returns true. */
static void each_line(char *text, int64_t number, bool (*see)(void *self, const char *line, int64_t number), void *self)
{
	for (char *line = text, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		char *stripped = str_strip(line);
		if (*stripped && see(self, stripped, number))
			return;
	}
}

struct cause {
	const char *first, *last; /* of the lines that look like one; of all lines */
	int64_t first_number, last_number;
};

static bool see_cause(void *self, const char *line, int64_t number)
{
	struct cause *cause = self;
	cause->last = line;
	cause->last_number = number;
	if (!looks_like_cause(line))
		return false;
	cause->first = line;
	cause->first_number = number;
	return true;
}

char *log_find_cause(const char *path, int64_t from, size_t max, int64_t *ret_line)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t offset = 0;
	_cleanup_free_ char *tail = read_tail(fd, from, max, &offset);
	struct cause cause = { 0 };
	*ret_line = 0;
	if (!tail)
		return NULL;
	each_line(tail, count_lines_before(fd, offset), see_cause, &cause);
	*ret_line = cause.first ? cause.first_number : cause.last_number;
	const char *line = cause.first ? cause.first : cause.last;
	return line ? xasprintf("%.*s", LINE_MAX_SHOWN, line) : NULL;
}

/* The last number in the line that can be a port and stands where ports stand: after a colon, a comma or "port". */
static int port_in(const char *line)
{
	int port = 0;
	for (const char *p = line; *p; p++) {
		if (*p < '0' || *p > '9' || (p > line && p[-1] >= '0' && p[-1] <= '9'))
			continue;
		const char *before = p;
		while (before > line && (before[-1] == ' ' || before[-1] == '\''))
			before--;
		bool fits = before > line && (before[-1] == ':' || before[-1] == ',');
		fits |= before - line >= 4 && strncmp(before - 4, "port", 4) == 0;
		char *end;
		long number = strtol(p, &end, 10);
		if (fits && number > 0 && number <= 65535 && *end != '.')
			port = (int)number;
	}
	return port;
}

struct conflict {
	bool found;
	int port;
};

static bool see_conflict(void *self, const char *line, int64_t number _unused_)
{
	static const char *const words[] = { "eaddrinuse",
		                                 "address already in use",
		                                 "address in use",
		                                 "connection in use",
		                                 "was already in use",
		                                 "port is already allocated",
		                                 NULL };
	struct conflict *conflict = self;
	_cleanup_free_ char *lower = xstrdup(line);
	str_lower(lower);
	if (!contains_any(lower, words))
		return false;
	conflict->found = true;
	conflict->port = port_in(lower);
	return conflict->port != 0;
}

bool log_find_port_conflict(const char *path, int *ret_port)
{
	_cleanup_free_ char *tail = log_read_tail(path, LOG_EXIT_TAIL);
	struct conflict conflict = { 0 };
	if (tail)
		each_line(tail, 0, see_conflict, &conflict);
	*ret_port = conflict.port;
	return conflict.found;
}

void log_mask(char *text, char *const *secrets)
{
	for (; text && secrets && *secrets; secrets++) {
		size_t len = strlen(*secrets);
		for (char *found = text; len >= SECRET_MIN && (found = strstr(found, *secrets)); found += len)
			memset(found, '*', len);
	}
}

bool log_is_about_network(const char *line)
{
	static const char *const words[] = { "etimedout",
		                                 "econnreset",
		                                 "econnrefused",
		                                 "enotfound",
		                                 "eai_again",
		                                 "could not resolve",
		                                 "temporary failure in name resolution",
		                                 "name or service not known",
		                                 "network is unreachable",
		                                 "connection timed out",
		                                 "connection reset",
		                                 "connection refused",
		                                 "read timed out",
		                                 "tls handshake timeout",
		                                 "i/o timeout",
		                                 "failed to establish a new connection",
		                                 "503 service unavailable",
		                                 "502 bad gateway",
		                                 NULL };
	_cleanup_free_ char *lower = xstrdup(line ? line : "");
	str_lower(lower);
	return contains_any(lower, words);
}
