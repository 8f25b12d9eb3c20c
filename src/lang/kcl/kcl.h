#ifndef LANG_KCL_KCL_H
#define LANG_KCL_KCL_H
/* KCL (kcl-lang.io) as a library: compile once, evaluate many times.
 *
 * There is no I/O in here. Sources, options and a loader callback come in; values, documents and diagnostics come out;
 * the caller gives every limit. A program is compiled into an immutable object that threads may share; each evaluation
 * has a heap of its own, which is freed (or reused) as a whole.
 *
 *     syntax/   text -> tokens -> syntax tree, with recovery; the tree printed again (fmt)
 *     check/    names and static types of a tree
 *     value/    what a program computes with: values, their operators, union and unification
 *     eval/     a checked tree -> code -> values
 *     stdlib/   built-in functions and system modules
 *     output/   values -> YAML and JSON documents
 *     tools/    vet, test, doc */

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <jansson.h>

/* ---- diagnostics ---- */

enum kcl_severity { KCL_ERROR, KCL_WARNING };

/* Another place that has to do with it: where a variable is declared, or the check that an instance failed. */
struct kcl_related {
	char *file, *message;
	uint32_t line, column;
};

/* One thing that is wrong with a program, or went wrong while it ran. Lines and columns count from 1, columns in
 * characters; line 0 means that it is about no place, column 0 (shown as 1) that it is about the whole line. */
struct kcl_diagnostic {
	enum kcl_severity severity;
	const char *code; /* upstream's name of the class: "InvalidSyntax", "TypeError", "CompileError",
	                     "EvaluationError", "CannotFindModule", … */
	char *file;       /* as the caller named the source; NULL */
	uint32_t line, column, end_line, end_column;
	char *message; /* what is wrong, and what was expected */
	char *hint;    /* what to do; NULL */
	char *note;    /* e.g. a value that a check rejected; NULL */
	struct kcl_related *related;
	size_t related_len;
};

struct kcl_diagnostics {
	struct kcl_diagnostic *items; /* in the order found, at most KCL_DIAGNOSTICS_MAX */
	size_t len;
	size_t errors;
};

#define KCL_DIAGNOSTICS_MAX 100

/* Frees what it holds; stays usable. */
void kcl_diagnostics_clear(struct kcl_diagnostics *d);
/* Appends them for a person, as the command line prints them: severity, number and name of the class, and for each
 * place `--> file:line:column`, the line of the source with a caret below, the message. text_of gives a file's text or
 * NULL (then no line is shown); NULL is allowed. */
void kcl_diagnostics_write(const struct kcl_diagnostics *d, const char *(*text_of)(void *self, const char *file),
                           void *self, struct buf *out);

/* ---- limits ---- */

/* 0 means the default. */
struct kcl_limits {
	uint64_t steps;                /* evaluated expressions and loop rounds; default 100,000,000 */
	size_t memory;                 /* bytes an evaluation's heap may take; default 1 GiB */
	unsigned depth;                /* nested calls; default 1,000 (also bounded by the stack of the calling thread) */
	size_t output;                 /* bytes of an emitted document; default 64 MiB */
	size_t source;                 /* bytes of one source file; default 10 MiB */
	unsigned modules;              /* source files of a program; default 4,096 */
	int64_t deadline_ns;           /* clock_mono_ns() to stop at, compiling as well as evaluating; 0: none */
	const _Atomic bool *cancelled; /* set by another thread, it stops, too; NULL */
};

/* ---- programs ---- */

struct kcl_source {
	const char *name; /* a path, as diagnostics name it */
	const char *text; /* UTF-8 */
	size_t len;
};

/* Where imports are looked for. All of it is done by the caller's file system, or by none (a loader of NULL finds no
 * module but the system's). */
struct kcl_loader {
	void *self;
	/* The .k files of the package at this folder (those ending in _test.k left out), sorted by name, or the single
	 * file path + ".k"; NULL-terminated names to be read with read(), free with strv_free(). NULL: there is no such
	 * package. */
	char **(*list)(void *self, const char *folder);
	/* A file's text; NULL when it cannot be read (err says why). */
	struct bytes *(*read)(void *self, const char *path, struct err *err);
	/* The folder of an external package (`import k8s.api…` -> k8s), as kcl.mod and -E name it; free(). NULL: unknown;
	 * err may say why, and what to do. */
	char *(*external)(void *self, const char *root, const char *package, struct err *err);
};

struct kcl_compile_options {
	const struct kcl_source *sources; /* the main package */
	size_t sources_len;
	const char *root; /* the folder that absolute imports start at (that of kcl.mod); NULL: no file imports */
	const struct kcl_loader *loader;
	const char *const *overrides; /* -O path=value, path:value, path+=value, path-; NULL-terminated; NULL */
	/* Strings of several lines keep the newline that they begin with and their indentation, as in the releases up to
	 * 0.12.3, which composition functions are built with. */
	bool keep_indent;
	struct kcl_limits limits;
};

