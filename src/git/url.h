#ifndef GIT_URL_H
#define GIT_URL_H
/* What a repository URL says, and whether it is one we would hand to git. No I/O. */

#include "base/err.h"

enum git_transport { GIT_HTTPS, GIT_HTTP, GIT_SSH, GIT_DAEMON, GIT_LOCAL };

struct git_url {
	enum git_transport transport;
	char *clean;     /* what git is given; for http(s) without a user name, as that may be a token */
	char *username;  /* of the URL, decoded; NULL when it has none */
	char *authority; /* host[:port]; NULL for local paths */
};

struct git_url_policy {
	bool allow_local;
	bool allow_http; /* http:// and git://: neither encrypted nor authenticated */
};

#define GIT_URL_MAX 2048
#define GIT_REF_MAX 250

/* ERR_INVALID (terminal), naming the URL without credentials and saying what is wrong with it. */
int git_url_parse(const char *text, struct git_url_policy policy, struct git_url *ret, struct err *err);
void git_url_clear(struct git_url *url);
#define _cleanup_git_url_ _cleanup_(git_url_clear)

/* What GIT_ALLOW_PROTOCOL is to say for this URL. */
const char *git_url_protocols(const struct git_url *url);

/* Is the name a branch, tag, full ref or commit id? As git check-ref-format --allow-onelevel sees it; also no '-'
 * first. ERR_INVALID (terminal). */
int git_ref_check(const char *ref, struct err *err);
/* 40 hexadecimal digits. */
bool git_is_commit_id(const char *s);

#endif
