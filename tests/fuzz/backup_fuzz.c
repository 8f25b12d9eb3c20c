/* Backup files and encryption configurations, as somebody may hand them to `scia restore`. */
#include "store/store_backup_internal.h"
#include "store/store_keys.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_row(void *self, const struct store_row *row, struct err *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row plain;

	(void)err;
	/* Everything that is walked without its size has to be well-formed by now. */
	store_pairs_size(row->labels);
	store_pairs_size(row->fields);
	store_keys_open(self, row, &out, &plain, NULL);
	return 0;
}

static int look_at_file(void *self, const char *name, mode_t mode, const void *data, size_t len, struct err *err)
{
	(void)self;
	(void)mode;
	(void)err;
	return *name && len > 0 && *(const char *)data == 'x' ? 1 : 0;
}

static void ignore_damage(void *self, const char *what)
{
	(void)self;
	(void)what;
}

static void read_backup(const uint8_t *data, size_t size, struct store_keys *keys)
{
	struct store_backup_visitor visitor = { .row = open_row, .file = look_at_file, .self = keys };
	int fd = memfd_create("backup", MFD_CLOEXEC);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

	if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
		store_backup_read(path, &visitor, NULL);
		visitor.damage = ignore_damage;
		store_backup_read(path, &visitor, NULL);
	}
	if (fd >= 0)
		close(fd);
}

static void frame(struct buf *out, char type, const void *payload, size_t len)
{
	unsigned char number[8];

	buf_putc(out, type);
	store_backup_put_u64(number, len);
	buf_append(out, number, 8);
	buf_append(out, payload, len);
	store_backup_put_u64(number, store_backup_checksum(type, payload, len));
	buf_append(out, number, 8);
}

/* The same as the payload of a record whose checksum is right: what is behind the checksums is reached. */
static void read_framed(char type, const uint8_t *data, size_t size, struct store_keys *keys)
{
	static const char header[] = "{\"format\":1,\"version\":\"9\"}";
	_cleanup_buf_ struct buf out = BUF_INIT(size + 1024);

	buf_append(&out, STORE_BACKUP_MAGIC, STORE_BACKUP_MAGIC_LEN);
	if (type != 'H')
		frame(&out, 'H', header, sizeof(header) - 1);
	frame(&out, type, data, size);
	read_backup((const uint8_t *)out.data, out.len, keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char config[] = "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: "
								 "[{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: "
								 "MDEyMzQ1Njc4OWFiY2RlZg==}]}}]}]}";
	struct store_keys *keys = NULL;

	if (store_keys_parse((const char *)data, size, "fuzz", &keys, NULL) == 0)
		store_keys_writer(keys, "apps/deployments");
	keys = store_keys_free(keys);
	if (store_keys_parse(config, sizeof(config) - 1, "fixed", &keys, NULL) < 0)
		abort();
	read_backup(data, size, keys);
	for (const char *type = "HOFE"; *type; type++)
		read_framed(*type, data, size, keys);
	store_keys_free(keys);
	return 0;
}
