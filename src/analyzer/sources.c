#include "sources.h"

#include "base/str.h"

#define DIRS_MAX 20000
#define FOUND_MAX 20000

static const struct {
	const char *suffix;
	unsigned language;
} suffixes[] = {
	{ ".js", SRC_JS },      { ".mjs", SRC_JS },    { ".cjs", SRC_JS },    { ".ts", SRC_JS },      { ".mts", SRC_JS },
	{ ".tsx", SRC_JS },     { ".jsx", SRC_JS },    { ".py", SRC_PYTHON }, { ".go", SRC_GO },      { ".rs", SRC_RUST },
	{ ".java", SRC_JVM },   { ".kt", SRC_JVM },    { ".kts", SRC_JVM },   { ".rb", SRC_RUBY },    { ".ru", SRC_RUBY },
	{ ".php", SRC_PHP },    { ".cs", SRC_DOTNET }, { ".fs", SRC_DOTNET }, { ".vb", SRC_DOTNET },  { ".ex", SRC_ELIXIR },
	{ ".exs", SRC_ELIXIR }, { ".c", SRC_C },       { ".cc", SRC_C },      { ".cpp", SRC_C },      { ".cxx", SRC_C },
	{ ".h", SRC_C },        { ".hpp", SRC_C },     { ".sh", SRC_SHELL },  { ".bash", SRC_SHELL }, { ".html", SRC_HTML },
	{ ".vue", SRC_JS },     { ".svelte", SRC_JS }, { ".coffee", SRC_JS }, { ".groovy", SRC_JVM },
};

/* Names whose files usually set up the server, the surest first. */
static const char *const main_names[] = {
	"server", "main", "app",   "index",  "www",      "program",  "startup",     "application", "wsgi",
	"asgi",   "run",  "start", "config", "settings", "env",      "environment", "constants",   "cli",
	"api",    "web",  "http",  "router", "routes",   "__main__", NULL,
};

static const char *const not_sources[] = {
	".d.ts",       ".min.js",   ".test.js",     ".test.ts",   ".spec.js", ".spec.ts", "_test.go",
	".test.tsx",   ".test.jsx", ".spec.tsx",    "_test.py",   "_spec.rb", "_test.rb", ".pb.go",
	"_pb2.py",     "_test.exs", "Test.java",    "Tests.java", "Test.kt",  "Test.php", ".stories.tsx",
	".stories.js", "Tests.cs",  ".Designer.cs", ".bundle.js", NULL,
};

unsigned source_language(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(suffixes); i++)
		if (str_eq(dot, suffixes[i].suffix))
			return suffixes[i].language;
	return 0;
}

unsigned ecosystem_languages(enum ecosystem eco)
{
	static const unsigned languages[ECO_COUNT] = {
		[ECO_NODE] = SRC_JS,       [ECO_DENO] = SRC_JS,       [ECO_PYTHON] = SRC_PYTHON, [ECO_GO] = SRC_GO,
		[ECO_RUST] = SRC_RUST,     [ECO_JVM] = SRC_JVM,       [ECO_RUBY] = SRC_RUBY,     [ECO_PHP] = SRC_PHP,
		[ECO_DOTNET] = SRC_DOTNET, [ECO_ELIXIR] = SRC_ELIXIR, [ECO_NATIVE] = SRC_C,      [ECO_SHELL] = SRC_SHELL,
	};

	return languages[eco];
}

/* Settings of tools, which start servers of their own. */
static const char *const tool_settings[] = { "cypress.", "playwright.", "jest.",       "vitest.",
	                                         "karma.",   "webpack.",    "gulpfile.",   "Gruntfile.",
	                                         "rollup.",  "test_",       "conftest.py", "test.exs",
	                                         "setup.py", "protractor.", "wdio.",       NULL };

static bool is_source(const char *name)
{
	for (size_t i = 0; tool_settings[i]; i++)
		if (str_starts_with(name, tool_settings[i]))
			return false;
	for (size_t i = 0; not_sources[i]; i++)
		if (str_ends_with(name, not_sources[i]))
			return false;
	return true;
}

static unsigned name_order(const char *name)
{
	size_t stem = strcspn(name, ".");

	for (unsigned i = 0; main_names[i]; i++)
		if (strlen(main_names[i]) == stem && !strncasecmp(main_names[i], name, stem))
			return i;
	/* UserServiceApplication.java, Program.cs's friends */
	if (str_contains(name, "Application.") || str_contains(name, "Main."))
		return 6;
	return 40;
}

