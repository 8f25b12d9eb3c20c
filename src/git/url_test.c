#include "url.h"
#include "git.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct url_case {
	const char *url;
	bool local, http;
	enum git_transport transport;
	const char *clean; /* NULL: refused */
	const char *why;   /* the reason for the row; of refusals a part of the message */
};

#define L true, false
#define H false, true
#define N false, false

static const struct url_case url_cases[] = {
	{ "https://github.com/o/r", N, GIT_HTTPS, "https://github.com/o/r", "the common form" },
	{ "https://github.com/o/r.git/", N, GIT_HTTPS, "https://github.com/o/r.git/", "a slash at the end is common" },
	{ "HTTPS://GitHub.com/o/r", N, GIT_HTTPS, "https://GitHub.com/o/r", "git knows its helpers in lower case only" },
	{ "https://host:8443/r", N, GIT_HTTPS, "https://host:8443/r", "a port" },
	{ "https://[::1]:8443/r", N, GIT_HTTPS, "https://[::1]:8443/r", "IPv6" },
	{ "https://jane@bitbucket.org/t/r", N, GIT_HTTPS, "https://bitbucket.org/t/r",
	  "a user name may be a token: taken off" },
	{ "https://h/a%20b", N, GIT_HTTPS, "https://h/a%20b", "escapes stay" },
	{ "ssh://git@host/r", N, GIT_SSH, "ssh://git@host/r", "ssh keeps its user" },
	{ "ssh://git@host:2222/~jane/r", N, GIT_SSH, "ssh://git@host:2222/~jane/r", "a home folder" },
	{ "git@github.com:o/r.git", N, GIT_SSH, "git@github.com:o/r.git", "scp's form" },
	{ "git@github.com:/srv/r", N, GIT_SSH, "git@github.com:/srv/r", "scp's form, absolute" },
	{ "git@[::1]:r", N, GIT_SSH, "git@[::1]:r", "scp's form, IPv6" },
	{ "http://host/r", H, GIT_HTTP, "http://host/r", "allowed by the administrator" },
	{ "git://host/r", H, GIT_DAEMON, "git://host/r", "as unprotected as http" },
	{ "/srv/git/r", L, GIT_LOCAL, "/srv/git/r", "a local path" },
	{ "/srv/My Repos/ä", L, GIT_LOCAL, "/srv/My Repos/ä", "local names are free" },
	{ "file:///srv/r", L, GIT_LOCAL, "file:///srv/r", "a file URL" },

	{ "", L, 0, NULL, "empty" },
	{ "http://host/r", N, 0, NULL, "not encrypted" },
	{ "git://host/r", N, 0, NULL, "not encrypted" },
	{ "/srv/git/r", N, 0, NULL, "local paths are not allowed" },
	{ "file:///srv/r", N, 0, NULL, "local paths are not allowed" },
	{ "FILE:///srv/r", N, 0, NULL, "local paths are not allowed" },
	{ "file://host/r", L, 0, NULL, "absolute path" },
	{ "./r", L, 0, NULL, "neither" },
	{ "r", L, 0, NULL, "neither" },
	{ "github.com/o/r", N, 0, NULL, "neither" },
	{ "host:path", N, 0, NULL, "neither" },
	{ "C:\\repos\\r", L, 0, NULL, "neither" },
	{ "--upload-pack=touch /tmp/x", L, 0, NULL, "space" },
	{ "--upload-pack=x", L, 0, NULL, "begins with '-'" },
	{ "-u@host:path", L, 0, NULL, "begins with '-'" },
	{ "ext::sh -c touch% /tmp/x", L, 0, NULL, "space" },
	{ "ext::sh", L, 0, NULL, "remote helpers" },
	{ "ext::sh@x:y", L, 0, NULL, "remote helpers" },
	{ "ext://sh", L, 0, NULL, "not allowed" },
	{ "fd::17", L, 0, NULL, "remote helpers" },
	{ "transport::https://host/r", L, 0, NULL, "remote helpers" },
	{ "https::https://host/r", L, 0, NULL, "remote helpers" },
	{ "ssh://-oProxyCommand=id/r", N, 0, NULL, "begins with '-'" },
	{ "ssh://-oProxyCommand=id@host/r", N, 0, NULL, "user name" },
	{ "ssh://git@-oProxyCommand=id/r", N, 0, NULL, "begins with '-'" },
	{ "ssh://a;id@host/r", N, 0, NULL, "user name" },
	{ "git@-oProxyCommand=id:r", N, 0, NULL, "begins with '-'" },
	{ "git@host:-oProxyCommand=id", N, 0, NULL, "path begins with '-'" },
	{ "git@host:r/../../etc", N, 0, NULL, "\"..\"" },
	{ "git@host", N, 0, NULL, "no path" },
	{ "git@host:", N, 0, NULL, "path is missing" },
	{ "https://host/../r", N, 0, NULL, "\"..\"" },
	{ "https://host/a/..", N, 0, NULL, "\"..\"" },
	{ "https://host/a/%2e%2E/r", N, 0, NULL, "\"..\"" },
	{ "/srv/../etc", L, 0, NULL, "\"..\"" },
	{ "file:///srv/../etc", L, 0, NULL, "\"..\"" },
	{ "//host/share", L, 0, NULL, "\"//\"" },
	{ "/srv//r", L, 0, NULL, "\"//\"" },
	{ "https://host//r", N, 0, NULL, "\"//\"" },
	{ "https://host/a//r", N, 0, NULL, "\"//\"" },
	{ "https://host/r\nevil", N, 0, NULL, "control character" },
	{ "/srv/r\nevil", L, 0, NULL, "control character" },
	{ "https://host/r%0aevil", N, 0, NULL, "escape" },
	{ "https://host/r%zz", N, 0, NULL, "escape" },
	{ "https://host/r%", N, 0, NULL, "escape" },
	{ "https://us%0aer@host/r", N, 0, NULL, "escape" },
	{ "https://host", N, 0, NULL, "path is missing" },
	{ "https://host/", N, 0, NULL, "path is missing" },
	{ "https:///r", N, 0, NULL, "no host" },
	{ "https://ho st/r", N, 0, NULL, "space" },
	{ "https://ho$t/r", N, 0, NULL, "host name" },
	{ "https://host:0/r", N, 0, NULL, "port" },
	{ "https://host:65536/r", N, 0, NULL, "port" },
	{ "https://host:x/r", N, 0, NULL, "port" },
	{ "https://host:/r", N, 0, NULL, "port" },
	{ "https://[::1/r", N, 0, NULL, "host" },
	{ "https://host/r?x=y", N, 0, NULL, "query" },
	{ "https://host/r#main", N, 0, NULL, "fragment" },
	{ "https://host/a\\b", N, 0, NULL, "backslash" },
	{ "https://host/a`id`", N, 0, NULL, "no URL has" },
	{ "https://host/ä", N, 0, NULL, "ASCII" },
	{ "https://user:hunter2@host/r", N, 0, NULL, "Secret" },
	{ "git+ssh://git@host/r", N, 0, NULL, "not allowed" },
	{ "ftp://host/r", N, 0, NULL, "not allowed" },
	{ "javascript://host/r", N, 0, NULL, "not allowed" },
};

