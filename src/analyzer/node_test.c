#include "analyzer_testing.h"

static const struct tree_case servers[] = {
	{ "express",
	  "npm ci with a lock file; the port is the default of PORT",
	  { { "package.json", "{\"scripts\":{\"start\":\"node server.js\"},\"dependencies\":{\"express\":\"^4.18.2\"}}" },
	    { "package-lock.json", "{}" },
	    { "server.js",
	      "const express = require('express')\nconst port = process.env.PORT || 4321\nexpress().listen(port)\n" } },
	  "express",
	  "javascript",
	  4321,
	  true,
	  "npm",
	  "npm ci",
	  NULL,
	  "npm start",
	  NULL,
	  "server.js" },
	{ "express without scripts",
	  "main is started; without a lock file npm install",
	  { { "package.json", "{\"main\":\"lib/web.js\",\"dependencies\":{\"express\":\"4\"}}" },
	    { "lib/web.js", "import express from 'express';\nexpress().listen(5050);" } },
	  "express",
	  "javascript",
	  5050,
	  false,
	  "npm",
	  "npm install",
	  NULL,
	  "node lib/web.js",
	  NULL,
	  "lib/web.js" },
	{ "express and vite",
	  "one package.json for both: npm start runs the server",
	  { { "package.json", "{\"scripts\":{\"start\":\"node server\",\"build\":\"vite build\"},"
	                      "\"dependencies\":{\"express\":\"4\",\"vite\":\"5\"}}" },
	    { "index.html", "<html>" },
	    { "vite.config.js", "export default {}" },
	    { "server.js", "require('express')().listen(process.env.PORT ?? 8123)" } },
	  "express",
	  "javascript",
	  8123,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "npm start",
	  NULL,
	  "server.js" },
	{ "vite and express",
	  "the same, but npm start runs the tool for browser code",
	  { { "package.json", "{\"scripts\":{\"start\":\"vite\",\"build\":\"vite build\"},"
	                      "\"dependencies\":{\"express\":\"4\",\"vite\":\"5\"}}" },
	    { "index.html", "<html>" } },
	  "vite",
	  "javascript",
	  5173,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa dist",
	  "dist",
	  "package.json" },
	{ "fastify",
	  "listen({ port }), started by a script that builds into dist first",
	  { { "package.json", "{\"scripts\":{\"start\":\"node dist/main.js\",\"build\":\"tsc\"},"
	                      "\"dependencies\":{\"fastify\":\"^4\"},\"devDependencies\":{\"typescript\":\"^5\"}}" },
	    { "yarn.lock", "" },
	    { "src/main.ts", "import fastify from 'fastify'\nfastify().listen({ host: '0.0.0.0', port: 3456 })" } },
	  "fastify",
	  "typescript",
	  3456,
	  false,
	  "yarn",
	  "yarn install --frozen-lockfile",
	  "yarn run build",
	  "yarn start",
	  NULL,
	  "src/main.ts" },
	{ "nestjs",
	  "start:prod rather than the watcher",
	  { { "package.json",
	      "{\"scripts\":{\"start\":\"nest start\",\"start:prod\":\"node dist/main\",\"build\":\"nest build\"},"
	      "\"dependencies\":{\"@nestjs/core\":\"10\",\"express\":\"4\"},\"devDependencies\":{\"typescript\":\"5\"}}" },
	    { "pnpm-lock.yaml", "" },
	    { "src/main.ts", "async function bootstrap() { await app.listen(process.env.PORT ?? 3000); }" } },
	  "nestjs",
	  "typescript",
	  3000,
	  true,
	  "pnpm",
	  "pnpm install --frozen-lockfile",
	  "pnpm run build",
	  "pnpm run start:prod",
	  NULL,
	  "src/main.ts" },
	{ "bin/www",
	  "the generator's program has no suffix",
	  { { "package.json", "{\"scripts\":{\"start\":\"node ./bin/www\"},\"dependencies\":{\"express\":\"4\"}}" },
	    { "app.js", "const express = require('express')" },
	    { "bin/www", "#!/usr/bin/env node\nvar port = normalizePort(process.env.PORT || '3210');\n" } },
	  "express",
	  "javascript",
	  3210,
	  true,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "bin/www" },
	{ "a comment",
	  "what is commented out does not count",
	  { { "package.json", "{\"scripts\":{\"start\":\"node .\"},\"dependencies\":{\"express\":\"4\"}}" },
	    { "index.js", "// const port = process.env.PORT || 1234\nrequire('express')().listen(3998)" } },
	  "express",
	  "javascript",
	  3998,
	  false,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "index.js" },
	{ "koa",
	  "a server library without a framework name of its own is node",
	  { { "package.json", "{\"scripts\":{\"start\":\"node .\"},\"dependencies\":{\"koa\":\"2\"}}" },
	    { "index.js", "const Koa = require('koa');\nnew Koa().listen(3999);" } },
	  "node",
	  "javascript",
	  3999,
	  false,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "index.js" },
	{ "plain node",
	  "nothing to install; the port is in a constant",
	  { { "package.json", "{\"scripts\":{\"start\":\"node app.js\"}}" },
	    { "app.js", "const PORT = 7001;\nrequire('http').createServer().listen(PORT);" } },
	  "node",
	  "javascript",
	  7001,
	  false,
	  "npm",
	  NULL,
	  NULL,
	  "npm start",
	  NULL,
	  "app.js" },
	{ "no package.json",
	  "a file that listens is a program all the same",
	  { { "server.js", "require('http').createServer((q, s) => s.end()).listen(8081)" } },
	  "node",
	  "javascript",
	  8081,
	  false,
	  NULL,
	  NULL,
	  NULL,
	  "node server.js",
	  NULL,
	  "server.js" },
	{ "bun",
	  "Bun.serve and bun's lock file",
	  { { "package.json", "{\"scripts\":{\"start\":\"bun run index.ts\"},\"devDependencies\":{\"@types/bun\":\"1\"}}" },
	    { "bun.lockb", "" },
	    { "index.ts", "Bun.serve({ port: 3030, fetch() {} })" } },
	  "bun",
	  "javascript",
	  3030,
	  false,
	  "bun",
	  "bun install --frozen-lockfile",
	  NULL,
	  "bun run start",
	  NULL,
	  "index.ts" },
	{ "express with a comment in package.json",
	  "most tools accept it, and so do we",
	  { { "package.json", "{\n// ours\n\"scripts\":{\"start\":\"node x.js\",},\"dependencies\":{\"express\":\"4\"},}" },
	    { "x.js", "require('express')().listen(4004)" } },
	  "express",
	  "javascript",
	  4004,
	  false,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "x.js" },
	{ "port in the script",
	  "what the script sets is surer than the code's default",
	  { { "package.json", "{\"scripts\":{\"start\":\"PORT=9009 node a.js\"},\"dependencies\":{\"express\":\"4\"}}" },
	    { "a.js", "require('express')().listen(process.env.PORT || 3000)" } },
	  "express",
	  "javascript",
	  9009,
	  true,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "a.js" },
};

