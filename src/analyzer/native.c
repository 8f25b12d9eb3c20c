/* C and C++: CMake, Meson, Make. */

#include "candidate.h"
#include "sources.h"

#include "base/str.h"

struct native_program {
	const char *name; /* of the target */
	const char *dir;  /* of the file that declares it, relative to the project */
	const struct text *text;
	size_t at;
	int points;
};

static const char *native_language(struct analysis *a, struct tree_dir *dir)
{
	const struct source_list list = sources_find(a, dir, ECO_NATIVE, SRC_C, NULL, 200);
	size_t c = 0, cpp = 0;

	for (size_t i = 0; i < list.len; i++) {
		const char *name = list.v[i].file->name;

		c += str_ends_with(name, ".c");
		cpp += str_ends_with(name, ".cc") || str_ends_with(name, ".cpp") || str_ends_with(name, ".cxx");
	}
	return c + cpp == 0 ? NULL : cpp > c ? "cpp" : "c";
}

/* Is the program the one to deploy? Servers before tools, tests last. */
static int program_points(const struct tree_dir *dir, const char *name, const char *project)
{
	int points = 10 - (int)dir->depth;

	if (str_contains(name, "server") || str_contains(name, "httpd") || str_contains(name, "daemon") ||
	    str_contains(name, "app"))
		points += 6;
	if (str_eq(name, project) || str_eq(name, "main"))
		points += 5;
	if (str_contains(name, "test") || str_contains(name, "bench") || str_contains(name, "example") ||
	    str_contains(name, "client") || dir->side)
		points -= 20;
	return points;
}

/* "${APP}" is what set(APP shop) says in the same file; a name without a variable is itself. */
static const char *variable(struct analysis *a, const struct text *t, const char *name)
{
	_cleanup_free_ char *pattern = NULL;
	struct regex_match m;
	size_t pos = 0;

	if (!str_starts_with(name, "${") || !str_ends_with(name, "}"))
		return name;
	pattern = xasprintf("(?i:set)\\s*\\(\\s*\\Q%.*s\\E\\s+\"?([\\w.+-]+)", (int)strlen(name) - 3, name + 2);
	return regex_next(a->regex, pattern, t->data, t->len, &pos, &m) ? regex_group(a->arena, &m, 1) : NULL;
}

/* Every file of that name at and below dir, as far as folders say nothing else. */
static void find_programs(struct analysis *a, struct tree_dir *top, struct tree_dir *dir, const char *file,
                          const char *pattern, const char *project, struct native_program *best, int depth)
{
	const struct text *t = tree_read_at(&a->tree, dir, file);
	struct regex_match m;
	size_t pos = 0;

	while (t && regex_next(a->regex, pattern, t->data, t->len, &pos, &m)) {
		struct native_program p = { .text = t, .at = m.start, .name = regex_group(a->arena, &m, 1) };

		p.name = str_contains(p.name, "PROJECT_NAME") ? project : variable(a, t, p.name);
		if (!p.name || strchr(p.name, '$'))
			continue;
		p.dir = dir == top ? "" : path_below(top, dir->path);
		p.points = program_points(dir, p.name, project);
		/* A test or an example is no reason to call a library a program. */
		if (p.points > 0 && p.points > best->points)
			*best = p;
	}
	for (size_t i = 0; i < dir->dirs_len && depth > 0; i++)
		find_programs(a, top, dir->dirs[i], file, pattern, project, best, depth - 1);
}

static const char *project_name(struct analysis *a, const struct text *t, const char *pattern)
{
	struct regex_match m;
	size_t pos = 0;

	return regex_next(a->regex, pattern, t->data, t->len, &pos, &m) ? regex_group(a->arena, &m, 1) : NULL;
}