static void test_url_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(url_cases); i++) {
		const struct url_case *c = &url_cases[i];
		_cleanup_git_url_ struct git_url url = { .clean = NULL };
		_cleanup_err_ struct err err = { 0 };
		struct git_url_policy policy = { .allow_local = c->local, .allow_http = c->http };
		int rc = git_url_parse(c->url, policy, &url, &err);

		if (!c->clean) {
			if (rc == 0 || !strstr(err_message(&err), c->why))
				fail_msg("%s: want \"%s\", got \"%s\"", c->url, c->why, err_message(&err));
			assert_int_equal(err.kind, ERR_INVALID);
			assert_true(err.terminal);
			assert_null(strstr(err_message(&err), "hunter2"));
			assert_null(strchr(err_message(&err), '\n'));
			continue;
		}
		if (rc < 0)
			fail_msg("%s (%s): %s", c->url, c->why, err_message(&err));
		assert_string_equal(url.clean, c->clean);
		assert_int_equal(url.transport, c->transport);
	}
}

static void test_url_length(void **state)
{
	char long_url[GIT_URL_MAX + 2];
	_cleanup_git_url_ struct git_url url = { .clean = NULL };
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	memset(long_url, 'a', sizeof(long_url) - 1);
	memcpy(long_url, "https://h/", 10);
	long_url[sizeof(long_url) - 1] = '\0';
	assert_int_equal(git_url_parse(long_url, (struct git_url_policy){ false, false }, &url, &err), -1);
	assert_non_null(strstr(err_message(&err), "longer than"));
	long_url[GIT_URL_MAX] = '\0';
	assert_int_equal(git_url_parse(long_url, (struct git_url_policy){ false, false }, &url, NULL), 0);
}

