#include "stdlib/address.h"
#include "stdlib/net.h"

/* As Terraform's cidrhost(), cidrsubnet() and cidrsubnets(). */

static struct kcl_network network(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *function,
                                  const char *missing)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_network n = { 0 };
	const struct kcl_str *s = kcl_arg_str(vm, args, i, "cidr");

	if (!s)
		kcl_raise(h, "%s() missing %s", function, missing);

	const char *wrong = kcl_network_parse(h, s->s, &n);

	if (wrong)
		kcl_raise(h, "%s() invalid cidr: %s", function, wrong);
	return n;
}

static int64_t number(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                      const char *function, const char *missing)
{
	struct kcl_value v;

	if (!kcl_arg(args, i, name, &v))
		kcl_raise(kcl_vm_heap(vm), "%s() missing %s", function, missing);
	if (v.kind != KCL_INT)
		kcl_raise(kcl_vm_heap(vm), "invalid int value");
	return v.i;
}

KCL_BUILTIN(kcl_net_parse_cidr)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "cidr",
	                                           "parse_CIDR() missing 1 required positional argument: 'cidr'");
	struct kcl_value result = kcl_dict(h, 2);
	struct kcl_network n = { 0 };

	(void)self;
	if (kcl_network_parse(h, s->s, &n))
		return result;
	kcl_dict_setz(h, result.dict, "ip", kcl_strz(h, kcl_address_text(h, &n.address)));
	kcl_dict_setz(h, result.dict, "mask", kcl_int(n.prefix));
	return result;
}

KCL_BUILTIN(kcl_net_is_ip_in_cidr)
{
	static const char missing[] = "2 required positional arguments: 'ip' and 'cidr'";
	const struct kcl_str *s = kcl_arg_str(vm, args, 0, "ip");
	struct kcl_address a;

	(void)self;
	if (!s)
		kcl_raise(kcl_vm_heap(vm), "is_IP_in_CIDR() missing %s", missing);
	if (!kcl_address_parse(s->s, &a))
		kcl_raise(kcl_vm_heap(vm), "is_IP_in_CIDR() invalid ip: invalid IP address syntax");

	struct kcl_network n = network(vm, args, 1, "is_IP_in_CIDR", missing);

	if (n.address.bits == 128 && a.bits == 32)
		a = kcl_address_mapped(&a);
	return kcl_bool(kcl_network_contains(&n, &a));
}

KCL_BUILTIN(kcl_net_cidr_netmask)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_network n = network(vm, args, 0, "CIDR_netmask", "1 required positional argument: 'cidr'");

	(void)self;
	if (n.address.bits == 128)
		kcl_raise(h, "CIDR_netmask() IPv6 addresses cannot have a netmask");
	return kcl_strz(h, kcl_address_text(
						   h, &(struct kcl_address){ .bits = 32, .value = (uint32_t)(UINT64_MAX << (32 - n.prefix)) }));
}

KCL_BUILTIN(kcl_net_cidr_host)
{
	static const char missing[] = "2 required positional arguments: 'cidr' and 'host_num'";
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_network n = network(vm, args, 0, "CIDR_host", missing);
	int64_t host = number(vm, args, 1, "host_num", "CIDR_host", missing);
	int host_bits = n.address.bits - n.prefix;
	uint64_t magnitude = host < 0 ? (uint64_t) - (host + 1) : (uint64_t)host;

	(void)self;
	if (host_bits < 64 && (UINT64_C(1) << host_bits) <= magnitude)
		kcl_raise(h, "CIDR_host() prefix of %d does not accommodate a host numbered %lld", n.prefix, (long long)host);
	/* Negative ones count from the end of the network. */
	if (host < 0 && host_bits < 128)
		n.address.value += (kcl_bits)1 << host_bits;
	n.address.value += (kcl_bits)(__int128)host;
	if (n.address.bits == 32)
		n.address.value = (uint32_t)n.address.value;
	return kcl_strz(h, kcl_address_text(h, &n.address));
}

