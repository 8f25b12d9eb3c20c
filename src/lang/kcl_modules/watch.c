#include "watch.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"

#include <dirent.h>
#include <linux/magic.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What a walk looks at, at most; past it the kernel is not asked. */
#define ENTRIES_MAX 20000
#define DEPTH_MAX 16

#define CHANGES                                                                                                      \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | \
	 IN_MOVE_SELF)

/* Which folder a path led to. */
struct place {
	dev_t device;
	ino_t number;
};

struct kcl_watch {
	pthread_mutex_t lock;
	char **folders;
	struct place *places; /* of them, when they were walked */
	int inotify;          /* -1: it does not work out */
	uint64_t generation;
	size_t entries; /* of the walk */
};

/* ---- walking ---- */

/* A folder that is being walked, for links that lead back to it. */
struct step {
	const struct step *outer;
	struct place place;
};

static struct place place_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (struct place){ st.st_dev, st.st_ino } : (struct place){ 0 };
}

static bool same_place(struct place a, struct place b)
{
	return a.device == b.device && a.number == b.number;
}

static bool is_around(const struct step *s, struct place place)
{
	while (s && !same_place(s->place, place))
		s = s->outer;
	return s != NULL;
}

/* Changes that other machines make are not told of. */
static bool is_local(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return false;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* Hidden folders too: that is where the links of a mounted ConfigMap lead. */
static bool walk(struct kcl_watch *w, const char *folder, unsigned depth, const struct step *outer)
{
	const struct step here = { .outer = outer, .place = place_of(folder) };
	bool fits = true;
	DIR *d;

	if (is_around(outer, here.place))
		return true;
	/* watched before it is read: what happens in between is told of next time */
	if (depth > DEPTH_MAX || !is_local(folder) || inotify_add_watch(w->inotify, folder, CHANGES) < 0)
		return false;
	d = opendir(folder);
	for (const struct dirent *entry; d && fits && (entry = readdir(d)) != NULL;) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		_cleanup_free_ char *path = fs_join(folder, entry->d_name);
		struct stat st;

		fits = ++w->entries <= ENTRIES_MAX;
		if (fits && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			fits = walk(w, path, depth + 1, &here);
		else if (fits && entry->d_type != DT_REG) /* what a link leads to may lie anywhere */
			fits = inotify_add_watch(w->inotify, path, CHANGES) >= 0;
	}
	if (d)
		closedir(d);
	return fits && d;
}

static void walk_all(struct kcl_watch *w)
{
	bool fits = true;

	if (w->inotify >= 0)
		close(w->inotify);
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->entries = 0;
	w->generation++;
	for (size_t i = 0; i < strv_len(w->folders); i++) {
		w->places[i] = place_of(w->folders[i]);
		if (w->places[i].number != 0)
			fits = fits && w->inotify >= 0 && walk(w, w->folders[i], 0, NULL);
	}
	if (!fits && w->inotify >= 0) {
		close(w->inotify);
		w->inotify = -1;
	}
}

/* ---- looking ---- */

/* The folder itself may have been replaced, or something above it. */
static bool has_moved(const struct kcl_watch *w)
{
	for (size_t i = 0; i < strv_len(w->folders); i++)
		if (!same_place(place_of(w->folders[i]), w->places[i]))
			return true;
	return false;
}

static bool was_told(const struct kcl_watch *w)
{
	alignas(struct inotify_event) char events[4096];

	return read(w->inotify, events, sizeof(events)) > 0;
}

struct kcl_watch *kcl_watch_new(const char *const *folders, const char *const *more)
{
	struct kcl_watch *w = new0(struct kcl_watch);

	pthread_mutex_init(&w->lock, NULL);
	for (; folders && *folders; folders++)
		strv_push(&w->folders, *folders);
	for (; more && *more; more++)
		strv_push(&w->folders, *more);
	w->places = xcalloc(strv_len(w->folders) + 1, sizeof(*w->places));
	w->inotify = -1;
	walk_all(w);
	return w;
}

struct kcl_watch *kcl_watch_free(struct kcl_watch *w)
{
	if (!w)
		return NULL;
	if (w->inotify >= 0)
		close(w->inotify);
	pthread_mutex_destroy(&w->lock);
	strv_free(w->folders);
	free(w->places);
	free(w);
	return NULL;
}

uint64_t kcl_watch_look(struct kcl_watch *w)
{
	if (!w)
		return 0;
	MUTEX_GUARD(&w->lock);
	if (w->inotify >= 0 && (was_told(w) || has_moved(w)))
		walk_all(w); /* new folders are to be watched, too; a new queue forgets what else was told */
	return w->inotify >= 0 ? w->generation : 0;
}
