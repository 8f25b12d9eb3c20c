#include "jvm.h"

#include "base/str.h"

const struct jvm_framework jvm_frameworks[] = {
	/* sign, framework, port, arguments */
	{ "io.quarkus", "quarkus", 8080, NULL },
	{ "io.micronaut", "micronaut", 8080, NULL },
	{ "org.springframework.boot", "spring-boot", 8080, "--server.port={port}" },
	{ "io.ktor", "ktor", 8080, NULL },
	{ "io.javalin", "java", 7070, NULL },
	{ "com.sparkjava", "java", 4567, NULL },
	{ "io.vertx", "java", 8888, NULL },
	{ "io.dropwizard", "java", 8080, NULL },
	{ "io.helidon", "java", 8080, NULL },
	{ "org.http4k", "java", 9000, NULL },
	{ "com.typesafe.play", "java", 9000, NULL },
	{ "org.eclipse.jetty", "java", 8080, NULL },
	{ "io.grpc", "java", 50051, NULL },
	{ NULL },
};

/* A starter that listens; without one, Spring Boot is a program that ends (a batch job), and still Spring Boot. */
static const char *const spring_web[] = { "org.springframework.boot:spring-boot-starter-web",
	                                      "org.springframework.boot:spring-boot-starter-webflux", NULL };

const struct jvm_framework *jvm_choose(struct analysis *a, struct candidate *c)
{
	for (const struct jvm_framework *f = jvm_frameworks; f->sign; f++) {
		const struct dependency *found = NULL;

		for (const struct dependency *d = c->deps; d; d = d->next) {
			if (!str_starts_with(d->name, f->sign) || d->dev)
				continue;
			if (!found || str_in(d->name, spring_web))
				found = d;
		}
		if (!found)
			continue;
		candidate_because_at(a, c, found->file, found->line, "depends on %s", found->name);
		return f;
	}
	return NULL;
}

const char *jvm_find_main(struct analysis *a, struct candidate *c, const struct jvm_project *p)
{
	static const char main_method[] = "public\\s+static\\s+void\\s+main\\s*\\(|^\\s*(?:suspend\\s+)?fun\\s+main\\s*\\(|"
									  "@SpringBootApplication|@QuarkusMain";
	const struct source_list list = sources_find(a, p->dir, ECO_JVM, SRC_JVM, NULL, 200);

	for (size_t i = 0; i < list.len; i++) {
		const struct text *t = source_text(a, &list.v[i]);
		const char *name = list.v[i].file->name;
		struct regex_match m, package;
		size_t pos = 0, start = 0;
		bool kotlin = str_ends_with(name, ".kt");
		const char *stem;

		if (!t || str_ends_with(name, ".kts") || !regex_next(a->regex, main_method, t->data, t->len, &pos, &m))
			continue;
		candidate_why(a, c, t, m.start, "the program");
		stem = text_printf(a, "%.*s%s", (int)strcspn(name, "."), name, kotlin ? "Kt" : "");
		if (!regex_next(a->regex, "^package\\s+([\\w.]+)", t->data, t->len, &start, &package))
			return stem;
		return text_printf(a, "%s.%s", regex_group(a->arena, &package, 1), stem);
	}
	return NULL;
}

void jvm_judge(struct analysis *a, struct candidate *c, struct jvm_project *p, bool runnable)
{
	c->library = !runnable;
	if (tree_dir_at(p->dir, "src/main/kotlin") || p->kotlin)
		c->language = "kotlin";
	c->framework = c->language;
	p->framework = jvm_choose(a, c);
	if (!p->framework) {
		c->score = runnable ? SCORE_PROGRAM : SCORE_LIBRARY;
		return;
	}
	c->default_port = p->framework->port;
	if (str_eq(p->framework->framework, "java")) {
		c->score = runnable ? SCORE_PROGRAM + 0.1 : SCORE_LIBRARY + 0.05;
		return;
	}
	c->framework = p->framework->framework;
	c->score = runnable ? SCORE_PROVEN : SCORE_LIBRARY + 0.1;
}

const char *jvm_tool(struct analysis *a, const struct tree_dir *dir, const char *wrapper, const char *tool)
{
	if (!tree_file(dir, wrapper))
		return tool;
	return text_printf(a, "%s./%s", tree_executable(&a->tree, dir, wrapper) ? "" : "sh ", wrapper);
}

static void detect_jvm(struct analysis *a, struct tree_dir *dir)
{
	/* With both, Maven's file is usually the one that is kept up; and only one may answer for the folder. */
	if (tree_file(dir, "pom.xml"))
		maven_detect(a, dir);
	else
		gradle_detect(a, dir);
}

const struct detector jvm_detector = { ECO_JVM, "jvm", detect_jvm };
