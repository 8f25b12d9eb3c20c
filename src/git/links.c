#include "links.h"

#include "base/buf.h"
#include "base/str.h"

#define HOPS_MAX 40
#define WALK_MAX ((size_t)64 * 1024)

/* Drops the last component; false when there is none. */
static bool pop(struct buf *at)
{
	char *slash;

	if (at->len == 0)
		return false;
	slash = memrchr(at->data, '/', at->len);
	at->len = slash ? (size_t)(slash - at->data) : 0;
	at->data[at->len] = '\0';
	return true;
}

static bool push(struct buf *at, const char *name, size_t len)
{
	if (at->len)
		buf_putc(at, '/');
	return buf_append(at, name, len) == 0 && !at->failed;
}

bool git_link_escapes(const struct map *links, const char *path)
{
	_cleanup_buf_ struct buf at = BUF_INIT(WALK_MAX);
	_cleanup_free_ char *pending = xstrdup(map_get(links, path));
	const char *next = pending, *slash = strrchr(path, '/');
	int hops = 0;

	if (pending[0] == '/' || (slash && !push(&at, path, (size_t)(slash - path))))
		return true;
	while (*next) {
		size_t len = strcspn(next, "/");
		const char *rest = next + len, *target;
		char *longer;

		if (len == 2 && memcmp(next, "..", 2) == 0) {
			if (!pop(&at))
				return true;
		} else if (len > 0 && !(len == 1 && *next == '.')) {
			if (!push(&at, next, len))
				return true;
			target = map_get(links, buf_str(&at));
			if (target) {
				if (++hops > HOPS_MAX || target[0] == '/' || strlen(target) + strlen(rest) > WALK_MAX)
					return true;
				pop(&at);
				longer = xasprintf("%s%s", target, rest);
				free(pending);
				pending = longer;
				next = pending;
				continue;
			}
		}
		next = rest + (*rest == '/');
	}
	return false;
}
