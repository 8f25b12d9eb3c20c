/* Bearer tokens: those of a file, of components and of service accounts, against a real store. */
#include "authn.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

struct fixture {
	char dir[64];
	struct store *store;
	struct token_keys *keys;
	struct account_tokens *tokens;
	struct authn *authn;
};

static void put(struct fixture *f, const char *resource, const char *ns, const char *name, const char *uid,
                const char *members)
{
	_cleanup_err_ struct err err = { 0 };
	static const char head[] = "{\"metadata\":{\"resourceVersion\":\"";
	_cleanup_free_ char *text = xasprintf("%s\"}%s}", head, members);
	const struct store_write w = { .resource = resource,
		                           .ns = ns,
		                           .name = name,
		                           .op = STORE_CREATE,
		                           .text = bytes_new(text, strlen(text)),
		                           .text_version_offset = sizeof(head) - 1,
		                           .uid = xstrdup(uid) };

	if (store_commit(f->store, &w, NULL, &err) < 0)
		fail_msg("%s", err_message(&err));
}

static void delete (struct fixture *f, const char *resource, const char *ns, const char *name)
{
	const struct store_write w = { .resource = resource, .ns = ns, .name = name, .op = STORE_DELETE };

	assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/scia-authn-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	_cleanup_free_ char *path = fs_join(f->dir, "store.db");
	const struct store_config config = { .path = path };
	if (store_open(&config, &f->store, &err) < 0 || token_keys_open(f->dir, NULL, &f->keys, &err) < 0)
		fail_msg("%s", err_message(&err));
	f->tokens = account_tokens_new(f->store, f->keys);
	f->authn = authn_new(f->tokens);
	put(f, "/serviceaccounts", "a", "robot", "u1", "");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	authn_free(f->authn);
	account_tokens_free(f->tokens);
	token_keys_free(f->keys);
	store_close(f->store);
	fs_remove_tree(f->dir, NULL);
	free(f);
	return 0;
}

static char *issue(struct fixture *f, int64_t at_s, int64_t seconds, const char *audience, const char *secret)
{
	char *audiences[] = { (char *)(uintptr_t)audience, NULL };
	const struct account_token_spec spec = { .ns = "a",
		                                     .name = "robot",
		                                     .uid = "u1",
		                                     .audiences = audiences,
		                                     .now_s = at_s,
		                                     .seconds = seconds,
		                                     .bound_kind = secret ? "secret" : NULL,
		                                     .bound_name = secret,
		                                     .bound_uid = "u2" };
	_cleanup_err_ struct err err = { 0 };
	char *token = account_tokens_issue(f->tokens, &spec, &err);

	if (!token)
		fail_msg("%s", err_message(&err));
	return token;
}

static int64_t now_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static void assert_refused(struct fixture *f, const char *token, const char *why)
{
	struct auth_user user;
	_cleanup_err_ struct err err = { 0 };

	if (authn_token(f->authn, token, NULL, &user, NULL, &err) != -1)
		fail_msg("accepted; wanted: %s", why);
	assert_int_equal(err.kind, ERR_UNAUTHORIZED);
	assert_string_equal(err_message(&err), why);
}

static void assert_user(struct fixture *f, const char *token, const char *name, const char *groups)
{
	struct auth_user user;
	_cleanup_err_ struct err err = { 0 };

	if (authn_token(f->authn, token, NULL, &user, NULL, &err) != 1)
		fail_msg("%s", err_message(&err));
	_cleanup_free_ char *found = strv_join(user.groups, " ");
	assert_string_equal(user.name, name);
	assert_string_equal(found, groups);
	auth_user_clear(&user);
}

#define ROBOT "system:serviceaccount:a:robot"
#define ROBOT_GROUPS "system:serviceaccounts system:serviceaccounts:a system:authenticated"
#define INVALID "invalid bearer token"

static void test_account_token(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *token = issue(f, now_s(), 600, TOKEN_ISSUER, NULL);

	assert_user(f, token, ROBOT, ROBOT_GROUPS);
	assert_user(f, token, ROBOT, ROBOT_GROUPS); /* from memory */
	for (size_t i = 0; i < strlen(token); i += 7) {
		char kept = token[i];
		if (kept == '.')
			continue;
		token[i] = kept == 'A' ? 'B' : 'A';
		struct auth_user user;
		assert_int_equal(authn_token(f->authn, token, NULL, &user, NULL, NULL), -1);
		token[i] = kept;
	}
}

static void test_account_token_times(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *old = issue(f, now_s() - 700, 600, TOKEN_ISSUER, NULL);
	_cleanup_free_ char *late = issue(f, now_s() - 630, 600, TOKEN_ISSUER, NULL);
	_cleanup_free_ char *future = issue(f, now_s() + 120, 600, TOKEN_ISSUER, NULL);

	assert_refused(f, old, "service account token has expired");
	assert_user(f, late, ROBOT, ROBOT_GROUPS);
	assert_refused(f, future, "service account token is not valid yet");
}

static void test_account_token_audiences(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *token = issue(f, now_s(), 600, "vault", NULL);
	char *wanted[] = { (char[]){ "x" }, (char[]){ "vault" }, NULL };
	_cleanup_strv_ char **both = NULL;
	struct auth_user user;

	assert_refused(f, token, "token audiences [\"vault\"] is invalid for the target audiences [\"" TOKEN_ISSUER "\"]");
	assert_int_equal(authn_token(f->authn, token, wanted, &user, &both, NULL), 1);
	auth_user_clear(&user);
	assert_int_equal(strv_len(both), 1);
	assert_string_equal(both[0], "vault");
}

