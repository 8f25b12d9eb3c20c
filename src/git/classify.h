#ifndef GIT_CLASSIFY_H
#define GIT_CLASSIFY_H
/* From what git printed to an error a person can act on. */

#include "base/err.h"

enum git_fault {
	GIT_FAULT_OTHER,     /* none of those below */
	GIT_FAULT_REMOTE,    /* the other side, the network or the credentials: err says which */
	GIT_FAULT_NOT_BY_ID, /* the server gives no commits by id, or no shallow ones: another way may work */
	GIT_FAULT_NO_REF,    /* the ref asked for is not there */
	GIT_FAULT_BROKEN,    /* our own cached repository is damaged */
};

/* Sets err to a kind and a sentence for git's standard error (LC_ALL=C), which it quotes bounded, without control
 * characters and with every occurrence of secret (may be NULL) replaced. Returns the class. had_credentials: the
 * message for a refusal says whether there were any. */
enum git_fault git_classify(const char *text, const char *secret, bool had_credentials, struct err *err);

#endif
