#include "port.h"

#include "manifest.h"
#include "base/str.h"

/* Ports of other programs that sources name beside their own. */
static bool of_another_program(int port)
{
	static const int ports[] = { 5432, 3306, 6379, 27017, 5672, 9092, 11211, 25,   465,  587,   2525,  1025, 53,
		                         22,   6380, 389,  636,   1433, 1521, 9200,  9042, 7687, 33060, 15672, 2181 };

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (port == ports[i])
			return true;
	return false;
}

/* "--port 4000", "-p 4000", "-b 0.0.0.0:8000", "PORT=5000 node …", "${PORT:-8000}", "-Dserver.port=9000". */
static void from_command(struct analysis *a, struct candidate *c, const char *command)
{
	static const char *const patterns[] = {
		"\\$\\{PORT:?-(\\d{2,5})\\}",
		"(?:^|[\\s;&])PORT=[\"']?(\\d{2,5})\\b",
		"(?:--port|--server\\.port|--http-port|-Dserver\\.port|--server_port|-Dquarkus\\.http\\.port|--listen-port)[= "
		"][\"']?(\\d{2,5})\\b",
		"(?:^|\\s)(?:-b|--bind|--listen|-l|--addr|--address|--urls|-S)[= "
		"]?[\"']?(?:https?://)?[\\w.*\\[\\]]*:(\\d{2,5})\\b",
		"(?:^|\\s)-[pP][= ]?(\\d{2,5})\\b",
		"(?:0\\.0\\.0\\.0|127\\.0\\.0\\.1|localhost|\\[::\\]):(\\d{2,5})\\b",
		"runserver\\s+(?:--\\S+\\s+)*(\\d{2,5})\\b",
	};
	for (size_t i = 0; command && i < ARRAY_SIZE(patterns); i++) {
		struct regex_match m;
		size_t pos = 0;

		if (!regex_next(a->regex, patterns[i], command, strlen(command), &pos, &m))
			continue;
		/* Where the command is from is evidence already. */
		if (candidate_port(a, c, port_number(m.group[1], m.len[1]), PORT_COMMAND, NULL, 0, NULL))
			return;
	}
}

/* PORT=… in a file of variables. */
static bool from_dotenv(struct analysis *a, struct candidate *c, const char *name, enum port_source source)
{
	const struct text *t = tree_read_at(&a->tree, c->dir, name);
	struct regex_match m;
	size_t pos = 0;

	return t &&
	       regex_next(a->regex,
	                  "^(?:export[ \\t]+)?(?:(?:APP|SERVER|HTTP|API|WEB|NODE|BACKEND|FLASK_RUN)_)?PORT[ \\t]*=[ "
	                  "\\t]*[\"']?(\\d{2,5})",
	                  t->data, t->len, &pos, &m) &&
	       candidate_port(a, c, port_number(m.group[1], m.len[1]), source, t, m.start, name);
}

