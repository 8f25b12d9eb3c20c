#ifndef KUBE_LABEL_FAULT_H
#define KUBE_LABEL_FAULT_H
/* What is wrong with a label's key or value, in Kubernetes' words (k8s.io/apimachinery/pkg/api/validate/content). */

/* strv_free(); NULL: nothing is wrong. A key is what Kubernetes calls a qualified name: finalizers and annotations are
 * such too (annotations in lower case). */
char **kube_label_key_faults(const char *key);
char **kube_label_value_faults(const char *value);

#endif
