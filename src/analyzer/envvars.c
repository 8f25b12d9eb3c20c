#include "envvars.h"

#include "base/str.h"

/* A name as programs use them for settings of their own. */
#define NAME "([A-Z][A-Z0-9_]{1,80})"

struct env_pattern {
	unsigned languages;
	bool fails;        /* the program ends when the variable is not set */
	const char *regex; /* group 1: the name; group 2 or 3: the default */
};

static const struct env_pattern patterns[] = {
	{ SRC_JS, false,
	  "process\\.env\\." NAME
	  "\\b(?:\\s*(?:\\|\\||\\?\\?)\\s*(?:['\"`]([^'\"`\\n]{0,100})['\"`]|(\\d+|true|false)))?" },
	{ SRC_JS, false,
	  "process\\.env\\[['\"`]" NAME
	  "['\"`]\\](?:\\s*(?:\\|\\||\\?\\?)\\s*(?:['\"`]([^'\"`\\n]{0,100})['\"`]|(\\d+)))?" },
	{ SRC_JS, false, "import\\.meta\\.env\\.((?:VITE|PUBLIC|NUXT|NEXT)_\\w+)" },
	{ SRC_JS, false,
	  "Deno\\.env\\.get\\(\\s*['\"]" NAME
	  "['\"]\\s*\\)(?:\\s*(?:\\|\\||\\?\\?)\\s*(?:['\"]([^'\"\\n]{0,100})['\"]|(\\d+)))?" },
	{ SRC_JS, false, "Bun\\.env\\." NAME "\\b" },
	{ SRC_JS, true, "\\bgetOrThrow(?:<[^>\\n]*>)?\\(\\s*['\"]" NAME "['\"]" },
	{ SRC_PYTHON, true, "os\\.environ\\[\\s*['\"]" NAME "['\"]\\s*\\](?!\\s*=[^=])" },
	{ SRC_PYTHON, false,
	  "(?:environ\\.get|getenv)\\(\\s*['\"]" NAME
	  "['\"](?:\\s*,\\s*(?:['\"]([^'\"\\n]{0,100})['\"]|(\\d+|True|False)))?" },
	{ SRC_PYTHON, true, "\\b(?:env|config)(?:\\.\\w+)?\\(\\s*['\"]" NAME "['\"]\\s*\\)" },
	{ SRC_PYTHON, false,
	  "\\b(?:env|config)(?:\\.\\w+)?\\(\\s*['\"]" NAME "['\"]\\s*,\\s*(?:cast\\s*=\\s*\\w+\\s*,\\s*)?(?:default\\s*="
	  "\\s*)?(?:['\"]([^'\"\\n]{0,100})['\"]|(\\d+|True|False))?" },
	{ SRC_GO, false, "os\\.(?:Getenv|LookupEnv)\\(\\s*\"" NAME "\"" },
	{ SRC_GO, false, "(?i:get_?env|env_?or|lookup)\\w*\\(\\s*\"" NAME "\"\\s*,\\s*\"?([^\"\\n)]{0,100})" },
	{ SRC_GO, false,
	  "\\b(?:env|envconfig):\"" NAME "(?:,[^\"]*)?\"(?:\\s+(?:envDefault|default|env-default):\"([^\"\\n]*)\")?" },
	{ SRC_RUST, true, "env::var\\(\\s*\"" NAME "\"\\s*\\)\\s*(?:\\.(?:unwrap\\(\\)|expect\\()|\\?)" },
	{ SRC_RUST, false,
	  "(?:env|dotenvy|dotenv)::var(?:_os)?\\(\\s*\"" NAME
	  "\"\\s*\\)(?:\\s*\\.unwrap_or\\w*\\([^\"\\n;]{0,20}\"([^\"\\n]{0,100})\")?" },
	{ SRC_RUST, false, "\\benv\\s*=\\s*\"" NAME "\"" },
	{ SRC_JVM, false, "getenv\\(\\s*\"" NAME "\"\\s*\\)(?:\\s*\\?:\\s*\"([^\"\\n]{0,100})\")?" },
	{ SRC_JVM, true, "@Value\\(\\s*\"\\$\\{" NAME "\\}\"" },
	{ SRC_JVM, false, "@Value\\(\\s*\"\\$\\{" NAME ":([^}\"\\n]{0,100})\\}\"" },
	{ SRC_RUBY, true, "ENV\\.fetch\\(\\s*['\"]" NAME "['\"]\\s*\\)(?!\\s*(?:\\{|do))" },
	{ SRC_RUBY, false,
	  "ENV\\.fetch\\(\\s*['\"]" NAME
	  "['\"]\\s*(?:,\\s*['\"]?([^'\")\\n]{0,100})|\\)\\s*\\{\\s*['\"]?([^'\"}\\n]{0,100}?)['\"]?\\s*\\})" },
	{ SRC_RUBY, false, "ENV\\[\\s*['\"]" NAME "['\"]\\s*\\](?:\\s*\\|\\|\\s*['\"]([^'\"\\n]{0,100})['\"])?" },
	{ SRC_PHP, false,
	  "\\b(?:env|getenv)\\(\\s*['\"]" NAME "['\"](?:\\s*,\\s*(?:['\"]([^'\"\\n]{0,100})['\"]|(\\d+|true|false)))?" },
	{ SRC_PHP, false,
	  "\\$_(?:ENV|SERVER)\\[\\s*['\"]((?!HTTP_|REQUEST_|SCRIPT_|PHP_|SERVER_|REMOTE_|DOCUMENT_|QUERY_|PATH_|argv)[A-Z]["
	  "A-Z0-9_]+)['\"]" },
	{ SRC_DOTNET, false, "GetEnvironmentVariable\\(\\s*\"" NAME "\"\\s*\\)(?:\\s*\\?\\?\\s*\"([^\"\\n]{0,100})\")?" },
	{ SRC_ELIXIR, true, "System\\.fetch_env!\\(\\s*\"" NAME "\"" },
	{ SRC_ELIXIR, false,
	  "System\\.get_env\\(\\s*\"" NAME "\"\\s*(?:,\\s*\"([^\"\\n]{0,100})\"|\\)\\s*\\|\\|\\s*\"([^\"\\n]{0,100})\")?" },
	{ SRC_C, false, "\\bgetenv\\(\\s*\"" NAME "\"" },
	{ SRC_SHELL, false, "\\$\\{" NAME ":?-([^}\\n]{0,100})\\}" },
	{ SRC_SHELL, true, "\\$\\{" NAME ":?\\?" },
};