static const struct tree_case renderers[] = {
	{ "nextjs",
	  "started by its script, after a build; reads PORT by itself",
	  { { "package.json", "{\"scripts\":{\"start\":\"next start\",\"build\":\"next "
	                      "build\"},\"dependencies\":{\"next\":\"14\",\"react\":\"18\"}}" },
	    { "app/page.tsx", "" },
	    { "tsconfig.json", "{}" } },
	  "nextjs",
	  "typescript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "npm start",
	  NULL,
	  "package.json" },
	{ "nextjs export",
	  "output: 'export' makes files that are served",
	  { { "package.json", "{\"scripts\":{\"build\":\"next build\"},\"dependencies\":{\"next\":\"14\"}}" },
	    { "next.config.js", "module.exports = { output: 'export' }" } },
	  "nextjs",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve out",
	  "out",
	  "next.config.js" },
	{ "nuxt",
	  "version 3 writes a server of its own",
	  { { "package.json",
	      "{\"scripts\":{\"build\":\"nuxt build\",\"dev\":\"nuxt dev\"},\"devDependencies\":{\"nuxt\":\"^3.8\"}}" } },
	  "nuxt",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "node .output/server/index.mjs",
	  NULL,
	  "package.json" },
	{ "remix",
	  "its script, and its default port",
	  { { "package.json", "{\"scripts\":{\"start\":\"remix-serve build\",\"build\":\"remix build\"},"
	                      "\"dependencies\":{\"@remix-run/node\":\"2\",\"@remix-run/"
	                      "react\":\"2\"},\"devDependencies\":{\"vite\":\"5\"}}" } },
	  "remix",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "npm start",
	  NULL,
	  "package.json" },
	{ "sveltekit node",
	  "adapter-node makes a server that reads PORT",
	  { { "package.json",
	      "{\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"@sveltejs/kit\":\"2\",\"vite\":\"5\"}}" },
	    { "svelte.config.js", "import adapter from '@sveltejs/adapter-node';" } },
	  "sveltekit",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "node build",
	  NULL,
	  "svelte.config.js" },
	{ "sveltekit static",
	  "adapter-static makes files",
	  { { "package.json",
	      "{\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"@sveltejs/kit\":\"2\",\"vite\":\"5\"}}" },
	    { "svelte.config.js", "import adapter from '@sveltejs/adapter-static';\nadapter({ fallback: '200.html' })" } },
	  "sveltekit",
	  "javascript",
	  5173,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa build",
	  "build",
	  "svelte.config.js" },
	{ "astro",
	  "files by default",
	  { { "package.json", "{\"scripts\":{\"build\":\"astro build\"},\"dependencies\":{\"astro\":\"^4\"}}" } },
	  "astro",
	  "javascript",
	  4321,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve dist",
	  "dist",
	  "package.json" },
	{ "astro server",
	  "with the node adapter it is a server",
	  { { "package.json", "{\"scripts\":{\"build\":\"astro build\"},\"dependencies\":{\"astro\":\"^4\"}}" },
	    { "astro.config.mjs", "import node from '@astrojs/node';\nexport default { output: 'server', adapter: node({ "
	                          "mode: 'standalone' }) }" } },
	  "astro",
	  "javascript",
	  4321,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "HOST=127.0.0.1 PORT=${PORT:-4321} node ./dist/server/entry.mjs",
	  NULL,
	  "astro.config.mjs" },
};