struct kcl_program;

/* Parses, loads what is imported, checks, compiles. NULL when there are errors, which are in diagnostics; warnings may
 * be there on success too. The sources need not outlive the call. */
struct kcl_program *kcl_compile(const struct kcl_compile_options *options, struct kcl_diagnostics *diagnostics);
struct kcl_program *kcl_program_ref(struct kcl_program *p);
struct kcl_program *kcl_program_unref(struct kcl_program *p);
DEFINE_CLEANUP(struct kcl_program *, kcl_program_unref)
/* Bytes that it takes; for caches. */
size_t kcl_program_size(const struct kcl_program *p);

/* ---- evaluation ---- */

/* What programs may do to files (file.read(), json.dump_to_file(), crypto.filesha256(), …), with paths as they write
 * them. -1 and NULL: err, whose message is what the operating system says ("No such file or directory (os error 2)").
 */
struct kcl_file_access {
	void *self;
	const char *module_path; /* file.modpath(); NULL: none */
	const char *work_dir;    /* file.workdir(), where relative paths begin; NULL: none */
	struct bytes *(*read)(void *self, const char *path, struct err *err);
	/* In place of what is there, or behind it. */
	int (*write)(void *self, const char *path, const char *text, size_t len, bool append, struct err *err);
	/* Bytes of what a path names, links followed. */
	int (*size)(void *self, const char *path, uint64_t *ret, struct err *err);
	/* Without links and ".."; free(). */
	char *(*absolute)(void *self, const char *path, struct err *err);
	/* In order; strv_free(). */
	char **(*glob)(void *self, const char *pattern, struct err *err);
	/* With those above it; fine when it is there. */
	int (*make_folder)(void *self, const char *path, struct err *err);
	/* A file, or an empty folder. */
	int (*remove)(void *self, const char *path, struct err *err);
	/* A file, or a folder with everything in it. */
	int (*copy)(void *self, const char *from, const char *to, struct err *err);
	int (*move)(void *self, const char *from, const char *to, struct err *err);
	/* A variable of the environment, borrowed; NULL: it is not set, or may not be seen. */
	const char *(*environment)(void *self, const char *name);
};

struct kcl_maker;

/* What option(name) gives. All of it is borrowed until kcl_result_free(), and not changed by anybody meanwhile. */
struct kcl_option {
	const char *name;
	const json_t *value;
	/* Or who makes it, when the program asks for it first: tells the maker (kcl_maker.h) one value. */
	void (*make)(void *self, struct kcl_maker *m);
	void *self;
};

struct kcl_eval_options {
	const struct kcl_option *options; /* -D */
	size_t options_len;
	bool strict_range_check; /* -r: numbers of 32 bits */
	bool disable_none;       /* -n: attributes that are None are not emitted */
	bool debug;              /* -d */
	bool disable_schema_check;
	bool show_hidden; /* also attributes that begin with _ */
	bool sort_keys;
	bool include_schema_type_path;    /* emits _type */
	const char *const *path_selector; /* -S; NULL-terminated; NULL: everything */
	/* Of a result that has a member of this name, nothing else is wanted: only it is planned. NULL: everything. */
	const char *only;
	const struct kcl_file_access *files; /* what the file module may do; NULL: nothing */
	int64_t now_ns;                      /* the clock of the datetime module: ns since 1970 */
	struct kcl_limits limits;
};

/* A heap that evaluations use one after another; not for two threads at once. Keeps up to a few MiB between them. */
struct kcl_context;
struct kcl_context *kcl_context_new(void);
struct kcl_context *kcl_context_free(struct kcl_context *c);
DEFINE_CLEANUP(struct kcl_context *, kcl_context_free)

struct kcl_result;
struct kcl_value;

/* Runs the program. NULL when it failed (diagnostics say where and why). The result lives in the context until
 * kcl_result_free() or the next evaluation with it. */
struct kcl_result *kcl_evaluate(const struct kcl_program *p, struct kcl_context *c, const struct kcl_eval_options *o,
                                struct kcl_diagnostics *diagnostics);
struct kcl_result *kcl_result_free(struct kcl_result *r);
DEFINE_CLEANUP(struct kcl_result *, kcl_result_free)

/* The exported globals of the main package, planned (private, undefined and unselected ones left out), as a dict; or
 * what manifests.yaml_stream() was given. Borrowed; value/value.h reads it. */
struct kcl_value kcl_result_value(const struct kcl_result *r);
/* What print() wrote. */
const char *kcl_result_log(const struct kcl_result *r);
/* Appends the documents, as the command line prints them, with a newline at the end. -1 when the limit is passed. */
int kcl_result_yaml(const struct kcl_result *r, struct buf *out, struct err *err);
int kcl_result_json(const struct kcl_result *r, struct buf *out, struct err *err);
/* A new reference; NULL when the limit is passed. */
json_t *kcl_result_to_json(const struct kcl_result *r, struct err *err);

#endif