/* What every environment has, or what a run sets itself. */
static const char *const given[] = {
	"NODE_ENV",    "PORT",     "HOST",      "HOME",    "PATH",       "USER",
	"PWD",         "CI",       "TZ",        "LANG",    "SHELL",      "TERM",
	"TMPDIR",      "HOSTNAME", "LOG_LEVEL", "DEBUG",   "PYTHONPATH", "DJANGO_SETTINGS_MODULE",
	"RAILS_ENV",   "RACK_ENV", "MIX_ENV",   "APP_ENV", "FLASK_ENV",  "ENV",
	"ENVIRONMENT", NULL
};

static bool is_secret(const char *name, const char *value)
{
	static const char *const parts[] = { "SECRET",  "TOKEN",      "PASSWORD", "PASSWD", "PASS", "KEY",
		                                 "PRIVATE", "CREDENTIAL", "DSN",      "SALT",   "CERT", "AUTH" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (str_contains(name, parts[i]))
			return true;
	/* A connection string with a password in it. */
	return str_contains(value, "://") && str_contains(value, "@");
}

/* Without it, and without a default, the program can probably not do its work. */
static bool is_essential(const char *name)
{
	static const char *const ends[] = { "_URL", "_URI", "_SECRET", "_KEY", "_TOKEN", "_PASSWORD", "_DSN" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (str_ends_with(name, ends[i]))
			return true;
	return false;
}

static void add(struct analysis *a, struct candidate *c, const char *name, const char *value, bool fails,
                const struct text *t, size_t at)
{
	bool secret = is_secret(name, value), has_default = !str_empty(value);

	if (str_in(name, given))
		fails = false;
	else
		fails = fails || (!has_default && is_essential(name));
	candidate_env(a, c, name, has_default && !secret ? value : NULL, fails && !has_default, t, at);
}

static void from_source(struct analysis *a, struct candidate *c, const struct source *s)
{
	const struct text *t = source_text(a, s);

	if (!t || !(text_has(t, "env") || text_has(t, "ENV") || text_has(t, "config") || text_has(t, "Env") ||
	            text_has(t, "${") || text_has(t, "EnvironmentVariable")))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct regex_match m;
		size_t pos = 0;

		if (!(patterns[i].languages & s->language))
			continue;
		while (regex_next(a->regex, patterns[i].regex, t->data, t->len, &pos, &m)) {
			const char *value = regex_group(a->arena, &m, m.group[2] ? 2 : 3);

			if (!source_commented(s, t, m.start))
				add(a, c, regex_group(a->arena, &m, 1), value, patterns[i].fails, t, m.start);
		}
	}
}

/* const { PORT, API_URL = "…" } = process.env */
static void from_destructuring(struct analysis *a, struct candidate *c, const struct source *s)
{
	const struct text *t = s->language & SRC_JS ? source_text(a, s) : NULL;
	struct regex_match m, n;
	size_t pos = 0, inner;

	while (t && regex_next(a->regex, "\\{([^{}]{1,1000})\\}\\s*=\\s*process\\.env\\b", t->data, t->len, &pos, &m))
		for (inner = 0; regex_next(
				 a->regex, "(?:^|[,{\\s])" NAME "(?:\\s*:\\s*\\w+)?(?:\\s*=\\s*(?:['\"]([^'\"\\n]*)['\"]|(\\d+)))?",
				 m.group[1], m.len[1], &inner, &n);)
			add(a, c, regex_group(a->arena, &n, 1), regex_group(a->arena, &n, n.group[2] ? 2 : 3), false, t, m.start);
}

static void from_example(struct analysis *a, struct candidate *c)
{
	static const char *const names[] = { ".env.example", ".env.sample", ".env.template",
		                                 "env.example",  ".env.dist",   NULL };
	const struct text *t = tree_read_any(&a->tree, c->dir, names);
	struct regex_match m;
	size_t pos = 0;

	while (t && regex_next(a->regex, "^(?:export[ \\t]+)?" NAME "[ \\t]*=[ \\t]*[\"']?([^\"'#\\r\\n]*)", t->data,
	                       t->len, &pos, &m))
		add(a, c, regex_group(a->arena, &m, 1), str_strip(regex_group(a->arena, &m, 2)), false, t, m.start);
}

void envvars_find(struct analysis *a, struct candidate *c, const struct source_list *sources)
{
	for (size_t i = 0; i < sources->len; i++) {
		from_source(a, c, &sources->v[i]);
		from_destructuring(a, c, &sources->v[i]);
	}
	from_example(a, c);
}
