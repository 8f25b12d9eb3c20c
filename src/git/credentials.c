#include "credentials.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/sha256.h"

#include <errno.h>
#include <fcntl.h>

#define DEFAULT_USER "x-access-token"
#define SECRET_MAX ((size_t)64 * 1024)
#define USER_MAX 256

static bool has_control(const char *s)
{
	for (; s && *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void wipep(char **s)
{
	wipe(*s);
}

char *git_credentials_token(const struct git_credentials *credentials)
{
	size_t len;

	if (!credentials || str_empty(credentials->token))
		return NULL;
	len = strlen(credentials->token);
	while (len && strchr("\r\n", credentials->token[len - 1]))
		len--;
	return len ? xstrndup(credentials->token, len) : NULL;
}

static int refuse(struct err *err, const char *sentence)
{
	err_set(err, ERR_INVALID, "repository credentials: %s", sentence);
	return err_set_terminal(err);
}

int git_credentials_check(const struct git_url *url, const struct git_credentials *c, struct err *err)
{
	_cleanup_(wipep) char *token = git_credentials_token(c);

	if (url->transport == GIT_SSH) {
		if (!c || str_empty(c->ssh_private_key))
			return refuse(err, "an SSH URL needs an SSH key: name a Secret with one in secretRef, or use https://");
		if (str_empty(c->known_hosts))
			return refuse(err, "the server's host key cannot be checked: put a known_hosts next to the SSH key");
		if (strlen(c->ssh_private_key) > SECRET_MAX || strlen(c->known_hosts) > SECRET_MAX)
			return refuse(err, "the SSH key or known_hosts is larger than 64 KiB");
	}
	if (url->transport != GIT_HTTPS && url->transport != GIT_HTTP)
		return 0;
	if (token && strlen(token) > SECRET_MAX)
		return refuse(err, "the token is larger than 64 KiB");
	if (has_control(token))
		return refuse(err, "the token has a line break or another control character in it");
	if (c && c->username && strlen(c->username) > USER_MAX)
		return refuse(err, "the user name is longer than 256 characters");
	if (c && has_control(c->username))
		return refuse(err, "the user name has a line break or another control character in it");
	return 0;
}

static void append_escaped(struct buf *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *s; s++) {
		if (strchr(plain, *s))
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}

int git_write_private(const char *dir, const char *name, const void *data, size_t len, struct err *err)
{
	_cleanup_free_ char *path = fs_join(dir, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fs_write_all(fd, data, len) < 0)
		return err_set_errno(err, errno, "writing %s", path);
	return 0;
}

/* git-credential-store(1) answers for exactly this scheme and host: a redirect to another host gets nothing. */
static int write_token(const struct git_url *url, const char *user, const char *token, const char *dir,
                       struct buf *config, struct err *err)
{
	struct buf line = BUF_INIT(4 * SECRET_MAX + GIT_URL_MAX);
	int rc;

	buf_printf(&line, "%s://", url->transport == GIT_HTTP ? "http" : "https");
	append_escaped(&line, user);
	buf_putc(&line, ':');
	append_escaped(&line, token);
	buf_printf(&line, "@%s\n", url->authority);
	rc = git_write_private(dir, "credentials", buf_str(&line), line.len, err);
	if (line.data)
		explicit_bzero(line.data, line.len);
	buf_clear(&line);
	buf_printf(config, "[credential]\n\thelper = store --file=%s/credentials\n", dir);
	return rc;
}

static int write_ssh(const struct git_credentials *c, const char *dir, char ***env, struct err *err)
{
	struct buf key = BUF_INIT(SECRET_MAX + 1), hosts = BUF_INIT(SECRET_MAX + 1);
	_cleanup_free_ char *command = NULL;
	int rc;

	/* OpenSSH wants the last line of a key to end, and dislikes DOS line ends. */
	for (const char *p = c->ssh_private_key; *p; p++) {
		if (*p != '\r')
			buf_putc(&key, *p);
	}
	buf_putc(&key, '\n');
	buf_printf(&hosts, "%s\n", c->known_hosts);
	rc = git_write_private(dir, "key", buf_str(&key), key.len, err);
	if (rc == 0)
		rc = git_write_private(dir, "known_hosts", buf_str(&hosts), hosts.len, err);
	if (key.data)
		explicit_bzero(key.data, key.len);
	buf_clear(&key);
	buf_clear(&hosts);
	command = xasprintf("GIT_SSH_COMMAND=ssh -F /dev/null -i %s/key -o IdentitiesOnly=yes -o IdentityAgent=none"
	                    " -o UserKnownHostsFile=%s/known_hosts -o GlobalKnownHostsFile=/dev/null"
	                    " -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o BatchMode=yes"
	                    " -o PreferredAuthentications=publickey -o ForwardAgent=no -o ForwardX11=no"
	                    " -o ClearAllForwardings=yes -o PermitLocalCommand=no -o ProxyCommand=none -o ControlPath=none"
	                    " -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o LogLevel=ERROR",
	                    dir, dir);
	strv_push(env, command);
	strv_push(env, "GIT_SSH_VARIANT=ssh");
	return rc;
}

int git_credentials_write(const struct git_url *url, const struct git_credentials *c, const char *dir,
                          struct buf *config, char ***env, struct err *err)
{
	_cleanup_(wipep) char *token = git_credentials_token(c);
	const char *user;

	if (url->transport == GIT_SSH)
		return write_ssh(c, dir, env, err);
	if ((url->transport != GIT_HTTPS && url->transport != GIT_HTTP) || !token)
		return 0;
	user = !str_empty(c->username) ? c->username : url->username ? url->username : DEFAULT_USER;
	return write_token(url, user, token, dir, config, err);
}

void git_credentials_digest(const struct git_url *url, const struct git_credentials *c, char ret[static 65])
{
	_cleanup_(wipep) char *token = git_credentials_token(c);
	const char *parts[] = { url->clean, url->username, c ? c->username : NULL, token, c ? c->ssh_private_key : NULL };
	struct buf text = BUF_INIT(4 * SECRET_MAX + GIT_URL_MAX * 2);
	bool local = url->transport == GIT_LOCAL || url->transport == GIT_DAEMON;

	for (size_t i = 0; i < (local ? 1 : ARRAY_SIZE(parts)); i++) {
		const char *part = parts[i] ? parts[i] : "";
		buf_printf(&text, "%zu:%s", strlen(part), part); /* the length keeps neighbours apart */
	}
	sha256_hex(buf_str(&text), text.len, ret);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_clear(&text);
}
