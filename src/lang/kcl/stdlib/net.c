#include "stdlib/net.h"
#include "stdlib/address.h"

/* ---- host and port ---- */

_Noreturn static void raise_end_point(struct kcl_heap *h, const struct kcl_str *s, const char *what)
{
	kcl_raise(h, "ip_end_point \"%s\" %s", s->s, what);
}

/* "host:port" or "[address]:port". */
static KCL_BUILTIN(split_host_port)
{
	static const char missing[] = "split_host_port() missing 1 required positional argument: 'ip_end_point'";
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "ip_end_point", missing);
	const char *colon = strrchr(s->s, ':'), *open = s->s[0] == '[' ? s->s : NULL, *close = strchr(s->s, ']');
	struct kcl_value result = kcl_list(h, 2);

	(void)self;
	if (!colon)
		raise_end_point(h, s, "missing port");
	if (open && !close)
		raise_end_point(h, s, "missing ']'");
	if (open && (close > colon || close[1] != ':'))
		raise_end_point(h, s, "missing port");
	if (open ? close + 1 != colon : memchr(s->s, ':', (size_t)(colon - s->s)) != NULL)
		raise_end_point(h, s, "too many colons");
	if (strchr(s->s + 1, '['))
		raise_end_point(h, s, "unexpected '['");
	if (strchr(open ? colon : s->s, ']'))
		raise_end_point(h, s, "unexpected ']'");

	const char *host = open ? open + 1 : s->s, *end = open ? close : colon;

	kcl_list_push(h, result.list, kcl_str(h, host, (size_t)(end - host)));
	kcl_list_push(h, result.list, kcl_strz(h, colon + 1));
	return result;
}

static KCL_BUILTIN(join_host_port)
{
	static const char missing[] = "join_host_port() missing 2 required positional arguments: 'host' and 'port'";
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value host = kcl_arg_need(vm, args, 0, "host", missing);
	struct kcl_value port = kcl_arg_need(vm, args, 1, "port", missing);
	bool bracketed = host.kind == KCL_STR && strchr(host.str->s, ':');

	(void)self;
	return kcl_strz(h, kcl_printf(h, bracketed ? "[%s]:%s" : "%s:%s", kcl_to_str(h, host)->s, kcl_to_str(h, port)->s));
}

/* No name is looked up: an evaluation has no network. */
static KCL_BUILTIN(fqdn)
{
	const struct kcl_str *name = kcl_arg_str(vm, args, 0, "name");

	(void)self;
	return name ? kcl_str_value(name) : kcl_str(kcl_vm_heap(vm), "", 0);
}

/* ---- addresses ---- */

static const struct kcl_str *ip_argument(struct kcl_vm *vm, const struct kcl_args *args, const char *function)
{
	const struct kcl_str *s = kcl_arg_str(vm, args, 0, "ip");

	if (!s)
		kcl_raise(kcl_vm_heap(vm), "%s() missing 1 required positional argument: 'ip'", function);
	return s;
}

static KCL_BUILTIN(ip_string)
{
	const struct kcl_str *s = ip_argument(vm, args, "IP_string");
	struct kcl_address a;

	(void)self;
	return kcl_strz(kcl_vm_heap(vm), kcl_address_parse(s->s, &a) ? kcl_address_text(kcl_vm_heap(vm), &a) : "");
}

/* What cannot be converted is told in the result, as upstream has it. */
static KCL_BUILTIN(to_ip4)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *s = ip_argument(vm, args, "IP_string");
	struct kcl_address a;

	(void)self;
	if (!kcl_address_parse(s->s, &a))
		return kcl_strz(h,
		                kcl_printf(h, "can not both parse %s to ipv6 and ipv4,err:invalid IPv6 address syntax", s->s));
	if (a.bits == 128 && a.value >> 32 != 0xffff && a.value >> 32 != 0)
		return kcl_strz(h, kcl_printf(h, "can not parse %s ipv6 to ipv4!", s->s));
	return kcl_strz(h, kcl_address_text(h, &(struct kcl_address){ .bits = 32, .value = (uint32_t)a.value }));
}

