#include "source.h"

#include "analyzer/analyzer.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "git/git.h"

#define ENTRIES_MAX 2000
#define GIT_CACHE_MAX (INT64_C(8) << 30) /* bytes on disk */
#define PRUNE_EVERY 64                   /* checkouts */

/* One remembered answer. Those who want the same one wait for each other at its lock. */
struct entry {
	pthread_mutex_t lock;
	int refs;
	char commit[41];
	int64_t resolved_ns; /* when it was asked for commit */
	json_t *analysis;
};

struct source_cache {
	struct source_cache_config config;
	char *git_dir, *scratch_dir;
	pthread_mutex_t lock;
	struct map *entries;
	atomic_uint scratch_counter;
};

/* What fetching one repository needs; owns what it points to. */
struct access {
	struct git_source source;
	struct git_credentials credentials;
	json_t *secret;
	char *username, *token, *key, *known_hosts;
	char *identity; /* of the credentials: answers are shared only between equal ones */
};

static void access_clear(struct access *a)
{
	json_decref(a->secret);
	free(a->username);
	free(a->token);
	free(a->key);
	free(a->known_hosts);
	free(a->identity);
}

static int read_credentials(struct source_cache *c, const char *ns, const char *name, struct access *a, struct err *err)
{
	if (kube_get(c->config.client, &KUBE_SECRET, ns, name, &a->secret, err) < 0)
		return err_wrap(err, "reading Secret %s/%s (spec.repository.secretRef)", ns, name);
	a->username = kube_secret_text(a->secret, "username");
	a->token = kube_secret_text(a->secret, "token");
	if (!a->token)
		a->token = kube_secret_text(a->secret, "password");
	a->key = kube_secret_text(a->secret, "ssh-privatekey");
	a->known_hosts = kube_secret_text(a->secret, "known_hosts");
	if (!a->token && !a->key)
		return err_set(err, ERR_INVALID, "Secret %s/%s holds neither token or password nor ssh-privatekey", ns, name);
	a->credentials = (struct git_credentials){ a->username, a->token, a->key, a->known_hosts };
	a->source.credentials = &a->credentials;
	a->identity = xasprintf("%s/%s@%s", ns, name, kube_resource_version(a->secret));
	return 0;
}

static int open_access(struct source_cache *c, const char *ns, const json_t *repository, struct access *a,
                       struct err *err)
{
	a->source.url = json_get_str(repository, "url");
	a->source.ref = json_get_str(repository, "ref");
	a->source.allow_local = c->config.allow_local;
	if (git_source_check(&a->source, err) < 0)
		return err_set_terminal(err);
	const char *secret = json_str_at(repository, "secretRef", "name", NULL);
	if (!str_empty(secret))
		return read_credentials(c, ns, secret, a, err);
	a->identity = xstrdup("");
	return 0;
}

static void entry_free(void *p)
{
	struct entry *entry = p;
	pthread_mutex_destroy(&entry->lock);
	json_decref(entry->analysis);
	free(entry);
}

/* Drops answers nobody is waiting for when there are too many. */
static void shrink(struct source_cache *c)
{
	size_t i = 0;
	const char *key;
	void *value;
	while (map_len(c->entries) > ENTRIES_MAX / 2 && map_next(c->entries, &i, &key, &value)) {
		if (((struct entry *)value)->refs == 0)
			map_del(c->entries, key);
	}
}

static struct entry *entry_lock(struct source_cache *c, const char *key)
{
	pthread_mutex_lock(&c->lock);
	struct entry *entry = map_get(c->entries, key);
	if (!entry) {
		if (map_len(c->entries) >= ENTRIES_MAX)
			shrink(c);
		entry = new0(struct entry);
		pthread_mutex_init(&entry->lock, NULL);
		map_set(c->entries, key, entry);
	}
	entry->refs++;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_lock(&entry->lock);
	return entry;
}

static void entry_unlock(struct source_cache *c, struct entry *entry)
{
	pthread_mutex_unlock(&entry->lock);
	MUTEX_GUARD(&c->lock);
	entry->refs--;
}

