#include "url.h"
#include "git.h"

#include "base/buf.h"
#include "base/str.h"

static int refuse(const char *text, struct err *err, const char *why)
{
	_cleanup_free_ char *shown = git_url_redact(text);
	err_set(err, ERR_INVALID, "repository URL \"%s\": %s", shown, why);
	return err_set_terminal(err);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; false for a malformed escape or one of a control character. */
static bool percent_decode(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);
		int c = high * 16 + low;
		if (high < 0 || low < 0 || c < 0x20 || c == 0x7f)
			return false;
		*out++ = (char)c;
		s += 2;
	}
	*out = '\0';
	return true;
}

/* The sentence that says what is wrong with a path, or NULL. leading: it must begin with a slash. */
static const char *path_fault(const char *path, bool escapes)
{
	_cleanup_free_ char *plain = xstrdup(path);
	const char *part;

	if (escapes && !percent_decode(plain))
		return "its path has a malformed escape, or one of a control character";
	if (strpbrk(path, "\\"))
		return "its path has a backslash";
	part = plain[0] == '/' ? plain + 1 : plain;
	if (!*part)
		return "it names no repository: the path is missing";
	if (part[0] == '/')
		return "its path begins with \"//\"";
	while (*part) {
		size_t len = strcspn(part, "/");
		if (len == 0)
			return "its path has an empty part (\"//\")";
		if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
			return "its path has a \".\" or \"..\" part";
		part += len;
		if (*part == '/')
			part++;
	}
	return NULL;
}

static const char *host_fault(const char *host)
{
	size_t len = strlen(host);

	if (len == 0)
		return "it names no host";
	if (len > 253)
		return "its host name is too long";
	if (host[0] == '[') {
		if (host[len - 1] != ']' || len < 4 || strspn(host + 1, "0123456789abcdefABCDEF:.") != len - 2)
			return "its host is not a valid IPv6 address";
		return NULL;
	}
	if (host[0] == '-' || host[0] == '.')
		return "its host name begins with '-' or '.'";
	if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != len)
		return "its host name has characters that no host name has";
	return NULL;
}

/* host[:port] */
static const char *authority_fault(const char *authority)
{
	_cleanup_free_ char *host = xstrdup(authority);
	char *colon = host[0] == '[' ? strchr(host, ']') : host;
	int64_t port;

	if (colon)
		colon = strchr(colon, ':');
	if (colon) {
		*colon = '\0';
		if (colon[1] == '+' || !str_to_i64(colon + 1, 1, 65535, &port))
			return "its port is not a number from 1 to 65535";
	}
	return host_fault(host);
}

static const char *ssh_user_fault(const char *user)
{
	if (!*user || user[0] == '-')
		return "its user name is empty or begins with '-'";
	if (strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != strlen(user))
		return "its user name has characters that no user name has";
	return NULL;
}

static const char *text_fault(const char *text, bool local)
{
	if (strlen(text) > GIT_URL_MAX)
		return "it is longer than 2048 characters";
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c < 0x20 || c == 0x7f)
			return "it has a control character";
		if (!local && (c == ' ' || c > 0x7e))
			return "it has a space or a character outside of ASCII: write those as %XX";
		if (!local && strchr("\"<>^`{|}", c))
			return "it has a character that no URL has";
	}
	return NULL;
}

/* scheme://[user@]host[:port]/path */
static const char *parse_remote(const char *scheme, const char *rest, struct git_url *url)
{
	size_t authority_len = strcspn(rest, "/?#");
	_cleanup_free_ char *authority = xstrndup(rest, authority_len);
	const char *path = rest + authority_len, *fault;
	char *at = strrchr(authority, '@'), *host = at ? at + 1 : authority;

	if (strpbrk(rest, "?#"))
		return "it has a query or a fragment: give the branch as the ref, not in the URL";
	if (at) {
		*at = '\0';
		if (strchr(authority, ':'))
			return "it holds a password: put that into a Secret and name it in secretRef";
		if (!percent_decode(authority))
			return "its user name has a malformed escape";
		if (url->transport == GIT_SSH && (fault = ssh_user_fault(authority)))
			return fault;
		if (url->transport == GIT_DAEMON)
			return "git:// knows no user names";
		url->username = xstrdup(authority);
	}
	if ((fault = authority_fault(host)))
		return fault;
	if (path[0] != '/')
		return "it names no repository: the path is missing";
	if ((fault = path_fault(path, true)))
		return fault;
	url->authority = xstrdup(host);
	if (url->transport == GIT_SSH && url->username)
		url->clean = xasprintf("ssh://%s@%s%s", url->username, host, path);
	else
		url->clean = xasprintf("%s://%s%s", scheme, host, path);
	return NULL;
}

/* user@host:path, as scp writes it */
static const char *parse_scp(const char *text, struct git_url *url)
{
	const char *at = strchr(text, '@'), *colon = strchr(at, '['), *fault;

	colon = strchr(colon ? colon + strcspn(colon, "]") : at, ':');
	if (!colon)
		return "it has no path after the host";
	url->username = xstrndup(text, (size_t)(at - text));
	url->authority = xstrndup(at + 1, (size_t)(colon - at - 1));
	if ((fault = ssh_user_fault(url->username)) || (fault = host_fault(url->authority)))
		return fault;
	if (colon[1] == '-')
		return "its path begins with '-'";
	if ((fault = path_fault(colon + 1, false)))
		return fault;
	url->transport = GIT_SSH;
	url->clean = xstrdup(text);
	return NULL;
}