static void test_tokens_die_with_their_objects(void **state)
{
	struct fixture *f = *state;
	put(f, "/secrets", "a", "s", "u2", "");
	_cleanup_free_ char *bound = issue(f, now_s(), 600, TOKEN_ISSUER, "s");
	_cleanup_free_ char *plain = issue(f, now_s(), 600, TOKEN_ISSUER, NULL);

	assert_user(f, bound, ROBOT, ROBOT_GROUPS);
	delete (f, "/secrets", "a", "s");
	assert_refused(f, bound, "service account token has been invalidated");
	put(f, "/secrets", "a", "s", "u3", ""); /* of the same name, but another one */
	assert_refused(f, bound, "service account token has been invalidated");
	assert_user(f, plain, ROBOT, ROBOT_GROUPS);
	delete (f, "/serviceaccounts", "a", "robot");
	assert_refused(f, plain, "serviceaccounts \"robot\" not found");
	put(f, "/serviceaccounts", "a", "robot", "u9", "");
	assert_refused(f, plain, "service account UID (u9) does not match claim (u1)");
}

static void test_secrets_token(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *token = account_tokens_issue_for_secret(f->tokens, "a", "robot", "u1", "s", NULL);
	_cleanup_free_ char *data = base64_encode(token, strlen(token));
	_cleanup_free_ char *members = xasprintf(",\"data\":{\"token\":\"%s\"}", data);

	assert_refused(f, token, "service account token has been invalidated");
	put(f, "/secrets", "a", "s", "u2", members);
	assert_user(f, token, ROBOT, ROBOT_GROUPS);
	delete (f, "/secrets", "a", "s");
	put(f, "/secrets", "a", "s", "u2", ",\"data\":{\"token\":\"b3RoZXI=\"}");
	assert_refused(f, token, "service account token has been invalidated");
}

static void test_keys_rotate(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = issue(f, now_s(), 600, TOKEN_ISSUER, NULL);
	_cleanup_json_ json_t *one = token_keys_jwks(f->keys);

	assert_int_equal(token_keys_rotate(f->dir, NULL), 0);
	token_keys_refresh(f->keys);
	_cleanup_free_ char *after = issue(f, now_s(), 600, TOKEN_ISSUER, NULL);
	_cleanup_json_ json_t *two = token_keys_jwks(f->keys);
	assert_int_equal(json_array_size(json_object_get(one, "keys")), 1);
	assert_int_equal(json_array_size(json_object_get(two, "keys")), 2);
	assert_user(f, before, ROBOT, ROBOT_GROUPS);
	assert_user(f, after, ROBOT, ROBOT_GROUPS);
	/* Only the newest signs, and a key that is gone verifies no more, not even what it verified before. */
	_cleanup_free_ char *command = xasprintf("%s/sa.key", f->dir), *gone = xasprintf("%s/gone", f->dir);
	assert_int_equal(rename(command, gone), 0);
	token_keys_refresh(f->keys); /* without a signer the keys stay as they were */
	assert_user(f, after, ROBOT, ROBOT_GROUPS);
	assert_int_equal(rename(gone, command), 0);
	token_keys_refresh(f->keys);
	assert_user(f, before, ROBOT, ROBOT_GROUPS);
	struct token_keys *other;
	char elsewhere[] = "/tmp/scia-authn-XXXXXX";
	assert_non_null(mkdtemp(elsewhere));
	assert_int_equal(token_keys_open(elsewhere, NULL, &other, NULL), 0);
	struct account_tokens *strange = account_tokens_new(f->store, other);
	struct auth_user user;
	_cleanup_err_ struct err err = { 0 };
	assert_int_equal(account_tokens_authenticate(strange, after, NULL, &user, NULL, &err), -1);
	assert_string_equal(err_message(&err), INVALID);
	account_tokens_free(strange);
	token_keys_free(other);
	fs_remove_tree(elsewhere, NULL);
}

static void test_component_token(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *token = authn_component_token(f->authn, "operator");

	assert_user(f, token, "system:scia:operator", "system:authenticated");
	token[3] ^= 1;
	assert_refused(f, token, INVALID);
	assert_refused(f, "", INVALID);
}

static void test_token_file(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	static const char text[] = "t1,ann,1,\"devs,ops\"\n"
							   "\n"
							   "# of the build machines\n"
							   "\"t,2\",\"bob \"\"b\"\"\",2\n"
							   "t3,cyd,,one";

	if (authn_add_tokens(f->authn, text, "x", &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_user(f, "t1", "ann", "devs ops system:authenticated");
	assert_user(f, "t,2", "bob \"b\"", "system:authenticated");
	assert_user(f, "t3", "cyd", "one system:authenticated");
	static const char *const bad[] = { "t,u", "t,u,1,\"g", ",u,1", "t,,1", "\"t" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err wrong = { 0 };
		if (authn_add_tokens(f->authn, bad[i], "x", &wrong) != -1)
			fail_msg("%s was accepted", bad[i]);
		assert_int_equal(wrong.kind, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_account_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_token_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_token_audiences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tokens_die_with_their_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_rotate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_component_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
