#ifndef ANALYZER_ANALYZER_H
#define ANALYZER_ANALYZER_H
/* What is this repository? A folder in, an analysis with evidence out. Reads files, runs nothing, writes nothing.
 *
 * Every detector scores what it sees; all candidates are kept, the best one wins, the others are runners-up. Symbolic
 * links are not followed, single files are read up to 1 MiB, and at most limits.files_max names are looked at. */

#include "base/err.h"
#include "codec/json.h"

struct analyzer_limits {
	size_t files_max;   /* 0: 500,000 names */
	size_t read_max;    /* bytes read in all; 0: 64 MiB */
	int64_t timeout_ns; /* 0: 30 s */
};

/* Analyses the folder dir (its subfolder subpath, when not NULL or ""). The result is a new reference, of the form of a
 * Deployment's status.analysis:
 *
 * - framework: express, fastify, nestjs, nextjs, nuxt, astro, vite, sveltekit, angular, cra, remix, gatsby, node, deno,
 *   bun; flask, django, fastapi, streamlit, python; gin, echo, fiber, chi, go; axum, actix, rocket, rust; spring-boot,
 *   quarkus, micronaut, ktor, java, kotlin; rails, sinatra, rack, ruby; laravel, symfony, php; aspnet, dotnet; phoenix,
 *   elixir; cmake, meson, make; static; docker, compose, shell; unknown
 * - language: javascript, typescript, python, go, rust, java, kotlin, ruby, php, csharp, elixir, c, cpp, html, shell…
 * - runtimeVersion: as the repository says it ("20.x", ">=3.11", "1.22"); absent when it does not
 * - packageManager: npm, pnpm, yarn, bun, pip, poetry, uv, pipenv, pdm, conda, go, cargo, maven, gradle, bundler,
 *   composer, nuget, mix, deno, cmake, meson, make; absent when there is none
 * - dependencies: [{name, version, dev?}] of the main service, at most 200; dependencyCount: all of them
 * - port: the port it listens on, when found (a number); absent when not
 * - portFromEnv: true when PORT decides: the code, its framework or the start command reads it
 * - installCommand: fetches dependencies ("npm ci"); absent when there is nothing to install
 * - buildCommand: absent when nothing is to be built
 * - startCommand: may use $PORT (mostly as "${PORT:-8000}"); absent only when none was found. A folder of static files
 *   (or the output of a static build) is started with "scia serve DIR" (or "scia serve --spa DIR")
 * - staticDir: of static sites and static builds: the folder that is served ("." or "dist")
 * - healthPath: an HTTP path that the code offers for it (/healthz, /health, …); absent when none
 * - hasDockerfile, hasCompose: booleans
 * - env: [{name, required, default?, file, line}] variables the code reads, at most 100; defaults that look like
 *   secrets are left out
 * - datastores: [{type, why, file, line}]; type: postgresql, mysql, mariadb, redis, mongodb, sqlite, s3, rabbitmq,
 *   kafka, elasticsearch, memcached, …
 * - services: [{name, path, framework, language, port?, installCommand?, buildCommand?, startCommand?, confidence}]
 *   every deployable part of the repository when there is more than one; the first is the main one
 * - confidence: 0..1
 * - evidence: [{file, line, why}] at most 50, for the winner and its fields
 * - runnersUp: [{framework, path, confidence, why}] at most 10, best first
 * - filesScanned, truncated
 *
 * Every command is a line for sh that runs in the analysed folder ("cd api && npm ci" for a service below it), in the
 * order install, build, start, and needs nothing but the programs it names. Paths are relative to the analysed folder.
 *
 * Deterministic: the same tree gives the same analysis, whatever the order in which the file system lists it.
 * ERR_NOT_FOUND when dir or subpath does not exist (subpath may not lead out of dir). */
int analyzer_run(const char *dir, const char *subpath, const struct analyzer_limits *limits, json_t **ret,
                 struct err *err);

#endif
