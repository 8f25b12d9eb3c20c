#ifndef GIT_CREDENTIALS_H
#define GIT_CREDENTIALS_H
/* How git gets at credentials: through files in the session's private folder. */

#include "git.h"
#include "url.h"

#include "base/buf.h"

/* Do they suit the URL and hold no control characters? ERR_INVALID (terminal). */
int git_credentials_check(const struct git_url *url, const struct git_credentials *credentials, struct err *err);

/* Writes what the URL needs into dir (mode 0600) and appends the configuration lines that name it to config, the
 * variables that do to env. dir holds only letters, digits and "/._-". */
int git_credentials_write(const struct git_url *url, const struct git_credentials *credentials, const char *dir,
                          struct buf *config, char ***env, struct err *err);

/* Makes a file of mode 0600; not durable, as it does not outlive the operation. */
int git_write_private(const char *dir, const char *name, const void *data, size_t len, struct err *err);

/* A digest of URL and credentials, 64 hexadecimal digits: the same for the same access. */
void git_credentials_digest(const struct git_url *url, const struct git_credentials *credentials, char ret[static 65]);

/* The token without the line break that files of secrets often end with (free()), NULL without one. */
char *git_credentials_token(const struct git_credentials *credentials);

#endif