static KCL_BUILTIN(to_ip6)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *s = ip_argument(vm, args, "IP_string");
	struct kcl_address a;

	(void)self;
	if (!kcl_address_parse(s->s, &a))
		return kcl_strz(h,
		                kcl_printf(h, "can not both parse %s to ipv6 and ipv4,err:invalid IPv4 address syntax", s->s));
	if (a.bits == 32)
		a = kcl_address_mapped(&a);
	return kcl_strz(h, kcl_address_text(h, &a));
}

/* ---- classes of addresses ---- */

static bool in_block(const struct kcl_address *a, struct kcl_heap *h, const char *text)
{
	struct kcl_network n = { 0 };

	return !kcl_network_parse(h, text, &n) && kcl_network_contains(&n, a);
}

static bool in_any(const struct kcl_address *a, struct kcl_heap *h, const char *const *networks)
{
	for (size_t i = 0; networks[i]; i++)
		if (in_block(a, h, networks[i]))
			return true;
	return false;
}

typedef bool (*class_fn)(const struct kcl_address *a, struct kcl_heap *h);

static bool is_loopback(const struct kcl_address *a, struct kcl_heap *h)
{
	return in_any(a, h, (const char *const[]){ "127.0.0.0/8", "::1/128", NULL });
}

static bool is_multicast(const struct kcl_address *a, struct kcl_heap *h)
{
	return in_any(a, h, (const char *const[]){ "224.0.0.0/4", "ff00::/8", NULL });
}

static bool is_interface_local_multicast(const struct kcl_address *a, struct kcl_heap *h)
{
	(void)h;
	return a->bits == 128 && (kcl_top_bits(a, 16) & 0xff0f) == 0xff01;
}

static bool is_link_local_multicast(const struct kcl_address *a, struct kcl_heap *h)
{
	return a->bits == 128 ? (kcl_top_bits(a, 16) & 0xff0f) == 0xff02 : in_block(a, h, "224.0.0.0/24");
}

static bool is_link_local_unicast(const struct kcl_address *a, struct kcl_heap *h)
{
	return in_any(a, h, (const char *const[]){ "169.254.0.0/16", "fe80::/10", NULL });
}

static bool is_unspecified(const struct kcl_address *a, struct kcl_heap *h)
{
	(void)h;
	return a->value == 0;
}

static bool is_global_v4(const struct kcl_address *a, struct kcl_heap *h)
{
	static const char *const special[] = { "10.0.0.0/8",      "172.16.0.0/12",  "192.168.0.0/16",
		                                   "127.0.0.0/8",     "169.254.0.0/16", "192.0.2.0/24",
		                                   "198.51.100.0/24", "203.0.113.0/24", "100.64.0.0/10",
		                                   "192.0.0.0/24",    "240.0.0.0/4",    "198.18.0.0/15",
		                                   "0.0.0.0/8",       "224.0.0.0/4",    NULL };

	/* The only two of 192.0.0.0/24 that are routed. */
	return a->value == 0xc0000009 || a->value == 0xc000000a || !in_any(a, h, special);
}

/* 2000::/3 without what is for documentation and benchmarks; behind NAT64 what the IPv4 address says. */
static bool is_global_unicast(const struct kcl_address *a, struct kcl_heap *h)
{
	if (a->bits == 32)
		return is_global_v4(a, h);
	if (in_block(a, h, "64:ff9b::/96"))
		return is_global_v4(&(struct kcl_address){ .bits = 32, .value = (uint32_t)a->value }, h);
	return in_block(a, h, "2000::/3") && !in_any(a, h, (const char *const[]){ "2001:db8::/32", "2001:2::/48", NULL });
}

static bool is_v4(const struct kcl_address *a, struct kcl_heap *h)
{
	(void)h;
	return a->bits == 32;
}

static bool is_v6(const struct kcl_address *a, struct kcl_heap *h)
{
	(void)h;
	return a->bits == 128;
}

static bool is_any(const struct kcl_address *a, struct kcl_heap *h)
{
	(void)a;
	(void)h;
	return true;
}

static struct kcl_value is_class(struct kcl_vm *vm, const struct kcl_args *args, const char *function, class_fn is)
{
	const struct kcl_str *s = ip_argument(vm, args, function);
	struct kcl_address a;

