#ifndef APISERVER_SERVICE_ACCOUNT_H
#define APISERVER_SERVICE_ACCOUNT_H
/* Names of service accounts as users. */

#include "base/mem.h"

#include <stdbool.h>

#define SERVICE_ACCOUNT_USER "system:serviceaccount:"

/* "system:serviceaccount:NS:NAME" taken apart (free()); false when it is no such name. */
bool service_account_split(const char *username, char **ret_ns, char **ret_name);
/* Appends system:serviceaccounts and system:serviceaccounts:NS. */
void service_account_groups(const char *ns, char ***groups);

#endif