static struct candidate *native_new(struct analysis *a, struct tree_dir *dir, const char *framework,
                                    const char *language, const struct text *t, const struct native_program *best)
{
	struct candidate *c = candidate_new(a, dir, ECO_NATIVE, framework, language ? language : "c", SCORE_NATIVE);

	if (!c)
		return NULL;
	c->package_manager = framework;
	candidate_because(a, c, t, SIZE_MAX, "is built with %s", framework);
	if (best->name)
		candidate_why(a, c, best->text, best->at, "the program %s", best->name);
	return c;
}

static void detect_cmake(struct analysis *a, struct tree_dir *dir, const char *language)
{
	const struct text *t = tree_read_at(&a->tree, dir, "CMakeLists.txt");
	const char *project, *out;
	struct native_program best = { 0 };
	struct regex_match m;
	struct candidate *c;
	size_t pos = 0;

	if (!t || (dir->parent && tree_file(dir->parent, "CMakeLists.txt")))
		return;
	project = project_name(a, t, "^\\s*(?i:project)\\s*\\(\\s*\"?([\\w.+-]+)");
	find_programs(a, dir, dir, "CMakeLists.txt",
	              "^[ \\t]*(?i:add_executable)\\s*\\(\\s*\"?([\\w.+${}-]+)(?!\\s+(?:IMPORTED|ALIAS))", project, &best,
	              4);
	c = native_new(a, dir, "cmake", language, t, &best);
	if (!c)
		return;
	if (project)
		c->name = project;
	command_set(a, &c->build, dir, "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build");
	if (!best.name)
		return;
	out = path_join(a, "build", best.dir);
	if (regex_next(a->regex,
	               "CMAKE_RUNTIME_OUTPUT_DIRECTORY\\s+\"?\\$\\{(?:CMAKE|PROJECT)_(?:CURRENT_)?(BINARY|SOURCE)_DIR\\}/"
	               "?([\\w/-]*)",
	               t->data, t->len, &pos, &m))
		out = path_join(a, m.len[1] == 6 && m.group[1][0] == 'B' ? "build" : "", regex_group(a->arena, &m, 2));
	command_set(a, &c->start, dir, "./%s", shell_word(a, path_join(a, out, best.name)));
}

static void detect_meson(struct analysis *a, struct tree_dir *dir, const char *language)
{
	const struct text *t = tree_read_at(&a->tree, dir, "meson.build");
	struct native_program best = { 0 };
	const char *project;
	struct candidate *c;

	if (!t || !text_has(t, "project("))
		return;
	project = project_name(a, t, "^\\s*project\\s*\\(\\s*'([\\w.+-]+)'");
	find_programs(a, dir, dir, "meson.build", "\\bexecutable\\s*\\(\\s*'([\\w.+-]+)'", project, &best, 4);
	c = native_new(a, dir, "meson", language, t, &best);
	if (!c)
		return;
	if (project)
		c->name = project;
	command_set(a, &c->build, dir, "meson setup build --buildtype=release && meson compile -C build");
	if (best.name)
		command_set(a, &c->start, dir, "./%s", shell_word(a, path_join(a, path_join(a, "build", best.dir), best.name)));
}

