# shellcheck shell=bash

# fuzz [TARGET] [SECONDS]: new inputs that reach new code go into .cache/fuzz/TARGET; a crash is kept and named.
verb_fuzz() {
	local only='' seconds=60 target failed=0
	for argument in "$@"; do
		case $argument in
			*[!0-9]*) only=$argument ;;
			*) seconds=$argument ;;
		esac
	done
	mkdir -p "$CACHE" build
	install_packages "${BUILD_PACKAGES[@]}" clang libclang-rt-14-dev
	build_named fuzz
	for program in build/fuzz/tests/fuzz/*_fuzz; do
		target=$(basename "$program" _fuzz)
		[ -z "$only" ] || [ "$target" = "$only" ] || continue
		mkdir -p "$CACHE/fuzz/$target"
		echo "== fuzzing $target for $seconds s"
		"$program" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix="$CACHE/fuzz/$target-" "$CACHE/fuzz/$target" "tests/fuzz/corpus/$target" \
			>"$CACHE/fuzz/$target.log" 2>&1 || {
			failed=1
			echo "   CRASHED: see .cache/fuzz/$target.log"
			grep -E 'ERROR|SUMMARY|Test unit written' "$CACHE/fuzz/$target.log" || true
		}
		grep -E 'number_of_executed_units|average_exec' "$CACHE/fuzz/$target.log" | sed 's/^/   /' || true
	done
	return $failed
}
