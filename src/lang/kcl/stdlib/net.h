#ifndef LANG_KCL_STDLIB_NET_H
#define LANG_KCL_STDLIB_NET_H
/* Private to stdlib/: the functions of net.c's table on networks. */

#include "stdlib/library.h"

KCL_BUILTIN(kcl_net_cidr_host);
KCL_BUILTIN(kcl_net_cidr_netmask);
KCL_BUILTIN(kcl_net_cidr_subnet);
KCL_BUILTIN(kcl_net_cidr_subnets);
KCL_BUILTIN(kcl_net_is_ip_in_cidr);
KCL_BUILTIN(kcl_net_parse_cidr);

#endif
