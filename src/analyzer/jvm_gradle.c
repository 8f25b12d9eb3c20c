/* Gradle: build.gradle and build.gradle.kts are programs; what they say about plugins and dependencies is read with
 * patterns, with the names of a version catalogue (gradle/libs.versions.toml) looked up. */

#include "jvm.h"

#include "base/str.h"

static const char plugin_id[] =
	"\\bid\\s*\\(?\\s*['\"]([\\w.-]+)['\"]\\s*\\)?(?:\\s*version\\s*\\(?['\"]([^'\"]+)['\"])?";
static const char plugin_kotlin[] = "\\bkotlin\\s*\\(\\s*['\"]([\\w.-]+)['\"]\\s*\\)";
static const char plugin_apply[] = "\\bapply\\s*\\(?\\s*plugin\\s*[:=]\\s*['\"]([\\w.-]+)['\"]";
static const char plugin_bare[] = "^[ \\t]*(application|java|war|groovy|`[\\w-]+`)[ \\t]*$";
static const char dependency[] =
	"^[ \\t]*(\\w*(?:[iI]mplementation|api|compile|[rR]untimeOnly|compileOnly|kapt|ksp|"
	"annotationProcessor|developmentOnly|classpath|platform))\\b[ \\t(]*(?:(?:enforcedP|p)latform\\s*\\(?\\s*)?"
	"['\"]([\\w.-]+:[\\w.-]+)(?::([^'\"@]+))?";
static const char catalogue_ref[] =
	"\\b(\\w*(?:[iI]mplementation|api|runtimeOnly|alias))\\s*\\(?\\s*(?:platform\\s*\\(\\s*)?(libs\\.[\\w.]+)";

struct gradle {
	struct analysis *a;
	struct candidate *c;
	json_t *catalogue;
	const struct text *text;
};

static void add_plugin(struct gradle *g, const char *id, const char *version, size_t offset)
{
	candidate_dep(g->a, g->c, text_printf(g->a, "%s:plugin", id), version, false, g->text, offset);
}

/* libs.plugins.spring.boot is [plugins] spring-boot = {id = …} of the catalogue: dots stand for "-", "_" and ".". */
static void add_catalogue(struct gradle *g, const char *ref, bool dev, size_t offset)
{
	bool plugin = str_starts_with(ref, "libs.plugins.");
	json_t *table = json_object_get(g->catalogue, plugin ? "plugins" : "libraries"), *v;
	char *wanted = arena_strdup(g->a->arena, ref + strlen(plugin ? "libs.plugins." : "libs."));
	const char *name;

	json_object_foreach (table, name, v) {
		char *dotted = arena_strdup(g->a->arena, name);
		const char *id = json_is_object(v) ? json_get_str(v, plugin ? "id" : "module") : json_string_value(v);
		char *colon;

		for (char *s = dotted; *s; s++)
			*s = *s == '-' || *s == '_' ? '.' : *s;
		if (!str_eq(dotted, wanted))
			continue;
		if (!id && json_is_object(v) && json_get_str(v, "group") && json_get_str(v, "name"))
			id = text_printf(g->a, "%s:%s", json_get_str(v, "group"), json_get_str(v, "name"));
		if (!id)
			return;
		if (!plugin) {
			candidate_dep(g->a, g->c, id, NULL, dev, g->text, offset);
			return;
		}
		colon = arena_strdup(g->a->arena, id);
		colon[strcspn(colon, ":")] = '\0';
		add_plugin(g, colon, NULL, offset);
		return;
	}
}

static void read_build(struct gradle *g)
{
	static const char *const plugins[] = { plugin_id, plugin_apply, plugin_kotlin, plugin_bare };
	const struct text *t = g->text;
	struct regex_match m;
	size_t pos;

	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
		for (pos = 0; regex_next(g->a->regex, plugins[i], t->data, t->len, &pos, &m);) {
			const char *id = regex_group(g->a->arena, &m, 1), *rest = t->data + m.end;
			size_t line = strcspn(rest, "\n");

			/* "apply false" only fixes the version for the modules below. */
			if (memmem(rest, line, "apply false", 11))
				continue;
			add_plugin(g, plugins[i] == plugin_kotlin ? text_printf(g->a, "org.jetbrains.kotlin.%s", id) : id,
			           m.group[2] ? regex_group(g->a->arena, &m, 2) : NULL, m.start);
		}
	}
	for (pos = 0; regex_next(g->a->regex, dependency, t->data, t->len, &pos, &m);)
		candidate_dep(g->a, g->c, regex_group(g->a->arena, &m, 2), regex_group(g->a->arena, &m, 3),
		              str_starts_with(regex_group(g->a->arena, &m, 1), "test"), t, m.start);
	for (pos = 0; g->catalogue && regex_next(g->a->regex, catalogue_ref, t->data, t->len, &pos, &m);) {
		const char *rest = t->data + m.end;

		if (!memmem(rest, strcspn(rest, "\n"), "apply false", 11))
			add_catalogue(g, regex_group(g->a->arena, &m, 2), str_starts_with(regex_group(g->a->arena, &m, 1), "test"),
			              m.start);
	}
}

static bool has_plugin(const struct candidate *c, const char *id)
{
	_cleanup_free_ char *name = xasprintf("%s:plugin", id);

	return candidate_dep_find(c, name) != NULL;
}

static const struct text *settings_of(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "settings.gradle", "settings.gradle.kts", NULL };

	return tree_read_any(&a->tree, dir, names);
}

/* The folder with settings.gradle: Gradle runs there. */
static struct tree_dir *settings_root(struct analysis *a, struct tree_dir *dir)
{
	for (struct tree_dir *up = dir; up; up = up->parent)
		if (settings_of(a, up))
			return up;
	return dir;
}