static const struct tree_case sites[] = {
	{ "vite",
	  "its own port and folder when the configuration says so",
	  { { "package.json",
	      "{\"scripts\":{\"dev\":\"vite\",\"build\":\"vite build\"},\"devDependencies\":{\"vite\":\"^5.0\"}}" },
	    { "index.html", "<html>" },
	    { "vite.config.ts", "export default { server: { port: 8010 }, build: { outDir: 'www' } }" } },
	  "vite",
	  "javascript",
	  8010,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa www",
	  "www",
	  "vite.config.ts" },
	{ "vite 2",
	  "before version 3 it listened on 3000",
	  { { "package.json", "{\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"vite\":\"^2.9\"}}" },
	    { "index.html", "" } },
	  "vite",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa dist",
	  "dist",
	  "package.json" },
	{ "cra",
	  "react-scripts",
	  { { "package.json", "{\"scripts\":{\"start\":\"react-scripts start\",\"build\":\"react-scripts build\"},"
	                      "\"dependencies\":{\"react-scripts\":\"5\"}}" } },
	  "cra",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa build",
	  "build",
	  "package.json" },
	{ "angular",
	  "the newer builder writes to a folder browser below the project's",
	  { { "package.json",
	      "{\"scripts\":{\"start\":\"ng serve\",\"build\":\"ng build\"},\"dependencies\":{\"@angular/core\":\"17\"}}" },
	    { "angular.json", "{\"projects\":{\"shop\":{\"architect\":{\"build\":{\"builder\":\"@angular-devkit/"
	                      "build-angular:application\","
	                      "\"options\":{\"outputPath\":\"dist/shop\"}}}}}}" } },
	  "angular",
	  "javascript",
	  4200,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve --spa dist/shop/browser",
	  "dist/shop/browser",
	  "package.json" },
	{ "gatsby",
	  "writes to public",
	  { { "package.json", "{\"scripts\":{\"build\":\"gatsby build\"},\"dependencies\":{\"gatsby\":\"5\"}}" } },
	  "gatsby",
	  "javascript",
	  8000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve public",
	  "public",
	  "package.json" },
	{ "docusaurus",
	  "a site generator without a framework name of its own is static",
	  { { "package.json",
	      "{\"scripts\":{\"build\":\"docusaurus build\"},\"dependencies\":{\"@docusaurus/core\":\"3\"}}" } },
	  "static",
	  "javascript",
	  3000,
	  true,
	  "npm",
	  "npm install",
	  "npm run build",
	  "scia serve build",
	  "build",
	  "package.json" },
};

static void test_node_servers(void **state)
{
	(void)state;
	expect_cases(servers, ARRAY_SIZE(servers));
}

static void test_node_renderers(void **state)
{
	(void)state;
	expect_cases(renderers, ARRAY_SIZE(renderers));
}

static void test_node_sites(void **state)
{
	(void)state;
	expect_cases(sites, ARRAY_SIZE(sites));
}