	return kcl_bool(kcl_address_parse(s->s, &a) && is(&a, kcl_vm_heap(vm)));
}

#define CLASS(name, function)                      \
	static KCL_BUILTIN(net_##name)                 \
	{                                              \
		(void)self;                                \
		return is_class(vm, args, function, name); \
	}

CLASS(is_v4, "is_IPv4")
CLASS(is_v6, "is_IPv6")
CLASS(is_any, "is_IP")
CLASS(is_loopback, "is_loopback_IP")
CLASS(is_multicast, "is_multicast_IP")
CLASS(is_interface_local_multicast, "is_interface_local_multicast_IP")
CLASS(is_link_local_multicast, "is_link_local_multicast_IP")
CLASS(is_link_local_unicast, "is_link_local_unicast_IP")
CLASS(is_global_unicast, "is_global_unicast_IP")
CLASS(is_unspecified, "is_unspecified_IP")

#define IS "(ip: str) -> bool"

const struct kcl_builtin kcl_net_rows[] = {
	{ "CIDR_host", "(cidr: str, host_num: int) -> str", kcl_net_cidr_host, NULL, "The n-th address of a network." },
	{ "CIDR_netmask", "(cidr: str) -> str", kcl_net_cidr_netmask, NULL, "The netmask of an IPv4 network." },
	{ "CIDR_subnet", "(cidr: str, additional_bits: int, net_num: int) -> str", kcl_net_cidr_subnet, NULL,
	  "The n-th part of a network, whose prefix is so many bits longer." },
	{ "CIDR_subnets", "(cidr: str, additional_bits: [int]) -> [str]", kcl_net_cidr_subnets, NULL,
	  "Parts of a network one behind the other, by how many bits longer their prefixes are." },
	{ "split_host_port", "(ip_end_point: str) -> [str]", split_host_port, NULL, "The host and the port of host:port." },
	{ "join_host_port", "(host: str, port: int | str) -> str", join_host_port, NULL, "host:port." },
	{ "fqdn", "(name?: str) -> str", fqdn, NULL, "The name as it is: an evaluation has no network." },
	{ "parse_IP", "(ip: str) -> str", ip_string, NULL, "The address in its usual form; empty when it is none." },
	{ "IP_string", "(ip: str) -> str", ip_string, NULL, "The address in its usual form; empty when it is none." },
	{ "to_IP4", "(ip: str) -> str", to_ip4, NULL, "The address as IPv4." },
	{ "to_IP6", "(ip: str) -> str", to_ip6, NULL, "The address as IPv6." },
	{ "is_IPv4", IS, net_is_v4, NULL, "Whether it is an IPv4 address." },
	{ "is_IPv6", IS, net_is_v6, NULL, "Whether it is an IPv6 address." },
	{ "is_IP", IS, net_is_any, NULL, "Whether it is an IP address." },
	{ "is_loopback_IP", IS, net_is_loopback, NULL, "Whether it is a loopback address." },
	{ "is_multicast_IP", IS, net_is_multicast, NULL, "Whether it is a multicast address." },
	{ "is_interface_local_multicast_IP", IS, net_is_interface_local_multicast, NULL,
	  "Whether it is an interface-local multicast address." },
	{ "is_link_local_multicast_IP", IS, net_is_link_local_multicast, NULL,
	  "Whether it is a link-local multicast address." },
	{ "is_link_local_unicast_IP", IS, net_is_link_local_unicast, NULL, "Whether it is a link-local unicast address." },
	{ "is_global_unicast_IP", IS, net_is_global_unicast, NULL, "Whether it is a global unicast address." },
	{ "is_unspecified_IP", IS, net_is_unspecified, NULL, "Whether it is 0.0.0.0 or ::." },
	{ "parse_CIDR", "(cidr: str) -> {str:any}", kcl_net_parse_cidr, NULL,
	  "The first address and the prefix length of a network; empty when it is none." },
	{ "is_IP_in_CIDR", "(ip: str, cidr: str) -> bool", kcl_net_is_ip_in_cidr, NULL,
	  "Whether the network has the address." },
	{ 0 },
};
