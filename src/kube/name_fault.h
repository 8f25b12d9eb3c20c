#ifndef KUBE_NAME_FAULT_H
#define KUBE_NAME_FAULT_H
/* What is wrong with a name of one of the forms Kubernetes knows, in its words
 * (k8s.io/apimachinery/pkg/util/validation). Each returns a list for strv_free(); NULL: nothing is wrong. */

#define KUBE_SUBDOMAIN_RULE                                                                                    \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " \
	"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

char **kube_dns_label_faults(const char *name);     /* RFC 1123: my-name */
char **kube_dns_subdomain_faults(const char *name); /* a.example */
char **kube_dns1035_faults(const char *name);       /* my-name that begins with a letter */
char **kube_host_faults(const char *host);          /* a.example or *.example */
char **kube_port_name_faults(const char *name);     /* http */
char **kube_config_key_faults(const char *key);     /* key.name */
char **kube_env_name_faults(const char *name);      /* MY_NAME */
char **kube_header_name_faults(const char *name);   /* X-Name */
char **kube_path_segment_faults(const char *name);  /* what may lie between two slashes */
char **kube_percent_faults(const char *text);       /* 25% */
char **kube_ip_faults(const char *text);            /* 10.0.0.1 or 2001:db8::1 */

#endif
