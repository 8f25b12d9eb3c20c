#include "jwt.h"

#include "base/str.h"
#include "codec/base64.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define AUDIENCES_MAX 64

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_BAD_REQUEST, "not a token: %s", what);
}

/* The part as an object. */
static json_t *decode_object(const char *part, size_t len)
{
	size_t size = 0;
	_cleanup_free_ char *text = base64url_decode(part, len, &size);
	json_t *v = text ? json_parse(text, size, JSON_STRICT_KEYS, NULL) : NULL;

	if (v && !json_is_object(v)) {
		json_decref(v);
		return NULL;
	}
	return v;
}

static int read_header(struct jwt *j, const char *part, size_t len, struct err *err)
{
	_cleanup_json_ json_t *header = decode_object(part, len);

	if (!header || !json_get_str(header, "alg"))
		return bad(err, "its header cannot be read");
	/* Extensions that must be understood are not (RFC 7515, 4.1.11). */
	if (json_object_get(header, "crit"))
		return bad(err, "its header wants extensions");
	j->algorithm = xstrdup(json_get_str(header, "alg"));
	j->key_id = xstrdup_or_null(json_get_str(header, "kid"));
	return 0;
}

static int read_parts(struct jwt *j, const char *token, struct err *err)
{
	size_t header = strspn(token, ALPHABET), claims, signature;

	if (token[header] != '.')
		return bad(err, "it has not three parts");
	const char *second = token + header + 1;
	claims = strspn(second, ALPHABET);
	if (second[claims] != '.')
		return bad(err, "it has not three parts");
	const char *third = second + claims + 1;
	signature = strspn(third, ALPHABET);
	if (third[signature])
		return bad(err, "it has not three parts");
	if (read_header(j, token, header, err) < 0)
		return -1;
	j->signed_len = header + 1 + claims;
	j->claims = decode_object(second, claims);
	j->signature = (unsigned char *)base64url_decode(third, signature, &j->signature_len);
	return j->claims && j->signature ? 0 : bad(err, "its claims cannot be read");
}

int jwt_parse(const char *token, struct jwt *ret, struct err *err)
{
	_cleanup_jwt_ struct jwt j = { 0 };

	if (strnlen(token, JWT_MAX + 1) > JWT_MAX)
		return bad(err, "it is too long");
	if (read_parts(&j, token, err) < 0)
		return -1;
	*ret = j;
	j = (struct jwt){ 0 };
	return 0;
}

void jwt_clear(struct jwt *j)
{
	free(j->algorithm);
	free(j->key_id);
	json_decref(j->claims);
	free(j->signature);
	*j = (struct jwt){ 0 };
}

bool jwt_verify(const struct jwt *j, const char *token, const struct sign_key *key)
{
	return strcmp(j->algorithm, sign_key_algorithm(key)) == 0 &&
	       sign_verify(key, token, j->signed_len, j->signature, j->signature_len);
}

static char *encode_object(const json_t *v)
{
	_cleanup_free_ char *text = json_to_str(v);

	return base64url_encode(text, strlen(text));
}

char *jwt_issue(const struct sign_key *key, const json_t *claims, struct err *err)
{
	_cleanup_json_ json_t *header = json_pack("{s:s,s:s}", "alg", sign_key_algorithm(key), "kid", sign_key_id(key));
	_cleanup_free_ char *head = encode_object(header), *body = encode_object(claims);
	_cleanup_free_ char *text = xasprintf("%s.%s", head, body);
	_cleanup_free_ unsigned char *signature = NULL;
	size_t len;

	if (sign_data(key, text, strlen(text), &signature, &len, err) < 0)
		return NULL;
	_cleanup_free_ char *tail = base64url_encode(signature, len);
	return xasprintf("%s.%s", text, tail);
}

/* NumericDate: seconds, perhaps with a fraction. A claim of another type is never fulfilled. */
static bool time_of(const json_t *claims, const char *key, double *ret)
{
	const json_t *v = json_object_get(claims, key);

	if (!v || json_is_null(v))
		return false;
	*ret = json_number(v, -1);
	return true;
}

enum jwt_time jwt_check_time(const json_t *claims, int64_t now_s)
{
	double at, now = (double)now_s;

	if (time_of(claims, "nbf", &at) && (at < 0 || now + JWT_LEEWAY_S < at))
		return JWT_NOT_YET;
	if (time_of(claims, "exp", &at) && now - JWT_LEEWAY_S > at)
		return JWT_EXPIRED;
	if (time_of(claims, "iat", &at) && (at < 0 || now + JWT_LEEWAY_S < at))
		return JWT_FROM_THE_FUTURE;
	return JWT_VALID;
}

char **jwt_audiences(const json_t *claims)
{
	const json_t *aud = json_object_get(claims, "aud");
	char **v = NULL;
	size_t i;
	json_t *one;

	if (json_is_string(aud))
		strv_push(&v, json_string_value(aud));
	json_array_foreach (aud, i, one)
		if (json_is_string(one) && i < AUDIENCES_MAX)
			strv_push(&v, json_string_value(one));
	return v;
}
