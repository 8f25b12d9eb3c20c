#include "continue_token.h"

#include "base/str.h"
#include "codec/base64.h"
#include "codec/go_json.h"
#include "list.h"

#define TOKEN_VERSION "meta.k8s.io/v1"
#define NOT_VALID "invalid continue token: continue key is not valid"

const char *continue_scope(const struct api_request *req)
{
	const char *ns = list_namespace(req);

	return req->type->namespaced && !*ns ? NULL : ns;
}

char *continue_token_write(int64_t version, const char *ns, const char *name, const char *scope)
{
	_cleanup_json_ json_t *v = json_object();

	json_put_str(v, "v", TOKEN_VERSION);
	json_put_int(v, "rv", version);
	json_put(v, "start", scope ? json_string(name) : json_strf("%s/%s", ns, name));
	_cleanup_free_ char *text = json_to_str(v);
	return base64url_encode(text, strlen(text));
}

/* As path.Clean() leaves it: no empty, "." or ".." parts. */
static bool is_clean(const char *key)
{
	const char *part = key;

	for (;;) {
		size_t len = strcspn(part, "/");
		bool dots = (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
		if (len == 0 || dots)
			return false;
		if (!part[len])
			return true;
		part += len + 1;
	}
}

static json_t *decode(const char *text, struct err *err)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len, good = strspn(text, alphabet);
	_cleanup_free_ char *decoded = text[good] ? NULL : base64url_decode(text, good, &len);

	if (!decoded) {
		good -= !text[good] && good % 4 == 1; /* one character alone is no byte */
		err_set(err, ERR_BAD_REQUEST, NOT_VALID ": illegal base64 data at input byte %zu", good);
		return NULL;
	}
	_cleanup_json_ json_t *v = json_parse(decoded, len, 0, NULL);
	_cleanup_free_ char *fault = v ? NULL : go_json_fault(decoded, len);
	if (json_is_object(v))
		return json_incref(v);
	if (v)
		err_set(err, ERR_BAD_REQUEST,
		        NOT_VALID ": json: cannot unmarshal %s into Go value of type storage.continueToken", go_json_type(v));
	else
		err_set(err, ERR_BAD_REQUEST, NOT_VALID ": %s", fault ? fault : "it is no JSON");
	return NULL;
}

static void split_key(const char *key, const char *scope, struct continue_token *ret)
{
	const char *slash = scope ? NULL : strchr(key, '/');

	if (scope) {
		ret->ns = xstrdup(scope);
		ret->name = xstrdup(key);
	} else {
		ret->ns = slash ? xstrndup(key, (size_t)(slash - key)) : xstrdup(key);
		ret->name = xstrdup(slash ? slash + 1 : "");
	}
}

int continue_token_read(const char *text, const char *scope, struct continue_token *ret, struct err *err)
{
	_cleanup_json_ json_t *v = decode(text, err);
	const char *api_version = json_get_str(v, "v"), *key = json_get_str(v, "start");
	int64_t version = json_get_int(v, "rv", 0);

	if (!v)
		return -1;
	if (!str_eq(api_version, TOKEN_VERSION))
		return err_set(err, ERR_BAD_REQUEST, NOT_VALID ": server does not recognize this encoded version %s",
		               api_version ? api_version : "");
	if (version == 0)
		return err_set(err, ERR_BAD_REQUEST,
		               NOT_VALID ": incorrect encoded start resourceVersion (version " TOKEN_VERSION ")");
	if (str_empty(key))
		return err_set(err, ERR_BAD_REQUEST, NOT_VALID ": encoded start key empty (version " TOKEN_VERSION ")");
	const char *start = *key == '/' ? key + 1 : key;
	if (!is_clean(start))
		return err_set(err, ERR_BAD_REQUEST, NOT_VALID ": %s", key);
	ret->version = version;
	split_key(start, scope, ret);
	return 0;
}

void continue_token_clear(struct continue_token *t)
{
	free(t->ns);
	free(t->name);
	*t = (struct continue_token){ 0 };
}