/* .env.example, env.sample, .env.development: what people are to copy. */
static bool is_env_example(const char *name)
{
	static const char *const parts[] = { "example", "sample", "template", "dist", "development", "default" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (str_contains(name, parts[i]) && (str_starts_with(name, ".env") || str_contains(name, "env")) &&
		    strlen(name) < 40)
			return !str_contains(name, ".d.ts") && !str_ends_with(name, ".js");
	return false;
}

struct found {
	int port, strength;
	size_t order; /* of the source */
	const struct text *text;
	size_t at;
};

/* The strongest sign in the first source that has a good one: further away from the program's beginning, a port is
 * rather that of something else. */
static bool better(const struct found *now, int strength, size_t order)
{
	return !now->port || (strength > now->strength && (now->strength < 2 || order == now->order));
}

/* Numbers that are called port and are none: of databases, the largest possible, and (unless a call is given them)
 * those that only the administrator may listen on. */
static bool plausible(int port, int strength, const struct regex_match *m)
{
	if (of_another_program(port) || (port < 100 && port != 80) || (port > 65000 && strength < 3))
		return false;
	return port >= 1024 || strength == 3 || memchr(m->group[0], '(', m->len[0]);
}

static void from_source(struct analysis *a, struct candidate *c, const struct source *s, size_t order,
                        struct found *best)
{
	const struct text *t = source_text(a, s);

	if (!t || !(text_has(t, "ort") || text_has(t, "ORT") || text_has(t, "isten") || text_has(t, ":")))
		return;
	for (size_t i = 0; i < port_patterns_len; i++) {
		const struct port_pattern *p = &port_patterns[i];
		struct regex_match m;
		size_t pos = 0;

		if (!(p->languages & s->language))
			continue;
		while (regex_next(a->regex, p->regex, t->data, t->len, &pos, &m)) {
			int port = m.group[1] ? port_number(m.group[1], m.len[1]) : 0;

			if (source_commented(s, t, m.start))
				continue;
			c->port_from_env |= p->from_env;
			if (!port)
				break;
			if (!plausible(port, p->strength, &m) || !better(best, p->strength, order))
				continue;
			*best = (struct found){ .port = port, .strength = p->strength, .order = order, .text = t, .at = m.start };
			break;
		}
	}
}

static void from_sources(struct analysis *a, struct candidate *c, const struct source_list *sources)
{
	struct found best = { 0 };

	for (size_t i = 0; i < sources->len; i++) {
		if (best.port && (best.strength > 1 || i > best.order + 40))
			break;
		from_source(a, c, &sources->v[i], i, &best);
	}
	if (best.port)
		candidate_port(a, c, best.port, best.strength == 1 ? PORT_GUESS : PORT_CODE, best.text, best.at,
		               best.strength == 3 ? "the program's default" : "in the program");
}

struct config_file {
	enum ecosystem eco;
	const char *path, *regex; /* group 1: the port */
	const char *framework;    /* NULL: any */
};

static const struct config_file config_files[] = {
	{ ECO_JVM, "src/main/resources/application.properties",
	  "^(?:%\\w+\\.)?(?:server|quarkus\\.http|micronaut\\.server)\\.port[ \\t]*[=:][ "
	  "\\t]*(?:\\$\\{[\\w.]+:)?(\\d{2,5})",
	  NULL },
	{ ECO_JVM, "src/main/resources/application.yml",
	  "^(?:server|micronaut):\\s*\\n(?:[ \\t]+[^\\n]*\\n|\\s*\\n)*?[ \\t]+port:[ "
	  "\\t]*[\"']?(?:\\$\\{[\\w.]+:)?(\\d{2,5})",
	  NULL },
	{ ECO_JVM, "src/main/resources/application.yaml",
	  "^(?:server|micronaut|ktor):\\s*\\n(?:[ \\t]+[^\\n]*\\n|\\s*\\n)*?[ \\t]+port:[ "
	  "\\t]*[\"']?(?:\\$\\{[\\w.]+:|\\$\\w+:)?(\\d{2,5})",
	  NULL },
	{ ECO_JVM, "src/main/resources/application.yaml", "^[ \\t]+http:\\s*\\n[ \\t]+port:[ \\t]*(\\d{2,5})", "quarkus" },
	{ ECO_JVM, "src/main/resources/application.conf", "\\bport\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_RUBY, "config/puma.rb",
	  "^\\s*port\\s*\\(?\\s*(?:ENV\\.fetch\\(\\s*['\"]PORT['\"]\\s*(?:,\\s*|\\)\\s*\\{\\s*)|ENV\\[['\"]PORT['\"]\\]\\s*"
	  "\\|\\|\\s*)?['\"]?(\\d{2,5})",
	  NULL },
	{ ECO_ELIXIR, "config/dev.exs",
	  "\\bhttp:\\s*\\[[^\\]]{0,160}?\\bport:\\s*(?:[^\\n]{0,80}?\"PORT\"[^\\n\\d]{0,30})?\"?(\\d{2,5})", NULL },
	{ ECO_ELIXIR, "config/runtime.exs", "\\(\"PORT\"\\)?\\s*(?:,|\\|\\|)\\s*\"?(\\d{2,5})", NULL },
	{ ECO_ELIXIR, "config/config.exs", "\\bport:\\s*\"?(\\d{2,5})", NULL },
	{ ECO_RUST, "Rocket.toml", "^port\\s*=\\s*(\\d{2,5})", "rocket" },
	{ ECO_RUST, "config/default.toml", "^\\s*port\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_RUST, "config/development.toml", "^\\s*port\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_RUST, "config.toml", "^\\s*port\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_RUST, "configuration.yaml", "^\\s*application_port:\\s*(\\d{2,5})", NULL },
	{ ECO_RUST, "configuration/base.yaml", "^application:\\s*\\n(?:[ \\t]+[^\\n]*\\n)*?[ \\t]+port:\\s*(\\d{2,5})",
	  NULL },
	{ ECO_RUST, "config/development.yaml", "^server:\\s*\\n(?:[ \\t]+[^\\n]*\\n|\\s*\\n)*?[ \\t]+port:\\s*(\\d{2,5})",
	  NULL },
	{ ECO_PYTHON, ".streamlit/config.toml", "^\\s*port\\s*=\\s*(\\d{2,5})", "streamlit" },
	{ ECO_PYTHON, "gunicorn.conf.py", "^bind\\s*=\\s*f?['\"][^'\"\\n]*:(\\d{2,5})", NULL },
	{ ECO_PYTHON, ".flaskenv", "^FLASK_RUN_PORT\\s*=\\s*(\\d{2,5})", "flask" },
	{ ECO_DOTNET, "appsettings.json", "\"Urls?\"\\s*:\\s*\"https?://[^:\"]+:(\\d{2,5})", NULL },
	{ ECO_NODE, "nuxt.config.ts", "\\bport\\s*:\\s*['\"]?(\\d{2,5})", "nuxt" },
	{ ECO_NODE, "nuxt.config.js", "\\bport\\s*:\\s*(?:process\\.env\\.PORT\\s*\\|\\|\\s*)?['\"]?(\\d{2,5})", "nuxt" },
	{ ECO_NODE, "astro.config.mjs", "\\bport\\s*:\\s*['\"]?(\\d{2,5})", "astro" },
	{ ECO_NODE, "vite.config.ts", "\\bport\\s*:\\s*['\"]?(\\d{2,5})", "sveltekit" },
	{ ECO_NODE, "vite.config.js", "\\bport\\s*:\\s*['\"]?(\\d{2,5})", "sveltekit" },
	{ ECO_NODE, "vue.config.js", "\\bport\\s*[:=][^\\n;,]{0,100}?\\b(\\d{4,5})\\b", "static" },
	{ ECO_NODE, "config/default.json", "\"port\"\\s*:\\s*\"?(\\d{2,5})", NULL },
	{ ECO_NODE, "config.json", "\"port\"\\s*:\\s*\"?(\\d{2,5})", NULL },
	{ ECO_GO, "config.yaml", "^\\s*(?:port|addr|address|listen)\\s*:\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "config.yml", "^\\s*(?:port|addr|address|listen)\\s*:\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "config/config.yaml", "^\\s*(?:port|addr|address|listen)\\s*:\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "config/config.yml", "^\\s*(?:port|addr|address|listen)\\s*:\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "config.json", "\"(?:port|addr|address|listen)\"\\s*:\\s*\"?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "conf/app.ini", "^(?i:http_?port|port)\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_GO, "config/app.ini", "^(?i:http_?port|port)\\s*=\\s*(\\d{2,5})", NULL },
	{ ECO_GO, "config.toml", "^\\s*(?i:port|addr|listen)\\s*=\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "configs/config.yaml", "^\\s*(?:port|addr|address|listen)\\s*:\\s*[\"']?(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "app.env", "^(?:HTTP_)?SERVER_(?:ADDRESS|PORT)\\s*=\\s*(?:[\\w.]*:)?(\\d{2,5})", NULL },
	{ ECO_GO, "conf/app.conf", "^httpport\\s*=\\s*(\\d{2,5})", NULL },
};

static void from_config(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(config_files); i++) {
		const struct config_file *f = &config_files[i];
		const struct text *t;
		struct regex_match m;
		size_t pos = 0;

		if (f->eco != c->eco || (f->framework && !str_eq(f->framework, c->framework)))
			continue;
		t = tree_read_at(&a->tree, dir, f->path);
		if (!t || !regex_next(a->regex, f->regex, t->data, t->len, &pos, &m) ||
		    of_another_program(port_number(m.group[1], m.len[1])))
			continue;
		/* ${PORT:8080}, ENV.fetch("PORT"): the file reads the variable. */
		if (memmem(m.group[0], m.len[0], "PORT", 4))
			c->port_from_env = true;
		/* The framework reads this file itself: no number in the code is surer. */
		if (c->port_source == PORT_CODE && c->eco != ECO_NODE && c->eco != ECO_GO)
			c->port_source = PORT_NONE;
		candidate_port(a, c, port_number(m.group[1], m.len[1]), PORT_CONFIG, t, m.start, "configuration");
	}
}

void port_find(struct analysis *a, struct candidate *c, const struct source_list *sources)
{
	bool node = c->eco == ECO_NODE || c->eco == ECO_DENO;

	from_command(a, c, c->script);
	from_dotenv(a, c, ".env", PORT_DOTENV);
	if (c->server)
		from_sources(a, c, sources);
	from_config(a, c, c->dir);
	if (c->build.dir && c->build.dir != c->dir)
		from_config(a, c, c->build.dir);
	for (size_t i = 0; i < c->dir->files_len && (c->server || node); i++)
		if (is_env_example(c->dir->files[i].name) && from_dotenv(a, c, c->dir->files[i].name, PORT_EXAMPLE))
			break;
	if (c->script && strstr(c->script, "$PORT"))
		c->port_from_env = true;
}