static void test_url_redact(void **state)
{
	static const struct {
		const char *url, *shown, *reason;
	} cases[] = {
		{ "https://host/r", "https://host/r", "nothing to hide" },
		{ "https://user:secret@host/r", "https://host/r", "a password" },
		{ "https://ghp_secret@host/r", "https://host/r", "a token as user name" },
		{ "https://user:sec/ret@host/r", "https://host/r", "a password with a slash" },
		{ "https://user:secret@x@host/r", "https://host/r", "a password with an at sign" },
		{ "https://host:443/r@v2", "https://host:443/r@v2", "an at sign of the path" },
		{ "https://host/r?token=secret", "https://host/r", "a secret in the query" },
		{ "https://host/r#secret", "https://host/r", "a fragment" },
		{ "ssh://git@host/r", "ssh://git@host/r", "an SSH user is no secret" },
		{ "ssh://git:secret@host/r", "ssh://host/r", "an SSH password" },
		{ "git@host:o/r", "git@host:o/r", "scp's form" },
		{ "git:secret@host:o/r", "host:o/r", "scp's form does not have passwords, but people try" },
		{ "https:user:secret@host", "host", "slashes forgotten" },
		{ "https://ho\nst/\x1b[31m", "https://ho?st/?[31m", "no control characters" },
		{ "/srv/r", "/srv/r", "a path" },
		{ "", "", "empty" },
		{ NULL, "", "absent" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *shown = git_url_redact(cases[i].url);
		if (!str_eq(shown, cases[i].shown))
			fail_msg("%s: want \"%s\", got \"%s\"", cases[i].reason, cases[i].shown, shown);
	}
}

static void test_ref_check(void **state)
{
	static const struct {
		const char *ref;
		bool good;
	} cases[] = {
		{ "", true },          { NULL, true },
		{ "main", true },      { "feature/x-1", true },
		{ "v1.2.3", true },    { "refs/heads/main", true },
		{ "HEAD", true },      { "0123456789abcdef0123456789abcdef01234567", true },
		{ "größe", true },     { "a@b", true },
		{ "-x", false },       { "--upload-pack=x", false },
		{ "a..b", false },     { ".a", false },
		{ "a/.b", false },     { "a.lock", false },
		{ "a.lock/b", false }, { "/a", false },
		{ "a/", false },       { "a//b", false },
		{ "a b", false },      { "a~1", false },
		{ "a^{}", false },     { "a:b", false },
		{ "a?b", false },      { "a*", false },
		{ "a[b", false },      { "a\\b", false },
		{ "@", false },        { "a@{1}", false },
		{ "a.", false },       { "a\nb", false },
		{ "a\x7f", false },    { "+main", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		bool good = git_ref_check(cases[i].ref, &err) == 0;
		if (good != cases[i].good)
			fail_msg("\"%s\": %s", cases[i].ref, err_message(&err));
		if (!good)
			assert_true(err.kind == ERR_INVALID && err.terminal);
	}
}

static void test_source_check(void **state)
{
	static const struct git_credentials ssh = { .ssh_private_key = "k", .known_hosts = "h" };
	static const struct git_credentials no_hosts = { .ssh_private_key = "k" };
	static const struct git_credentials token = { .token = "t\r\n" }, broken = { .token = "t\nx" };
	static const struct git_credentials user = { .token = "t", .username = "a\nb" };
	static const struct {
		const char *url;
		const struct git_credentials *credentials;
		const char *message; /* NULL: allowed */
	} cases[] = {
		{ "git@h:r", &ssh, NULL },
		{ "git@h:r", NULL, "needs an SSH key" },
		{ "git@h:r", &token, "needs an SSH key" },
		{ "git@h:r", &no_hosts, "known_hosts" },
		{ "https://h/r", NULL, NULL },
		{ "https://h/r", &token, NULL },
		{ "https://h/r", &broken, "line break" },
		{ "https://h/r", &user, "user name" },
		{ "https://h/r", &ssh, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct git_source source = { .url = cases[i].url, .credentials = cases[i].credentials };
		int rc = git_source_check(&source, &err);
		if (!cases[i].message ? rc != 0 : !strstr(err_message(&err), cases[i].message))
			fail_msg("case %zu: %s", i, err_message(&err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_parse), cmocka_unit_test(test_url_length),   cmocka_unit_test(test_url_redact),
		cmocka_unit_test(test_ref_check), cmocka_unit_test(test_source_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
