#include "classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_classify_kinds(void **state)
{
	static const struct {
		const char *text;
		enum git_fault fault;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "fatal: unable to access 'https://h/r/': Could not resolve host: h\n", GIT_FAULT_REMOTE, ERR_UNAVAILABLE,
		  "host not found" },
		{ "ssh: Could not resolve hostname h: Name or service not known\nfatal: Could not read from remote "
		  "repository.\n",
		  GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "host not found" },
		{ "fatal: unable to access 'https://h/': Failed to connect to h port 443: Connection refused", GIT_FAULT_REMOTE,
		  ERR_UNAVAILABLE, "could not be reached" },
		{ "ssh: connect to host h port 22: Connection timed out\r\n", GIT_FAULT_REMOTE, ERR_TIMEOUT, "in time" },
		{ "fatal: could not read Username for 'https://h': terminal prompts disabled", GIT_FAULT_REMOTE,
		  ERR_UNAUTHORIZED, "needs credentials" },
		{ "git@h: Permission denied (publickey).", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, "credentials" },
		{ "Host key verification failed.\nfatal: Could not read from remote repository.", GIT_FAULT_REMOTE,
		  ERR_UNAUTHORIZED, "known_hosts" },
		{ "remote: Repository not found.\nfatal: repository 'https://h/r/' not found", GIT_FAULT_REMOTE, ERR_NOT_FOUND,
		  "does not exist" },
		{ "fatal: '/x' does not appear to be a git repository", GIT_FAULT_REMOTE, ERR_NOT_FOUND, "no git repository" },
		{ "fatal: couldn't find remote ref nope", GIT_FAULT_NO_REF, ERR_NOT_FOUND, "no such branch" },
		{ "error: Server does not allow request for unadvertised object 1234", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, "" },
		{ "fatal: remote error: upload-pack: not our ref 1234", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, "this commit" },
		{ "fatal: transport 'ext' not allowed", GIT_FAULT_REMOTE, ERR_INVALID, "not allowed" },
		{ "error: RPC failed; curl 92 HTTP/2 stream 0", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "broke off" },
		{ "fatal: unable to access 'https://h/': The requested URL returned error: 503", GIT_FAULT_REMOTE,
		  ERR_UNAVAILABLE, "server failed" },
		{ "fatal: write error: No space left on device", GIT_FAULT_REMOTE, ERR_INSUFFICIENT_STORAGE, "disk is full" },
		{ "error: bad object HEAD", GIT_FAULT_BROKEN, ERR_INTERNAL, "bad object" },
		{ "fatal: Unable to create '/c/shallow.lock': File exists.", GIT_FAULT_BROKEN, ERR_INTERNAL, "" },
		{ "fatal: something new", GIT_FAULT_OTHER, ERR_INTERNAL, "something new" },
		{ "", GIT_FAULT_OTHER, ERR_INTERNAL, "said nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		enum git_fault fault = git_classify(cases[i].text, NULL, false, &err);
		if (fault != cases[i].fault || err.kind != cases[i].kind || !strstr(err_message(&err), cases[i].says))
			fail_msg("%s: fault %d kind %s: %s", cases[i].text, (int)fault, err_kind_reason(err.kind),
			         err_message(&err));
	}
}

static void test_classify_hides_secret(void **state)
{
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	git_classify("fatal: no luck with s3cret\x1b[31m and s3cret", "s3cret", true, &err);
	assert_null(strstr(err_message(&err), "s3cret"));
	assert_null(strchr(err_message(&err), '\x1b'));
	assert_non_null(strstr(err_message(&err), "no luck with [secret]"));
}

static void test_classify_bounds_quote(void **state)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *text = xmalloc(100001);

	(void)state;
	memset(text, 'x', 100000);
	text[100000] = '\0';
	git_classify(text, NULL, false, &err);
	assert_true(strlen(err_message(&err)) < 600);
}

static void test_classify_quotes_the_last_fatal_line(void **state)
{
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	git_classify("remote: hello\nfatal: this is it\nmore words\n", NULL, false, &err);
	assert_non_null(strstr(err_message(&err), "this is it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classify_kinds),
		cmocka_unit_test(test_classify_hides_secret),
		cmocka_unit_test(test_classify_bounds_quote),
		cmocka_unit_test(test_classify_quotes_the_last_fatal_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
