/* Python's many ways to say what is to be installed. */

#include "python.h"

#include "base/str.h"

#include <ctype.h>

#define INCLUDE_DEPTH 5

/* PEP 503: lower case, runs of "-", "_", "." are one "-". */
static const char *normalise(struct analysis *a, const char *name, size_t len)
{
	char *out = arena_alloc(a->arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char ch = (char)tolower((unsigned char)name[i]);

		if (ch == '_' || ch == '.')
			ch = '-';
		if (ch != '-' || (n && out[n - 1] != '-'))
			out[n++] = ch;
	}
	return out;
}

/* "Flask[async]>=2.0 ; python_version > '3'" (PEP 508). The extras become "uvicorn[standard]"'s own entry "uvicorn". */
static void add_requirement(struct analysis *a, struct candidate *c, const char *line, size_t len, bool dev,
                            const struct text *t, size_t offset)
{
	size_t name = 0, version, end;
	bool standard = false;

	while (name < len && (isalnum((unsigned char)line[name]) || strchr("-_.", line[name])))
		name++;
	if (!name || !isalnum((unsigned char)line[0]))
		return;
	version = name;
	if (version < len && line[version] == '[') {
		const char *close = memchr(line + version, ']', len - version);

		standard = close && memmem(line + version, (size_t)(close - line) - version, "standard", 8);
		version = close ? (size_t)(close - line) + 1 : len;
	}
	for (end = version; end < len && !strchr(";#", line[end]); end++)
		;
	while (version < end && strchr(" \t(", line[version]))
		version++;
	while (end > version && strchr(" \t)\r", line[end - 1]))
		end--;
	candidate_dep(a, c, normalise(a, line, name), arena_strndup(a->arena, line + version, end - version), dev, t,
	              offset);
	if (standard && name == 7 && !strncasecmp(line, "fastapi", 7))
		candidate_dep(a, c, "uvicorn", NULL, dev, t, offset);
}

static void read_requirements(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *path, bool dev,
                              int depth)
{
	struct tree_dir *at;
	struct tree_file *file = tree_file_at(dir, path, &at);
	const struct text *t = file ? tree_read(&a->tree, at, file) : NULL;

	for (size_t i = 0; t && i < t->len;) {
		const char *line = t->data + i, *newline = memchr(line, '\n', t->len - i);
		size_t len = newline ? (size_t)(newline - line) : t->len - i, start = i;

		i += len + 1;
		for (; len && isspace((unsigned char)*line); len--, start++)
			line++;
		if ((str_starts_with(line, "-r ") || str_starts_with(line, "-c ")) && line[1] == 'r' && depth < INCLUDE_DEPTH) {
			char *other = str_strip(arena_strndup(a->arena, line + 3, len - 3));

			read_requirements(a, c, at, other, dev, depth + 1);
		} else {
			add_requirement(a, c, line, len, dev, t, start);
		}
	}
}

/* A list of PEP 508 strings. */
static void add_list(struct analysis *a, struct candidate *c, const json_t *list, bool dev, const struct text *t)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s)
			add_requirement(a, c, s, strlen(s), dev, t, text_find(t, 0, s));
	}
}

/* A table of name = "version" or name = {version = …} (Poetry, Pipenv). */
static void add_table(struct analysis *a, struct candidate *c, json_t *table, bool dev, const struct text *t)
{
	const char *name;
	json_t *v;

	json_object_foreach (table, name, v) {
		const char *version = json_is_object(v) ? json_get_str(v, "version") : json_string_value(v), *standard = NULL;
		const char *normal = normalise(a, name, strlen(name));
		json_t *extras = json_is_object(v) ? json_object_get(v, "extras") : NULL;

		if (str_eq(normal, "python"))
			continue;
		candidate_dep(a, c, normal, version, dev, t, text_find(t, 0, name));
		for (size_t i = 0; i < json_array_size(extras); i++)
			standard = str_eq(json_string_value(json_array_get(extras, i)), "standard") ? "uvicorn" : standard;
		if (standard && str_eq(normal, "fastapi"))
			candidate_dep(a, c, standard, NULL, dev, t, text_find(t, 0, name));
	}
}

