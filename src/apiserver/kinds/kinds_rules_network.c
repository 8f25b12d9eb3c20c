/* Network policies and ingresses. */
#include "base/str.h"
#include "kinds_rules.h"
#include "kube/name_fault.h"
#include "objects/field_checks.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static void fail_text(struct err *err, const char *text, const char *detail, const char *field)
{
	_cleanup_json_ json_t *shown = json_string(text);

	check_fail(err, shown, detail, "%s", field);
}

/* ---- network policies ---- */

void kinds_rule_network_port(const json_t *obj, const char *at, struct err *err)
{
	const json_t *port = json_object_get(obj, "port"), *end = json_object_get(obj, "endPort");

	if (!json_is_integer(end))
		return;
	if (!port) {
		check_fail(err, end, "may not be specified when `port` is not specified", "%s.endPort", at);
	} else if (!json_is_integer(port)) {
		check_fail(err, end, "may not be specified when `port` is non-numeric", "%s.endPort", at);
	} else {
		if (json_integer_value(end) < json_integer_value(port))
			check_fail(err, port, "must be greater than or equal to `port`", "%s.endPort", at);
		check_port(err, end, "%s.endPort", at);
	}
}

void kinds_rule_network_peer(const json_t *obj, const char *at, struct err *err)
{
	bool block = json_object_get(obj, "ipBlock"),
		 other = json_object_get(obj, "podSelector") || json_object_get(obj, "namespaceSelector");

	if (!block && !other)
		check_required(err, "must specify a peer", "%s", at);
	else if (block && other)
		check_forbidden(err, "may not specify both ipBlock and another peer", "%s", at);
}

/* An address and the number of its bits that name the network. */
struct network {
	unsigned char address[sizeof(struct in6_addr)];
	size_t len; /* in bytes */
	size_t bits;
};

static bool read_network(const char *text, struct network *ret)
{
	const char *slash = strchr(text, '/');
	_cleanup_free_ char *address = slash ? xstrndup(text, (size_t)(slash - text)) : NULL;
	char *end;

	if (!slash || slash[1] < '0' || slash[1] > '9' || strlen(slash) > 4)
		return false;
	ret->bits = strtoul(slash + 1, &end, 10);
	ret->len = inet_pton(AF_INET, address, ret->address) == 1    ? 4
	           : inet_pton(AF_INET6, address, ret->address) == 1 ? 16
	                                                             : 0;
	return *end == '\0' && ret->len > 0 && ret->bits <= ret->len * 8;
}

static bool lies_within(const struct network *part, const struct network *whole)
{
	size_t bytes = whole->bits / 8, rest = whole->bits % 8;
	unsigned mask = 0xffU << (8 - rest) & 0xffU;

	if (part->len != whole->len || part->bits <= whole->bits)
		return false;
	if (memcmp(part->address, whole->address, bytes) != 0)
		return false;
	return rest == 0 || ((part->address[bytes] ^ whole->address[bytes]) & mask) == 0;
}

void kinds_rule_ip_block(const json_t *obj, const char *at, struct err *err)
{
	const char *cidr = json_get_str(obj, "cidr");
	struct network whole, part;
	size_t i;
	json_t *v;

	if (str_empty(cidr))
		return;
	if (!read_network(cidr, &whole)) {
		check_fail(err, json_object_get(obj, "cidr"), "not a valid CIDR", "%s.cidr", at);
		return;
	}
	json_array_foreach (json_object_get(obj, "except"), i, v) {
		if (!read_network(json_string_value(v) ? json_string_value(v) : "", &part)) {
			check_fail(err, v, "not a valid CIDR", "%s.except[%zu]", at, i);
			return;
		}
		if (!lies_within(&part, &whole))
			check_fail(err, v, "must be a strict subset of `cidr`", "%s.except[%zu]", at, i);
	}
}

/* ---- ingresses ---- */

void kinds_rule_ingress_backend(const json_t *obj, const char *at, struct err *err)
{
	const json_t *service = json_object_get(obj, "service"), *resource = json_object_get(obj, "resource"),
				 *port = json_object_get(service, "port");
	bool named = !str_empty(json_get_str(port, "name")), numbered = json_get_int(port, "number", 0) != 0;

	if (service && resource)
		fail_text(err, "", "cannot set both resource and service backends", at);
	else if (!service && !resource)
		fail_text(err, "", "resource or service backend is required", at);
	else if (service && named && numbered)
		fail_text(err, "", "cannot set both port name & port number", at);
	else if (service && !named && !numbered)
		check_required(err, "port name or number is required", "%s", at);
}

/* Ways to mean another path. */
static void check_clean_path(const char *path, const char *field, struct err *err)
{
	static const char *const WITHIN[] = { "//", "/./", "/../", "%2f", "%2F" }, *const AT_END[] = { "/..", "/." };
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(WITHIN); i++) {
		_cleanup_free_ char *detail = xasprintf("must not contain '%s'", WITHIN[i]);
		if (strstr(path, WITHIN[i]))
			fail_text(err, path, detail, field);
	}
	for (size_t i = 0; i < ARRAY_SIZE(AT_END); i++) {
		size_t end = strlen(AT_END[i]);
		_cleanup_free_ char *detail = xasprintf("cannot end with '%s'", AT_END[i]);
		if (len >= end && strcmp(path + len - end, AT_END[i]) == 0)
			fail_text(err, path, detail, field);
	}
}

void kinds_rule_ingress_path(const json_t *obj, const char *at, struct err *err)
{
	const char *type = json_get_str(obj, "pathType"), *path = json_get_str(obj, "path");
	_cleanup_free_ char *field = xasprintf("%s.path", at);
	bool specific = str_eq(type, "ImplementationSpecific");

	if (!type) {
		check_required(err, "pathType must be specified", "%s.pathType", at);
		return;
	}
	if (!specific && !str_eq(type, "Exact") && !str_eq(type, "Prefix"))
		return;
	path = path ? path : "";
	if (*path != '/' && (*path || !specific))
		fail_text(err, path, "must be an absolute path", field);
	if (!specific)
		check_clean_path(path, field, err);
}
