#ifndef ANALYZER_PROCFILE_H
#define ANALYZER_PROCFILE_H
/* Procfile: "web: command". Where there is one, somebody has deployed the repository with it, so it comes first. */

#include "candidate.h"

/* Uses the web process of the Procfile in the candidate's folder. */
void procfile_apply(struct analysis *a, struct candidate *c);

#endif