/* The part of a network that has so many more bits of prefix, and there that number. */
static struct kcl_value subnet(struct kcl_heap *h, const struct kcl_network *n, int64_t more, int64_t number,
                               const char *function)
{
	int64_t prefix = n->prefix + more;
	struct kcl_address a = n->address;

	if (prefix > a.bits)
		kcl_raise(h,
		          "%s invalid additional_bits: would extend network length to %lld bits, which is too long for IPv%d",
		          function, (long long)prefix, a.bits == 32 ? 4 : 6);
	if (more < 63 && number >= INT64_C(1) << more)
		kcl_raise(h, "%s additional_bits of %lld does not accommodate a net_num of %lld", function, (long long)more,
		          (long long)number);
	if (prefix > 0)
		a.value += (kcl_bits)number << (a.bits - prefix);
	return kcl_strz(h, kcl_printf(h, "%s/%lld", kcl_address_text(h, &a), (long long)prefix));
}

KCL_BUILTIN(kcl_net_cidr_subnet)
{
	static const char missing[] = "3 required positional arguments: 'cidr', 'additional_bits', and 'net_num'";
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_network n = network(vm, args, 0, "CIDR_subnet", missing);
	int64_t more = number(vm, args, 1, "additional_bits", "CIDR_subnet", missing);

	(void)self;
	if (more < 0)
		kcl_raise(h, "CIDR_subnet() invalid additional_bits: cannot be negative");

	int64_t which = number(vm, args, 2, "net_num", "CIDR_subnet", missing);

	if (which < 0)
		kcl_raise(h, "CIDR_subnet() invalid net_num: cannot be negative");
	return subnet(h, &n, more > 256 ? 256 : more, which, "CIDR_subnet()");
}

static void check_bits(struct kcl_heap *h, const struct kcl_network *n, struct kcl_value more)
{
	if (more.kind != KCL_INT)
		kcl_raise(h, "invalid int value");
	if (more.i < 0)
		kcl_raise(h, "CIDR_subnets() invalid additional_bits: cannot be negative");
	if (n->address.bits == 128 && more.i > 63)
		kcl_raise(h, "CIDR_subnets() invalid additional_bits: cannot extend more than 63 bits");
	if (more.i > n->address.bits - n->prefix)
		kcl_raise(h,
		          "CIDR_subnets() invalid additional_bits: would extend network length to %lld bits, which is too long "
		          "for IPv%d",
		          n->prefix + (long long)(more.i > 1000 ? 1000 : more.i), n->address.bits == 32 ? 4 : 6);
}

/* One behind the other, each at the next place that its size allows: the end of the last in units of the smallest part
 * asked for so far would do, but a small one may lie in front of a large one's place, so the end is kept exactly. */
KCL_BUILTIN(kcl_net_cidr_subnets)
{
	static const char missing[] = "2 required positional arguments: 'cidr' and 'additional_bits'";
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_network n = network(vm, args, 0, "CIDR_subnets", missing);
	struct kcl_value bits, result = kcl_list(h, 0);

	(void)self;
	if (!kcl_arg(args, 1, "additional_bits", &bits))
		kcl_raise(h, "CIDR_subnets() missing %s", missing);
	if (bits.kind != KCL_LIST)
		kcl_raise(h, "invalid list value");

	int64_t *numbers = kcl_grow(h, NULL, 0, bits.list->len, sizeof(*numbers));

	for (uint32_t i = 0; i < bits.list->len; i++) {
		int64_t more, number = 0;

		check_bits(h, &n, bits.list->items[i]);
		more = bits.list->items[i].i;
		/* The first number whose place no earlier one takes a part of. */
		for (uint32_t j = 0; j < i; j++) {
			int64_t other = bits.list->items[j].i, at = numbers[j], common = other < more ? other : more;

			kcl_steps(h, 1);
			if (number >> (more - common) != at >> (other - common))
				continue;
			number = ((at >> (other - common)) + 1) << (more - common);
			j = UINT32_MAX; /* from the start again */
		}
		numbers[i] = number;
		if (more < 63 && number >= INT64_C(1) << more)
			kcl_raise(
				h, "CIDR_subnets() not enough remaining address space for a subnet with a prefix of %lld bits after %s",
				n.prefix + (long long)more, i > 0 ? result.list->items[i - 1].str->s : "");
		kcl_list_push(h, result.list, subnet(h, &n, more, number, "CIDR_subnets"));
	}
	return result;
}
