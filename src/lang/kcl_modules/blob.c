#include "blob.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/sha256.h"

#define LAYOUT_FILE "oci-layout"
#define INDEX_FILE "index.json"
#define INDEX_MAX ((size_t)4 * 1024 * 1024)
#define MANIFEST_MAX ((size_t)1024 * 1024)
#define HEX_LEN 64

bool oci_is_layout(int folder)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read_file_below(folder, LAYOUT_FILE, MANIFEST_MAX, &text, &len, NULL) < 0)
		return false;
	_cleanup_json_ json_t *layout = json_parse(text, len, 0, NULL);
	const char *version = json_get_str(layout, "imageLayoutVersion");
	return version && str_starts_with(version, "1.");
}

json_t *oci_read_index(int folder, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read_file_below(folder, INDEX_FILE, INDEX_MAX, &text, &len, err) < 0)
		return NULL;
	json_t *index = json_parse(text, len, 0, err);
	if (!index)
		err_wrap(err, INDEX_FILE);
	return index;
}

const char *oci_digest(const json_t *descriptor, struct err *err)
{
	const char *digest = json_get_str(descriptor, "digest"), *hex = digest ? str_after(digest, "sha256:") : NULL;

	if (!hex || strlen(hex) != HEX_LEN || strspn(hex, "0123456789abcdef") != HEX_LEN) {
		err_set(err, ERR_INVALID, "a blob's digest is \"%s\": sha256 and 64 digits are wanted", digest ? digest : "");
		return NULL;
	}
	return digest;
}

int oci_read_blob(int folder, const json_t *descriptor, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	const char *digest = oci_digest(descriptor, err);
	int64_t size = json_get_int(descriptor, "size", -1);
	_cleanup_free_ char *path = NULL, *data = NULL;
	char hex[HEX_LEN + 1];
	size_t len;

	if (!digest)
		return -1;
	if (size < 0 || (uint64_t)size > max)
		return err_set(err, ERR_TOO_LARGE, "the blob %s has %lld bytes: at most %zu are read", digest, (long long)size,
		               max);
	path = xasprintf("blobs/sha256/%s", str_after(digest, "sha256:"));
	if (fs_read_file_below(folder, path, (size_t)size, &data, &len, err) < 0)
		return -1;
	sha256_hex(data, len, hex);
	if (len != (size_t)size || !str_ends_with(digest, hex))
		return err_set(err, ERR_INVALID, "the blob %s is damaged: it has %zu bytes and the digest sha256:%s", digest,
		               len, hex);
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

json_t *oci_read_json(int folder, const json_t *descriptor, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (oci_read_blob(folder, descriptor, MANIFEST_MAX, &text, &len, err) < 0)
		return NULL;
	json_t *value = json_parse(text, len, 0, err);
	if (json_is_object(value))
		return value;
	json_decref(value);
	err_set(err, ERR_INVALID, "the blob %s is no manifest", json_get_str(descriptor, "digest"));
	return NULL;
}
