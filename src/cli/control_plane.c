#include "control_plane.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/thread.h"
#include "compose/compose.h"
#include "operator/operator.h"
#include "provider/nop/nop.h"

#define SYNC_TIMEOUT_NS (30 * NS_PER_S)

#define COMPOSE_WORKERS 4

struct control_plane {
	struct control_plane_config config;
	char *data_dir, *local_dir;
	struct kube_recorder *recorder;
	struct kube_informer *composites, *processes, *nops;
	struct local_provider *local;
	struct provider_controller *nop_controller;
	pthread_mutex_t process_lock; /* the local provider's threads look at process_controller while it comes and goes */
	struct provider_controller *process_controller;
	struct compose_library *compositions;
	struct compose_controller *compose_controller;
	struct operator_ *operator;
	pthread_t local_starter;
	struct err local_err;
};

static void process_changed(void *self, const char *ns, const char *name)
{
	struct control_plane *cp = self;
	MUTEX_GUARD(&cp->process_lock);
	/* Before the controller is there nothing is lost: it looks at every Process when it starts. */
	if (cp->process_controller)
		kube_controller_enqueue(provider_controller_get(cp->process_controller), ns, name);
}

static struct kube_informer *new_informer(struct control_plane *cp, const struct kube_type *type)
{
	struct kube_informer *informer = kube_informer_new(&(struct kube_informer_config){
		.client = cp->config.client,
		.type = type,
		.log = cp->config.log,
		.metrics = cp->config.metrics,
	});
	kube_informer_add_index(informer, "owner", kube_index_by_owner);
	return informer;
}

static struct provider_controller *new_provider(struct control_plane *cp, struct kube_informer *informer,
                                                struct provider_driver driver)
{
	return provider_controller_new(&(struct provider_controller_config){
		.client = cp->config.client,
		.informer = informer,
		.driver = driver,
		.recorder = cp->recorder,
		.log = cp->config.log,
		.metrics = cp->config.metrics,
	});
}

static int start_local(struct control_plane *cp, struct err *err)
{
	struct local_provider_config config = {
		.data_dir = cp->local_dir,
		.allow_local_repositories = cp->config.allow_local_repositories,
		.client = cp->config.client,
		.recorder = cp->recorder,
		.log = cp->config.log,
		.metrics = cp->config.metrics,
		.changed = process_changed,
		.self = cp,
	};
	return local_provider_start(&config, &cp->local, err);
}

/* Trying out isolation starts programs: the API server is looked at meanwhile. */
static void *local_starter_main(void *arg)
{
	struct control_plane *cp = arg;
	start_local(cp, &cp->local_err);
	return NULL;
}

static int finish_local(struct control_plane *cp, struct err *err)
{
	if (!cp->processes)
		return 0;
	pthread_join(cp->local_starter, NULL);
	if (!cp->local) {
		err_move(err, &cp->local_err);
		return err_wrap(err, "starting the local provider");
	}
	struct provider_controller *controller = new_provider(cp, cp->processes, local_provider_driver(cp->local));
	MUTEX_GUARD(&cp->process_lock);
	cp->process_controller = controller;
	return 0;
}

static void make_controllers(struct control_plane *cp)
{
	size_t compositions_len;
	const struct compose_composition *compositions = compose_library_all(cp->compositions, &compositions_len);
	struct kube_informer *managed[] = { cp->nops, cp->processes };
	const struct kube_type *types[] = { &SCIA_NOP, &SCIA_PROCESS };
	struct compose_controller_config config = {
		.client = cp->config.client,
		.composites = cp->composites,
		.managed = managed,
		.managed_types = types,
		.managed_len = cp->processes ? 2 : 1,
		.compositions = compositions,
		.compositions_len = compositions_len,
		.workers = COMPOSE_WORKERS,
		.recorder = cp->recorder,
		.log = cp->config.log,
		.metrics = cp->config.metrics,
	};
	cp->nop_controller = new_provider(cp, cp->nops, provider_nop_driver());
	cp->compose_controller = compose_controller_new(&config);
}

static int start_informer(struct kube_informer *informer, struct err *err)
{
	return informer ? kube_informer_start(informer, err) : 0;
}

