/* Printer columns of services, endpoints, ingresses and network policies. */
#include "base/str.h"
#include "builtin.h"
#include "builtin_types.h"

#include <string.h>

#define CELL_MAX ((size_t)64 * 1024)

static json_t *cell_of(struct buf *text, const char *otherwise)
{
	json_t *cell = text->len ? json_string_lossy(buf_str(text), text->len) : json_string(otherwise);

	buf_clear(text);
	return cell;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* "a=1,b=2" in the order of names; "<none>" for nothing. */
json_t *builtin_labels_cell(const json_t *labels)
{
	struct buf out = BUF_INIT(CELL_MAX);
	_cleanup_strv_ char **names = NULL;
	const char *key;
	json_t *v;

	json_object_foreach (json_unconst(labels), key, v)
		strv_push(&names, key);
	strv_sort(names);
	for (size_t i = 0; names && names[i]; i++)
		buf_printf(&out, "%s%s=%s", i ? "," : "", names[i], or_empty(json_get_str(labels, names[i])));
	return cell_of(&out, "<none>");
}

static void append_values(struct buf *out, const json_t *values)
{
	_cleanup_strv_ char **list = NULL;
	size_t i;
	json_t *v;

	json_array_foreach (values, i, v)
		if (json_is_string(v))
			strv_push(&list, json_string_value(v));
	strv_sort(list);
	for (i = 0; list && list[i]; i++)
		buf_printf(out, "%s%s", i ? "," : "", list[i]);
}

static void append_requirement(struct buf *out, const json_t *r)
{
	const char *key = or_empty(json_get_str(r, "key")), *operator= or_empty(json_get_str(r, "operator"));

	buf_puts(out, out->len ? "," : "");
	if (strcmp(operator, "Exists") == 0) {
		buf_puts(out, key);
	} else if (strcmp(operator, "DoesNotExist") == 0) {
		buf_printf(out, "!%s", key);
	} else {
		buf_printf(out, "%s %s (", key, strcmp(operator, "In") == 0 ? "in" : "notin");
		append_values(out, json_object_get(r, "values"));
		buf_putc(out, ')');
	}
}

/* A LabelSelector as text: "a=1,b in (x,y)". */
json_t *builtin_selector_cell(const json_t *selector)
{
	_cleanup_json_ json_t *labels = builtin_labels_cell(json_object_get(selector, "matchLabels"));
	const json_t *requirements = json_object_get(selector, "matchExpressions");
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *r;

	if (json_object_size(json_object_get(selector, "matchLabels")) > 0)
		buf_puts(&out, json_string_value(labels));
	json_array_foreach (requirements, i, r)
		append_requirement(&out, r);
	return cell_of(&out, "<none>");
}

json_t *builtin_selector_text(const json_t *selector)
{
	bool structured = json_object_get(selector, "matchLabels") || json_object_get(selector, "matchExpressions");

	if (json_object_size(selector) == 0)
		return json_string("");
	return structured ? builtin_selector_cell(selector) : builtin_labels_cell(selector);
}

static json_t *pod_selector(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_selector_cell(json_at(obj, "spec", "podSelector", NULL));
}

/* ---- services ---- */

static json_t *selector(const json_t *obj, int64_t now_ns _unused_)
{
	return builtin_labels_cell(json_at(obj, "spec", "selector", NULL));
}

static json_t *service_address(const json_t *obj, int64_t now_ns _unused_)
{
	const char *ip = json_str_at(obj, "spec", "clusterIP", NULL);

	return json_string(!str_empty(ip) ? ip : "<none>");
}

/* Addresses and names of status.loadBalancer, "a,b". */
static void append_load_balancer(struct buf *out, const json_t *obj)
{
	size_t i;
	json_t *point;

	json_array_foreach (json_at(obj, "status", "loadBalancer", "ingress", NULL), i, point) {
		const char *ip = json_get_str(point, "ip"), *host = json_get_str(point, "hostname");
		buf_printf(out, "%s%s", out->len ? "," : "", !str_empty(ip) ? ip : or_empty(host));
	}
}

static json_t *load_balancer(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);

	append_load_balancer(&out, obj);
	return cell_of(&out, "");
}

static json_t *service_external(const json_t *obj, int64_t now_ns _unused_)
{
	const char *type = or_empty(json_str_at(obj, "spec", "type", NULL));
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *ip;

	if (strcmp(type, "ExternalName") == 0)
		return json_string(or_empty(json_str_at(obj, "spec", "externalName", NULL)));
	if (strcmp(type, "LoadBalancer") == 0)
		append_load_balancer(&out, obj);
	json_array_foreach (json_at(obj, "spec", "externalIPs", NULL), i, ip)
		buf_printf(&out, "%s%s", out.len ? "," : "", or_empty(json_string_value(ip)));
	return cell_of(&out, strcmp(type, "LoadBalancer") == 0 ? "<pending>" : "<none>");
}

