# shellcheck shell=bash

verb_fmt() {
	install_packages clang-format
	local check=()
	[ "${1:-}" != --check ] || check=(--dry-run --Werror)
	git ls-files --cached --others --exclude-standard '*.c' '*.h' | xargs clang-format -i "${check[@]}"
}

lint_step() {
	echo "== $1"
	shift
	"$@" || LINT_FAILED=1
}

lint_shell() {
	mapfile -t scripts < <(git grep -lE '^#!.*\b(ba|da)?sh\b' -- ':!tests/fuzz/corpus' ':!examples')
	shellcheck -x "${scripts[@]}" tools/dev/*.sh
}

# An upward include must not compile: proven by trying one for every folder.
lint_layering() {
	tools/check-layering
}

lint_banned() {
	tools/check-banned build/debug
}

lint_sizes() {
	tools/check-sizes
}

lint_clang() {
	# A compilation database of clang's, so that every flag is known to it.
	build_named clang || return 1
	echo "   (every warning of clang is an error there)"
	mapfile -t sources < <(git ls-files 'src/*.c' | grep -v '_test\.c$')
	printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 8 clang-tidy -p build/clang --quiet 2>/dev/null |
		grep -E 'warning:|error:' && return 1
	return 0
}

verb_lint() {
	LINT_FAILED=0
	mkdir -p "$CACHE" build
	install_packages "${BUILD_PACKAGES[@]}" clang clang-tidy shellcheck python3
	build_named debug || return 1
	lint_step "shellcheck" lint_shell
	lint_step "layering: upward includes do not compile" lint_layering
	lint_step "banned functions do not compile" lint_banned
	lint_step "longest files and functions" lint_sizes
	lint_step "clang and clang-tidy" lint_clang
	[ "$LINT_FAILED" -eq 0 ] && echo "lint: clean"
	return "$LINT_FAILED"
}