static const json_t *service_at(const json_t *v, const char *path)
{
	json_t *all = json_object_get(v, "services");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (str_eq(json_get_str(json_array_get(all, i), "path"), path))
			return json_array_get(all, i);
	fail_msg("no service at %s", path);
	return NULL;
}

static void test_node_workspace(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	tree_write(
		dir, "package.json",
		"{\"private\":true,\"workspaces\":[\"apps/*\",\"packages/*\"],\"scripts\":{\"start\":\"turbo run start\"}}");
	tree_write(dir, "package-lock.json", "{}");
	tree_write(dir, "turbo.json", "{}");
	tree_write(dir, "apps/api/package.json",
	           "{\"name\":\"@acme/api\",\"scripts\":{\"start\":\"node dist/i.js\",\"build\":\"tsc\"},"
	           "\"dependencies\":{\"express\":\"4\"}}");
	tree_write(dir, "apps/api/src/i.ts", "import express from 'express';\nexpress().listen(6001);");
	tree_write(dir, "apps/site/package.json",
	           "{\"name\":\"site\",\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"vite\":\"5\"}}");
	tree_write(dir, "apps/site/index.html", "");
	tree_write(dir, "packages/ui/package.json",
	           "{\"name\":\"ui\",\"main\":\"index.js\",\"devDependencies\":{\"vite\":\"5\"}}");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "express");
	assert_string_equal(json_get_str(v, "installCommand"), "npm ci");
	assert_string_equal(json_get_str(v, "buildCommand"), "npx turbo run build --filter=@acme/api");
	assert_string_equal(json_get_str(v, "startCommand"), "cd apps/api && npm start");
	assert_int_equal(json_get_int(v, "port", 0), 6001);
	assert_int_equal(json_array_size(json_object_get(v, "services")), 2);
	assert_string_equal(json_get_str(json_array_get(json_object_get(v, "services"), 0), "path"), "apps/api");
	assert_string_equal(json_get_str(service_at(v, "apps/site"), "framework"), "vite");
	assert_string_equal(json_get_str(service_at(v, "apps/site"), "startCommand"),
	                    "cd apps/site && scia serve --spa dist");
}

static void test_node_dependencies_and_env(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;
	json_t *dep, *env, *stores;

	(void)state;
	tree_write(dir, "package.json",
	           "{\"engines\":{\"node\":\"20.x\"},\"scripts\":{\"start\":\"node s.js\"},\n"
	           "\"dependencies\":{\"express\":\"4\",\n\"pg\":\"8\"},\"devDependencies\":{\"jest\":\"29\"}}");
	tree_write(dir, "s.js",
	           "const app = require('express')()\nconst key = process.env.STRIPE_KEY\n"
	           "const secret = process.env.SESSION_SECRET || 'do-not-show'\nconst color = process.env.COLOR || 'red'\n"
	           "app.get('/healthz', (q, s) => s.end())\napp.listen(3000)\n");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "runtimeVersion"), "20.x");
	assert_string_equal(json_get_str(v, "healthPath"), "/healthz");
	assert_int_equal(json_get_int(v, "dependencyCount", 0), 3);
	dep = json_array_get(json_object_get(v, "dependencies"), 2);
	assert_string_equal(json_get_str(dep, "name"), "jest");
	assert_true(json_get_bool(dep, "dev", false));
	stores = json_object_get(v, "datastores");
	assert_int_equal(json_array_size(stores), 1);
	assert_string_equal(json_get_str(json_array_get(stores, 0), "type"), "postgresql");
	assert_int_equal(json_get_int(json_array_get(stores, 0), "line", 0), 3);
	env = json_object_get(v, "env");
	assert_int_equal(json_array_size(env), 3);
	assert_string_equal(json_get_str(json_array_get(env, 0), "name"), "STRIPE_KEY");
	assert_true(json_get_bool(json_array_get(env, 0), "required", false));
	assert_int_equal(json_get_int(json_array_get(env, 0), "line", 0), 2);
	assert_null(json_get_str(json_array_get(env, 1), "default"));
	assert_false(json_get_bool(json_array_get(env, 1), "required", true));
	assert_string_equal(json_get_str(json_array_get(env, 2), "default"), "red");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_servers),
		cmocka_unit_test(test_node_renderers),
		cmocka_unit_test(test_node_sites),
		cmocka_unit_test(test_node_workspace),
		cmocka_unit_test(test_node_dependencies_and_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