static json_t *service_ports(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i;
	json_t *port;

	json_array_foreach (json_at(obj, "spec", "ports", NULL), i, port) {
		int64_t node = json_get_int(port, "nodePort", 0);
		buf_printf(&out, "%s%lld", i ? "," : "", (long long)json_get_int(port, "port", 0));
		if (node)
			buf_printf(&out, ":%lld", (long long)node);
		buf_printf(&out, "/%s", or_empty(json_get_str(port, "protocol")));
	}
	return cell_of(&out, "<none>");
}

/* ---- endpoints ---- */

#define ENDPOINTS_SHOWN 3

static void append_endpoint(struct buf *out, size_t *count, const json_t *address, const json_t *port)
{
	if ((*count)++ >= ENDPOINTS_SHOWN)
		return;
	buf_printf(out, "%s%s", out->len ? "," : "", or_empty(json_get_str(address, "ip")));
	if (port)
		buf_printf(out, ":%lld", (long long)json_get_int(port, "port", 0));
}

static json_t *endpoints(const json_t *obj, int64_t now_ns _unused_)
{
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i, k, p, count = 0;
	json_t *subset, *address, *port;

	json_array_foreach (json_object_get(obj, "subsets"), i, subset) {
		const json_t *ports = json_object_get(subset, "ports"), *addresses = json_object_get(subset, "addresses");
		if (json_array_size(ports) == 0)
			json_array_foreach (addresses, k, address)
				append_endpoint(&out, &count, address, NULL);
		json_array_foreach (ports, p, port)
			json_array_foreach (addresses, k, address)
				append_endpoint(&out, &count, address, port);
	}
	if (count > ENDPOINTS_SHOWN)
		buf_printf(&out, " + %zu more...", count - ENDPOINTS_SHOWN);
	return cell_of(&out, "<none>");
}

/* ---- ingresses ---- */

static json_t *ingress_class(const json_t *obj, int64_t now_ns _unused_)
{
	const char *name = json_str_at(obj, "spec", "ingressClassName", NULL);

	if (str_empty(name))
		name = json_str_at(obj, "metadata", "annotations", "kubernetes.io/ingress.class", NULL);
	return json_string(!str_empty(name) ? name : "<none>");
}

static json_t *ingress_hosts(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *rules = json_at(obj, "spec", "rules", NULL);
	struct buf out = BUF_INIT(CELL_MAX);
	size_t i, shown = 0;
	json_t *rule;

	json_array_foreach (rules, i, rule) {
		const char *host = json_get_str(rule, "host");
		if (shown == ENDPOINTS_SHOWN) {
			buf_printf(&out, " + %zu more...", json_array_size(rules) - ENDPOINTS_SHOWN);
			break;
		}
		if (!str_empty(host)) {
			buf_printf(&out, "%s%s", out.len ? "," : "", host);
			shown++;
		}
	}
	return cell_of(&out, "*");
}

static json_t *ingress_ports(const json_t *obj, int64_t now_ns _unused_)
{
	return json_string(json_array_size(json_at(obj, "spec", "tls", NULL)) > 0 ? "80, 443" : "80");
}

static json_t *class_parameters(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *p = json_at(obj, "spec", "parameters", NULL);
	const char *group = json_get_str(p, "apiGroup");

	if (!json_is_object(p))
		return json_string("<none>");
	return json_strf("%s%s%s/%s", or_empty(json_get_str(p, "kind")), !str_empty(group) ? "." : "", or_empty(group),
	                 or_empty(json_get_str(p, "name")));
}

builtin_cell_fn builtin_cell_of_network(const char *name)
{
	static const struct {
		const char *name;
		builtin_cell_fn cell;
	} CELLS[] = {
		{ "pod-selector", pod_selector },         { "selector", selector },
		{ "service-address", service_address },   { "service-external", service_external },
		{ "service-ports", service_ports },       { "endpoints", endpoints },
		{ "load-balancer", load_balancer },       { "ingress-class", ingress_class },
		{ "ingress-hosts", ingress_hosts },       { "ingress-ports", ingress_ports },
		{ "class-parameters", class_parameters },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CELLS); i++)
		if (strcmp(CELLS[i].name, name) == 0)
			return CELLS[i].cell;
	return NULL;
}
