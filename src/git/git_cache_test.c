/* The cache: used again, healed, shared, pruned. */

#include "git_testing.h"

#include "base/thread.h"

#include <fcntl.h>
#include <sys/file.h>

/* Damage of every kind to the cache is healed by fetching anew. */
static void test_git_checkout_heals_a_broken_cache(void **state)
{
	static const char *const damage[] = {
		"for f in cache/*.git/objects/pack/*.pack; do chmod 644 $f; head -c 60 $f >x; cat x >$f; done",
		"rm -f cache/*.git/objects/pack/*.idx",
		"rm -rf cache/*.git/objects",
		"echo garbage >$(echo cache/*.git/HEAD)",
		"echo '[core' >$(echo cache/*.git/config)",
		"touch $(echo cache/*.git)/shallow.lock; rm -rf cache/*.git/objects/pack/*; rm -rf cache/*.git/refs/scia",
		"touch $(echo cache/*.git)/objects/pack/tmp_pack_x",
		("for f in cache/*.git/objects/pack/*.pack; do chmod 644 $f; printf 'XXXXXXXXXXXX' | dd of=$f bs=1 seek=40 "
		 "conv=notrunc 2>&1; done"),
	};
	struct git_testing *t = *state;
	struct git_source source = local(t, NULL);
	char commit[41];

	resolve_ok(&source, commit);
	checkout_ok(t, &source, commit);
	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		assert_int_equal(fs_remove_tree(t->dest, NULL), 0);
		TESTING_SH(t->dir, damage[i]);
		checkout_ok(t, &source, commit);
		testing_assert_file(t->dest, "README", "one\n");
		testing_assert_file(t->dest, "sub/run", "x\n");
	}
}

static void test_git_checkout_uses_the_cache(void **state)
{
	struct git_testing *t = *state;
	struct git_source source = local(t, NULL);
	char commit[41];

	resolve_ok(&source, commit);
	checkout_ok(t, &source, commit);
	TESTING_SH(t->dir, "rm -rf dest repo");
	checkout_ok(t, &source, commit);
	testing_assert_file(t->dest, "README", "one\n");
}

/* The repository that was not used for the longest time goes first; one in use stays. */
static void test_git_cache_prune(void **state)
{
	struct git_testing *t = *state;
	_cleanup_free_ char *other = fs_join(t->dir, "other"), *dest2 = fs_join(t->dir, "dest2"), *lock = NULL,
						*count = NULL;
	struct git_source first = local(t, NULL), second = { .url = other, .allow_local = true };
	char commit[41];

	assert_int_equal(git_cache_prune(t->cache, 0, NULL), 0); /* there is none yet */
	TESTING_GIT(t->dir, "clone", "-q", t->repo, other);
	resolve_ok(&first, commit);
	checkout_ok(t, &first, commit);
	lock = testing_run(t->dir, (const char *[]){ "sh", "-c", "echo $PWD/cache/*.lock", NULL });
	assert_int_equal(git_checkout(&second, NULL, t->cache, commit, dest2, NULL), 0);
	assert_int_equal(git_cache_prune(t->cache, 1 << 30, NULL), 0);
	count = testing_run(t->dir, (const char *[]){ "sh", "-c", "ls -d cache/*.git | wc -l", NULL });
	assert_string_equal(count, "2");

	int held = open(lock, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(held, LOCK_EX), 0);
	assert_int_equal(git_cache_prune(t->cache, 1, NULL), 0);
	TESTING_SH(t->dir, "test $(ls -d cache/*.git | wc -l) = 1"); /* the older one is in use, so the younger went */
	close(held);
	assert_int_equal(git_cache_prune(t->cache, 1, NULL), 0);
	TESTING_SH(t->dir, "test $(find cache -name '*.git' | wc -l) = 0");
	assert_int_equal(fs_remove_tree(t->dest, NULL), 0);
	checkout_ok(t, &first, commit);
}

struct racer {
	const struct git_testing *t;
	const char *commit;
	int number;
	bool ok;
	pthread_t thread;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	_cleanup_free_ char *dest = xasprintf("%s-%d", r->t->dest, r->number), *readme = fs_join(dest, "README");
	struct git_source source = local(r->t, NULL);

	r->ok = git_checkout(&source, NULL, r->t->cache, r->commit, dest, NULL) == 0 && fs_exists(readme);
	return NULL;
}

static void test_git_checkout_shares_the_cache_between_threads(void **state)
{
	struct git_testing *t = *state;
	struct racer racers[4];
	struct git_source source = local(t, NULL);
	char commit[41];

	resolve_ok(&source, commit);
	for (int i = 0; i < 4; i++) {
		racers[i] = (struct racer){ .t = t, .commit = commit, .number = i };
		assert_int_equal(thread_start(&racers[i].thread, "racer", race, &racers[i], NULL), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(racers[i].thread, NULL);
		assert_true(racers[i].ok);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		testing_test(test_git_checkout_heals_a_broken_cache),
		testing_test(test_git_checkout_uses_the_cache),
		testing_test(test_git_cache_prune),
		testing_test(test_git_checkout_shares_the_cache_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