static int wait_informer(struct kube_informer *informer, int64_t deadline_ns, struct err *err)
{
	if (!informer || kube_informer_wait_synced(informer, deadline_ns))
		return 0;
	return err_set(err, ERR_TIMEOUT,
	               "the API server did not list SCIA's types within 30 s: are its CRDs installed (kubectl apply -f "
	               "api/crds)?");
}

static int start_controllers(struct control_plane *cp, struct err *err)
{
	int64_t deadline = clock_mono_ns() + SYNC_TIMEOUT_NS;
	if (wait_informer(cp->composites, deadline, err) < 0 || wait_informer(cp->processes, deadline, err) < 0 ||
	    wait_informer(cp->nops, deadline, err) < 0)
		return -1;
	if (kube_controller_start(provider_controller_get(cp->nop_controller), err) < 0)
		return -1;
	if (cp->process_controller && kube_controller_start(provider_controller_get(cp->process_controller), err) < 0)
		return -1;
	return kube_controller_start(compose_controller_get(cp->compose_controller), err);
}

static int start_operator(struct control_plane *cp, struct err *err)
{
	struct operator_config config = {
		.client = cp->config.client,
		.log = cp->config.log,
		.metrics = cp->config.metrics,
		.recorder = cp->recorder,
		.infrastructures = cp->composites,
		.data_dir = cp->data_dir,
		.rules_path = cp->config.rules_path,
		.allow_local_repositories = cp->config.allow_local_repositories,
		.make_local_providers = cp->config.with_local,
		.poll_ns = cp->config.poll_ns,
	};
	return operator_start(&config, &cp->operator, err);
}

static int start(struct control_plane *cp, struct err *err)
{
	if (fs_mkdir_p(cp->data_dir, 0700, err) < 0)
		return -1;
	cp->recorder = kube_recorder_new(cp->config.client, "scia", cp->config.log, err);
	if (!cp->recorder)
		return -1;
	cp->composites = new_informer(cp, &SCIA_INFRASTRUCTURE);
	cp->nops = new_informer(cp, &SCIA_NOP);
	if (cp->config.with_local) {
		if (thread_start(&cp->local_starter, "local-start", local_starter_main, cp, err) < 0)
			return -1;
		cp->processes = new_informer(cp, &SCIA_PROCESS);
	}
	cp->compositions = compose_library_new(COMPOSE_WORKERS, err);
	if (!cp->compositions)
		return -1;
	make_controllers(cp);
	/* The operator starts the informer it shares with the composition controller, which has subscribed by now. */
	_cleanup_err_ struct err operator_err = { 0 };
	int started = start_informer(cp->nops, &operator_err);
	if (started == 0)
		started = start_operator(cp, &operator_err);
	if (finish_local(cp, err) < 0)
		return -1;
	if (started < 0) {
		err_move(err, &operator_err);
		return -1;
	}
	if (start_informer(cp->processes, err) < 0)
		return -1;
	return start_controllers(cp, err);
}

int control_plane_start(const struct control_plane_config *config, struct control_plane **ret, struct err *err)
{
	struct control_plane *cp = new0(struct control_plane);
	cp->config = *config;
	pthread_mutex_init(&cp->process_lock, NULL);
	cp->data_dir = xstrdup(config->data_dir);
	cp->local_dir = fs_join(config->data_dir, "local");
	if (start(cp, err) < 0) {
		control_plane_stop(cp, true);
		return -1;
	}
	*ret = cp;
	return 0;
}

struct control_plane *control_plane_stop(struct control_plane *cp, bool leave_running)
{
	if (!cp)
		return NULL;
	/* From the top down: whoever decides stops before whoever acts, and informers last. */
	operator_stop(cp->operator);
	compose_controller_free(cp->compose_controller);
	compose_library_free(cp->compositions);
	provider_controller_free(cp->nop_controller);
	pthread_mutex_lock(&cp->process_lock);
	struct provider_controller *processes = TAKE_PTR(cp->process_controller);
	pthread_mutex_unlock(&cp->process_lock);
	provider_controller_free(processes);
	local_provider_stop(cp->local, leave_running);
	kube_informer_stop(cp->composites);
	kube_informer_stop(cp->nops);
	kube_informer_stop(cp->processes);
	kube_recorder_free(cp->recorder);
	pthread_mutex_destroy(&cp->process_lock);
	free(cp->data_dir);
	free(cp->local_dir);
	free(cp);
	return NULL;
}

struct local_provider *control_plane_local(struct control_plane *cp)
{
	return cp->local;
}
