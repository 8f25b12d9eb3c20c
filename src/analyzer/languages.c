#include "languages.h"

#include "base/str.h"

static const struct {
	const char *suffix, *language;
} languages[] = {
	{ ".js", "javascript" },
	{ ".mjs", "javascript" },
	{ ".cjs", "javascript" },
	{ ".jsx", "javascript" },
	{ ".ts", "typescript" },
	{ ".tsx", "typescript" },
	{ ".py", "python" },
	{ ".go", "go" },
	{ ".rs", "rust" },
	{ ".java", "java" },
	{ ".kt", "kotlin" },
	{ ".rb", "ruby" },
	{ ".php", "php" },
	{ ".cs", "csharp" },
	{ ".fs", "fsharp" },
	{ ".vb", "vb" },
	{ ".ex", "elixir" },
	{ ".exs", "elixir" },
	{ ".c", "c" },
	{ ".cc", "cpp" },
	{ ".cpp", "cpp" },
	{ ".cxx", "cpp" },
	{ ".hs", "haskell" },
	{ ".scala", "scala" },
	{ ".clj", "clojure" },
	{ ".swift", "swift" },
	{ ".zig", "zig" },
	{ ".nim", "nim" },
	{ ".ml", "ocaml" },
	{ ".dart", "dart" },
	{ ".lua", "lua" },
	{ ".pl", "perl" },
	{ ".pm", "perl" },
	{ ".r", "r" },
	{ ".R", "r" },
	{ ".jl", "julia" },
	{ ".cr", "crystal" },
	{ ".erl", "erlang" },
	{ ".groovy", "groovy" },
	{ ".d", "d" },
	{ ".v", "v" },
	{ ".elm", "elm" },
	{ ".sh", "shell" },
	{ ".html", "html" },
	{ ".htm", "html" },
	{ ".ipynb", "jupyter" },
	{ ".tf", "terraform" },
};

static bool below(const struct tree_dir *dir, const struct tree_dir *top)
{
	for (; dir; dir = dir->parent)
		if (dir == top)
			return true;
	return false;
}

const char *languages_main(const struct analysis *a, const struct tree_dir *top)
{
	size_t counts[ARRAY_SIZE(languages)] = { 0 }, best = 0;

	for (size_t i = 0; i < a->tree.dirs_len; i++) {
		const struct tree_dir *dir = a->tree.dirs[i];

		if (!below(dir, top))
			continue;
		for (size_t k = 0; k < dir->files_len; k++) {
			const char *dot = strrchr(dir->files[k].name, '.');

			for (size_t l = 0; dot && l < ARRAY_SIZE(languages); l++)
				if (str_eq(dot, languages[l].suffix)) {
					counts[l]++;
					break;
				}
		}
	}
	for (size_t l = 1; l < ARRAY_SIZE(languages); l++)
		if (counts[l] > counts[best])
			best = l;
	return counts[best] ? languages[best].language : NULL;
}
