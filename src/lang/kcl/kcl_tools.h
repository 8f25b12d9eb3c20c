#ifndef LANG_KCL_KCL_TOOLS_H
#define LANG_KCL_KCL_TOOLS_H
/* What works on KCL programs beside running them: layout, validation of data, tests, documentation. No I/O, as in
 * kcl.h. */

#include "kcl.h"

/* Appends the file as `kcl fmt` lays it out. -1 when it does not parse; diagnostics say why. */
int kcl_fmt(const struct kcl_source *source, struct buf *out, struct kcl_diagnostics *diagnostics);

/* ---- validation ---- */

struct kcl_vet_options {
	struct kcl_compile_options program; /* the package with the schema */
	const char *schema;                 /* its name; NULL: the first one of the package */
	const char *attribute;              /* what checks may call the data; NULL: value */
	struct kcl_source data;             /* one document, YAML or JSON */
};

/* Whether the data (or, of a list, each item) is an instance of the schema. 0, or -1 with diagnostics, which name
 * places of the data where it is to blame. */
int kcl_vet(const struct kcl_vet_options *o, struct kcl_diagnostics *diagnostics);

/* ---- tests ---- */

struct kcl_test_result {
	const char *name; /* of the function */
	const char *file;
	bool passed;
	int64_t duration_ns;
	const char *log;                           /* what it printed */
	const struct kcl_diagnostics *diagnostics; /* why it failed */
};

struct kcl_test_options {
	struct kcl_compile_options program; /* a package, its *_test.k files among the sources */
	struct kcl_eval_options eval;
	const char *pattern; /* a regular expression that names must match; NULL: all */
	bool fail_fast;      /* end at the first failure */
	/* Called after each test; what it is given is gone afterwards. */
	void (*report)(void *self, const struct kcl_test_result *result);
	void *self;
};

struct kcl_test_summary {
	unsigned passed, failed;
};

/* Runs each global function of a *_test.k file whose name begins with test_, in a program of its own. -1 with
 * diagnostics when a file does not parse or the pattern is none. */
int kcl_test(const struct kcl_test_options *o, struct kcl_test_summary *ret, struct kcl_diagnostics *diagnostics);

/* ---- documentation ---- */

/* Appends Markdown that describes the schemas of a package: attributes with types and defaults, and what docstrings
 * say. -1 when a source does not parse. */
int kcl_doc(const char *title, const struct kcl_source *sources, size_t n, struct buf *out,
            struct kcl_diagnostics *diagnostics);

#endif
