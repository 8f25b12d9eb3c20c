/* Scripting languages beside Node and Python, sites, hints, and repositories of several parts. */

#include "analyzer_testing.h"

static const struct tree_case scripting[] = {
	{ "rails",
	  "the server of Rails, the port of config/puma.rb",
	  { { "Gemfile", "source 'https://rubygems.org'\nruby '3.3.0'\ngem 'rails', '~> 7.1'\ngem 'pg'\ngroup :development "
	                 "do\n  gem 'debug'\nend\n" },
	    { "config/application.rb", "require 'rails/all'\n" },
	    { "config/puma.rb", "port ENV.fetch(\"PORT\") { 3434 }\n" } },
	  "rails",
	  "ruby",
	  3434,
	  true,
	  "bundler",
	  "bundle install",
	  NULL,
	  "bundle exec rails server -b 127.0.0.1 -p ${PORT:-3434}",
	  NULL,
	  "config/application.rb" },
	{ "sinatra",
	  "a program of one file",
	  { { "Gemfile", "gem 'sinatra'\n" }, { "web.rb", "require 'sinatra'\nset :port, 4600\nget('/') { 'x' }\n" } },
	  "sinatra",
	  "ruby",
	  4600,
	  true,
	  "bundler",
	  "bundle install",
	  NULL,
	  "bundle exec ruby web.rb -o 127.0.0.1 -p ${PORT:-4600}",
	  NULL,
	  "web.rb" },
	{ "rack",
	  "config.ru",
	  { { "Gemfile", "gem 'rack'\n" }, { "config.ru", "run App\n" } },
	  "rack",
	  "ruby",
	  9292,
	  true,
	  "bundler",
	  "bundle install",
	  NULL,
	  "bundle exec rackup -o 127.0.0.1 -p ${PORT:-9292}",
	  NULL,
	  "Gemfile" },
	{ "laravel",
	  "wins over the Vite that builds its assets; gets a key",
	  { { "composer.json", "{\"require\":{\"php\":\"^8.2\",\"laravel/framework\":\"^11\"}}" },
	    { "artisan", "<?php" },
	    { ".env.example", "APP_KEY=\nDB_CONNECTION=mysql\n" },
	    { "package.json", "{\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"vite\":\"5\"}}" },
	    { "public/index.php", "<?php" } },
	  "laravel",
	  "php",
	  8000,
	  true,
	  "composer",
	  "composer install --no-interaction",
	  "([ -f .env ] || { cp .env.example .env && php artisan key:generate --force; }) && npm install && npm run build",
	  "php artisan serve --host=127.0.0.1 --port=${PORT:-8000}",
	  NULL,
	  "artisan" },
	{ "symfony",
	  "served from public",
	  { { "composer.json", "{\"require\":{\"symfony/framework-bundle\":\"7.*\"}}" }, { "public/index.php", "<?php" } },
	  "symfony",
	  "php",
	  8000,
	  true,
	  "composer",
	  "composer install --no-interaction",
	  NULL,
	  "php -S 127.0.0.1:${PORT:-8000} -t public",
	  NULL,
	  "composer.json" },
	{ "php",
	  "pages without a manifest",
	  { { "index.php", "<?php echo 1;" }, { "style.css", "" } },
	  "php",
	  "php",
	  8000,
	  true,
	  NULL,
	  NULL,
	  NULL,
	  "php -S 127.0.0.1:${PORT:-8000}",
	  NULL,
	  "index.php" },
	{ "deno",
	  "a task starts it",
	  { { "deno.json", "{\"tasks\":{\"start\":\"deno run -A main.ts\"}}" },
	    { "main.ts", "Deno.serve({ port: 8500 }, () => {})" } },
	  "deno",
	  "typescript",
	  8500,
	  false,
	  "deno",
	  NULL,
	  "deno cache main.ts",
	  "deno task start",
	  NULL,
	  "main.ts" },
	{ "deno without settings",
	  "the program uses Deno",
	  { { "main.ts", "Deno.serve(() => new Response())" } },
	  "deno",
	  "typescript",
	  8000,
	  false,
	  "deno",
	  NULL,
	  "deno cache main.ts",
	  "deno run --allow-net --allow-env --allow-read main.ts",
	  NULL,
	  "main.ts" },
};

