/* Maven: pom.xml, its parents and modules. */

#include "jvm.h"

#include "base/str.h"

#define PARENTS_MAX 8

static const char *node_attribute_text(const struct xml_node *n, const char *child)
{
	const char *s = xml_child_text(n, child);

	return str_empty(s) ? NULL : s;
}

/* "${name}" is looked up in properties of the pom and of those above; what is not found stays NULL. */
static const char *property(struct analysis *a, const struct xml_node *pom, struct tree_dir *dir, const char *value)
{
	char *name;

	if (!value || !str_starts_with(value, "${"))
		return value && strchr(value, '$') ? NULL : value;
	name = arena_strndup(a->arena, value + 2, strcspn(value + 2, "}"));
	if (str_eq(name, "project.artifactId") || str_eq(name, "artifactId"))
		return node_attribute_text(pom, "artifactId");
	if (str_eq(name, "project.version") || str_eq(name, "version"))
		return node_attribute_text(pom, "version");
	for (int i = 0; pom && dir && i < PARENTS_MAX; i++) {
		const char *found = node_attribute_text(xml_child(pom, "properties"), name);

		if (found)
			return strchr(found, '$') ? NULL : found;
		dir = dir->parent;
		pom = dir ? manifest_xml(a, tree_read_at(&a->tree, dir, "pom.xml")) : NULL;
	}
	return NULL;
}

static size_t line_offset(const struct text *t, int line)
{
	const char *p = t->data;

	for (; line > 1 && p; line--) {
		p = memchr(p, '\n', t->len - (size_t)(p - t->data));
		p = p ? p + 1 : NULL;
	}
	return p ? (size_t)(p - t->data) : 0;
}

static void add_coordinate(struct analysis *a, struct candidate *c, const struct text *t, const struct xml_node *n,
                           const char *version)
{
	const char *group = node_attribute_text(n, "groupId"), *artifact = node_attribute_text(n, "artifactId");
	const char *scope = node_attribute_text(n, "scope");

	if (artifact)
		candidate_dep(a, c, text_printf(a, "%s:%s", group ? group : "org.apache.maven.plugins", artifact), version,
		              str_eq(scope, "test"), t, line_offset(t, n->line));
}

static void read_pom(struct analysis *a, struct candidate *c, struct tree_dir *dir, const struct text *t,
                     const struct xml_node *pom)
{
	static const char *const versions[] = { "${java.version}", "${maven.compiler.release}", "${maven.compiler.target}",
		                                    "${maven.compiler.source}", "${jdk.version}" };
	const struct xml_node *deps = xml_child(pom, "dependencies"), *parent = xml_child(pom, "parent");

	for (const struct xml_node *d = xml_child(deps, "dependency"); d; d = xml_next(d, "dependency"))
		add_coordinate(a, c, t, d, property(a, pom, dir, node_attribute_text(d, "version")));
	if (parent)
		add_coordinate(a, c, t, parent, node_attribute_text(parent, "version"));
	for (size_t i = 0; i < ARRAY_SIZE(versions) && !c->runtime_version; i++)
		c->runtime_version = property(a, pom, dir, versions[i]);
}

static const struct xml_node *find_plugin(const struct xml_node *pom, const char *artifact)
{
	const struct xml_node *plugins = xml_child(xml_child(pom, "build"), "plugins");

	for (const struct xml_node *p = xml_child(plugins, "plugin"); p; p = xml_next(p, "plugin"))
		if (str_eq(node_attribute_text(p, "artifactId"), artifact))
			return p;
	return NULL;
}

/* The outermost pom above that lists the folder as a module, directly or through another. */
static struct tree_dir *reactor_root(struct analysis *a, struct tree_dir *dir)
{
	struct tree_dir *root = dir;

	for (struct tree_dir *up = dir->parent; up; up = up->parent) {
		const struct xml_node *pom = manifest_xml(a, tree_read_at(&a->tree, up, "pom.xml"));
		const struct xml_node *modules = xml_child(pom, "modules");

		for (const struct xml_node *m = xml_child(modules, "module"); m; m = xml_next(m, "module"))
			if (str_eq(m->text, path_below(up, root->path)))
				root = up;
	}
	return root;
}

