#ifndef APISERVER_STORE_TESTING_H
#define APISERVER_STORE_TESTING_H
/* What the store's tests share: a store in a folder of its own, and writes to it. */

#include "store.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"

#include <inttypes.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
	char *dir, *path;
	struct store *store;
	struct store_config config;
};

static _unused_ int set_up(void **state)
{
	struct fixture *f = new0(struct fixture);
	const char *tmp = getenv("TMPDIR");

	f->dir = xasprintf("%s/store-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->path = xasprintf("%s/store.db", f->dir);
	f->config.path = f->path;
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	*state = f;
	return 0;
}

static _unused_ int tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	fs_remove_tree(f->dir, NULL);
	free(f->path);
	free(f->dir);
	free(f);
	return 0;
}

static _unused_ void reopen(struct fixture *f)
{
	f->store = store_close(f->store);
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
}

/* A write of {"name":NAME,"v":"VERSION","value":VALUE}. */
static _unused_ struct store_write write_of(int op, const char *ns, const char *name, const char *value,
                                            uint64_t expected)
{
	struct store_write w = { .resource = "example.org/things", .ns = ns, .name = name, .expected_version = expected };

	w.op = op == 'c' ? STORE_CREATE : op == 'u' ? STORE_UPDATE : STORE_DELETE;
	if (op == 'd')
		return w;
	_cleanup_free_ char *head = xasprintf("{\"name\":\"%s\",\"v\":\"", name);
	_cleanup_free_ char *text = xasprintf("%s\",\"value\":\"%s\"}", head, value);
	w.text = bytes_new(text, strlen(text));
	w.text_version_offset = strlen(head);
	w.labels = xmemdup("app\0x\0", 7);
	w.fields = xmemdup("metadata.name\0y\0", 17);
	w.uid = xstrdup("u1");
	return w;
}

/* Returns the new version, or the error's kind, negated. */
static _unused_ int64_t put(struct store *s, int op, const char *ns, const char *name, const char *value,
                            uint64_t expected)
{
	struct store_write w = write_of(op, ns, name, value, expected);
	_cleanup_err_ struct err err = { 0 };
	struct store_object *o = NULL;

	if (store_commit(s, &w, &o, &err) < 0)
		return -(int64_t)err.kind;
	int64_t version = (int64_t)o->version;
	store_object_unref(o);
	return version;
}

static _unused_ void assert_text(struct store *s, const char *ns, const char *name, const char *text)
{
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(s, "example.org/things", ns, name);

	if (!text) {
		assert_null(o);
		return;
	}
	assert_non_null(o);
	assert_string_equal(o->text->data, text);
}

#endif