static const char *root_name(struct analysis *a, struct tree_dir *root)
{
	const struct text *t = settings_of(a, root);
	struct regex_match m;
	size_t pos = 0;

	if (t && regex_next(a->regex, "rootProject\\.name\\s*=\\s*['\"]([\\w .-]+)['\"]", t->data, t->len, &pos, &m))
		return regex_group(a->arena, &m, 1);
	return root->path[0] ? root->name : NULL;
}

/* ":app:" for app/, "" for the folder that Gradle runs in. */
static const char *task_prefix(struct analysis *a, const struct jvm_project *p)
{
	char *path;

	if (p->root == p->dir)
		return "";
	path = arena_strdup(a->arena, path_below(p->root, p->dir->path));
	for (char *s = path; *s; s++)
		*s = *s == '/' ? ':' : *s;
	return text_printf(a, ":%s:", path);
}

static void set_commands(struct analysis *a, struct candidate *c, struct jvm_project *p)
{
	const char *gradle = jvm_tool(a, p->root, "gradlew", "gradle"), *task = task_prefix(a, p), *f = c->framework;
	const char *args = p->framework && p->framework->args ? p->framework->args : "";
	const char *name = p->root == p->dir ? root_name(a, p->root) : p->dir->name;
	const char *build;

	if (str_eq(f, "spring-boot")) {
		command_set(a, &c->build, p->root, "%s %sbootJar", gradle, task);
		command_set(a, &c->start, p->dir, "java -jar build/libs/*.jar %s", args);
	} else if (str_eq(f, "quarkus")) {
		command_set(a, &c->build, p->root, "%s %sbuild -x %stest", gradle, task, task);
		command_set(a, &c->start, p->dir, "java -Dquarkus.http.port={port} -jar build/quarkus-app/quarkus-run.jar");
	} else if (str_eq(f, "ktor") && has_plugin(c, "io.ktor.plugin")) {
		command_set(a, &c->build, p->root, "%s %sbuildFatJar", gradle, task);
		command_set(a, &c->start, p->dir, "java -jar build/libs/*-all.jar");
	} else if (has_plugin(c, "com.github.johnrengelman.shadow") || has_plugin(c, "com.gradleup.shadow") ||
	           str_eq(f, "micronaut")) {
		command_set(a, &c->build, p->root, "%s %s%s", gradle, task,
		            has_plugin(c, "com.github.johnrengelman.shadow") || has_plugin(c, "com.gradleup.shadow")
		                ? "shadowJar"
		                : "assemble");
		command_set(a, &c->start, p->dir, "%sjava -jar build/libs/*-all.jar",
		            str_eq(f, "micronaut") ? "MICRONAUT_SERVER_PORT={port} " : "");
	} else if (has_plugin(c, "application") && name) {
		build = text_printf(a, "%s %sinstallDist", gradle, task);
		command_set(a, &c->build, p->root, "%s", build);
		command_set(a, &c->start, p->dir, "./build/install/%s/bin/%s", shell_word(a, name), shell_word(a, name));
	} else {
		command_set(a, &c->build, p->root, "%s %sbuild -x %stest", gradle, task, task);
		command_set(a, &c->start, p->root, "%s %srun", gradle, task);
	}
}

/* Settings of the whole build that modules inherit: allprojects, subprojects. */
static void read_above(struct gradle *g, const struct jvm_project *p)
{
	static const char *const names[] = { "build.gradle", "build.gradle.kts", NULL };
	const struct text *t = p->root == p->dir ? NULL : tree_read_any(&g->a->tree, p->root, names);

	if (!t || !(text_has(t, "subprojects") || text_has(t, "allprojects")))
		return;
	g->text = t;
	read_build(g);
}

void gradle_detect(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "build.gradle", "build.gradle.kts", NULL };
	static const char version[] = "(?:sourceCompatibility\\s*=\\s*|languageVersion\\s*(?:=|\\.set\\()\\s*"
								  "JavaLanguageVersion\\.of\\(|jvmToolchain\\()"
								  "['\"]?(?:JavaVersion\\.VERSION_)?([\\d._]+)";
	const struct text *t = tree_read_any(&a->tree, dir, names);
	struct jvm_project p = { .dir = dir, .text = t };
	struct gradle g = { .a = a, .text = t };
	struct regex_match m;
	struct candidate *c;
	size_t pos = 0;

	if (!t || str_eq(dir->name, "buildSrc"))
		return;
	c = g.c = candidate_new(a, dir, ECO_JVM, "java", "java", SCORE_LIBRARY);
	if (!c)
		return;
	c->package_manager = "gradle";
	candidate_because(a, c, t, SIZE_MAX, "a Gradle project");
	p.root = settings_root(a, dir);
	if (p.root == dir && root_name(a, dir))
		c->name = root_name(a, dir);
	g.catalogue = manifest_toml(a, tree_read_at(&a->tree, p.root, "gradle/libs.versions.toml"));
	read_build(&g);
	read_above(&g, &p);
	if (regex_next(a->regex, version, t->data, t->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
	p.kotlin = str_ends_with(t->path, ".kts") && tree_dir_at(dir, "src/main/kotlin");
	p.main_class = jvm_find_main(a, c, &p);
	jvm_judge(a, c, &p, p.main_class || has_plugin(c, "application") || has_plugin(c, "io.quarkus"));
	if (has_plugin(c, "com.android.application") || has_plugin(c, "com.android.library")) {
		c->library = true;
		c->score = SCORE_LIBRARY;
		candidate_why(a, c, t, SIZE_MAX, "an Android application: nothing to deploy");
	}
	set_commands(a, c, &p);
	if (c->library)
		c->start = (struct command){ 0 };
}
