/* The compositions that are part of the program, read from the files that Crossplane would install. */

#include "compose/compose.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/embedded.h"
#include "function/function.h"
#include "nop.h"

#include <pthread.h>

/* Compositions in JSON. */
extern const struct embedded_file COMPOSE_FILES[];

#define COMPOSITIONS_MAX 16
#define STEPS_MAX 8
#define STEP_TIMEOUT_NS (10 * NS_PER_S)

/* One step of one of the files. */
struct library_step {
	struct compose_library *library;
	enum function_kind kind;
	json_t *input;
};

struct library_pipeline {
	json_t *file; /* what the names below point into */
	struct compose_function functions[STEPS_MAX];
	struct library_step steps[STEPS_MAX];
};

struct compose_library {
	struct compose_composition compositions[COMPOSITIONS_MAX];
	struct library_pipeline pipelines[COMPOSITIONS_MAX];
	size_t len;
	struct functions *functions;
	/* The workers of `functions` that nobody uses now. */
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned *idle; /* guarded by lock */
	unsigned idle_len;
};

static const char *const NAMES[][3] = {
	{ "local", "vm", "infrastructure-vm-local" },
	{ "local", "kubernetes", "infrastructure-kubernetes-local" },
	{ "local", "serverless", "infrastructure-serverless-local" },
};

const char *compose_name(const char *strategy, const char *provider_type)
{
	if (str_eq(provider_type, "none"))
		return COMPOSE_NOP.name;
	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		if (str_eq(provider_type, NAMES[i][0]) && str_eq(strategy, NAMES[i][1]))
			return NAMES[i][2];
	}
	return NULL;
}

/* ---- running a step ---- */

static unsigned take_worker(struct compose_library *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->idle_len == 0)
		pthread_cond_wait(&l->freed, &l->lock);
	unsigned worker = l->idle[--l->idle_len];
	pthread_mutex_unlock(&l->lock);
	return worker;
}

static void give_worker(struct compose_library *l, unsigned worker)
{
	pthread_mutex_lock(&l->lock);
	l->idle[l->idle_len++] = worker;
	pthread_cond_signal(&l->freed);
	pthread_mutex_unlock(&l->lock);
}

static int run_step(void *self, const json_t *request, json_t **ret, struct err *err _unused_)
{
	const struct library_step *step = self;
	struct function_limits limits = { .deadline_ns = clock_mono_ns() + STEP_TIMEOUT_NS };
	_cleanup_json_ json_t *with_input = json_copy(json_unconst(request));

	/* A copy: reference counts are not for several threads. */
	if (step->input)
		json_put(with_input, "input", json_clone(step->input));

	unsigned worker = take_worker(step->library);

	*ret = function_run(step->library->functions, worker, step->kind, with_input, &limits);
	give_worker(step->library, worker);
	return 0;
}

/* ---- reading the files ---- */

static int read_step(struct compose_library *l, struct library_pipeline *p, size_t i, const json_t *step,
                     struct err *err)
{
	const char *function = json_str_at(step, "functionRef", "name", NULL);

	p->steps[i] = (struct library_step){ .library = l, .input = json_object_get(step, "input") };
	if (!function || !function_kind_parse(function, &p->steps[i].kind))
		return err_set(err, ERR_INTERNAL, "step %zu: there is no function %s", i + 1,
		               function ? function : "without a name");
	p->functions[i] = (struct compose_function){
		.name = json_get_str(step, "step"),
		.run = run_step,
		.self = &p->steps[i],
	};
	return 0;
}

static int read_composition(struct compose_library *l, const struct embedded_file *file, struct err *err)
{
	struct library_pipeline *p = &l->pipelines[l->len];
	struct compose_composition *c = &l->compositions[l->len];

	p->file = json_parse(file->text, file->len, 0, err);
	if (!p->file)
		return -1;
	l->len++;
	c->name = kube_name(p->file);
	c->pipeline = p->functions;

	const json_t *steps = json_at(p->file, "spec", "pipeline", NULL), *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		if (i >= STEPS_MAX)
			return err_set(err, ERR_INTERNAL, "more than %d steps", STEPS_MAX);
		if (read_step(l, p, i, step, err) < 0)
			return -1;
		c->pipeline_len = i + 1;
	}
	return 0;
}

static int read_all(struct compose_library *l, struct err *err)
{
	for (const struct embedded_file *file = COMPOSE_FILES; file->name; file++) {
		if (l->len + 1 >= COMPOSITIONS_MAX)
			return err_set(err, ERR_INTERNAL, "more than %d compositions", COMPOSITIONS_MAX - 1);
		if (read_composition(l, file, err) < 0)
			return err_wrap(err, "%s, which is part of this program", file->name);
	}
	l->compositions[l->len++] = COMPOSE_NOP;
	return 0;
}

struct compose_library *compose_library_new(unsigned workers, struct err *err)
{
	struct functions_config config = { .workers = workers, .plain_messages = true };
	struct compose_library *l = new0(struct compose_library);

	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->freed, NULL);
	l->functions = functions_new(&config);
	l->idle = xcalloc(workers, sizeof(*l->idle));
	for (unsigned i = 0; i < workers; i++)
		l->idle[l->idle_len++] = i;
	return read_all(l, err) < 0 ? compose_library_free(l) : l;
}

struct compose_library *compose_library_free(struct compose_library *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(l->pipelines); i++)
		json_decref(l->pipelines[i].file);
	functions_free(l->functions);
	free(l->idle);
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

const struct compose_composition *compose_library_all(const struct compose_library *l, size_t *ret_len)
{
	*ret_len = l->len;
	return l->compositions;
}