static void read_groups(struct analysis *a, struct candidate *c, json_t *groups, const struct text *t, bool poetry)
{
	const char *name;
	json_t *group;

	json_object_foreach (groups, name, group) {
		if (poetry)
			add_table(a, c, json_object_get(group, "dependencies"), !str_eq(name, "main"), t);
		else
			add_list(a, c, group, true, t);
	}
}

static void read_pyproject(struct analysis *a, struct candidate *c, struct python_project *p)
{
	const struct text *t = tree_read_at(&a->tree, p->dir, "pyproject.toml");
	json_t *json = manifest_toml(a, t), *poetry = json_at(json, "tool", "poetry", NULL);

	if (!json)
		return;
	p->pyproject = json;
	p->pyproject_text = t;
	add_list(a, c, json_at(json, "project", "dependencies", NULL), false, t);
	read_groups(a, c, json_at(json, "project", "optional-dependencies", NULL), t, false);
	read_groups(a, c, json_object_get(json, "dependency-groups"), t, false);
	add_list(a, c, json_at(json, "tool", "uv", "dev-dependencies", NULL), true, t);
	read_groups(a, c, json_at(json, "tool", "pdm", "dev-dependencies", NULL), t, false);
	add_table(a, c, json_object_get(poetry, "dependencies"), false, t);
	add_table(a, c, json_object_get(poetry, "dev-dependencies"), true, t);
	read_groups(a, c, json_object_get(poetry, "group"), t, true);
	p->package = json_object_get(json, "build-system") && (json_object_get(json, "project") || poetry);
	c->runtime_version = json_str_at(json, "project", "requires-python", NULL);
	if (!c->runtime_version)
		c->runtime_version = manifest_scalar(a, json_at(poetry, "dependencies", "python", NULL));
	if (json_str_at(json, "project", "name", NULL) || json_get_str(poetry, "name"))
		c->name = json_get_str(poetry, "name") ? json_get_str(poetry, "name")
		                                       : json_str_at(json, "project", "name", NULL);
}

static void read_pipfile(struct analysis *a, struct candidate *c, const struct python_project *p)
{
	const struct text *t = tree_read_at(&a->tree, p->dir, "Pipfile");
	json_t *json = manifest_toml(a, t);

	add_table(a, c, json_object_get(json, "packages"), false, t);
	add_table(a, c, json_object_get(json, "dev-packages"), true, t);
	if (!c->runtime_version)
		c->runtime_version = manifest_scalar(a, json_at(json, "requires", "python_version", NULL));
}

/* Conda: dependencies: [python=3.11, flask, {pip: [gunicorn]}] */
static void read_conda(struct analysis *a, struct candidate *c, const struct python_project *p)
{
	static const char *const names[] = { "environment.yml", "environment.yaml", NULL };
	const struct text *t = tree_read_any(&a->tree, p->dir, names);
	json_t *deps = json_object_get(manifest_yaml(a, t), "dependencies");

	for (size_t i = 0; i < json_array_size(deps); i++) {
		json_t *v = json_array_get(deps, i);
		const char *s = json_string_value(v), *python = str_after(s, "python=");

		if (python && !c->runtime_version)
			c->runtime_version = python + strspn(python, "=");
		else if (s && !str_eq(s, "python"))
			add_requirement(a, c, s, strlen(s), false, t, text_find(t, 0, s));
		add_list(a, c, json_is_object(v) ? json_object_get(v, "pip") : NULL, false, t);
	}
}

