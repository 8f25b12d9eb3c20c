#ifndef ANALYZER_JVM_H
#define ANALYZER_JVM_H
/* Java and Kotlin. jvm.c is the table of frameworks and what Maven (jvm_maven.c) and Gradle (jvm_gradle.c) share. */

#include "candidate.h"
#include "manifest.h"
#include "sources.h"

struct jvm_framework {
	const char *sign; /* beginning of "group:artifact" of a dependency, or of a plugin */
	const char *framework;
	int port;
	const char *args; /* passed to the program, gives it the port; NULL: it cannot be said there */
};

/* In order of precedence, ends with a NULL sign. */
extern const struct jvm_framework jvm_frameworks[];

struct jvm_project {
	struct tree_dir *dir;
	struct tree_dir *root;   /* of a build with several modules; else dir */
	const struct text *text; /* pom.xml or build.gradle */
	const struct jvm_framework *framework;
	bool kotlin;
	const char *main_class; /* or NULL */
};

/* The framework by the candidate's dependencies and plugins, with evidence; NULL when there is none we know. */
const struct jvm_framework *jvm_choose(struct analysis *a, struct candidate *c);
/* Sets framework, port, score and language. runnable: something starts. */
void jvm_judge(struct analysis *a, struct candidate *c, struct jvm_project *p, bool runnable);
/* A class with a main method in src/main; NULL when there is none. */
const char *jvm_find_main(struct analysis *a, struct candidate *c, const struct jvm_project *p);
/* "./gradlew" when the repository has the script (with "sh" before it when it may not be executed), else "gradle". */
const char *jvm_tool(struct analysis *a, const struct tree_dir *dir, const char *wrapper, const char *tool);

void maven_detect(struct analysis *a, struct tree_dir *dir);
void gradle_detect(struct analysis *a, struct tree_dir *dir);

#endif
