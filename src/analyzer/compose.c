#include "compose.h"

#include "docker.h"
#include "manifest.h"
#include "base/str.h"

#define FILES_MAX 40
#define SERVICES_MAX 200

static const char *const names[] = { "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml", NULL };

/* "${PORT:-8080}" → 8080, "8080-8090" → 8080. */
static int one_port(const char *s)
{
	const char *otherwise = strstr(s, ":-");

	if (s[0] == '$')
		s = otherwise ? otherwise + 2 : strchr(s, '-') ? strchr(s, '-') + 1 : "";
	return port_number(s, strlen(s));
}

/* The last colon that is not inside of ${…}. */
static const char *last_colon(const char *s)
{
	const char *found = NULL;
	int depth = 0;

	for (; *s; s++) {
		depth += *s == '{';
		depth -= *s == '}';
		if (*s == ':' && !depth)
			found = s;
	}
	return found;
}

static void read_port(struct analysis *a, struct compose_service *s, const json_t *v)
{
	const char *text = manifest_scalar(a, v), *inside, *outside;
	char *head;

	if (json_is_object(v)) {
		inside = manifest_scalar(a, json_object_get(v, "target"));
		outside = manifest_scalar(a, json_object_get(v, "published"));
		s->port = inside ? one_port(inside) : 0;
		s->published = outside ? one_port(outside) : s->port;
		return;
	}
	if (!text)
		return;
	inside = last_colon(text);
	s->port = one_port(inside ? inside + 1 : text);
	if (!inside) {
		s->published = s->port;
		return;
	}
	head = arena_strndup(a->arena, text, (size_t)(inside - text));
	outside = last_colon(head);
	s->published = one_port(outside ? outside + 1 : head);
}

static struct tree_dir *build_dir(struct tree_dir *dir, const json_t *build)
{
	const char *context = json_is_object(build) ? json_get_str(build, "context") : json_string_value(build);
	const char *file = json_is_object(build) ? json_get_str(build, "dockerfile") : NULL;
	struct tree_dir *found;

	if (json_is_object(build) && !context)
		context = ".";
	for (; context && str_starts_with(context, "../"); context += 3)
		dir = dir && dir->parent ? dir->parent : dir;
	if (str_eq(context, "..") && dir->parent)
		return dir->parent;
	found = context ? tree_dir_at(dir, context) : NULL;
	/* context: ., dockerfile: api/Dockerfile is a service in api/. */
	if (found && file && strchr(file, '/')) {
		_cleanup_free_ char *head = xstrndup(file, (size_t)(strrchr(file, '/') - file));
		struct tree_dir *inner = tree_dir_at(found, head);

		if (inner && inner->marks & ~(ECO_BIT(ECO_DOCKER) | ECO_BIT(ECO_COMPOSE)))
			found = inner;
	}
	return found;
}

static struct compose_service *service_new(struct analysis *a, struct tree_dir *dir, const struct text *t,
                                           const char *name, json_t *v)
{
	struct compose_service *s = arena_alloc(a->arena, sizeof(*s));
	json_t *ports = json_object_get(v, "ports"), *expose = json_object_get(v, "expose");

	s->name = name;
	s->text = t;
	s->dir = dir;
	s->at = text_find(t, 0, text_printf(a, "%s:", name));
	s->build = build_dir(dir, json_object_get(v, "build"));
	s->image = s->build ? NULL : json_get_str(v, "image");
	if (json_array_size(ports))
		read_port(a, s, json_array_get(ports, 0));
	else if (json_array_size(expose))
		read_port(a, s, json_array_get(expose, 0));
	s->dockerfile = json_get_str(json_object_get(v, "build"), "dockerfile");
	return s;
}

const struct compose_service *compose_read(struct analysis *a)
{
	const struct compose_service *first = NULL, **tail = &first;
	size_t files = 0, services = 0;

	for (size_t i = 0; i < a->tree.dirs_len && files < FILES_MAX; i++) {
		struct tree_dir *dir = a->tree.dirs[i];
		const struct text *t = dir->marks & ECO_BIT(ECO_COMPOSE) ? tree_read_any(&a->tree, dir, names) : NULL;
		json_t *all = t ? json_object_get(manifest_yaml(a, t), "services") : NULL, *v;
		const char *name;

		files += t != NULL;
		json_object_foreach (all, name, v) {
			struct compose_service *s = services < SERVICES_MAX ? service_new(a, dir, t, name, v) : NULL;

			if (!s)
				break;
			*tail = s;
			tail = &s->next;
			services++;
		}
	}
	return first;
}

const struct compose_service *compose_for(const struct analysis *a, const struct tree_dir *dir)
{
	const struct compose_service *found = NULL;

	for (const struct compose_service *s = a->compose; s; s = s->next) {
		if (s->build != dir)
			continue;
		if (!s->dockerfile || str_eq(path_base(s->dockerfile), "Dockerfile"))
			return s;
		if (!found)
			found = s;
	}
	return found;
}

void compose_apply(struct analysis *a, struct candidate *c)
{
	const struct compose_service *s = c->eco == ECO_COMPOSE ? NULL : compose_for(a, c->dir);

	if (!s)
		return;
	candidate_why(a, c, s->text, s->at, "service %s of the compose file", s->name);
	if (docker_port_counts(c, s->port))
		candidate_port(a, c, s->port, PORT_COMPOSE, s->text, s->at, "the compose file");
	if (c->dir->path[0] && (!c->name || str_eq(c->name, c->dir->name)))
		c->name = s->name;
}

static void detect_compose(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_any(&a->tree, dir, names);
	const struct compose_service *main = NULL;
	struct candidate *c;
	size_t count = 0;

	for (const struct compose_service *s = a->compose; s; s = s->next) {
		if (s->dir != dir)
			continue;
		count++;
		if (!main || (!main->published && s->published) || (!main->build && s->build && s->published))
			main = s;
	}
	c = main && t ? candidate_new(a, dir, ECO_COMPOSE, "compose", "yaml", SCORE_COMPOSE) : NULL;
	if (!c)
		return;
	candidate_because(a, c, t, SIZE_MAX, "a compose file with %zu service%s", count, count == 1 ? "" : "s");
	/* One service built here: the Dockerfile is what matters. */
	if (count == 1 && main->build == dir)
		c->score = SCORE_DOCKER - 0.02;
	candidate_port(a, c, main->published ? main->published : main->port, PORT_COMPOSE, t, main->at, "the compose file");
	if (main->build)
		command_set(a, &c->build, dir, "docker compose build");
	command_set(a, &c->start, dir, "docker compose up");
}

const struct detector compose_detector = { ECO_COMPOSE, "compose", detect_compose };
