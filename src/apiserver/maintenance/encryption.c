#include "encryption.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/yaml.h"
#include "server.h"
#include "store/store_keys.h"

#include <inttypes.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)1024 * 1024)
#define TOLD_NS (3600 * NS_PER_S)

struct encryption {
	char *path;
	bool ours;         /* made by us, so that we may change it */
	char *fingerprint; /* of the file as it was taken over, or refused */
	int64_t told_ns;   /* that a key is worn */
};

/* What tells that a file is another one. */
static char *fingerprint_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return xstrdup("");
	return xasprintf("%ju %jd %jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
	                 st.st_mtim.tv_nsec);
}

static int make_file(const char *dir, const char *path, struct err *err)
{
	if (fs_mkdir_p(dir, 0700, err) < 0)
		return -1;
	if (fs_exists(path))
		return 0;
	_cleanup_free_ char *text = store_keys_new_text();
	int r = fs_write_atomic(path, text, strlen(text), 0600, err);
	explicit_bzero(text, strlen(text));
	return r;
}

int encryption_prepare(struct apiserver *s, const char *path, struct err *err)
{
	_cleanup_free_ char *dir = fs_join(s->data_dir, "pki");
	struct encryption *e = s->encryption = new0(struct encryption);

	e->ours = !path;
	e->path = path ? xstrdup(path) : fs_join(dir, "encryption.yaml");
	if (e->ours && make_file(dir, e->path, err) < 0)
		return -1;
	e->fingerprint = fingerprint_of(e->path);
	return store_keys_load(e->path, &s->keys, err);
}

struct encryption *encryption_free(struct encryption *e)
{
	if (!e)
		return NULL;
	free(e->path);
	free(e->fingerprint);
	free(e);
	return NULL;
}

/* ---- a new key ---- */

/* The key that writes in a configuration of ours that was just made. */
static json_t *new_key(void)
{
	_cleanup_free_ char *text = store_keys_new_text();
	_cleanup_json_ json_t *config = yaml_parse(text, strlen(text), NULL, NULL);
	const json_t *provider = json_array_get(
		json_at(json_array_get(json_object_get(config, "resources"), 0), "providers", NULL), 0);

	explicit_bzero(text, strlen(text));
	return json_incref(json_array_get(json_at(provider, "aesgcm", "keys", NULL), 0));
}

static json_t *first_keys(const json_t *config)
{
	const json_t *providers = json_object_get(json_array_get(json_object_get(config, "resources"), 0), "providers");
	json_t *provider;
	size_t i;

	json_array_foreach (providers, i, provider)
		if (json_object_get(provider, "aesgcm"))
			return json_at(provider, "aesgcm", "keys", NULL);
	return NULL;
}

int encryption_rotate(const char *path, struct err *err)
{
	static const char head[] =
		"# Made by scia. Who has these keys can read every Secret in the store and its backups;\n"
		"# without them they are lost. The first key of a list writes, all of them read.\n";
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(FILE_MAX);
	size_t len;

	if (fs_read_file(path, FILE_MAX, &text, &len, err) < 0)
		return err_wrap(err, "reading the encryption configuration");
	_cleanup_json_ json_t *config = yaml_parse(text, len, path, err);
	explicit_bzero(text, len);
	json_t *keys = config ? first_keys(config) : NULL;
	if (!keys)
		return config ? err_set(err, ERR_INVALID, "%s: its first rule has no provider aesgcm", path) : -1;
	json_array_insert_new(keys, 0, new_key());
	buf_puts(&out, head);
	int r = yaml_write(config, &out) < 0 ? err_set(err, ERR_TOO_LARGE, "%s has too many keys", path)
	                                     : fs_write_atomic(path, out.data, out.len, 0600, err);
	explicit_bzero(out.data, out.len);
	return r;
}

/* ---- looking ---- */

static int reload(struct apiserver *s, struct err *err)
{
	struct store_keys *fresh = NULL;

	if (store_keys_load(s->encryption->path, &fresh, err) < 0)
		return -1;
	if (store_keys_replace(s->keys, fresh, store_stale(s->store) > 0, err) < 0) {
		store_keys_free(fresh);
		return -1;
	}
	store_reseal(s->store);
	return 0;
}

static void look_at_file(struct apiserver *s)
{
	struct encryption *e = s->encryption;
	_cleanup_free_ char *now = fingerprint_of(e->path);
	_cleanup_err_ struct err err = { 0 };

	if (strcmp(now, e->fingerprint) == 0)
		return;
	free(e->fingerprint);
	e->fingerprint = TAKE_PTR(now);
	if (reload(s, &err) < 0)
		log_error(s->log,
		          "the encryption configuration stays as it was, and %s must be put right before the next start: %s",
		          e->path, err_message(&err));
	else
		log_info(s->log, "the encryption configuration was replaced; objects are encrypted anew where it says so");
}

static void look_at_uses(struct apiserver *s)
{
	struct encryption *e = s->encryption;
	_cleanup_err_ struct err err = { 0 };
	uint64_t uses;
	const char *name = store_keys_most_used(s->keys, &uses);
	int64_t now = clock_mono_ns();

	if (!name || uses < STORE_KEY_USES_WORN || store_stale(s->store) > 0)
		return;
	/* What is written here is taken over by look_at_file(). */
	if (e->ours && encryption_rotate(e->path, &err) == 0) {
		log_info(s->log, "the encryption key \"%s\" was used %" PRIu64 " times: %s has a new one", name, uses, e->path);
		return;
	}
	if (e->told_ns && now - e->told_ns < TOLD_NS)
		return;
	e->told_ns = now;
	log_warn(s->log,
	         "the encryption key \"%s\" was used %" PRIu64 " times and is good for %" PRIu64
	         ": put a new key before it in %s%s%s",
	         name, uses, STORE_KEY_USES_MAX, e->path, err_is_set(&err) ? ": " : "",
	         err_is_set(&err) ? err_message(&err) : "");
}

void encryption_look(struct apiserver *s)
{
	look_at_uses(s);
	look_at_file(s);
}
