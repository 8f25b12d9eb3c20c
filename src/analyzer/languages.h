#ifndef ANALYZER_LANGUAGES_H
#define ANALYZER_LANGUAGES_H
/* The language most files below a folder are written in, by their names; NULL when none is. */

#include "analysis.h"

const char *languages_main(const struct analysis *a, const struct tree_dir *dir);

#endif
