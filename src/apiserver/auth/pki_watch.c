/* Certificates and keys that change while the server runs. Files are looked at every two seconds: it costs a few system
 * calls, and works for every way to replace a file. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "controllers/controllers.h"
#include "maintenance/encryption.h"
#include "pki.h"
#include "server.h"
#include "token_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define PERIOD_NS (2 * NS_PER_S)

struct pki_watch {
	struct apiserver *server;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	char *fingerprint; /* of the files as they were taken over, or refused */
};

/* What tells that a file is another one. */
static char *fingerprint_of(const char *data_dir)
{
	static const char *const names[] = { "ca.crt", "ca.key", "serving.crt", "serving.key", "admin.crt", "admin.key" };
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/pki/%s", data_dir, names[i]);
		struct stat st;
		if (stat(path, &st) == 0)
			buf_printf(&out, "%s %ju %jd %jd.%09ld\n", names[i], (uintmax_t)st.st_ino, (intmax_t)st.st_size,
			           (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	return buf_steal(&out);
}

static bool same_pair(const struct tls_pair *a, const struct tls_pair *b)
{
	return str_eq(a->cert_pem, b->cert_pem) && str_eq(a->key_pem, b->key_pem);
}

/* Old texts stay: whoever was given one may still read it. */
static void show_ca(struct apiserver *s, const char *pem)
{
	char *old = atomic_load(&s->ca_pem);

	if (strcmp(old, pem) == 0)
		return;
	s->old_ca_pems = xreallocarray(s->old_ca_pems, s->old_ca_pems_len + 1, sizeof(*s->old_ca_pems));
	s->old_ca_pems[s->old_ca_pems_len++] = old;
	atomic_store(&s->ca_pem, xstrdup(pem));
	account_controller_ca_changed(s->controllers->accounts);
}

static int take_over(struct apiserver *s, struct pki *fresh, struct err *err)
{
	const struct tls_server_config tls = { .cert_pem = fresh->serving.cert_pem,
		                                   .key_pem = fresh->serving.key_pem,
		                                   .client_ca_pem = fresh->ca.cert_pem };

	if (http_server_set_tls(s->http, &tls, err) < 0)
		return -1;
	pki_clear(&s->pki);
	s->pki = *fresh;
	*fresh = (struct pki){ 0 };
	show_ca(s, s->pki.ca.cert_pem);
	return pki_write_kubeconfig(s, err);
}

static int reload(struct apiserver *s, struct err *err)
{
	struct pki fresh = { .data_dir = s->data_dir };
	int r = pki_prepare(&fresh, (const char *const *)s->names, err);

	if (r == 0 && (!same_pair(&fresh.serving, &s->pki.serving) || !same_pair(&fresh.ca, &s->pki.ca) ||
	               !same_pair(&fresh.admin, &s->pki.admin))) {
		r = take_over(s, &fresh, err);
		if (r == 0)
			log_info(s->log, "certificates were replaced; new connections use the new ones");
	}
	pki_clear(&fresh);
	return r;
}

static void look(struct pki_watch *w)
{
	struct apiserver *s = w->server;
	_cleanup_free_ char *now = fingerprint_of(s->data_dir);
	_cleanup_err_ struct err err = { 0 };

	token_keys_refresh(s->token_keys);
	encryption_look(s);
	if (strcmp(now, w->fingerprint) == 0 && !pki_must_renew(&s->pki))
		return;
	if (reload(s, &err) < 0)
		log_warn(s->log, "certificates stay as they were: %s", err_message(&err));
	free(w->fingerprint);
	w->fingerprint = fingerprint_of(s->data_dir);
}

static bool wait_for_period(struct pki_watch *w)
{
	int64_t deadline = clock_mono_ns() + PERIOD_NS;

	MUTEX_GUARD(&w->lock);
	while (!w->stopping && cond_wait_until(&w->wake, &w->lock, deadline))
		;
	return !w->stopping;
}

static void *watch_main(void *arg)
{
	struct pki_watch *w = arg;

	while (wait_for_period(w))
		look(w);
	return NULL;
}

int pki_watch_start(struct apiserver *s, struct pki_watch **ret, struct err *err)
{
	struct pki_watch *w = new0(struct pki_watch);

	w->server = s;
	w->fingerprint = fingerprint_of(s->data_dir);
	pthread_mutex_init(&w->lock, NULL);
	cond_init_mono(&w->wake);
	if (thread_start(&w->thread, "api-pki", watch_main, w, err) < 0) {
		free(w->fingerprint);
		free(w);
		return -1;
	}
	*ret = w;
	return 0;
}

struct pki_watch *pki_watch_stop(struct pki_watch *w)
{
	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->fingerprint);
	free(w);
	return NULL;
}