static const struct tree_case hints[] = {
	{ "static",
	  "pages at the top",
	  { { "index.html", "<html>" }, { "js/a.js", "" } },
	  "static",
	  "html",
	  0,
	  true,
	  NULL,
	  NULL,
	  NULL,
	  "scia serve .",
	  ".",
	  "index.html" },
	{ "static below",
	  "pages in a folder",
	  { { "README.md", "" }, { "public/index.html", "" } },
	  "static",
	  "html",
	  0,
	  true,
	  NULL,
	  NULL,
	  NULL,
	  "scia serve public",
	  "public",
	  "public/index.html" },
	{ "hugo",
	  "a generator's settings",
	  { { "hugo.toml", "baseURL = 'x'\n" }, { "content/a.md", "" } },
	  "static",
	  "html",
	  1313,
	  true,
	  NULL,
	  NULL,
	  "hugo --minify",
	  "scia serve public",
	  "public",
	  "hugo.toml" },
	{ "jekyll",
	  "a generator that is a gem",
	  { { "Gemfile", "gem 'jekyll'\n" }, { "_config.yml", "" }, { "index.md", "" } },
	  "static",
	  "ruby",
	  4000,
	  true,
	  "bundler",
	  "bundle install",
	  "bundle exec jekyll build",
	  "scia serve _site",
	  "_site",
	  "Gemfile" },
	{ "docker",
	  "nothing else is known; the language by its files",
	  { { "Dockerfile", "FROM haskell:9\nEXPOSE 8400\nCMD [\"/opt/x\"]\n" }, { "Main.hs", "" } },
	  "docker",
	  "haskell",
	  8400,
	  true,
	  NULL,
	  NULL,
	  "docker build -t app .",
	  "docker run --rm -p 127.0.0.1:${PORT:-8400}:8400 app",
	  NULL,
	  "Dockerfile" },
	{ "docker as a hint",
	  "the framework is the code's, the port and version the Dockerfile's",
	  { { "Dockerfile", "FROM node:18-slim\nENV PORT=9300\nEXPOSE $PORT\n" },
	    { "package.json", "{\"scripts\":{\"start\":\"node a\"},\"dependencies\":{\"express\":\"4\"}}" },
	    { "a.js", "require('express')().listen(process.env.PORT)" } },
	  "express",
	  "javascript",
	  9300,
	  true,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  "Dockerfile" },
	{ "docker's command",
	  "a program without any other",
	  { { "Dockerfile",
	      "FROM python:3.11\nWORKDIR /app\nCMD [\"python\", \"/app/src/serve.py\", \"--port\", \"8410\"]\n" },
	    { "requirements.txt", "x" },
	    { "src/serve.py", "" } },
	  "python",
	  "python",
	  8410,
	  false,
	  "pip",
	  "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
	  NULL,
	  ". .venv/bin/activate && python ./src/serve.py --port 8410",
	  NULL,
	  "Dockerfile" },
	{ "compose",
	  "nothing here but services of others",
	  { { "compose.yaml", "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:8430:80\"]\n  db:\n    image: "
	                      "postgres:16\n" } },
	  "compose",
	  "yaml",
	  8430,
	  false,
	  NULL,
	  NULL,
	  NULL,
	  "docker compose up",
	  NULL,
	  "compose.yaml" },
	{ "shell",
	  "a script that starts something",
	  { { "start.sh", "#!/bin/bash\nexec nc -l ${PORT:-8440}\n" } },
	  "shell",
	  "shell",
	  8440,
	  true,
	  NULL,
	  NULL,
	  NULL,
	  "bash start.sh",
	  NULL,
	  "start.sh" },
	{ "script",
	  "at the top, the one that serves and not the one that installs",
	  { { "install.sh", "#!/bin/sh\n" }, { "bash-web-server", "#!/usr/bin/env bash\nexec nc -l\n" }, { "x/y.sh", "" } },
	  "shell",
	  "shell",
	  0,
	  false,
	  NULL,
	  NULL,
	  NULL,
	  "bash bash-web-server",
	  NULL,
	  "bash-web-server" },
	{ "procfile",
	  "a command is known, its language is not",
	  { { "Procfile", "web: ./serve --port 8450\n" } },
	  "shell",
	  "shell",
	  8450,
	  false,
	  NULL,
	  NULL,
	  NULL,
	  "./serve --port 8450",
	  NULL,
	  "Procfile" },
	{ "unknown",
	  "words only",
	  { { "README.md", "# hello" } },
	  "unknown",
	  "unknown",
	  0,
	  false,
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  NULL },
	{ ".env.example",
	  "says the port when the code has no default",
	  { { "package.json", "{\"scripts\":{\"start\":\"node a\"},\"dependencies\":{\"express\":\"4\"}}" },
	    { "a.js", "require('express')().listen(process.env.PORT)" },
	    { ".env.example", "PORT=5005\n" } },
	  "express",
	  "javascript",
	  5005,
	  true,
	  "npm",
	  "npm install",
	  NULL,
	  "npm start",
	  NULL,
	  ".env.example" },
	{ "a name with a quote",
	  "goes to the shell as one word",
	  { { "it's/app.py", "from flask import Flask\napp = Flask(__name__)\n" } },
	  "flask",
	  "python",
	  5000,
	  true,
	  "pip",
	  "cd 'it'\\''s' && python3 -m venv .venv && .venv/bin/pip install flask",
	  NULL,
	  "cd 'it'\\''s' && . .venv/bin/activate && flask --app app run --host 127.0.0.1 --port ${PORT:-5000}",
	  NULL,
	  "it's/app.py" },
};

