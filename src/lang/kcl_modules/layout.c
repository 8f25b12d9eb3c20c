#include "layout.h"

#include "base/fs.h"
#include "base/str.h"
#include "archive_cache.h"
#include "blob.h"
#include "mod_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYOUTS_MAX 256
#define FOLDER_DEPTH_MAX 6
#define INDEX_DEPTH_MAX 3
#define MANIFESTS_MAX 1024
#define LAYER_MAX ((size_t)64 * 1024 * 1024)
/* Where KCL's own modules are published. */
#define DEFAULT_REGISTRY "ghcr.io/kcl-lang"

#define REF_NAME "org.opencontainers.image.ref.name"
#define IMAGE_NAME "io.containerd.image.name"
#define PACKAGE_NAME "org.kcllang.package.name"
#define PACKAGE_VERSION "org.kcllang.package.version"

/* How well a manifest is what was asked for. */
enum { SCORE_NONE, SCORE_MOD_FILE, SCORE_ANNOTATIONS, SCORE_SUFFIX, SCORE_EXACT };

struct kcl_layouts {
	char **folders;
	struct archive_cache *cache;
};

struct kcl_layouts *kcl_layouts_new(const char *const *folders, size_t bytes_max)
{
	struct kcl_layouts *l = new0(struct kcl_layouts);

	for (; folders && *folders; folders++)
		strv_push(&l->folders, *folders);
	l->cache = archive_cache_new(bytes_max);
	return l;
}

struct kcl_layouts *kcl_layouts_free(struct kcl_layouts *l)
{
	if (!l)
		return NULL;
	strv_free(l->folders);
	archive_cache_free(l->cache);
	free(l);
	return NULL;
}

bool kcl_layouts_empty(const struct kcl_layouts *l)
{
	return !l || !l->folders;
}

void kcl_found_module_clear(struct kcl_found_module *m)
{
	kcl_archive_unref(m->archive);
	free(m->digest);
	free(m->tag);
	*m = (struct kcl_found_module){ 0 };
}

/* ---- finding layouts ---- */

/* What is done with each layout: its open folder, and its path below the folder that was given. -1 ends the walk. */
typedef int visit_fn(void *self, int folder, const char *location, struct err *err);

struct walk {
	visit_fn *visit;
	void *self;
	unsigned left;
	struct err *err;
};

static int walk(struct walk *w, int folder, const char *location, unsigned depth);

