#include "base/fault.h"

#ifdef SCIA_FAULT_POINTS

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct point {
	bool kill;
	int64_t at; /* 0: every hit */
	int64_t hits;
};

/* Process-wide by nature: fault points stand where no context is passed. Only in test builds. */
static struct {
	pthread_mutex_t lock;
	char *spec; /* what `points` was made from; the environment may change between tests */
	struct map *points;
} faults = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One "name=action[@hit]". A mistake must not pass as a test without a fault. */
static void add_point(char *text)
{
	char *action = strchr(text, '='), *at = action ? strchr(action, '@') : NULL;
	struct point p = { 0 };
	bool ok = action != NULL;
	if (ok)
		*action++ = '\0';
	if (at)
		*at++ = '\0';
	p.kill = ok && str_eq(action, "kill");
	ok = ok && (p.kill || str_eq(action, "fail"));
	if (!ok || (at && !str_to_i64(at, 1, INT64_MAX, &p.at))) {
		fprintf(stderr, "scia: SCIA_FAULT: cannot read \"%s\": use NAME=kill[@N] or NAME=fail[@N]\n", text);
		abort();
	}
	map_set(faults.points, text, xmemdup(&p, sizeof(p)));
}

static void read_spec(const char *spec)
{
	if (faults.points && str_eq(faults.spec, spec))
		return;
	free(faults.spec);
	faults.spec = xstrdup(spec);
	map_free(faults.points);
	faults.points = map_new(free);
	_cleanup_strv_ char **parts = str_split(spec, ",");
	for (size_t i = 0; parts[i]; i++)
		add_point(parts[i]);
}

bool fault_hit(const char *name)
{
	const char *spec = getenv("SCIA_FAULT");
	if (str_empty(spec))
		return false;
	MUTEX_GUARD(&faults.lock);
	read_spec(spec);
	struct point *p = map_get(faults.points, name);
	if (!p)
		return false;
	p->hits++;
	if (p->kill && p->hits >= (p->at ? p->at : 1))
		kill(getpid(), SIGKILL);
	return !p->kill && (!p->at || p->hits == p->at);
}

int64_t fault_clock_offset_ns(void)
{
	const char *path = getenv("SCIA_CLOCK_OFFSET");
	char text[32];
	int64_t seconds = 0;
	if (str_empty(path))
		return 0;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	str_to_i64(str_strip(text), -INT32_MAX, INT32_MAX, &seconds);
	return seconds * INT64_C(1000000000);
}

#endif
