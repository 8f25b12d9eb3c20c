#include "token_keys.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "net/tls.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define SIGNER "sa.key"
#define KEYS_MAX 32
#define PEM_MAX ((size_t)64 * 1024)
#define FINGERPRINT_MAX ((size_t)16 * 1024)

/* Immutable once it is shown. */
struct key_set {
	struct sign_key *list[KEYS_MAX]; /* the first signs */
	size_t len;
};

struct token_keys {
	char *dir;
	struct logger *log;
	pthread_mutex_t lock;
	struct key_set set;
	uint64_t generation;
	char *fingerprint; /* of the files, when they were read */
};

static void set_clear(struct key_set *s)
{
	for (size_t i = 0; i < s->len; i++)
		sign_key_unref(s->list[i]);
	s->len = 0;
}

/* ---- files ---- */

static bool is_key_file(const char *name)
{
	if (strcmp(name, SIGNER) == 0 || strcmp(name, "sa.pub") == 0)
		return true;
	return str_starts_with(name, "sa-") && (str_ends_with(name, ".key") || str_ends_with(name, ".pub"));
}

static int compare_names(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;

	/* The signer first. */
	if (strcmp(x, SIGNER) == 0 || strcmp(y, SIGNER) == 0)
		return (strcmp(y, SIGNER) == 0) - (strcmp(x, SIGNER) == 0);
	return strcmp(x, y);
}

/* Names of the files, the signer's first (strv). */
static char **list_files(const char *dir)
{
	char **names = NULL;
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (!d)
		return NULL;
	while ((entry = readdir(d))) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
		if (is_key_file(entry->d_name) && strv_len(names) < KEYS_MAX)
			strv_push(&names, entry->d_name);
	closedir(d);
	if (names)
		qsort(names, strv_len(names), sizeof(*names), compare_names);
	return names;
}

