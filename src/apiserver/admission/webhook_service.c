/* Services have no addresses of their own here, because nothing runs behind them. What a service leads to is read from
 * where users may have written it: an external name, or endpoints made by hand. */
#include "base/str.h"
#include "kube/object.h"
#include "webhook_client.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

static json_t *stored(struct store *s, const char *resource, const char *ns, const char *name)
{
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(s, resource, ns, name);

	return o ? json_parse(o->text->data, o->text->len, 0, NULL) : NULL;
}

static const char *port_name(const json_t *port)
{
	const char *name = json_get_str(port, "name");

	return name ? name : "";
}

/* The entry of ports that has this name, else 0. */
static int port_named(const json_t *ports, const char *name)
{
	size_t i;
	json_t *p;

	json_array_foreach (ports, i, p)
		if (strcmp(port_name(p), name) == 0)
			return (int)json_get_int(p, "port", 0);
	return 0;
}

static bool found(const char *host, int port, struct webhook_address *ret)
{
	if (!host || port <= 0 || port > 65535)
		return false;
	*ret = (struct webhook_address){ .host = xstrdup(host), .port = port };
	return true;
}

static bool from_endpoints(struct store *s, const char *ns, const char *name, const char *port,
                           struct webhook_address *ret)
{
	_cleanup_json_ json_t *v = stored(s, "/endpoints", ns, name);
	size_t i;
	json_t *subset;

	json_array_foreach (json_object_get(v, "subsets"), i, subset) {
		const json_t *first = json_array_get(json_object_get(subset, "addresses"), 0);
		if (found(json_get_str(first, "ip"), port_named(json_object_get(subset, "ports"), port), ret))
			return true;
	}
	return false;
}

static bool from_slice(const json_t *slice, const char *port, struct webhook_address *ret)
{
	int number = port_named(json_object_get(slice, "ports"), port);
	size_t i;
	json_t *e;

	json_array_foreach (json_object_get(slice, "endpoints"), i, e) {
		const json_t *first = json_array_get(json_object_get(e, "addresses"), 0);
		if (json_bool(json_at(e, "conditions", "ready", NULL), true) && found(json_string_value(first), number, ret))
			return true;
	}
	return false;
}

static bool is_of_service(const void *self, const struct store_object *o)
{
	return str_eq(store_object_label(o, SERVICE_LABEL), self);
}

static bool from_slices(struct store *s, const char *ns, const char *name, const char *port,
                        struct webhook_address *ret)
{
	const struct store_list_query query = {
		.resource = "discovery.k8s.io/endpointslices", .ns = ns, .select = is_of_service, .self = name
	};
	struct store_list list;
	bool ok = false;

	if (store_list(s, &query, &list, NULL) < 0)
		return false;
	for (size_t i = 0; i < list.len && !ok; i++) {
		_cleanup_json_ json_t *slice = json_parse(list.items[i]->text->data, list.items[i]->text->len, 0, NULL);
		ok = from_slice(slice, port, ret);
	}
	store_list_clear(&list);
	return ok;
}

int webhook_service_resolve(struct store *s, const char *ns, const char *name, int port, struct webhook_address *ret,
                            struct err *err)
{
	_cleanup_json_ json_t *service = stored(s, "/services", ns, name);
	const json_t *spec = kube_spec(service), *wanted = NULL;
	size_t i;
	json_t *p;

	if (!service)
		return err_set(err, ERR_UNAVAILABLE, "service \"%s\" not found", name);
	if (str_eq(json_get_str(spec, "type"), "ExternalName")) {
		if (found(json_get_str(spec, "externalName"), port, ret))
			return 0;
		return err_set(err, ERR_UNAVAILABLE, "service \"%s\" has no externalName", name);
	}
	json_array_foreach (json_object_get(spec, "ports"), i, p)
		if (json_get_int(p, "port", 0) == port)
			wanted = p;
	if (!wanted)
		return err_set(err, ERR_UNAVAILABLE, "no service port %d found for service \"%s\"", port, name);
	if (from_endpoints(s, ns, name, port_name(wanted), ret) || from_slices(s, ns, name, port_name(wanted), ret))
		return 0;
	return err_set(err, ERR_UNAVAILABLE,
	               "no endpoints available for service \"%s\" (no pods run here: write an Endpoints or EndpointSlice "
	               "object with the webhook's address, make the service of type ExternalName, or use clientConfig.url)",
	               name);
}