static int source_compare(const void *pa, const void *pb)
{
	const struct source *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->dir != b->dir)
		return strcmp(a->dir->path, b->dir->path);
	return strcmp(a->file->name, b->file->name);
}

struct collect {
	struct source *v;
	size_t len, cap;
};

/* Is the file of dir the one at the path entry, relative to top? */
static bool is_entry(const struct tree_dir *top, const struct tree_dir *dir, const char *name, const char *entry)
{
	size_t n = strlen(entry), tail = strlen(name);
	const char *below = path_below(top, dir->path);

	if (n < tail || !str_eq(entry + n - tail, name))
		return false;
	if (n == tail)
		return dir == top;
	return entry[n - tail - 1] == '/' && strlen(below) == n - tail - 1 && !strncmp(entry, below, n - tail - 1);
}

static void collect_dir(struct collect *l, const struct tree_dir *top, struct tree_dir *dir, unsigned languages,
                        const char *entry)
{
	for (size_t i = 0; i < dir->files_len && l->len < FOUND_MAX; i++) {
		struct source s = { .dir = dir, .file = &dir->files[i], .language = source_language(dir->files[i].name) };
		bool first = entry && is_entry(top, dir, s.file->name, entry);

		/* bin/www has no suffix: it is of the first of the languages asked for. */
		if (first && !s.language)
			s.language = languages & -languages;
		if (!(s.language & languages) || !is_source(s.file->name))
			continue;
		s.order = first ? 0 : name_order(s.file->name) + 12 * (dir->depth - top->depth);
		if (l->len == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
		}
		l->v[l->len++] = s;
	}
}

/* Breadth first over a queue of folders. */
static void collect(struct collect *l, struct tree_dir *top, enum ecosystem eco, unsigned languages, const char *entry)
{
	struct tree_dir **queue = xmalloc(sizeof(struct tree_dir *) * DIRS_MAX);
	size_t head = 0, tail = 0;

	queue[tail++] = top;
	while (head < tail && l->len < FOUND_MAX) {
		struct tree_dir *dir = queue[head++];

		collect_dir(l, top, dir, languages, entry);
		for (size_t i = 0; i < dir->dirs_len && tail < DIRS_MAX; i++) {
			struct tree_dir *sub = dir->dirs[i];

			/* Of C, every folder may have a file for the build; they are one project. */
			if ((eco == ECO_NATIVE || !(sub->marks & ECO_BIT(eco))) && (top->side || !sub->side))
				queue[tail++] = sub;
		}
	}
	free(queue);
}

struct source_list sources_find(struct analysis *a, struct tree_dir *dir, enum ecosystem eco, unsigned languages,
                                const char *entry, size_t max)
{
	struct source_list list = { 0 };
	struct collect l = { 0 };

	if (entry && str_starts_with(entry, "./"))
		entry += 2;
	collect(&l, dir, eco, languages, entry);
	if (!l.len)
		return list;
	qsort(l.v, l.len, sizeof(*l.v), source_compare);
	list.len = l.len < max ? l.len : max;
	list.v = arena_alloc(a->arena, list.len * sizeof(*list.v));
	memcpy(list.v, l.v, list.len * sizeof(*list.v));
	free(l.v);
	return list;
}

const struct text *source_text(struct analysis *a, const struct source *s)
{
	const struct text *t = tree_read(&a->tree, s->dir, s->file);

	/* A bundle of other people's code: lines without end in its first 4 KiB. */
	if (t && t->len > 16384 && (s->language & SRC_JS) && !memchr(t->data, '\n', 4096))
		return NULL;
	return t;
}

bool source_commented(const struct source *s, const struct text *t, size_t offset)
{
	static const unsigned hash = SRC_PYTHON | SRC_RUBY | SRC_ELIXIR | SRC_SHELL;
	const char *line = t->data + offset;

	while (line > t->data && line[-1] != '\n')
		line--;
	line += strspn(line, " \t");
	if (s->language & hash)
		return *line == '#';
	return str_starts_with(line, "//") || str_starts_with(line, "* ") || str_starts_with(line, "/*");
}
