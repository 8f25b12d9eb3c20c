/* A small repository: records parted by the byte 0x1e, each a byte that chooses a file name and the file's content. */

#include "analyzer/analyzer.h"

#include "base/fs.h"
#include "base/str.h"

#include <fcntl.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * 1024)
#define RECORDS_MAX 16

static const char *const names[] = {
	"package.json",     "pnpm-workspace.yaml",
	"angular.json",     "server.js",
	"requirements.txt", "pyproject.toml",
	"Pipfile",          "environment.yml",
	"setup.py",         "app.py",
	"manage.py",        "go.mod",
	"main.go",          "Cargo.toml",
	"main.rs",          "pom.xml",
	"build.gradle",     "settings.gradle",
	"Main.java",        "application.yml",
	"Gemfile",          "config.ru",
	"app.rb",           "composer.json",
	"index.php",        "a.csproj",
	"mix.exs",          "deno.json",
	"main.ts",          "CMakeLists.txt",
	"meson.build",      "Makefile",
	"main.c",           "Dockerfile",
	"compose.yaml",     "Procfile",
	"_config.yml",      "start.sh",
	".env.example",     "index.html",
	"turbo.json",       "svelte.config.js",
	"vite.config.js",   "mkdocs.yml",
	"artisan",          "requirements-dev.txt",
	"lerna.json",       "bun.lockb",
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void write_record(int folder, const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = openat(folder, names[data[0] % ARRAY_SIZE(names)],
	                                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && !fs_write_all(fd, data + 1, size - 1));
}

static void write_records(const char *dir, const uint8_t *data, size_t size)
{
	_cleanup_close_ int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	require(folder >= 0);
	for (int i = 0; size && i < RECORDS_MAX; i++) {
		const uint8_t *end = memchr(data, 0x1e, size);
		size_t len = end ? (size_t)(end - data) : size;

		if (len)
			write_record(folder, data, len);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
}

static void check(const json_t *v)
{
	double confidence = json_number(json_object_get(v, "confidence"), -1);
	int64_t port = json_get_int(v, "port", 1);

	require(json_get_str(v, "framework") && json_get_str(v, "language"));
	require(confidence >= 0 && confidence <= 1);
	require(port > 0 && port < 65536);
	require(json_array_size(json_object_get(v, "evidence")) <= 50);
	require(json_array_size(json_object_get(v, "runnersUp")) <= 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory where there is such a file system: millions of these are made. */
	char dir[] = "/dev/shm/analyzer-fuzz-XXXXXX", other[] = "/tmp/analyzer-fuzz-XXXXXX";
	const char *made;
	_cleanup_json_ json_t *first = NULL, *second = NULL;

	if (size > INPUT_MAX)
		return 0;
	made = mkdtemp(dir);
	if (!made)
		made = mkdtemp(other);
	require(made != NULL);
	write_records(made, data, size);
	require(!analyzer_run(made, NULL, NULL, &first, NULL));
	require(!analyzer_run(made, NULL, NULL, &second, NULL));
	fs_remove_tree(made, NULL);
	check(first);
	require(json_equal(first, second));
	return 0;
}