/* The file that "mvn package" makes: by name when everything is known, else by pattern. */
static const char *artifact_file(struct analysis *a, const struct xml_node *pom, struct tree_dir *dir)
{
	const char *packaging = node_attribute_text(pom, "packaging"), *version = node_attribute_text(pom, "version");
	const char *final = property(a, pom, dir, node_attribute_text(xml_child(pom, "build"), "finalName"));
	const char *artifact = node_attribute_text(pom, "artifactId"), *suffix = str_eq(packaging, "war") ? "war" : "jar";

	if (!version)
		version = node_attribute_text(xml_child(pom, "parent"), "version");
	version = property(a, pom, dir, version);
	if (final)
		return text_printf(a, "target/%s.%s", shell_word(a, final), suffix);
	/* A final name made of properties we do not know. */
	if (node_attribute_text(xml_child(pom, "build"), "finalName") || !artifact || !version || strchr(artifact, '$'))
		return text_printf(a, "target/*.%s", suffix);
	return text_printf(a, "target/%s.%s", shell_word(a, text_printf(a, "%s-%s", artifact, version)), suffix);
}

static void set_start(struct analysis *a, struct candidate *c, struct jvm_project *p, const struct xml_node *pom,
                      const char *mvn)
{
	const char *args = p->framework && p->framework->args ? p->framework->args : "", *assembled = "";
	const struct xml_node *assembly = find_plugin(pom, "maven-assembly-plugin");
	bool fat = find_plugin(pom, "maven-shade-plugin") || assembly || find_plugin(pom, "spring-boot-maven-plugin") ||
	           find_plugin(pom, "maven-jar-plugin");

	if (str_eq(c->framework, "quarkus")) {
		command_set(a, &c->start, p->dir, "java -Dquarkus.http.port={port} -jar target/quarkus-app/quarkus-run.jar");
		return;
	}
	if (str_eq(c->framework, "micronaut")) {
		command_set(a, &c->start, p->dir, "MICRONAUT_SERVER_PORT={port} java -jar %s", artifact_file(a, pom, p->dir));
		return;
	}
	/* Without a plugin that makes a jar with everything in it, Maven itself knows the class path. */
	if (!fat && p->main_class && !str_eq(c->framework, "spring-boot")) {
		command_set(a, &c->start, p->dir, "%s -q exec:java -Dexec.mainClass=%s", mvn, shell_word(a, p->main_class));
		return;
	}
	if (assembly)
		assembled = "-jar-with-dependencies";
	command_set(a, &c->start, p->dir, "java -jar %s%s%s",
	            assembled[0] ? text_printf(a, "target/*%s.jar", assembled) : artifact_file(a, pom, p->dir),
	            args[0] ? " " : "", args);
}

void maven_detect(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "pom.xml");
	const struct xml_node *pom = manifest_xml(a, t);
	struct jvm_project p = { .dir = dir, .text = t };
	struct candidate *c;
	const char *mvn;
	bool aggregate;

	if (!t)
		return;
	aggregate = str_eq(node_attribute_text(pom, "packaging"), "pom") || xml_child(pom, "modules");
	c = candidate_new(a, dir, ECO_JVM, "java", "java", SCORE_LIBRARY);
	if (!c)
		return;
	c->package_manager = "maven";
	candidate_because(a, c, t, SIZE_MAX, pom ? "a Maven project" : "a pom.xml that is not valid XML");
	c->library = true;
	if (!pom)
		return;
	if (node_attribute_text(pom, "artifactId"))
		c->name = node_attribute_text(pom, "artifactId");
	read_pom(a, c, dir, t, pom);
	if (aggregate) {
		candidate_why(a, c, t, SIZE_MAX, "only holds its modules together");
		return;
	}
	p.root = reactor_root(a, dir);
	p.kotlin = find_plugin(pom, "kotlin-maven-plugin") != NULL;
	/* What a module needs is often said above it. */
	for (struct tree_dir *up = dir; up != p.root;) {
		const struct text *above;

		up = up->parent;
		above = tree_read_at(&a->tree, up, "pom.xml");
		if (manifest_xml(a, above))
			read_pom(a, c, up, above, manifest_xml(a, above));
	}
	p.main_class = jvm_find_main(a, c, &p);
	/* Quarkus writes the main method itself. */
	jvm_judge(a, c, &p, p.main_class || find_plugin(pom, "quarkus-maven-plugin"));
	mvn = jvm_tool(a, p.root, "mvnw", "mvn");
	if (p.root == dir)
		command_set(a, &c->build, dir, "%s -B -DskipTests package", mvn);
	else
		command_set(a, &c->build, p.root, "%s -B -DskipTests package -pl %s -am", mvn,
		            shell_word(a, path_below(p.root, dir->path)));
	if (!c->library)
		set_start(a, c, &p, pom, p.root == dir ? mvn : "mvn");
}
