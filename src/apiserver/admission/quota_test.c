#include "quota.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* JSON with single quotes. */
static json_t *value(const char *quoted)
{
	_cleanup_free_ char *text = xstrdup(quoted);
	_cleanup_err_ struct err err = { 0 };

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	json_t *v = json_parse(text, strlen(text), 0, &err);
	if (!v)
		fail_msg("%s: %s", quoted, err_message(&err));
	return v;
}

/* ---- measuring ---- */

static void test_quota_writes_amounts_as_kubernetes_does(void **state)
{
	static const struct {
		int64_t milli;
		bool binary;
		const char *text;
	} cases[] = {
		{ 0, false, "0" },
		{ 1000, false, "1" },
		{ 500, false, "500m" },
		{ 1500, false, "1500m" },
		{ 1000000, false, "1k" },
		{ 1001000, false, "1001" },
		{ 1024000, true, "1Ki" },
		{ 1000000, true, "1000" },
		{ 512 * 1048576000LL, true, "512Mi" },
		{ 2 * 1000 * 1073741824LL, true, "2Gi" },
	};
	char text[QUOTA_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(quota_amount_text(cases[i].milli, cases[i].binary, text), cases[i].text);
}

static int64_t used_of(const char *resource, const char *quoted, const char *name)
{
	_cleanup_json_ json_t *obj = value(quoted);
	_cleanup_(quota_usage_clear) struct quota_usage u = { 0 };

	quota_usage_of(resource, obj, &u);
	const struct quota_amount *a = quota_amounts_get(&u.amounts, name);
	return a ? a->milli : 0;
}

#define POD(spec) "{'spec':" spec "}"
#define CPU(n) "{'name':'c','resources':{'requests':{'cpu':'" n "'}}}"

static void test_quota_measures_pods(void **state)
{
	const char *two = POD("{'containers':[" CPU("100m") "," CPU("200m") "]}");
	const char *big_init = POD("{'containers':[" CPU("100m") "],'initContainers':[" CPU("1") "," CPU("500m") "]}");
	const char *sidecar = POD("{'containers':[" CPU("1") "],'initContainers':[{'name':'s','restartPolicy':'Always',"
	                                                     "'resources':{'requests':{'cpu':'200m'}}}," CPU("1100m") "]}");
	const char *limits = POD(
		"{'containers':[{'name':'c','resources':{'limits':{'memory':'1Gi','nvidia.com/gpu':2}}}]}");
	const char *overhead = POD("{'containers':[" CPU("1") "],'overhead':{'cpu':'50m'}}");

	(void)state;
	assert_int_equal(used_of("/pods", two, "pods"), 1000);
	assert_int_equal(used_of("/pods", two, "requests.cpu"), 300);
	assert_int_equal(used_of("/pods", two, "cpu"), 300);
	assert_int_equal(used_of("/pods", big_init, "cpu"), 1000);
	assert_int_equal(used_of("/pods", sidecar, "cpu"), 1300);
	assert_int_equal(used_of("/pods", limits, "limits.memory"), 1000LL << 30);
	assert_int_equal(used_of("/pods", limits, "requests.memory"), 1000LL << 30);
	assert_int_equal(used_of("/pods", limits, "requests.nvidia.com/gpu"), 2000);
	assert_int_equal(used_of("/pods", limits, "limits.nvidia.com/gpu"), 0);
	assert_int_equal(used_of("/pods", overhead, "cpu"), 1050);
	assert_int_equal(used_of("/pods", "{'status':{'phase':'Succeeded'}}", "pods"), 0);
	assert_int_equal(used_of("/pods", "{'status':{'phase':'Succeeded'}}", "count/pods"), 1000);
}

static void test_quota_measures_services_and_claims(void **state)
{
	(void)state;
	assert_int_equal(used_of("/services", "{'spec':{'ports':[{},{}]}}", "services.nodeports"), 0);
	assert_int_equal(used_of("/services", "{'spec':{'type':'NodePort','ports':[{},{}]}}", "services.nodeports"), 2000);
	assert_int_equal(used_of("/services", "{'spec':{'type':'LoadBalancer','ports':[{}]}}", "services.loadbalancers"),
	                 1000);
	assert_int_equal(
		used_of("/services",
	            "{'spec':{'type':'LoadBalancer','allocateLoadBalancerNodePorts':false,'ports':[{},{'nodePort':3}]}}",
	            "services.nodeports"),
		1000);
	assert_int_equal(used_of("/persistentvolumeclaims",
	                         "{'spec':{'storageClassName':'gold','resources':{'requests':{'storage':'2Gi'}}}}",
	                         "gold.storageclass.storage.k8s.io/requests.storage"),
	                 2000LL << 30);
}

static void test_quota_asks_pods_for_what_it_limits(void **state)
{
	_cleanup_json_ json_t *pod = value(
		"{'spec':{'containers':[{'name':'b'},{'name':'a','resources':{'limits':{'cpu':1}}}],"
		"'initContainers':[{'name':'i'}]}}");
	_cleanup_json_ json_t *hard = value("{'limits.cpu':1,'requests.memory':'1Gi','pods':3}");
	struct quota_amounts amounts = quota_amounts_of(hard);
	_cleanup_free_ char *lacks = quota_pod_lacks(pod, &amounts);

	(void)state;
	quota_amounts_clear(&amounts);
	assert_string_equal(lacks, "must specify limits.cpu for: b,i; requests.memory for: a,b,i");
}

static void test_quota_knows_what_names_count(void **state)
{
	static const struct {
		const char *name, *resource;
	} cases[] = {
		{ "count/deployments.scia.io", "scia.io/deployments" },
		{ "count/secrets", "/secrets" },
		{ "secrets", "/secrets" },
		{ "configmaps", "/configmaps" },
		{ "count/events.events.k8s.io", "events.k8s.io/events" },
		{ "pods", NULL },
		{ "count/pods", NULL },
		{ "services", NULL },
		{ "requests.cpu", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *resource = quota_counted_resource(cases[i].name);
		if (!str_eq(resource, cases[i].resource))
			fail_msg("%s counts %s", cases[i].name, resource ? resource : "nothing");
	}
}

static bool matches(const char *spec, const char *pod)
{
	_cleanup_json_ json_t *s = value(spec), *p = value(pod);
	struct quota_scopes *scopes = quota_scopes_new(s);
	_cleanup_(quota_usage_clear) struct quota_usage u = { 0 };

	quota_usage_of("/pods", p, &u);
	bool r = quota_scopes_match(scopes, &u.traits);
	quota_scopes_free(scopes);
	return r;
}

static void test_quota_scopes(void **state)
{
#define CLASS(op, values) \
	"{'scopeSelector':{'matchExpressions':[{'scopeName':'PriorityClass','operator':'" op "','values':" values "}]}}"
	const char *plain = "{'spec':{'containers':[{'name':'c'}]}}";
	const char *asks = POD("{'containers':[" CPU("1") "],'activeDeadlineSeconds':5,'priorityClassName':'high'}");

	(void)state;
	assert_true(matches("{}", plain));
	assert_true(matches("{'scopes':['BestEffort']}", plain));
	assert_false(matches("{'scopes':['BestEffort']}", asks));
	assert_true(matches("{'scopes':['NotBestEffort','Terminating']}", asks));
	assert_false(matches("{'scopes':['NotTerminating']}", asks));
	assert_true(matches("{'scopes':['PriorityClass']}", asks));
	assert_false(matches("{'scopes':['PriorityClass']}", plain));
	assert_true(matches(CLASS("In", "['low','high']"), asks));
	assert_false(matches(CLASS("In", "['low']"), asks));
	assert_false(matches(CLASS("In", "['low']"), plain));
	assert_true(matches(CLASS("NotIn", "['low']"), plain));
	assert_true(matches(CLASS("DoesNotExist", "[]"), plain));
}

/* ---- with a store ---- */

struct fixture {
	char *dir, *path;
	struct store *store;
	struct quotas *quotas;
	struct api_type *things, *pods, *services;
	atomic_int dirty;
};

static void on_dirty(void *self, const char *ns _unused_)
{
	atomic_fetch_add(&((struct fixture *)self)->dirty, 1);
}

static void open_all(struct fixture *f)
{
	assert_int_equal(store_open(&(struct store_config){ .path = f->path }, &f->store, NULL), 0);
	assert_int_equal(quotas_start(f->store, &f->quotas, NULL), 0);
	quotas_set_on_dirty(f->quotas, on_dirty, f);
}

static void close_all(struct fixture *f)
{
	f->quotas = quotas_stop(f->quotas);
	f->store = store_close(f->store);
}

static struct api_type *type_of(const char *group, const char *plural)
{
	struct api_type *t = api_type_new(group, plural, plural, plural);

	t->namespaced = true;
	return t;
}

static int set_up(void **state)
{
	struct fixture *f = new0(struct fixture);
	const char *tmp = getenv("TMPDIR");

	f->dir = xasprintf("%s/quota-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->path = fs_join(f->dir, "store.db");
	f->things = type_of("example.org", "things");
	f->pods = type_of("", "pods");
	f->services = type_of("", "services");
	open_all(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close_all(f);
	api_type_unref(f->things);
	api_type_unref(f->pods);
	api_type_unref(f->services);
	fs_remove_tree(f->dir, NULL);
	free(f->path);
	free(f->dir);
	free(f);
	return 0;
}

static struct store_write write_of(const char *resource, int op, const char *name, const json_t *obj)
{
	struct store_write w = { .resource = resource,
		                     .ns = "team",
		                     .name = name,
		                     .op = op == 'c'   ? STORE_CREATE
		                           : op == 'u' ? STORE_UPDATE
		                                       : STORE_DELETE };

	if (!obj)
		return w;
	_cleanup_free_ char *text = json_to_str(obj),
						*whole = xasprintf("{\"v\":\"\"%s%s", json_object_size(obj) ? "," : "", text + 1);
	w.text = bytes_new(whole, strlen(whole));
	w.text_version_offset = strlen("{\"v\":\"");
	w.uid = xstrdup("u");
	return w;
}

static void put_raw(struct fixture *f, const char *resource, int op, const char *name, const char *quoted)
{
	_cleanup_json_ json_t *obj = quoted ? value(quoted) : NULL;
	const struct store_write w = write_of(resource, op, name, obj);

	assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
}

static void put_quota(struct fixture *f, const char *name, const char *spec)
{
	_cleanup_free_ char *text = xasprintf("{'metadata':{'name':'%s'},'spec':%s}", name, spec);

	put_raw(f, "/resourcequotas", 'c', name, text);
}

static int guard(void *self, struct store_view *view, struct err *err)
{
	return quota_charge_admit(self, view, err);
}

/* As a request does it. */
static int charged(struct fixture *f, struct api_type *t, int op, const char *name, const char *quoted,
                   const char *old_quoted, struct err *err)
{
	_cleanup_json_ json_t *obj = value(quoted), *old = old_quoted ? value(old_quoted) : NULL;
	struct quota_charge *c = NULL;

	if (quota_charge_new(f->quotas, t, "team", name, obj, old, &c, err) < 0)
		return -1;
	struct store_write w = write_of(t->resource, op, name, obj);
	w.guard = c ? guard : NULL;
	w.self = c;
	int r = store_commit(f->store, &w, NULL, err);
	quota_charge_free(c);
	return r;
}

static void expect_denied(int r, struct err *err, const char *words)
{
	assert_int_equal(r, -1);
	assert_int_equal(err->kind, ERR_FORBIDDEN);
	assert_string_equal(err_message(err), words);
	err_clear(err);
}

static void test_quota_counts_any_resource(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	put_quota(f, "q", "{'hard':{'count/things.example.org':'2','count/other.example.org':0}}");
	assert_int_equal(charged(f, f->things, 'c', "a", "{}", NULL, NULL), 0);
	assert_int_equal(charged(f, f->things, 'c', "b", "{}", NULL, NULL), 0);
	expect_denied(charged(f, f->things, 'c', "c", "{}", NULL, &err), &err,
	              "things.example.org \"c\" is forbidden: exceeded quota: q, requested: "
	              "count/things.example.org=1, used: count/things.example.org=2, limited: count/things.example.org=2");
	assert_int_equal(charged(f, f->things, 'u', "b", "{'x':1}", "{}", NULL), 0);
	put_raw(f, "example.org/things", 'd', "a", NULL);
	assert_int_equal(charged(f, f->things, 'c', "c", "{}", NULL, NULL), 0);
}

static void test_quota_measured_growth_is_charged_by_difference(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	const char *plain = "{'spec':{'ports':[{}]}}", *one = "{'spec':{'type':'NodePort','ports':[{}]}}";
	const char *two = "{'spec':{'type':'NodePort','ports':[{},{}]}}";

	put_quota(f, "q", "{'hard':{'services.nodeports':1,'services':5}}");
	assert_int_equal(charged(f, f->services, 'c', "a", plain, NULL, NULL), 0);
	assert_int_equal(charged(f, f->services, 'u', "a", one, plain, NULL), 0);
	expect_denied(charged(f, f->services, 'u', "a", two, one, &err), &err,
	              "services \"a\" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: "
	              "services.nodeports=1, limited: services.nodeports=1");
	assert_int_equal(charged(f, f->services, 'u', "a", plain, one, NULL), 0);
	assert_int_equal(charged(f, f->services, 'u', "a", one, plain, NULL), 0);
}

static void test_quota_lists_all_that_is_exceeded(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	put_quota(f, "q", "{'hard':{'requests.cpu':'1','limits.memory':'1Gi','pods':'9'}}");
	expect_denied(charged(f, f->pods, 'c', "p",
	                      "{'spec':{'containers':[{'name':'c','resources':{'requests':{'cpu':'1500m'},"
	                      "'limits':{'memory':'2Gi'}}}]}}",
	                      NULL, &err),
	              &err,
	              "pods \"p\" is forbidden: exceeded quota: q, requested: limits.memory=2Gi,requests.cpu=1500m, used: "
	              "limits.memory=0,requests.cpu=0, limited: limits.memory=1Gi,requests.cpu=1");
	expect_denied(charged(f, f->pods, 'c', "p", "{'spec':{'containers':[{'name':'c'}]}}", NULL, &err), &err,
	              "pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c");
}

static void test_quota_knows_what_was_there_before_it(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	put_raw(f, "/pods", 'c', "old", "{'spec':{'containers':[{'name':'c'}]}}");
	put_quota(f, "q", "{'hard':{'pods':'1'}}");
	for (int restarted = 0; restarted < 2; restarted++) {
		expect_denied(charged(f, f->pods, 'c', "new", "{'spec':{'containers':[{'name':'c'}]}}", NULL, &err), &err,
		              "pods \"new\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1");
		close_all(f);
		open_all(f);
	}
	_cleanup_json_ json_t *status = quotas_status(f->quotas, "team", "q");
	assert_string_equal(json_str_at(status, "used", "pods", NULL), "1");
}

struct creator {
	struct fixture *f;
	struct api_type *type;
	int number, created;
	pthread_t thread;
};

static void *create_many(void *arg)
{
	struct creator *c = arg;

	for (int i = 0; i < 10; i++) {
		_cleanup_free_ char *name = xasprintf("o%d-%d", c->number, i);
		c->created += charged(c->f, c->type, 'c', name, "{'spec':{'containers':[{'name':'c'}]}}", NULL, NULL) == 0;
	}
	return NULL;
}

static void race(struct fixture *f, struct api_type *t, int wanted)
{
	struct creator list[20];
	int created = 0;

	for (int i = 0; i < 20; i++) {
		list[i] = (struct creator){ .f = f, .type = t, .number = i };
		assert_int_equal(thread_start(&list[i].thread, "creator", create_many, &list[i], NULL), 0);
	}
	for (int i = 0; i < 20; i++) {
		pthread_join(list[i].thread, NULL);
		created += list[i].created;
	}
	assert_int_equal(created, wanted);
	assert_int_equal(store_count(f->store, t->resource, "team"), wanted);
}

static void test_quota_holds_against_a_crowd(void **state)
{
	struct fixture *f = *state;

	put_quota(f, "q", "{'hard':{'count/things.example.org':'50','pods':'30'}}");
	race(f, f->things, 50);
	race(f, f->pods, 30);
	assert_true(atomic_load(&f->dirty) >= 81);
}

static void test_quota_dry_runs_reserve_nothing(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *pod = value("{'spec':{'containers':[{'name':'c'}]}}");

	put_quota(f, "q", "{'hard':{'pods':'1'}}");
	for (int i = 0; i < 3; i++) {
		struct quota_charge *c = NULL;
		assert_int_equal(quota_charge_new(f->quotas, f->pods, "team", "p", pod, NULL, &c, NULL), 0);
		assert_int_equal(quota_charge_admit(c, NULL, NULL), 0);
		quota_charge_free(c);
	}
	assert_int_equal(charged(f, f->pods, 'c', "p", "{'spec':{'containers':[{'name':'c'}]}}", NULL, NULL), 0);
}

static void test_quota_refused_writes_give_back_what_they_reserved(void **state)
{
	struct fixture *f = *state;

	put_quota(f, "q", "{'hard':{'pods':'2'}}");
	assert_int_equal(charged(f, f->pods, 'c', "p", "{}", NULL, NULL), 0);
	for (int i = 0; i < 5; i++) /* there already: refused before or after the quota agreed */
		assert_int_equal(charged(f, f->pods, 'c', "p", "{}", NULL, NULL), -1);
	assert_int_equal(charged(f, f->pods, 'c', "q", "{}", NULL, NULL), 0);
	assert_int_equal(charged(f, f->pods, 'c', "r", "{}", NULL, NULL), -1);
}

static void test_quota_usage_is_read_from_its_text(void **state)
{
	static const struct {
		const char *resource, *object;
	} cases[] = {
		{ "/pods", POD("{'containers':[" CPU("100m") "," CPU("1500m") "]}") },
		{ "/pods", POD("{'priorityClassName':'high','activeDeadlineSeconds':5,'containers':[{'name':'a'}]}") },
		{ "/pods", POD("{'containers':[{'name':'c','resources':{'limits':{'memory':'1Gi','nvidia.com/gpu':2}}}]}") },
		{ "/services", "{'spec':{'type':'NodePort','ports':[{'port':1},{'port':2}]}}" },
		{ "/persistentvolumeclaims",
		  "{'spec':{'storageClassName':'fast','resources':{'requests':{'storage':'10Gi'}}}}" },
	};
	static const char *const wrong[] = { "", "1", "2p ", "1p \nx - cpu", "1p \n10 ? cpu", "1p \n10", "1p \n10 -cpu" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *obj = value(cases[i].object);
		_cleanup_(quota_usage_clear) struct quota_usage u = { 0 }, back = { 0 };
		quota_usage_of(cases[i].resource, obj, &u);
		_cleanup_free_ char *text = quota_usage_text(&u);
		assert_true(quota_usage_read(text, &back));
		_cleanup_free_ char *again = quota_usage_text(&back);
		assert_string_equal(again, text);
		assert_int_equal(back.amounts.len, u.amounts.len);
		for (size_t k = 0; k < u.amounts.len; k++) {
			const struct quota_amount *a = quota_amounts_get(&back.amounts, u.amounts.list[k].name);
			assert_non_null(a);
			assert_int_equal(a->milli, u.amounts.list[k].milli);
			assert_int_equal(a->binary, u.amounts.list[k].binary);
		}
		assert_int_equal(back.traits.pod, u.traits.pod);
		assert_int_equal(back.traits.terminating, u.traits.terminating);
		assert_int_equal(back.traits.best_effort, u.traits.best_effort);
		assert_true(str_eq(back.traits.priority_class, u.traits.priority_class));
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct quota_usage u = { 0 };
		print_message("%s\n", wrong[i]);
		assert_false(quota_usage_read(wrong[i], &u));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quota_writes_amounts_as_kubernetes_does),
		cmocka_unit_test(test_quota_measures_pods),
		cmocka_unit_test(test_quota_measures_services_and_claims),
		cmocka_unit_test(test_quota_asks_pods_for_what_it_limits),
		cmocka_unit_test(test_quota_knows_what_names_count),
		cmocka_unit_test(test_quota_scopes),
		cmocka_unit_test(test_quota_usage_is_read_from_its_text),
		TEST(test_quota_counts_any_resource),
		TEST(test_quota_measured_growth_is_charged_by_difference),
		TEST(test_quota_lists_all_that_is_exceeded),
		TEST(test_quota_knows_what_was_there_before_it),
		TEST(test_quota_holds_against_a_crowd),
		TEST(test_quota_dry_runs_reserve_nothing),
		TEST(test_quota_refused_writes_give_back_what_they_reserved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
