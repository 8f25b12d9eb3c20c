#ifndef LANG_KCL_MODULES_BLOB_H
#define LANG_KCL_MODULES_BLOB_H
/* The files of one OCI image layout: its index, and blobs whose size and digest are what a descriptor says. */

#include "codec/json.h"

/* Is the open folder a layout? */
bool oci_is_layout(int folder);
/* index.json; a new reference, NULL: err. */
json_t *oci_read_index(int folder, struct err *err);
/* The digest of a descriptor if it is one that is known (sha256), or NULL with err. Borrowed. */
const char *oci_digest(const json_t *descriptor, struct err *err);
/* A blob of at most max bytes; free(). */
int oci_read_blob(int folder, const json_t *descriptor, size_t max, char **ret, size_t *ret_len, struct err *err);
/* A blob that is a JSON object; a new reference, NULL: err. */
json_t *oci_read_json(int folder, const json_t *descriptor, struct err *err);

#endif
