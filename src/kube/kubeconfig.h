#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H
/* Kubeconfig files as values: several are merged, then one context of them is resolved. Private to this folder and its
 * tests. */

#include "kube/client.h"

#define KUBECONFIG_FILE_MAX ((size_t)(4 * 1024 * 1024))
#define KUBECONFIG_FILES_MAX 64

struct kubeconfig_file {
	char *path, *dir; /* dir is what relative paths in the file are relative to */
	json_t *doc;
};

/* The files in order of precedence. */
struct kubeconfig {
	struct kubeconfig_file files[KUBECONFIG_FILES_MAX];
	size_t len;
};

/* Parses one file's text and adds it behind the others: the first file that has a value wins. ERR_INVALID. */
int kubeconfig_add(struct kubeconfig *k, const char *path, const char *text, size_t len, struct err *err);
/* The settings of a context (NULL: the current one), with the files it refers to read. ERR_NOT_FOUND, ERR_INVALID. */
int kubeconfig_resolve(const struct kubeconfig *k, const char *context, struct kube_client_config *ret,
                       struct err *err);
void kubeconfig_clear(struct kubeconfig *k);

/* kube_config_in_cluster() with the folder and the environment given. */
int kubeconfig_in_cluster(const char *dir, const char *host, const char *port, struct kube_client_config *ret,
                          struct err *err);

#endif