static void test_services_scripting(void **state)
{
	(void)state;
	expect_cases(scripting, ARRAY_SIZE(scripting));
}

static void test_services_hints(void **state)
{
	(void)state;
	expect_cases(hints, ARRAY_SIZE(hints));
}

static void write_shop(const char *dir)
{
	tree_write(dir, "docker-compose.yml",
	           "services:\n  web:\n    build: ./client\n    ports: ['80:80']\n  api:\n    build: {context: ./server}\n "
	           "   ports: ['9000:9100']\n"
	           "  queue:\n    image: rabbitmq:3\n  cache:\n    image: redis\n");
	tree_write(dir, "client/package.json",
	           "{\"scripts\":{\"build\":\"react-scripts build\"},\"dependencies\":{\"react-scripts\":\"5\"}}");
	tree_write(dir, "server/requirements.txt", "flask\ngunicorn\n");
	tree_write(dir, "server/app.py", "from flask import Flask\napp = Flask(__name__)\n");
	tree_write(dir, "server/Dockerfile", "FROM python:3.12\n");
	tree_write(dir, "examples/old/requirements.txt", "django\n");
	tree_write(dir, "examples/old/manage.py", "DJANGO_SETTINGS_MODULE\n");
}

static void test_services_of_one_repository(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;
	json_t *services, *stores, *runners;
	bool example = false;

	(void)state;
	write_shop(dir);
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "flask");
	assert_int_equal(json_get_int(v, "port", 0), 9100);
	assert_true(json_get_bool(v, "hasCompose", false));
	assert_true(json_get_bool(v, "hasDockerfile", false));
	services = json_object_get(v, "services");
	assert_int_equal(json_array_size(services), 2);
	assert_string_equal(json_get_str(json_array_get(services, 0), "name"), "api");
	assert_string_equal(json_get_str(json_array_get(services, 1), "path"), "client");
	assert_string_equal(json_get_str(json_array_get(services, 1), "framework"), "cra");
	stores = json_object_get(v, "datastores");
	assert_int_equal(json_array_size(stores), 2);
	assert_string_equal(json_get_str(json_array_get(stores, 0), "type"), "rabbitmq");
	assert_int_equal(json_get_int(json_array_get(stores, 0), "line", 0), 8);
	runners = json_object_get(v, "runnersUp");
	assert_string_equal(json_get_str(json_array_get(runners, 0), "framework"), "cra");
	for (size_t i = 0; i < json_array_size(runners); i++)
		example |= str_eq(json_get_str(json_array_get(runners, i), "path"), "examples/old");
	assert_true(example);
}

static void test_services_subpath(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;
	json_t *none = NULL;

	(void)state;
	write_shop(dir);
	assert_int_equal(analyzer_run(dir, "client", NULL, &v, NULL), 0);
	assert_string_equal(json_get_str(v, "framework"), "cra");
	assert_string_equal(json_get_str(v, "startCommand"), "scia serve --spa build");
	for (size_t i = 0; i < 5; i++) {
		static const char *const bad[] = { "..", "client/../..", "/etc", "nowhere", "server/app.py" };
		_cleanup_err_ struct err err = { 0 };

		assert_int_equal(analyzer_run(dir, bad[i], NULL, &none, &err), -1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
		assert_null(none);
	}
	tree_remove(dir);
}

/* The order in which files were made is the order in which many file systems list them. */
static void test_services_deterministic(void **state)
{
	static const char *const paths[] = { "b/package.json", "a/package.json", "c/package.json" };
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	for (int round = 0; round < 2; round++) {
		char *dir = tree_new();
		_cleanup_json_ json_t *v = NULL;

		for (size_t i = 0; i < 3; i++)
			tree_write(dir, paths[round ? 2 - i : i],
			           "{\"scripts\":{\"start\":\"node x\"},\"dependencies\":{\"express\":\"4\"}}");
		v = tree_analyze(dir);
		tree_remove(dir);
		*(round ? &second : &first) = json_canonical(v);
	}
	assert_string_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_scripting),         cmocka_unit_test(test_services_hints),
		cmocka_unit_test(test_services_of_one_repository), cmocka_unit_test(test_services_subpath),
		cmocka_unit_test(test_services_deterministic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