/* What tells that a file is another one. */
static char *fingerprint_of(const char *dir, char *const *names)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FINGERPRINT_MAX);

	for (; names && *names; names++) {
		_cleanup_free_ char *path = fs_join(dir, *names);
		struct stat st;
		if (stat(path, &st) == 0)
			buf_printf(&out, "%s %ju %ju %jd.%09ld\n", *names, (uintmax_t)st.st_ino, (uintmax_t)st.st_size,
			           (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	return buf_steal(&out);
}

static bool set_has(const struct key_set *set, const struct sign_key *key)
{
	for (size_t i = 0; i < set->len; i++)
		if (strcmp(sign_key_id(set->list[i]), sign_key_id(key)) == 0)
			return true;
	return false;
}

static int read_key(const char *dir, const char *name, struct key_set *set, struct err *err)
{
	_cleanup_free_ char *path = fs_join(dir, name), *pem = NULL;
	_cleanup_(sign_key_unrefp) struct sign_key *key = NULL;

	if (fs_read_file(path, PEM_MAX, &pem, NULL, err) < 0)
		return -1;
	int r = sign_key_from_pem(pem, &key, err);
	explicit_bzero(pem, strlen(pem));
	if (r < 0)
		return err_wrap(err, "%s", path);
	if (set->len < KEYS_MAX && !set_has(set, key))
		set->list[set->len++] = TAKE_PTR(key);
	return 0;
}

static int read_set(const char *dir, char *const *names, struct key_set *ret, struct err *err)
{
	bool signer = names && strcmp(names[0], SIGNER) == 0;
	struct key_set set = { 0 };

	for (; signer && *names; names++)
		if (read_key(dir, *names, &set, err) < 0) {
			set_clear(&set);
			return -1;
		}
	if (set.len == 0 || !sign_key_can_sign(set.list[0])) {
		set_clear(&set);
		return err_set(err, ERR_NOT_FOUND, "%s/" SIGNER ": there is no private key to sign tokens with", dir);
	}
	*ret = set;
	return 0;
}

static int write_new_signer(const char *dir, struct err *err)
{
	_cleanup_free_ char *path = fs_join(dir, SIGNER), *pem = NULL;

	if (tls_key_new(&pem, err) < 0)
		return -1;
	int r = fs_write_atomic(path, pem, strlen(pem), 0600, err);
	explicit_bzero(pem, strlen(pem));
	return r;
}

int token_keys_rotate(const char *dir, struct err *err)
{
	_cleanup_free_ char *old = fs_join(dir, SIGNER);
	_cleanup_free_ char *kept = xasprintf("%s/sa-%" PRId64 ".key", dir, clock_wall_ns() / NS_PER_MS);

	/* Kept before it is replaced: at no moment is a key missing. */
	if (link(old, kept) < 0)
		return err_set_errno(err, errno, "keeping %s as %s", old, kept);
	return write_new_signer(dir, err);
}

/* ---- the set ---- */

static int load(struct token_keys *k, struct err *err)
{
	_cleanup_strv_ char **names = list_files(k->dir);
	char *fingerprint = fingerprint_of(k->dir, names);
	struct key_set set;

	free(k->fingerprint);
	k->fingerprint = fingerprint;
	if (read_set(k->dir, names, &set, err) < 0)
		return -1;
	MUTEX_GUARD(&k->lock);
	set_clear(&k->set);
	k->set = set;
	k->generation++;
	return 0;
}

int token_keys_open(const char *dir, struct logger *log, struct token_keys **ret, struct err *err)
{
	struct token_keys *k = new0(struct token_keys);
	_cleanup_free_ char *path = fs_join(dir, SIGNER);

	k->dir = xstrdup(dir);
	k->log = log;
	pthread_mutex_init(&k->lock, NULL);
	if ((!fs_exists(path) && write_new_signer(dir, err) < 0) || load(k, err) < 0) {
		token_keys_free(k);
		return err_wrap(err, "reading the keys of service accounts");
	}
	*ret = k;
	return 0;
}

struct token_keys *token_keys_free(struct token_keys *k)
{
	if (!k)
		return NULL;
	set_clear(&k->set);
	pthread_mutex_destroy(&k->lock);
	free(k->fingerprint);
	free(k->dir);
	free(k);
	return NULL;
}

void token_keys_refresh(struct token_keys *k)
{
	_cleanup_strv_ char **names = list_files(k->dir);
	_cleanup_free_ char *now = fingerprint_of(k->dir, names);
	_cleanup_err_ struct err err = { 0 };

	if (strcmp(now, k->fingerprint) == 0)
		return;
	if (load(k, &err) < 0)
		log_warn(k->log, "the keys of service accounts stay as they were: %s", err_message(&err));
	else
		log_info(k->log, "the keys of service accounts changed: there are %zu", k->set.len);
}

struct sign_key *token_keys_signer(struct token_keys *k)
{
	MUTEX_GUARD(&k->lock);
	return sign_key_ref(k->set.list[0]);
}

struct sign_key *token_keys_find(struct token_keys *k, bool (*check)(const void *self, const struct sign_key *key),
                                 const void *self)
{
	struct key_set copy = { 0 };
	struct sign_key *found = NULL;

	pthread_mutex_lock(&k->lock);
	for (; copy.len < k->set.len; copy.len++)
		copy.list[copy.len] = sign_key_ref(k->set.list[copy.len]);
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; i < copy.len && !found; i++)
		if (check(self, copy.list[i]))
			found = sign_key_ref(copy.list[i]);
	set_clear(&copy);
	return found;
}

uint64_t token_keys_generation(struct token_keys *k)
{
	MUTEX_GUARD(&k->lock);
	return k->generation;
}

json_t *token_keys_jwks(struct token_keys *k)
{
	json_t *keys = json_array();

	MUTEX_GUARD(&k->lock);
	for (size_t i = 0; i < k->set.len; i++)
		json_array_append_new(keys, sign_key_jwk(k->set.list[i]));
	return json_pack("{s:o}", "keys", keys);
}
