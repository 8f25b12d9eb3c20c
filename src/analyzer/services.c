#include "services.h"

#include "compose.h"
#include "datastores.h"
#include "docker.h"
#include "envvars.h"
#include "health.h"
#include "languages.h"
#include "port.h"
#include "procfile.h"
#include "base/str.h"

/* Below this, a candidate is a sign of something rather than a service. */
#define SERVICE_SCORE 0.5
/* Reading the sources takes most of the time: of the main service more are read. */
#define SOURCES_MAIN 400
#define SOURCES_OTHER 120

static const struct {
	const char *name;
	double bonus;
} main_names[] = {
	{ "web", 0.03 }, { "app", 0.03 },  { "www", 0.03 },  { "site", 0.03 },   { "backend", 0.02 },
	{ "api", 0.02 }, { "core", 0.01 }, { "main", 0.02 }, { "server", 0.02 }, { "service", 0.01 },
};
static const char *const other_names[] = { "worker", "cli",       "docs",      "admin",      "e2e",
	                                       "mobile", "storybook", "common",    "shared",     "lib",
	                                       "libs",   "landing",   "website",   "migrations", "cron",
	                                       "jobs",   "desktop",   "functions", "lambda",     NULL };

/* Of many services, the one in front is what people open; some only serve the others. */
static const struct {
	const char *part;
	double bonus;
} name_parts[] = {
	{ "gateway", 0.03 },   { "WebApp", 0.03 },  { "WebUI", 0.03 },   { ".Web", 0.02 },
	{ "frontend", 0.01 },  { "admin", -0.03 },  { "config", -0.03 }, { "discovery", -0.03 },
	{ "registry", -0.03 }, { "eureka", -0.03 }, { "common", -0.03 }, { "initial", -0.03 },
};

static const struct compose_service *first_published(const struct analysis *a)
{
	const struct compose_service *s = a->compose;

	while (s && !(s->build && s->published))
		s = s->next;
	return s;
}

static bool is_hint(const struct candidate *c)
{
	return c->eco == ECO_DOCKER || c->eco == ECO_COMPOSE || c->eco == ECO_SHELL || c->eco == ECO_PROCFILE;
}

static bool is_root(const struct candidate *c)
{
	return !c->dir->parent;
}

/* How probably the candidate is what the repository is for. docs/internals/analyzer.md explains the numbers. */
static double rank(const struct analysis *a, const struct candidate *c)
{
	double r = c->score - 0.03 * (c->dir->depth > 5 ? 5 : c->dir->depth);
	const struct compose_service *s = compose_for(a, c->dir);

	if (is_root(c))
		r += is_hint(c) ? 0 : 0.1;
	else if (!c->server)
		r -= 0.25; /* a client beside a server is the server's */
	if (c->dir->side)
		r -= 0.5;
	if (c->library)
		r -= 0.3;
	if (!c->start.line)
		r -= 0.15;
	for (size_t i = 0; i < ARRAY_SIZE(main_names); i++)
		r += strcasecmp(c->dir->name, main_names[i].name) ? 0 : main_names[i].bonus;
	if (str_in(c->dir->name, other_names))
		r -= 0.05;
	for (size_t i = 0; i < ARRAY_SIZE(name_parts); i++)
		r += str_contains(c->dir->name, name_parts[i].part) ? name_parts[i].bonus : 0;
	if (tree_file(c->dir, "Procfile"))
		r += 0.03;
	/* Of the services of a compose file, those that are reachable, and the first of them. */
	if (s && s->published && !is_hint(c))
		r += s == first_published(a) ? 0.03 : 0.02;
	return r;
}

static int rank_compare(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa, *b = *(struct candidate *const *)pb;
	int order;

	if (a->rank > b->rank + 1e-9)
		return -1;
	if (b->rank > a->rank + 1e-9)
		return 1;
	order = strcmp(a->dir->path, b->dir->path);
	return order ? order : a->eco != b->eco ? (a->eco < b->eco ? -1 : 1) : strcmp(a->framework, b->framework);
}

static bool has_service(const struct services *s, const struct tree_dir *dir)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->v[i]->dir == dir)
			return true;
	return false;
}

static bool is_service(const struct analysis *a, const struct candidate *c, const struct candidate *main)
{
	if (c->library || !c->start.line || (c->dir->side && !main->dir->side))
		return false;
	/* A folder that the compose file builds is a service, whatever is in it. */
	if (is_hint(c))
		return c->eco == ECO_DOCKER && !is_root(c) && compose_for(a, c->dir) && main->eco != ECO_COMPOSE;
	return c->score >= SERVICE_SCORE;
}

struct services services_pick(struct analysis *a)
{
	struct services s = { .v = arena_alloc(a->arena, SERVICES_MAX * sizeof(struct candidate *)) };

	for (size_t i = 0; i < a->candidates_len; i++) {
		procfile_apply(a, a->candidates[i]);
		docker_apply(a, a->candidates[i]);
		compose_apply(a, a->candidates[i]);
		a->candidates[i]->rank = rank(a, a->candidates[i]);
	}
	if (!a->candidates_len)
		return s;
	qsort(a->candidates, a->candidates_len, sizeof(struct candidate *), rank_compare);
	s.v[s.len++] = a->candidates[0];
	for (size_t i = 1; i < a->candidates_len && s.len < SERVICES_MAX; i++)
		if (!has_service(&s, a->candidates[i]->dir) && is_service(a, a->candidates[i], s.v[0]))
			s.v[s.len++] = a->candidates[i];
	return s;
}

static void complete(struct analysis *a, struct candidate *c, size_t sources_max)
{
	struct source_list sources = { 0 };
	unsigned languages = ecosystem_languages(c->eco);
	const char *language;

	if (languages)
		sources = sources_find(a, c->dir, c->eco, languages, c->entry, sources_max);
	port_find(a, c, &sources);
	/* Settings may be in another part of what is built together. */
	if (languages && c->port_source > PORT_EXAMPLE && c->build.dir && c->build.dir != c->dir) {
		const struct source_list all = sources_find(a, c->build.dir, ECO_COUNT, languages, NULL, sources_max);

		port_find(a, c, &all);
	}
	candidate_port(a, c, c->default_port, PORT_FRAMEWORK, NULL, 0, NULL);
	envvars_find(a, c, &sources);
	datastores_find(a, c);
	health_find(a, c, &sources);
	if (c->start.line && (str_contains(c->start.line, "{port}") || str_contains(c->start.line, "$PORT")))
		c->port_from_env = true;
	/* How it is packed says nothing about what it is written in. */
	language = is_hint(c) ? languages_main(a, c->dir) : NULL;
	if (language)
		c->language = language;
}

void services_complete(struct analysis *a, const struct services *s)
{
	for (size_t i = 0; i < s->len && !tree_exhausted(&a->tree); i++)
		complete(a, s->v[i], i ? SOURCES_OTHER : SOURCES_MAIN);
}
