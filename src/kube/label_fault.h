#ifndef KUBE_LABEL_FAULT_H
#define KUBE_LABEL_FAULT_H
/* What is wrong with a label's key or value, in Kubernetes' words (k8s.io/apimachinery/pkg/api/validate/content). */

/* Several faults are joined by "; "; NULL: nothing is wrong. free(). */
char *kube_label_key_fault(const char *key);
char *kube_label_value_fault(const char *value);

#endif