static const char *parse_local(const char *text, const char *path, struct git_url_policy policy, struct git_url *url)
{
	const char *fault;

	if (!policy.allow_local)
		return "local paths are not allowed here: use https:// or ssh://, or have the administrator allow local paths";
	if (path[0] != '/')
		return "a local repository is given by its absolute path";
	if ((fault = path_fault(path, path != text)))
		return fault;
	url->transport = GIT_LOCAL;
	url->clean = xstrdup(text);
	return NULL;
}

static const char *parse_scheme(const char *text, const char *sep, struct git_url_policy policy, struct git_url *url)
{
	static const struct {
		const char *name;
		enum git_transport transport;
	} schemes[] = { { "https", GIT_HTTPS }, { "http", GIT_HTTP }, { "ssh", GIT_SSH }, { "git", GIT_DAEMON } };
	_cleanup_free_ char *scheme = xstrndup(text, (size_t)(sep - text));

	str_lower(scheme);
	if (str_eq(scheme, "file"))
		return parse_local(text, sep + 3, policy, url);
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!str_eq(scheme, schemes[i].name))
			continue;
		url->transport = schemes[i].transport;
		if ((url->transport == GIT_HTTP || url->transport == GIT_DAEMON) && !policy.allow_http)
			return "http:// and git:// are not encrypted and not allowed here: use https:// or ssh://";
		return parse_remote(scheme, sep + 3, url);
	}
	return "this kind of URL is not allowed: use https://…, ssh://… or user@host:path";
}

static const char *parse_any(const char *text, struct git_url_policy policy, struct git_url *url)
{
	const char *sep = strstr(text, "://"), *at = strchr(text, '@');
	bool local = text[0] == '/' || strncasecmp(text, "file://", 7) == 0;
	const char *fault = text_fault(text, local);

	if (fault)
		return fault;
	if (text[0] == '-')
		return "it begins with '-'";
	if (text[0] == '/')
		return parse_local(text, text, policy, url);
	if (sep && sep > text &&
	    (size_t)(sep - text) == strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+.-"))
		return parse_scheme(text, sep, policy, url);
	if (at && at < text + strcspn(text, ":/"))
		return parse_scp(text, url);
	if (strstr(text, "::"))
		return "remote helpers (\"name::address\") are not allowed: use https://…, ssh://… or user@host:path";
	return "it is neither https://…, ssh://… nor user@host:path";
}

int git_url_parse(const char *text, struct git_url_policy policy, struct git_url *ret, struct err *err)
{
	_cleanup_git_url_ struct git_url url = { .transport = GIT_HTTPS };
	const char *fault;

	if (str_empty(text)) {
		err_set(err, ERR_INVALID, "the repository URL is empty: give https://…, ssh://… or user@host:path");
		return err_set_terminal(err);
	}
	if ((fault = parse_any(text, policy, &url)))
		return refuse(text, err, fault);
	*ret = url;
	url = (struct git_url){ .transport = GIT_HTTPS };
	return 0;
}

void git_url_clear(struct git_url *url)
{
	free(url->clean);
	free(url->username);
	free(url->authority);
	*url = (struct git_url){ .transport = GIT_HTTPS };
}

const char *git_url_protocols(const struct git_url *url)
{
	switch (url->transport) {
	case GIT_HTTPS:
		return "https";
	case GIT_HTTP:
		return "http:https"; /* a redirect may lead to the encrypted one, never away from it */
	case GIT_SSH:
		return "ssh";
	case GIT_DAEMON:
		return "git";
	case GIT_LOCAL:
		return "file";
	}
	return "";
}

/* Where user information ends in what follows "://", and 0 when there is none. A password with an unescaped slash must
 * not escape redaction: an authority whose "port" is no number reaches up to the last '@'. */
static size_t userinfo_len(const char *rest)
{
	size_t authority = strcspn(rest, "/?#"), colon = strcspn(rest, ":"), len = 0;
	const char *last = strrchr(rest, '@');

	for (size_t i = 0; i < authority; i++) {
		if (rest[i] == '@')
			len = i + 1;
	}
	if (!len && last && colon < authority && rest[0] != '[' &&
	    strspn(rest + colon + 1, "0123456789") != authority - colon - 1)
		len = (size_t)(last - rest) + 1;
	return len;
}

char *git_url_redact(const char *url)
{
	const char *text = url ? url : "", *sep = strstr(text, "://"), *at = strchr(text, '@');
	struct buf out = BUF_INIT(GIT_URL_MAX + 64);
	size_t len;

	if (sep) {
		size_t info = userinfo_len(sep + 3), user = strcspn(sep + 3, ":@");
		buf_append(&out, text, (size_t)(sep + 3 - text) > 64 ? 64 : (size_t)(sep + 3 - text));
		if (info && strncasecmp(text, "ssh", 3) == 0 && user < 64 && sep[3 + user] == '@')
			buf_append(&out, sep + 3, user + 1); /* an SSH user is no secret, an HTTP one may be a token */
		text = sep + 3 + info;
	} else if (at && text[0] != '/') {
		size_t user = strcspn(text, ":@/");
		if (text[user] != '@')
			text = strrchr(text, '@') + 1;
	}
	len = strcspn(text, "?#");
	buf_append(&out, text, len > GIT_URL_MAX / 4 ? GIT_URL_MAX / 4 : len);
	for (size_t i = 0; i < out.len; i++) {
		if ((unsigned char)out.data[i] < 0x20 || out.data[i] == 0x7f)
			out.data[i] = '?';
	}
	return buf_steal(&out);
}
