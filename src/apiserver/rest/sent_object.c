#include "sent_object.h"

#include "base/str.h"
#include "codec/go_json.h"
#include "kube/object.h"
#include "server.h"

#include <string.h>

#define QUOTED_MAX ((size_t)30)
#define SHOWN_MAX ((size_t)16 * 1024)

/* As a kube-apiserver quotes what it cannot read: its first bytes, in hexadecimal unless it looks like JSON. */
static char *quote_body(const char *body, size_t len)
{
	size_t shown = len > QUOTED_MAX ? QUOTED_MAX : len;
	struct buf text = BUF_INIT(4 * QUOTED_MAX);

	if (len == 0)
		return xstrdup("<empty>");
	for (size_t i = 0; i < shown; i++)
		buf_printf(&text, *body == '{' ? "%c" : "%02x", (unsigned char)body[i]);
	if (len > shown)
		buf_puts(&text, " ...");
	return buf_steal(&text);
}

static int unrecognized(const struct api_request *req, const char *why, struct err *err)
{
	size_t len;
	const char *body = http_request_body(req->http, &len);
	_cleanup_free_ char *quoted = quote_body(body, len);

	err_clear(err);
	return err_set(err, ERR_BAD_REQUEST, "the object provided is unrecognized (must be of type %s): %s (%s)",
	               req->body_type->kind, why, quoted);
}

static int unreadable(const struct api_request *req, struct err *err)
{
	bool json = api_request_body_form(req) == BODY_JSON;

	if (err->kind != ERR_BAD_REQUEST)
		return -1;
	_cleanup_free_ char *why = xasprintf("%s%s", json ? "couldn't get version/kind; json parse error: " : "",
	                                     err_message(err));
	return unrecognized(req, why, err);
}

/* The members that say of which type it is are texts. */
static int check_type_texts(const struct api_request *req, const json_t *body, struct err *err)
{
	_cleanup_free_ char *why = NULL;
	const char *key;
	json_t *v;

	if (!json_is_object(body))
		why = xasprintf("couldn't get version/kind; json parse error: " GO_NO_OBJECT, go_json_type(body));
	json_object_foreach (json_unconst(body), key, v)
		if (!why && (strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0) && !json_is_string(v) &&
		    !json_is_null(v))
			why = xasprintf("couldn't get version/kind; json parse error: json: cannot unmarshal %s into Go struct "
			                "field .%s of type string",
			                go_json_type(v), key);
	const char *version = json_get_str(body, "apiVersion"), *slash = version ? strchr(version, '/') : NULL;
	if (!why && slash && strchr(slash + 1, '/'))
		why = xasprintf("unexpected GroupVersion string: %s", version);
	return why ? unrecognized(req, why, err) : 0;
}

static int cannot_handle(const struct api_request *req, const char *kind, const char *version, const char *why,
                         struct err *err)
{
	return err_set(err, ERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", kind, version,
	               req->body_type->kind, why);
}

static int check_has_version(const struct api_request *req, const json_t *body, struct err *err)
{
	const json_t *version = json_object_get(body, "apiVersion");

	return json_is_null(version)
	           ? cannot_handle(req, json_get_str(body, "kind"), "",
	                           ".apiVersion accessor error: <nil> is of the type <nil>, expected string", err)
	           : 0;
}

/* Custom resources say what they are: their server learns it from nothing else. */
static int check_says_kind(const struct api_request *req, const json_t *body, struct err *err)
{
	size_t len;
	const char *text = http_request_body(req->http, &len), *said = json_get_str(body, "apiVersion");
	const char *slash = said ? strchr(said, '/') : NULL;

	if (!str_empty(json_get_str(body, "kind")))
		return check_has_version(req, body, err);
	_cleanup_free_ char *why = xasprintf("Object 'Kind' is missing in '%.*s'", (int)(len < SHOWN_MAX ? len : SHOWN_MAX),
	                                     text);
	if (req->options.validation != VALIDATION_IGNORE)
		return unrecognized(req, why, err);
	/* What is not read strictly is taken for what the address says. */
	return cannot_handle(req, req->body_type->kind,
	                     str_empty(said) ? req->body_version->name
	                     : slash         ? slash + 1
	                                     : said,
	                     why, err);
}

/* The scheme of a kube-apiserver in which a type's server looks kinds up: its name is part of the message. */
static const char *scheme_of(const struct api_type *t)
{
	if (strcmp(t->group, "apiextensions.k8s.io") == 0)
		return "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:52";
	if (strcmp(t->group, "apiregistration.k8s.io") == 0)
		return "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:29";
	return "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30";
}

char *sent_object_unknown(const struct api_type *t, const char *api_version, const char *kind)
{
	return xasprintf("no kind \"%s\" is registered for version \"%s\" in scheme \"%s\"", kind, api_version,
	                 scheme_of(t));
}

/* "apps" for apps/v1, "core" for v1: Kubernetes' packages of internal types are called so. */
static char *package_of(const struct api_type *t)
{
	return *t->group ? xstrndup(t->group, strcspn(t->group, ".")) : xstrdup("core");
}

/* A built-in kind may leave out what it is, but not be another one. */
static int check_type(const struct api_request *req, json_t *body, struct err *err)
{
	const struct api_type *t = req->body_type;

	if (str_empty(json_get_str(body, "apiVersion")))
		json_put_str(body, "apiVersion", req->body_version->api_version);
	if (str_empty(json_get_str(body, "kind")))
		json_put_str(body, "kind", t->kind);
	const char *api_version = json_get_str(body, "apiVersion"), *kind = json_get_str(body, "kind");
	const char *slash = strchr(api_version, '/'), *version = slash ? slash + 1 : api_version;
	if (strcmp(api_version, req->body_version->api_version) == 0 && strcmp(kind, t->kind) == 0)
		return 0;
	_cleanup_free_ char *group = xstrndup(api_version, slash ? (size_t)(slash - api_version) : 0);
	_cleanup_(api_type_unrefp) struct api_type *other = registry_find_kind(req->server->registry, group, version, kind);
	_cleanup_free_ char *unknown = sent_object_unknown(t, api_version, kind), *package = package_of(t);
	if (other && !other->custom && strcmp(other->resource, t->resource) == 0)
		return 0; /* another version of the same: object_meta_identify() refuses it */
	if (other && !other->custom)
		return err_set(
			err, ERR_BAD_REQUEST,
			"%s in version \"%s\" cannot be handled as a %s: converting (%s.%s) to (%s.%s): unknown conversion", kind,
			version, t->kind, version, kind, package, t->kind);
	return err_set(err, ERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", kind, version, t->kind,
	               unknown);
}

json_t *sent_object(struct api_request *req, struct err *err)
{
	_cleanup_json_ json_t *body = api_request_body(req, err);

	if (!body) {
		unreadable(req, err);
		return NULL;
	}
	if (json_is_null(body)) {
		json_decref(body);
		body = json_object();
	}
	if (check_type_texts(req, body, err) < 0 ||
	    (req->body_type->custom ? check_says_kind(req, body, err) : check_type(req, body, err)) < 0)
		return NULL;
	return TAKE_PTR(body);
}
