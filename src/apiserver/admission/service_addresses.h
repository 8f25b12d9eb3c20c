#ifndef APISERVER_SERVICE_ADDRESSES_H
#define APISERVER_SERVICE_ADDRESSES_H
/* Addresses of services. Nothing routes to them here, but clients wait until a service has one (helm --wait), and take
 * one without for a headless one. */

#include "base/err.h"
#include "codec/json.h"
#include "store/store.h"

#define SERVICE_ADDRESSES_RANGE "10.96.0.0/16"

struct service_addresses;
/* Follows the services of the store. */
int service_addresses_start(struct store *store, struct service_addresses **ret, struct err *err);
/* NULL does nothing. */
struct service_addresses *service_addresses_stop(struct service_addresses *a);

/* Gives a service what it lacks of clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy: an address of the range that
 * no service has, nor was given in the last half minute (so that writes under way do not meet). One of type
 * ExternalName gets nothing, a headless one no address. Once the range is used up services stay without. */
void service_addresses_give(struct service_addresses *a, json_t *service);

#endif
