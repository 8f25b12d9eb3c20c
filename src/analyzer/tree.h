#ifndef ANALYZER_TREE_H
#define ANALYZER_TREE_H
/* The names of a repository, scanned once: breadth first (so that a cut-off loses the deepest folders), sorted (so that
 * the order in which the file system lists them does not matter), bounded. Folders that hold what others made or what a
 * build made (.git, node_modules, vendor, target, dist, …) and symbolic links are left out. */

#include "base/arena.h"
#include "base/err.h"

/* The beginning of a file: at most TREE_FILE_MAX bytes, NUL-terminated, UTF-8 when it was UTF-16 or had a mark. */
struct text {
	const char *path; /* relative to the analysed folder */
	const char *data;
	size_t len;
};

#define TREE_FILE_MAX ((size_t)1024 * 1024)

struct tree_file {
	const char *name;
	const struct text *text; /* once read */
	bool tried;
};

struct tree_dir {
	const char *path; /* relative to the analysed folder, which is "" */
	const char *name; /* last part of path */
	struct tree_dir *parent;
	unsigned depth;
	unsigned marks; /* for the user: which ecosystems have a manifest here */
	unsigned weak;  /* for the user: which ecosystems have a file here that is often a program */
	bool side;      /* tests, examples, documentation or below: what is there is not what the repository is for */
	struct tree_file *files; /* sorted by name */
	size_t files_len;
	struct tree_dir **dirs; /* sorted by name; those left out are absent */
	size_t dirs_len;
};

struct tree {
	struct arena *arena;
	int fd;                 /* the analysed folder */
	struct tree_dir **dirs; /* all, breadth first; dirs[0] is the analysed folder */
	size_t dirs_len, dirs_cap;
	size_t names, names_max; /* files and folders seen */
	size_t read, read_max;   /* bytes */
	int64_t deadline_ns;
	bool truncated; /* a limit was met: the tree is not the whole repository, or a file was not read */
};

/* Scans dir/subpath (NULL: dir). ERR_NOT_FOUND when it is absent or subpath leads out of dir or over a symbolic link.
 */
int tree_scan(struct tree *t, struct arena *arena, const char *dir, const char *subpath, size_t names_max,
              size_t read_max, int64_t deadline_ns, struct err *err);
void tree_done(struct tree *t);

/* An entry of the folder itself; NULL when absent. */
struct tree_file *tree_file(const struct tree_dir *dir, const char *name);
struct tree_dir *tree_dir(const struct tree_dir *dir, const char *name);
/* By a relative path without "..", which "./" may begin; "" and "." are the folder itself. NULL when absent. */
struct tree_dir *tree_dir_at(const struct tree_dir *dir, const char *path);
struct tree_file *tree_file_at(struct tree_dir *dir, const char *path, struct tree_dir **ret_dir);

/* The file's text, read at most once. NULL when it cannot be read, is binary, or the read limit is used up. */
const struct text *tree_read(struct tree *t, const struct tree_dir *dir, struct tree_file *file);
/* The same by relative path; NULL also when absent. */
const struct text *tree_read_at(struct tree *t, struct tree_dir *dir, const char *path);
/* The first that there is. names ends with NULL. */
const struct text *tree_read_any(struct tree *t, struct tree_dir *dir, const char *const *names);

/* May its owner execute it? */
bool tree_executable(const struct tree *t, const struct tree_dir *dir, const char *name);
/* Time or bytes are used up. */
bool tree_exhausted(struct tree *t);

/* Line (from 1) of a byte of the text. */
int text_line(const struct text *t, size_t offset);
/* Offset of the first occurrence at or after from, or SIZE_MAX. */
size_t text_find(const struct text *t, size_t from, const char *needle);
bool text_has(const struct text *t, const char *needle);

#endif