/* setup.py is a program and setup.cfg free text below install_requires: quoted or indented requirements are taken. */
static void read_setup(struct analysis *a, struct candidate *c, struct python_project *p)
{
	static const char *const names[] = { "setup.py", "setup.cfg", NULL };

	for (size_t i = 0; names[i]; i++) {
		const struct text *t = tree_read_at(&a->tree, p->dir, names[i]);
		size_t from = t ? text_find(t, 0, "install_requires") : SIZE_MAX, pos = from, end;
		const char *pattern = i ? "^[ \\t]+([A-Za-z][\\w.-]*[^\\n]*)" : "['\"]([A-Za-z][\\w.-]*[^'\"\\n]*)['\"]";
		struct regex_match m;

		if (t && (i == 0 || text_has(t, "[metadata]")))
			p->package = true;
		if (from == SIZE_MAX)
			continue;
		end = text_find(t, from, i ? "\n[" : "]");
		while (regex_next(a->regex, pattern, t->data, end == SIZE_MAX ? t->len : end, &pos, &m))
			add_requirement(a, c, m.group[1], m.len[1], false, t, m.start);
	}
}

static void pip_files(struct analysis *a, struct candidate *c, struct python_project *p)
{
	static const char *const files[] = {
		"requirements.txt",       "requirements/production.txt", "requirements/prod.txt",
		"requirements/base.txt",  "requirements/common.txt",     "requirements/main.txt",
		"requirements.prod.txt",  "requirements-prod.txt",       "requirements/requirements.txt",
		"requirements/local.txt", "requirements/dev.txt"
	};
	struct tree_dir *at;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!tree_file_at(p->dir, files[i], &at))
			continue;
		read_requirements(a, c, p->dir, files[i], false, 0);
		if (!p->requirements)
			p->requirements = files[i];
	}
	for (size_t i = 0; i < p->dir->files_len; i++) {
		const char *name = p->dir->files[i].name;

		if (!str_starts_with(name, "requirements") || !str_ends_with(name, ".txt") || str_eq(name, "requirements.txt"))
			continue;
		read_requirements(a, c, p->dir, name, str_contains(name, "dev") || str_contains(name, "test"), 0);
		if (!p->requirements)
			p->requirements = name;
	}
}

static const char *manager(const struct python_project *p, const struct candidate *c)
{
	const struct tree_dir *dir = p->dir;
	json_t *tool = json_object_get(p->pyproject, "tool");

	/* The lock file of a workspace is at its top. */
	for (const struct tree_dir *up = dir; up && p->pyproject; up = up->parent)
		if (tree_file(up, "uv.lock"))
			return "uv";
	if (tree_file(dir, "poetry.lock"))
		return "poetry";
	if (tree_file(dir, "pdm.lock"))
		return "pdm";
	if (tree_file(dir, "Pipfile.lock"))
		return "pipenv";
	if (json_object_get(tool, "poetry"))
		return "poetry";
	if (json_object_get(tool, "pdm"))
		return "pdm";
	if (json_object_get(tool, "uv"))
		return "uv";
	if (tree_file(dir, "Pipfile"))
		return "pipenv";
	if (p->requirements || p->package || json_object_get(p->pyproject, "project"))
		return "pip";
	if (tree_file(dir, "environment.yml") || tree_file(dir, "environment.yaml"))
		return "conda";
	return c->deps ? "pip" : NULL;
}

void python_read_manifests(struct analysis *a, struct candidate *c, struct python_project *p)
{
	static const char *const versions[] = { ".python-version", "runtime.txt", NULL };
	const struct text *t = tree_read_any(&a->tree, p->dir, versions);
	struct regex_match m;
	size_t pos = 0;

	read_pyproject(a, c, p);
	pip_files(a, c, p);
	read_pipfile(a, c, p);
	read_conda(a, c, p);
	read_setup(a, c, p);
	p->manager = manager(p, c);
	c->package_manager = p->manager;
	/* The first line that is no comment: "3.11", "python-3.11.4". */
	if (t && (!c->runtime_version || str_eq(path_base(t->path), "runtime.txt")) &&
	    regex_next(a->regex, "^(?:python-)?(\\d[\\w.]*)", t->data, t->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
}

const struct dependency *python_dep(const struct candidate *c, const char *name)
{
	return candidate_dep_find(c, name);
}