/* The file that make makes: named by a variable, or what the first rule that links writes. */
static void find_make_program(struct analysis *a, const struct text *t, struct native_program *best)
{
	static const char variable[] =
		"^[ \\t]*(?:TARGET|NAME|BIN|BINARY|EXEC|EXE|PROGRAM|PROG|OUT|OUTPUT|APP|EXECUTABLE)[ \\t]*[:?]?=[ \\t]*"
		"([\\w./+-]+)[ \\t]*$";
	static const char rule[] = "^([\\w./+-]+)[ "
							   "\\t]*:(?!=)[^\\n]*\\n(?:\\t[^\\n]*\\n)*?\\t[^\\n]*(?:\\$\\((?:CC|CXX|LD)\\)|\\bgcc\\b|"
							   "\\bg\\+\\+|\\bcc\\b|\\bclang)[^\\n]*";
	struct regex_match m;
	size_t pos = 0;

	if (regex_next(a->regex, variable, t->data, t->len, &pos, &m)) {
		*best = (struct native_program){ .name = regex_group(a->arena, &m, 1), .dir = "", .text = t, .at = m.start };
		return;
	}
	for (pos = 0; regex_next(a->regex, rule, t->data, t->len, &pos, &m);) {
		const char *name = regex_group(a->arena, &m, 1);
		struct regex_match out;
		size_t from = 0;

		if (str_ends_with(name, ".o") ||
		    str_in(name, (const char *const[]){ "clean", "install", "test", "debug", NULL }))
			continue;
		/* "all: x.c\n\tgcc x.c -o server" */
		if (regex_next(a->regex, "-o[ \\t]*([\\w./+-]+)", m.group[0], m.len[0], &from, &out))
			name = regex_group(a->arena, &out, 1);
		if (str_ends_with(name, ".o") || str_ends_with(name, ".so") || str_ends_with(name, ".a"))
			continue;
		*best = (struct native_program){ .name = name, .dir = "", .text = t, .at = m.start };
		return;
	}
}

static void detect_make(struct analysis *a, struct tree_dir *dir, const char *language)
{
	static const char *const names[] = { "GNUmakefile", "makefile", "Makefile", NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names);
	struct native_program best = { 0 };
	struct regex_match m;
	struct candidate *c;
	size_t pos = 0;
	bool runs;

	if (!t)
		return;
	runs = regex_next(a->regex, "^(run|start|serve)[ \\t]*:(?!=)", t->data, t->len, &pos, &m);
	if (language)
		find_make_program(a, t, &best);
	if (!language && !runs)
		return;
	c = native_new(a, dir, "make", language ? language : "make", t, &best);
	if (!c)
		return;
	if (language)
		command_set(a, &c->build, dir, "make");
	else
		c->score = SCORE_SHELL;
	if (best.name) {
		command_set(a, &c->start, dir, "./%s",
		            shell_word(a, str_starts_with(best.name, "./") ? best.name + 2 : best.name));
	} else if (runs) {
		command_set(a, &c->start, dir, "make %s", regex_group(a->arena, &m, 1));
	}
}

/* Sources without any description of how they are built. */
static void detect_bare(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "main.c", "server.c", "main.cpp", "main.cc", NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names);
	struct regex_match m;
	struct candidate *c;
	size_t pos = 0;
	bool cpp;

	if (!t || !regex_next(a->regex, "\\bint\\s+main\\s*\\(", t->data, t->len, &pos, &m))
		return;
	cpp = !str_ends_with(t->path, ".c");
	c = candidate_new(a, dir, ECO_NATIVE, "make", cpp ? "cpp" : "c", SCORE_NATIVE - 0.1);
	if (!c)
		return;
	candidate_because(a, c, t, m.start, "a program in %s", cpp ? "C++" : "C");
	command_set(a, &c->build, dir, cpp ? "c++ -O2 -o app *.%s" : "cc -O2 -o app *.%s", strrchr(t->path, '.') + 1);
	command_set(a, &c->start, dir, "./app");
}

static void detect_native(struct analysis *a, struct tree_dir *dir)
{
	const char *language;

	if (!(dir->marks & ECO_BIT(ECO_NATIVE))) {
		detect_bare(a, dir);
		return;
	}
	/* Only the outermost project is one; what it holds belongs to it. */
	if (dir->parent && ecosystem_owner(dir->parent, ECO_BIT(ECO_NATIVE)) && !dir->side)
		return;
	language = native_language(a, dir);
	if (tree_file(dir, "CMakeLists.txt"))
		detect_cmake(a, dir, language);
	else if (tree_file(dir, "meson.build"))
		detect_meson(a, dir, language);
	else
		detect_make(a, dir, language);
}

const struct detector native_detector = { ECO_NATIVE, "native", detect_native };
