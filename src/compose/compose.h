#ifndef COMPOSE_COMPOSE_H
#define COMPOSE_COMPOSE_H
/* Composition in Crossplane's model: an Infrastructure (composite resource) goes through a pipeline of functions, which
 * say what managed resources it should consist of; the controller makes it so and reports back.
 *
 * The interface carries Crossplane's RunFunctionRequest and -Response as JSON values: the programs in KCL that
 * Crossplane runs in a cluster run here, in the functions of function/. */

#include "kube/controller.h"
#include "kube/event.h"

/* A composition function: bytes in, bytes out; deterministic, no I/O.
 *
 * request:  { meta: {tag}, observed: {composite: {resource}, resources: {NAME: {resource}}},
 *             desired: {composite: {resource}, resources: {NAME: {resource, ready}}}, context: {}, input: {} }
 * response: { desired: as above, results: [{severity, message, reason?}], context?,
 * conditions? } severity and ready are numbers as in function/function.h (not specified: the managed resource's Ready
 * condition decides). */
struct compose_function {
	const char *name;
	int (*run)(void *self, const json_t *request, json_t **ret_response, struct err *err);
	void *self;
};

/* A named pipeline for a composite type. Not changed once it is made. */
struct compose_composition {
	const char *name; /* what spec.crossplane.compositionRef.name says */
	const struct compose_function *pipeline;
	size_t pipeline_len;
};

/* The compositions that come with the program: those of config/compositions for this machine
 * ("infrastructure-STRATEGY-local": one Process), and "infrastructure-none" (one NopResource, for tests and
 * benchmarks). Threads may run them at the same time; more than `workers` wait for one another. */
struct compose_library;
struct compose_library *compose_library_new(unsigned workers, struct err *err);
struct compose_library *compose_library_free(struct compose_library *l);
DEFINE_CLEANUP(struct compose_library *, compose_library_free)
/* All of them; borrowed. */
const struct compose_composition *compose_library_all(const struct compose_library *l, size_t *ret_len);

/* Name of the composition for a strategy with a CloudProvider type; NULL when the program has none. */
const char *compose_name(const char *strategy, const char *provider_type);

/* Runs a pipeline; pure. *ret_desired: {composite, resources}; *ret_results: array. A fatal result is ERR_INVALID,
 * terminal. */
int compose_run(const struct compose_composition *composition, const json_t *composite,
                const json_t *observed_resources, json_t **ret_desired, json_t **ret_results, struct err *err);

/* The controller of Infrastructures. Each composed resource gets a name derived from the composite's (NAME-RESOURCE, so
 * that a crash between creating it and recording it creates nothing twice), the labels scia.io/deployment,
 * scia.io/composite, scia.io/deployment-uid, the annotations crossplane.io/composition-resource-name and
 * scia.io/desired-hash, and the composite as controller. A composed resource whose spec was changed by somebody else
 * (the desired hash still fits, its fields do not) is put back, with DriftDetected and DriftHealed events on it and on
 * the Deployment, naming fields and the manager who changed them. Resources that are no longer desired are deleted.
 * Finalizer scia.io/composite: composed resources go first, then the composite. Status: conditions Synced and Ready,
 * endpoints, resources, revision. Writes nothing when nothing changed. */
struct compose_controller_config {
	struct kube_client *client;
	struct kube_informer *composites;
	struct kube_informer *const *managed; /* informers of every type a composition may make, with the index "owner" */
	const struct kube_type *const *managed_types;
	size_t managed_len;
	const struct compose_composition *compositions;
	size_t compositions_len;
	struct kube_recorder *recorder;
	struct logger *log;
	struct metrics *metrics;
	int workers; /* 0: 4 */
};
/* Registers its handlers; kube_controller_start()/stop() as usual, then compose_controller_free(). */
struct compose_controller;
struct compose_controller *compose_controller_new(const struct compose_controller_config *config);
struct kube_controller *compose_controller_get(struct compose_controller *c);
struct compose_controller *compose_controller_free(struct compose_controller *c);

#endif
