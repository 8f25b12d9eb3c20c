#ifndef FUNCTION_KCL_KCL_FUNCTION_H
#define FUNCTION_KCL_KCL_FUNCTION_H
/* function-kcl: resources that a KCL program makes. kcl_function.c: the function; input.c: is the input one; source.c:
 * what spec.source means; params.c: what option() gives; evaluate.c: the program, and its result; resources.c: the
 * result into the desired state, by target; items.c: special items; go_decode.c: their shapes; set_data.c: data over an
 * object, field by field. */

#include "call.h"
#include "lang/kcl/kcl.h"
#include "lang/kcl_modules/modules.h"
#include "lang/kcl_modules/settings.h"

#define KCL_READY_ANNOTATION "krm.kcl.dev/ready"
#define KCL_NAME_ANNOTATION "krm.kcl.dev/composition-resource-name"
#define KCL_META_VERSION "meta.krm.kcl.dev/v1alpha1"

enum kcl_target { KCL_DEFAULT, KCL_RESOURCES, KCL_PATCH_DESIRED, KCL_PATCH_RESOURCES, KCL_XR };

struct kcl_run {
	struct function_call *call;
	const json_t *spec; /* of the input; may be NULL */
	const char *source; /* spec.source, or the default */
	enum kcl_target target;
	struct kcl_settings settings; /* of the files of spec.config.settings, and spec.config's own */

	const json_t *oxr;          /* of either form (call.h) */
	char *xr_version, *xr_kind; /* its apiVersion and kind */
	json_t *dxr;                /* the desired composite, with the observed one's apiVersion and kind */
	json_t *connection;         /* its details: key -> base64 */
	json_t *desired;            /* name -> { resource (of either form), ready } */

	json_t *data; /* an array: what the program made */
	/* What special items ask for. */
	json_t *extra, *required; /* name -> ResourceSelector */
	json_t *conditions, *events, *context;
};

/* ---- input.c ---- */

/* Have its fields the types that they should? The message is all of the result's. */
int kcl_check_types(const json_t *input, struct err *err);
/* Is there what the target wants? */
int kcl_check_input(const struct kcl_run *run, struct err *err);

/* ---- source.c ---- */

/* Is it a program, or where one is? */
bool kcl_source_is_inline(const char *source);
/* The folder or file that a source which is not inline stands for; free(). NULL: err. */
char *kcl_source_folder(struct kcl_modules *m, const char *source, struct err *err);

/* ---- params.c ---- */

struct kcl_arguments;
struct kcl_arguments *kcl_arguments_new(const struct kcl_run *run);
/* Not while a result of an evaluation with them is in use. */
struct kcl_arguments *kcl_arguments_free(struct kcl_arguments *a);
DEFINE_CLEANUP(struct kcl_arguments *, kcl_arguments_free)
/* For one evaluation. */
const struct kcl_option *kcl_arguments_options(const struct kcl_arguments *a, size_t *ret_len);

/* ---- the steps; -1: a fatal result was added ---- */

int kcl_run_program(struct kcl_run *run);
int kcl_process_resources(struct kcl_run *run, struct err *err);
/* An item of apiVersion meta.krm.kcl.dev. */
int kcl_process_item(struct kcl_run *run, const json_t *item, struct err *err);
/* Conditions and events of special items into the response. -1: a fatal result was added. */
int kcl_answer_items(struct kcl_run *run);

/* Every leaf of data into object, by its path; with names kept, apiVersion, kind and metadata.name stay. */
int kcl_set_data(json_t *object, const json_t *data, bool keep_names, struct err *err);

#endif
