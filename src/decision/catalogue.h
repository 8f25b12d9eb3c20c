#ifndef DECISION_CATALOGUE_H
#define DECISION_CATALOGUE_H
/* The built-in catalogue: machine types of the clouds and how large they are, named sizes, regions and where they lie.
 * Constant data; change CATALOGUE_VERSION with it, so that decisions are made anew. */

#include "base/mem.h"

#define CATALOGUE_VERSION "builtin-1"

enum catalogue_cloud { CLOUD_NONE, CLOUD_AWS, CLOUD_GCP, CLOUD_AZURE };
/* CLOUD_NONE for local and none. False when the provider type is unknown. */
bool catalogue_cloud_parse(const char *provider_type, enum catalogue_cloud *ret);
/* "AWS", "Google Cloud", "Azure". */
const char *catalogue_cloud_title(enum catalogue_cloud cloud);

struct catalogue_machine {
	enum catalogue_cloud cloud;
	char name[40];      /* as the cloud writes it */
	int64_t cpu_milli;  /* 0: not known */
	int64_t memory_mib; /* 0: not known */
};

/* Is the word (in any case) the name of a machine type? */
bool catalogue_machine_parse(const char *word, struct catalogue_machine *ret);
/* The smallest general-purpose machine with at least that much; the largest when none has. */
void catalogue_machine_for(enum catalogue_cloud cloud, int64_t cpu_milli, int64_t memory_mib,
                           struct catalogue_machine *ret);

/* "micro", "small", "medium", "large", "xlarge": what one replica gets. False for other words. */
bool catalogue_size(const char *name, int64_t *ret_cpu_milli, int64_t *ret_memory_mib);

/* Is it a region's code of one of the clouds ("eu-west-3", "europe-west9", "francecentral")? A zone's letter is taken
 * off. ret_code is of the clouds' spelling. */
bool catalogue_region_parse(const char *word, enum catalogue_cloud *ret_cloud, char ret_code[static 40]);
/* Is it a place ("paris", "south africa", "eu")? The number identifies it; negative: no. At most three words. */
int catalogue_place_find(const char *words);
/* The place a code lies in, or -1. */
int catalogue_place_of(enum catalogue_cloud cloud, const char *code);
/* The cloud's region there; *ret_near: it is only the nearest one. */
const char *catalogue_place_region(int place, enum catalogue_cloud cloud, bool *ret_near);
/* Its name for people. */
const char *catalogue_place_name(int place);

#endif
