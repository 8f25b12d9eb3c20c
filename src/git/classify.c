#include "classify.h"

#include "base/buf.h"
#include "base/str.h"

#define QUOTE_MAX 400

struct rule {
	const char *needle;
	enum git_fault fault;
	enum err_kind kind;
	const char *sentence; /* NULL: git's own words say it best */
};

#define UNREACHABLE "the server could not be reached"
#define NOT_THERE "the repository does not exist, or the credentials may not see it"
#define UNTRUSTED "the server's certificate is not trusted: check the address, or add its authority to the machine's"

/* The first rule that matches counts: from the particular to the general. */
static const struct rule rules[] = {
	{ "Server does not allow request for unadvertised object", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, NULL },
	{ "dumb http transport does not support", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, NULL },
	{ "not our ref", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, "the server does not have this commit" },
	{ "remote did not send all necessary objects", GIT_FAULT_NOT_BY_ID, ERR_UNAVAILABLE, NULL },
	{ "Server does not support shallow", GIT_FAULT_NOT_BY_ID, ERR_NOT_FOUND, NULL },
	{ "couldn't find remote ref", GIT_FAULT_NO_REF, ERR_NOT_FOUND, "the repository has no such branch or tag" },
	{ "no matching remote head", GIT_FAULT_NO_REF, ERR_NOT_FOUND, "the repository has no such branch or tag" },

	{ "No space left on device", GIT_FAULT_REMOTE, ERR_INSUFFICIENT_STORAGE, "the disk is full" },
	{ "Disk quota exceeded", GIT_FAULT_REMOTE, ERR_INSUFFICIENT_STORAGE, "the disk quota is used up" },

	{ "Could not resolve host", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "host not found: check the URL" },
	{ "Could not resolve proxy", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the proxy's host was not found" },
	{ "Name or service not known", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "host not found: check the URL" },
	{ "nodename nor servname", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "host not found: check the URL" },
	{ "Temporary failure in name resolution", GIT_FAULT_REMOTE, ERR_UNAVAILABLE,
	  "host not found: name resolution failed" },
	{ "Unable to look up", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "host not found: check the URL" },
	{ "Host key verification failed", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED,
	  "the server's host key is not the one in known_hosts: check it, then put the right one into the Secret" },
	{ "Operation too slow", GIT_FAULT_REMOTE, ERR_TIMEOUT, "the server sent nothing for too long" },
	{ "Connection timed out", GIT_FAULT_REMOTE, ERR_TIMEOUT, UNREACHABLE " in time" },
	{ "Operation timed out", GIT_FAULT_REMOTE, ERR_TIMEOUT, "the server did not answer in time" },
	{ "Timeout, server", GIT_FAULT_REMOTE, ERR_TIMEOUT, "the server stopped answering" },
	{ "Failed to connect to", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE },
	{ "Couldn't connect to server", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE },
	{ "Connection refused", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE ": connection refused" },
	{ "No route to host", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE },
	{ "Network is unreachable", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE },
	{ "certificate verification failed", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNTRUSTED },
	{ "SSL certificate problem", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNTRUSTED },
	{ "gnutls_handshake() failed", GIT_FAULT_REMOTE, ERR_UNAVAILABLE,
	  "no TLS connection came about: is it an https server?" },

	{ "terminal prompts disabled", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "could not read Username", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "could not read Password", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "Authentication failed", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "Permission denied (", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "Too many authentication failures", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "error in libcrypto", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, "the SSH key is malformed or has a passphrase" },
	{ "returned error: 401", GIT_FAULT_REMOTE, ERR_UNAUTHORIZED, NULL },
	{ "returned error: 403", GIT_FAULT_REMOTE, ERR_FORBIDDEN,
	  "the server forbids it: check what the credentials may do" },
	{ "returned error: 429", GIT_FAULT_REMOTE, ERR_TOO_MANY_REQUESTS, "the server asks to slow down" },
	{ "returned error: 404", GIT_FAULT_REMOTE, ERR_NOT_FOUND, NOT_THERE },
	{ "returned error: 5", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the server failed" },
	{ "Repository not found", GIT_FAULT_REMOTE, ERR_NOT_FOUND, NOT_THERE },
	{ "repository not exported", GIT_FAULT_REMOTE, ERR_NOT_FOUND, NOT_THERE },
	{ "/info/refs not valid", GIT_FAULT_REMOTE, ERR_NOT_FOUND, "what is at this address is no git repository" },
	{ "detected dubious ownership", GIT_FAULT_REMOTE, ERR_FORBIDDEN, "the local repository belongs to another user" },
	{ "does not appear to be a git repository", GIT_FAULT_REMOTE, ERR_NOT_FOUND,
	  "there is no git repository at this address" },
	{ "not allowed", GIT_FAULT_REMOTE, ERR_INVALID, NULL },
	{ "fsck error", GIT_FAULT_REMOTE, ERR_INVALID, "the repository holds a malformed object" },

	{ "bad object", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },
	{ "loose object", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },
	{ "is corrupt", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },
	{ "not a git repository", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },
	{ "File exists", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },
	{ "unable to read", GIT_FAULT_BROKEN, ERR_INTERNAL, NULL },

	{ "not found", GIT_FAULT_REMOTE, ERR_NOT_FOUND, NOT_THERE }, /* fatal: repository 'https://…' not found */
	{ "early EOF", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the connection broke off" },
	{ "unexpected disconnect", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the connection broke off" },
	{ "RPC failed", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the connection broke off" },
	{ "hung up", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, "the server closed the connection" },
	{ "unable to access", GIT_FAULT_REMOTE, ERR_UNAVAILABLE, UNREACHABLE },
};

/* The line that says most: the last "fatal:" or "error:" one, else the last that is not empty. Owned by the caller. */
static char *pick_line(const char *text)
{
	_cleanup_strv_ char **lines = str_split(text, "\n\r");
	const char *best = "";

	for (size_t i = 0; i < strv_len(lines); i++) {
		const char *line = str_strip(lines[i]);
		bool strong = str_starts_with(line, "fatal:") || str_starts_with(line, "error:");
		if (*line && (strong || !(str_starts_with(best, "fatal:") || str_starts_with(best, "error:"))))
			best = line;
	}
	return xstrdup(best);
}

/* What may be shown of git's words: bounded, printable, without the secret. */
static char *quotable(const char *text, const char *secret)
{
	_cleanup_free_ char *line = pick_line(text);
	struct buf out = BUF_INIT(QUOTE_MAX + 64);
	size_t secret_len = secret ? strlen(secret) : 0;

	for (const char *p = line; *p && out.len < QUOTE_MAX;) {
		if (secret_len && strncmp(p, secret, secret_len) == 0) {
			buf_puts(&out, "[secret]");
			p += secret_len;
			continue;
		}
		buf_putc(&out, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
		p++;
	}
	return buf_steal(&out);
}

enum git_fault git_classify(const char *text, const char *secret, bool had_credentials, struct err *err)
{
	_cleanup_free_ char *quote = quotable(text, secret);
	const struct rule *rule = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rules) && !rule; i++) {
		if (strstr(text, rules[i].needle))
			rule = &rules[i];
	}
	if (!rule) {
		err_set(err, ERR_INTERNAL, "git failed: %s", *quote ? quote : "it said nothing");
		return GIT_FAULT_OTHER;
	}
	if (rule->kind == ERR_UNAUTHORIZED && !rule->sentence)
		err_set(err, rule->kind, "%s (git: %s)",
		        had_credentials ? "the server did not accept the credentials, or the repository does not exist"
		                        : "the repository does not exist, or needs credentials: name a Secret in secretRef",
		        quote);
	else if (rule->sentence)
		err_set(err, rule->kind, "%s (git: %s)", rule->sentence, quote);
	else
		err_set(err, rule->kind, "git failed: %s", quote);
	if (rule->kind == ERR_INVALID)
		err_set_terminal(err);
	return rule->fault;
}