static int walk_below(struct walk *w, int folder, const char *location, unsigned depth)
{
	int copy = dup(folder), r = 0;
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;

	for (const struct dirent *entry; r == 0 && d && w->left > 0 && (entry = readdir(d)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		_cleanup_close_ int below = fs_open_below(folder, entry->d_name, O_RDONLY | O_DIRECTORY, 0);
		_cleanup_free_ char *path = *location ? fs_join(location, entry->d_name) : xstrdup(entry->d_name);

		if (below >= 0)
			r = walk(w, below, path, depth + 1);
	}
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
	return r;
}

static int walk(struct walk *w, int folder, const char *location, unsigned depth)
{
	if (!oci_is_layout(folder))
		return depth < FOLDER_DEPTH_MAX ? walk_below(w, folder, location, depth) : 0;
	w->left--;
	return w->visit(w->self, folder, location, w->err);
}

static int each_layout(const struct kcl_layouts *l, visit_fn *visit, void *self, struct err *err)
{
	struct walk w = { .visit = visit, .self = self, .left = LAYOUTS_MAX, .err = err };

	for (char *const *folder = l->folders; folder && *folder; folder++) {
		_cleanup_close_ int fd = open(*folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_set(err, ERR_NOT_FOUND, "%s: there is no such folder of OCI layouts", *folder);
		if (walk(&w, fd, "", 0) < 0)
			return err_wrap(err, "the OCI layout in %s", *folder);
	}
	return 0;
}

static int stamp_layout(void *self, int folder, const char *location, struct err *err)
{
	struct stat st;

	(void)err;
	if (fstatat(folder, "index.json", &st, 0) == 0)
		buf_printf(self, "oci %s %lld %lld.%09ld %llu\n", location, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
		           st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
	return 0;
}

void kcl_layouts_stamp(struct kcl_layouts *l, struct buf *out)
{
	each_layout(l, stamp_layout, out, NULL);
}

/* ---- which manifest it is ---- */

struct best {
	int score;
	int folder; /* of its layout; closed by the owner */
	json_t *descriptor;
	char *tag;
};

struct search {
	const struct kcl_reference *wanted;
	struct kcl_layouts *layouts;
	struct best best;
	unsigned manifests_left;
	bool is_ambiguous;
	struct err failed; /* of the first manifest that could not be read; told when nothing is found */
};

/* A manifest, with what its index says of it. */
struct candidate {
	int folder;
	const char *location;
	const json_t *descriptor;
	const json_t *names[2]; /* annotations: its own, and those of an index that it is in */
};

static struct kcl_archive *load(struct kcl_layouts *l, int folder, const json_t *descriptor, struct err *err);

static bool tag_fits(const struct search *s, const char *tag)
{
	return !s->wanted->tag || str_eq(s->wanted->tag, tag);
}

static int score_of(const struct search *s, const char *repository, const char *tag)
{
	int match = kcl_repository_match(s->wanted->repository, repository);

	if (match == 0 || !tag_fits(s, tag))
		return SCORE_NONE;
	return match == 2 ? SCORE_EXACT : SCORE_SUFFIX;
}

static void take(struct search *s, const struct candidate *c, int score, const char *tag)
{
	struct best *b = &s->best;
	const char *digest = json_get_str(c->descriptor, "digest");
	int order = score - b->score;

	if (score == SCORE_NONE)
		return;
	if (order == 0 && !s->wanted->tag)
		order = kcl_version_compare(tag ? tag : "", b->tag ? b->tag : "");
	if (order < 0 || (order == 0 && str_eq(digest, json_get_str(b->descriptor, "digest"))))
		return;
	s->is_ambiguous = order == 0;
	json_decref(b->descriptor);
	free(b->tag);
	closep(&b->folder);
	*b = (struct best){ score, dup(c->folder), json_incref(json_unconst(c->descriptor)), xstrdup_or_null(tag) };
}

/* By a name that has a repository. */
static bool score_by_reference(struct search *s, const struct candidate *c, const char *name)
{
	struct kcl_reference r = { 0 };

	if (!name || !strpbrk(name, "/:@") || kcl_reference_parse(name, &r, NULL) < 0)
		return false;
	take(s, c, score_of(s, r.repository, r.tag), r.tag);
	kcl_reference_clear(&r);
	return true;
}

/* By the layout's folder: HOST/REPOSITORY, with the tag as its name in the index, or NAME_TAG. */
static bool score_by_location(struct search *s, const struct candidate *c, const char *tag)
{
	_cleanup_free_ char *repository = xstrdup(c->location);
	char *slash = strrchr(repository, '/'), *line = strrchr(slash ? slash : repository, '_');
	int score = *repository ? score_of(s, repository, tag) : SCORE_NONE;

	if (score == SCORE_NONE && line) {
		*line = '\0';
		tag = line + 1;
		score = score_of(s, repository, tag);
	}
	take(s, c, score, tag);
	return score != SCORE_NONE;
}

/* By what the module says of itself. */
static void score_by_content(struct search *s, const struct candidate *c, const char *tag)
{
	_cleanup_json_ json_t *manifest = oci_read_json(c->folder, c->descriptor,
	                                                err_is_set(&s->failed) ? NULL : &s->failed);
	const char *wanted = kcl_reference_name(s->wanted), *name, *version;
	_cleanup_(kcl_mod_clear) struct kcl_mod mod = { 0 };
	int score = SCORE_ANNOTATIONS;

	if (!manifest)
		return;
	name = json_str_at(manifest, "annotations", PACKAGE_NAME, NULL);
	version = json_str_at(manifest, "annotations", PACKAGE_VERSION, NULL);
	if (!name) {
		_cleanup_(kcl_archive_unrefp) struct kcl_archive *a = load(s->layouts, c->folder, c->descriptor, NULL);
		const struct bytes *text = a ? kcl_archive_file(a, "kcl.mod") : NULL;

		score = SCORE_MOD_FILE;
		if (text && kcl_mod_parse(text->data, text->len, "kcl.mod", &mod, NULL) == 0) {
			name = mod.name;
			version = mod.version;
		}
	}
	if (!name || !kcl_module_name_same(name, wanted))
		return;
	if (tag_fits(s, version))
		take(s, c, score, version);
	else if (tag && tag_fits(s, tag))
		take(s, c, score, tag);
}

static int consider(struct search *s, const struct candidate *c, struct err *err)
{
	const char *digest = oci_digest(c->descriptor, err), *tag = NULL;
	bool has_repository = false;

	if (!digest)
		return -1;
	if (s->wanted->digest) {
		if (str_eq(digest, s->wanted->digest))
			take(s, c, SCORE_EXACT, s->wanted->tag);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(c->names); i++) {
		const char *name = json_get_str(c->names[i], REF_NAME);

		has_repository |= score_by_reference(s, c, json_get_str(c->names[i], IMAGE_NAME));
		has_repository |= score_by_reference(s, c, name);
		tag = tag ? tag : name;
	}
	if (!has_repository && !score_by_location(s, c, tag))
		score_by_content(s, c, tag);
	return 0;
}

static bool is_index(const json_t *descriptor)
{
	const char *type = json_get_str(descriptor, "mediaType");

	return type && (str_contains(type, "image.index") || str_contains(type, "manifest.list"));
}

static int search_index(struct search *s, int folder, const char *location, const json_t *index, const json_t *names,
                        unsigned depth, struct err *err)
{
	json_t *descriptor;
	size_t i;

	json_array_foreach (json_object_get(index, "manifests"), i, descriptor) {
		const struct candidate c = {
			.folder = folder,
			.location = location,
			.descriptor = descriptor,
			.names = { json_object_get(descriptor, "annotations"), names },
		};

		if (s->manifests_left-- == 0)
			return err_set(err, ERR_TOO_LARGE, "OCI layouts have more than %u manifests", MANIFESTS_MAX);
		if (!is_index(descriptor)) {
			if (consider(s, &c, err) < 0)
				return -1;
			continue;
		}
		if (depth == INDEX_DEPTH_MAX)
			return err_set(err, ERR_INVALID, "an index in an index in an index is too much");
		_cleanup_json_ json_t *inner = oci_read_json(folder, descriptor, err);
		if (!inner || search_index(s, folder, location, inner, c.names[0] ? c.names[0] : names, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int search_layout(void *self, int folder, const char *location, struct err *err)
{
	_cleanup_json_ json_t *index = oci_read_index(folder, err);

	return index ? search_index(self, folder, location, index, NULL, 0, err) : -1;
}

/* ---- its archive ---- */

static bool is_archive(const json_t *layer)
{
	const char *type = json_get_str(layer, "mediaType");
	const char *title = json_str_at(layer, "annotations", "org.opencontainers.image.title", NULL);

	return (type && str_contains(type, "tar")) ||
	       (title && (str_ends_with(title, ".tar") || str_ends_with(title, ".tgz")));
}

/* The one layer that is an archive. */
static const json_t *find_layer(const json_t *manifest, struct err *err)
{
	const json_t *found = NULL;
	json_t *layer;
	size_t i, n = 0;

	json_array_foreach (json_object_get(manifest, "layers"), i, layer)
		if (is_archive(layer)) {
			found = layer;
			n++;
		}
	if (n == 1)
		return found;
	err_set(err, ERR_INVALID, "the manifest has %zu layers that are tar archives: a KCL module has one", n);
	return NULL;
}

static struct kcl_archive *load(struct kcl_layouts *l, int folder, const json_t *descriptor, struct err *err)
{
	const char *digest = json_get_str(descriptor, "digest");
	struct kcl_archive *a = archive_cache_get(l->cache, digest);
	_cleanup_json_ json_t *manifest = NULL;
	_cleanup_free_ char *data = NULL;
	const json_t *layer;
	size_t len;

	if (a)
		return a;
	manifest = oci_read_json(folder, descriptor, err);
	layer = manifest ? find_layer(manifest, err) : NULL;
	if (!layer || oci_read_blob(folder, layer, LAYER_MAX, &data, &len, err) < 0)
		return NULL;
	a = kcl_archive_read(data, len, err);
	if (a)
		archive_cache_put(l->cache, digest, a);
	else
		err_wrap(err, "the blob %s", json_get_str(layer, "digest"));
	return a;
}

static int search_all(struct kcl_layouts *l, const struct kcl_reference *wanted, struct kcl_found_module *ret,
                      struct err *err)
{
	struct search s = { .wanted = wanted, .layouts = l, .best.folder = -1, .manifests_left = MANIFESTS_MAX };
	int r = each_layout(l, search_layout, &s, err);

	if (r == 0 && s.is_ambiguous)
		r = err_set(err, ERR_CONFLICT, "%s:%s names several modules of the OCI layouts: name it by its digest",
		            wanted->repository, wanted->tag ? wanted->tag : "");
	if (r == 0 && !s.best.descriptor && err_is_set(&s.failed)) {
		err_move(err, &s.failed);
		r = -1;
	}
	if (r == 0 && s.best.descriptor) {
		ret->archive = load(l, s.best.folder, s.best.descriptor, err);
		ret->digest = xstrdup(json_get_str(s.best.descriptor, "digest"));
		ret->tag = TAKE_PTR(s.best.tag);
		r = ret->archive ? 1 : -1;
	}
	json_decref(s.best.descriptor);
	free(s.best.tag);
	closep(&s.best.folder);
	err_clear(&s.failed);
	if (r < 0)
		kcl_found_module_clear(ret);
	return r;
}

int kcl_layouts_find(struct kcl_layouts *l, const struct kcl_reference *reference, struct kcl_found_module *ret,
                     struct err *err)
{
	struct kcl_reference published = *reference;
	_cleanup_free_ char *repository = NULL;
	int r = 0;

	*ret = (struct kcl_found_module){ 0 };
	if (!strchr(reference->repository, '/')) {
		repository = xasprintf(DEFAULT_REGISTRY "/%s", reference->repository);
		published.repository = repository;
		r = search_all(l, &published, ret, err);
	}
	return r == 0 ? search_all(l, reference, ret, err) : r;
}