int source_resolve(struct source_cache *c, const char *ns, const json_t *repository, int64_t since_ns,
                   const atomic_bool *cancel, char ret_commit[static 41], struct err *err)
{
	_cleanup_(access_clear) struct access a = { 0 };
	if (open_access(c, ns, repository, &a, err) < 0)
		return -1;
	_cleanup_free_ char *key = xasprintf("ref\n%s\n%s\n%s", a.source.url, a.source.ref ? a.source.ref : "", a.identity);
	struct entry *entry = entry_lock(c, key);
	int64_t now = clock_mono_ns();
	int r = 0;
	if (!entry->commit[0] || entry->resolved_ns < (since_ns ? since_ns : now - c->config.poll_ns)) {
		struct git_limits limits = { .timeout_ns = 60 * NS_PER_S, .cancel = cancel };
		char commit[41];
		r = git_resolve(&a.source, &limits, commit, err);
		if (r == 0) {
			memcpy(entry->commit, commit, sizeof(commit));
			entry->resolved_ns = now;
		}
	}
	if (r == 0)
		memcpy(ret_commit, entry->commit, sizeof(entry->commit));
	entry_unlock(c, entry);
	return r;
}

static int analyze(struct source_cache *c, const struct access *a, const char *path, const char *commit,
                   const atomic_bool *cancel, json_t **ret, struct err *err)
{
	struct git_limits limits = { .cancel = cancel };
	unsigned number = atomic_fetch_add(&c->scratch_counter, 1);
	_cleanup_free_ char *dir = xasprintf("%s/%u", c->scratch_dir, number);
	int r = git_checkout(&a->source, &limits, c->git_dir, commit, dir, err);
	if (r == 0)
		r = analyzer_run(dir, path, NULL, ret, err);
	/* A leftover is cleared away at the next start. */
	_cleanup_err_ struct err ignored = { 0 };
	fs_remove_tree(dir, &ignored);
	if (number % PRUNE_EVERY == 0) {
		_cleanup_err_ struct err prune_err = { 0 };
		git_cache_prune(c->git_dir, GIT_CACHE_MAX, &prune_err);
	}
	return r;
}

static char *analysis_key(const struct access *a, const char *path, const char *commit)
{
	return xasprintf("tree\n%s\n%s\n%s\n%s", a->source.url, commit, path ? path : "", a->identity);
}

json_t *source_known_analysis(struct source_cache *c, const json_t *repository, const char *commit)
{
	/* Which credentials a Secret holds now would have to be asked. */
	if (json_object_get(repository, "secretRef"))
		return NULL;
	_cleanup_(access_clear) struct access a = { .source.url = json_get_str(repository, "url"),
		                                        .identity = xstrdup("") };
	_cleanup_free_ char *key = analysis_key(&a, json_get_str(repository, "path"), commit);
	MUTEX_GUARD(&c->lock);
	struct entry *entry = map_get(c->entries, key);
	if (!entry || pthread_mutex_trylock(&entry->lock) != 0)
		return NULL;
	json_t *analysis = entry->analysis ? json_deep_copy(entry->analysis) : NULL;
	pthread_mutex_unlock(&entry->lock);
	return analysis;
}

int source_analyze(struct source_cache *c, const char *ns, const json_t *repository, const char *commit,
                   const atomic_bool *cancel, json_t **ret, struct err *err)
{
	_cleanup_(access_clear) struct access a = { 0 };
	if (open_access(c, ns, repository, &a, err) < 0)
		return -1;
	const char *path = json_get_str(repository, "path");
	_cleanup_free_ char *key = analysis_key(&a, path, commit);
	struct entry *entry = entry_lock(c, key);
	int r = entry->analysis ? 0 : analyze(c, &a, path, commit, cancel, &entry->analysis, err);
	if (r == 0)
		*ret = json_deep_copy(entry->analysis);
	entry_unlock(c, entry);
	return r;
}

int source_cache_new(const struct source_cache_config *config, struct source_cache **ret, struct err *err)
{
	struct source_cache *c = new0(struct source_cache);
	c->config = *config;
	c->git_dir = fs_join(config->data_dir, "git");
	c->scratch_dir = fs_join(config->data_dir, "scratch");
	c->entries = map_new(entry_free);
	pthread_mutex_init(&c->lock, NULL);
	if (fs_remove_tree(c->scratch_dir, err) < 0 || fs_mkdir_p(c->scratch_dir, 0700, err) < 0 ||
	    fs_mkdir_p(c->git_dir, 0700, err) < 0) {
		source_cache_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

struct source_cache *source_cache_free(struct source_cache *c)
{
	if (!c)
		return NULL;
	map_free(c->entries);
	pthread_mutex_destroy(&c->lock);
	free(c->git_dir);
	free(c->scratch_dir);
	free(c);
	return NULL;
}
