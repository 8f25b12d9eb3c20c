#include "authn.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/sha256.h"
#include "net/tls.h"

#define COMPONENT_TOKEN_BYTES 32
#define FILE_MAX ((size_t)1024 * 1024)
#define FIELDS_MAX 64

struct authn {
	struct account_tokens *accounts;
	pthread_mutex_t lock;
	struct map *tokens; /* SHA-256 of the token → struct auth_user: looking one up tells nothing by the time it takes */
};

static void user_free(void *p)
{
	auth_user_clear(p);
	free(p);
}

struct authn *authn_new(struct account_tokens *accounts)
{
	struct authn *a = new0(struct authn);

	a->accounts = accounts;
	pthread_mutex_init(&a->lock, NULL);
	a->tokens = map_new(user_free);
	return a;
}

struct authn *authn_free(struct authn *a)
{
	if (!a)
		return NULL;
	map_free(a->tokens);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

/* Takes the user over. */
static void add_token(struct authn *a, const char *token, struct auth_user *user)
{
	char digest[65];

	strv_push(&user->groups, "system:authenticated");
	sha256_hex(token, strlen(token), digest);
	MUTEX_GUARD(&a->lock);
	map_set(a->tokens, digest, user);
}

char *authn_component_token(struct authn *a, const char *component)
{
	char *token = tls_random_hex(COMPONENT_TOKEN_BYTES);
	struct auth_user *user = new0(struct auth_user);

	user->name = xasprintf("system:scia:%s", component);
	add_token(a, token, user);
	return token;
}

/* ---- the token file ---- */

/* One field of a CSV line (RFC 4180) into *ret (free()); the place behind it and its comma, or NULL at a quote that is
 * not closed. */
static const char *read_field(const char *p, char **ret)
{
	struct buf out = BUF_INIT(FILE_MAX);

	while (*p == ' ')
		p++;
	if (*p != '"') {
		size_t len = strcspn(p, ",\n");
		buf_append(&out, p, len);
		p += len;
	} else {
		for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
			buf_putc(&out, *p);
			p += *p == '"';
		}
		if (!*p) {
			buf_clear(&out);
			return NULL;
		}
		p++;
		p += strcspn(p, ",\n");
	}
	*ret = buf_steal(&out);
	return *p == ',' ? p + 1 : p;
}

/* The fields of a line (strv), and the next line. */
static char **read_line(const char **line)
{
	const char *p = *line;
	char **fields = NULL;
	bool more = true;

	while (more && strv_len(fields) < FIELDS_MAX) {
		_cleanup_free_ char *field = NULL;
		const char *next = read_field(p, &field);
		if (!next) {
			strv_free(fields);
			return NULL;
		}
		strv_push(&fields, str_strip(field));
		more = next[0] && next[0] != '\n' ? true : next > p && next[-1] == ',';
		p = next;
	}
	*line = *p == '\n' ? p + 1 : p + strcspn(p, "\n");
	return fields;
}

static void add_groups(struct auth_user *user, char *const *fields)
{
	_cleanup_strv_ char **groups = fields[3] ? str_split(fields[3], ",") : NULL;

	for (size_t i = 0; groups && groups[i]; i++)
		strv_push(&user->groups, str_strip(groups[i]));
}

int authn_add_tokens(struct authn *a, const char *text, const char *name, struct err *err)
{
	for (int number = 1; *text; number++) {
		if (*text == '\n' || *text == '#') {
			text += strcspn(text, "\n");
			text += *text == '\n';
			continue;
		}
		_cleanup_strv_ char **fields = read_line(&text);
		size_t len = strv_len(fields);
		/* What is in the file stays out of messages. */
		if (!fields)
			return err_set(err, ERR_INVALID, "token file '%s', line %d: a quote is not closed", name, number);
		if (len < 3)
			return err_set(
				err, ERR_INVALID,
				"token file '%s', line %d: must have at least 3 columns (token, user name, user uid), found %zu", name,
				number, len);
		if (!*fields[0] || !*fields[1])
			return err_set(err, ERR_INVALID, "token file '%s', line %d: the token or the user name is empty", name,
			               number);
		struct auth_user *user = new0(struct auth_user);
		user->name = xstrdup(fields[1]);
		user->uid = *fields[2] ? xstrdup(fields[2]) : NULL;
		add_groups(user, fields);
		add_token(a, fields[0], user);
	}
	return 0;
}

int authn_load_token_file(struct authn *a, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read_file(path, FILE_MAX, &text, &len, err) < 0)
		return err_wrap(err, "reading the token file");
	int r = authn_add_tokens(a, text, path, err);
	explicit_bzero(text, len);
	return r;
}

/* ---- requests ---- */

/* Component's and file's tokens are for the API only. */
static int check_opaque_audience(char *const *audiences, char ***ret, struct err *err)
{
	if (audiences && *audiences && !str_in(TOKEN_ISSUER, (const char *const *)audiences))
		return err_set(err, ERR_UNAUTHORIZED, "invalid bearer token");
	if (ret) {
		*ret = NULL;
		strv_push(ret, TOKEN_ISSUER);
	}
	return 1;
}

static bool find_opaque(struct authn *a, const char *token, struct auth_user *ret)
{
	char digest[65];

	sha256_hex(token, strlen(token), digest);
	MUTEX_GUARD(&a->lock);
	const struct auth_user *user = map_get(a->tokens, digest);
	if (user)
		*ret = auth_user_copy(user);
	return user;
}

int authn_token(struct authn *a, const char *token, char *const *audiences, struct auth_user *ret,
                char ***ret_audiences, struct err *err)
{
	int r;

	if (find_opaque(a, token, ret)) {
		r = check_opaque_audience(audiences, ret_audiences, err);
		if (r < 0)
			auth_user_clear(ret);
		return r;
	}
	r = a->accounts ? account_tokens_authenticate(a->accounts, token, audiences, ret, ret_audiences, err) : 0;
	return r ? r : err_set(err, ERR_UNAUTHORIZED, "invalid bearer token");
}

/* The token of "Bearer TOKEN" (free()), or NULL. */
static char *bearer_token(const char *header)
{
	if (!header)
		return NULL;
	header += strspn(header, " ");
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	size_t len = strcspn(header, " \t");
	return len > 0 ? xstrndup(header, len) : NULL;
}

int authn_request(struct authn *a, const struct http_request *http, struct auth_user *ret, struct err *err)
{
	const char *peer = http_request_peer_name(http);
	char *const *orgs = http_request_peer_orgs(http);

	if (!str_empty(peer)) {
		*ret = (struct auth_user){ .name = xstrdup(peer) };
		for (size_t i = 0; orgs && orgs[i]; i++)
			strv_push(&ret->groups, orgs[i]);
		strv_push(&ret->groups, "system:authenticated");
		return 0;
	}
	_cleanup_free_ char *token = bearer_token(http_request_header(http, "Authorization"));
	if (token && authn_token(a, token, NULL, ret, NULL, NULL) > 0)
		return 0;
	return err_set(err, ERR_UNAUTHORIZED, "Unauthorized");
}
