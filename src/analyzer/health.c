#include "health.h"

#include "base/str.h"

#define PATH                                                                                                  \
	"(/(?:api/)?(?:v\\d/"                                                                                     \
	")?(?:healthz?|health[-_]?check|livez|live|liveness|readyz|ready|readiness|_health|ping|status|up|alive|" \
	"heartbeat))/?"

/* Only where the whole path is said in one place: a route of a router that is mounted elsewhere has another one. */
static const struct {
	unsigned languages;
	const char *regex;
} patterns[] = {
	{ SRC_JS,
	  "\\b(?:app|server|fastify|api|bot|express\\(\\)|\\w*[aA]pp)\\.(?:get|use|all|route)\\(\\s*['\"`]" PATH "['\"`]" },
	{ SRC_JS, "\\burl(?:\\.pathname)?\\s*===?\\s*['\"]" PATH "['\"]" },
	{ SRC_JS, "\\bpathname\\s*===?\\s*['\"]" PATH "['\"]" },
	{ SRC_PYTHON, "@(?:app|application|server|api)\\.(?:get|route|api_route)\\(\\s*['\"]" PATH "['\"]" },
	{ SRC_PYTHON,
	  "^\\s*(?:re_)?path\\(\\s*r?['\"]\\^?((?:healthz?|health[-_]?check|livez|readyz|ping|status|up)/?)\\$?['\"]" },
	{ SRC_GO, "\\b(?:r|e|app|router|mux|http|srv|engine|g|server|s|m)\\.(?:GET|Get|HandleFunc|Handle|Any|Method)\\(\\s*"
	          "\"(?:GET )?" PATH "\"" },
	{ SRC_RUST, "\\.route\\(\\s*\"" PATH "\"" },
	{ SRC_RUST, "#\\[get\\(\\s*\"" PATH "\"" },
	{ SRC_JVM, "@(?:Get|Request)Mapping\\(\\s*(?:value\\s*=\\s*|path\\s*=\\s*)?\\{?\"" PATH "\"" },
	{ SRC_JVM, "^\\s*(?:app\\.)?get\\(\\s*\"" PATH "\"" },
	{ SRC_RUBY, "^\\s*get\\s*\\(?\\s*['\"]" PATH "['\"]" },
	{ SRC_RUBY, "^\\s*get\\s*\\(?\\s*['\"](up|healthz?|health_?check|ping|status)['\"]" },
	{ SRC_PHP, "(?:Route::|\\$app->)get\\(\\s*['\"]/?"
	           "((?:healthz?|health[-_]?check|ping|status|up))['\"]" },
	{ SRC_PHP, "\\bhealth:\\s*['\"]" PATH "['\"]" },
	{ SRC_DOTNET, "\\b(?:MapHealthChecks|MapGet|UseHealthChecks)\\(\\s*\"" PATH "\"" },
	{ SRC_ELIXIR, "^\\s*get\\s*\\(?\\s*\"" PATH "\"" },
	{ SRC_C, "\"" PATH "\"" },
};

static bool from_source(struct analysis *a, struct candidate *c, const struct source *s)
{
	const struct text *t = source_text(a, s);

	for (size_t i = 0; t && i < ARRAY_SIZE(patterns); i++) {
		struct regex_match m;
		const char *path;
		size_t pos = 0;

		if (!(patterns[i].languages & s->language) ||
		    !regex_next(a->regex, patterns[i].regex, t->data, t->len, &pos, &m))
			continue;
		path = regex_group(a->arena, &m, 1);
		c->health_path = path[0] == '/' ? path : text_printf(a, "/%s", path);
		candidate_why(a, c, t, m.start, "offers %s", c->health_path);
		return true;
	}
	return false;
}

void health_find(struct analysis *a, struct candidate *c, const struct source_list *sources)
{
	static const struct {
		const char *dep, *path;
	} known[] = {
		{ "org.springframework.boot:spring-boot-starter-actuator", "/actuator/health" },
		{ "io.quarkus:quarkus-smallrye-health", "/q/health" },
		{ "io.micronaut:micronaut-management", "/health" },
		{ "io.micronaut.management:micronaut-management", "/health" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known) && !c->health_path; i++) {
		const struct dependency *d = candidate_dep_find(c, known[i].dep);

		if (d) {
			c->health_path = known[i].path;
			candidate_because_at(a, c, d->file, d->line, "offers %s", known[i].path);
		}
	}
	if (str_eq(c->framework, "streamlit"))
		c->health_path = "/_stcore/health";
	for (size_t i = 0; i < sources->len && !c->health_path && c->server; i++)
		from_source(a, c, &sources->v[i]);
}
