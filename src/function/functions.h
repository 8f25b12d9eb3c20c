#ifndef FUNCTION_FUNCTIONS_H
#define FUNCTION_FUNCTIONS_H
/* Inside of this folder: what the functions keep between calls. */

#include "function/function.h"
#include "kcl/cache.h"
#include "lang/kcl_modules/modules.h"

struct functions {
	struct functions_config config; /* without its borrowed strings */
	char *default_source, *dependencies;
	char **roots;
	char **variables, **file_roots; /* what programs may see and touch; NULL: nothing */
	struct kcl_layouts *layouts;
	struct kcl_watch *watch; /* of the roots and the layouts; NULL: there are none */
	struct kcl_cache *cache;
	struct kcl_context **contexts; /* one a worker, made when it is needed */
	char *environment_path;        /* $PATH, for option("PATH") */
	json_t **environments;         /* option("env"); one a worker, as reference counts are not for several threads */
};

const char *functions_default_source(const struct functions *f);

#endif
