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
	# shellcheck disable=SC2034 # build.sh reads it
	mapfile -t BUILD_TARGETS < <(cd tests/fuzz && printf 'tests/fuzz/%s\n' *_fuzz.c | sed 's/\.c$//' | grep -F -- "${only:+/${only}_fuzz}")
	if [ ${#BUILD_TARGETS[@]} -eq 0 ]; then
		echo "./dev fuzz: there is no target $only; there are: $(cd tests/fuzz && echo *_fuzz.c | sed 's/_fuzz\.c//g')" >&2
		return 2
	fi
	build_named fuzz
	for program in "${BUILD_TARGETS[@]/#/build/fuzz/}"; do
		target=$(basename "$program" _fuzz)
		mkdir -p "$CACHE/fuzz/$target"
		echo "== fuzzing $target for $seconds s"
		# Weighing inputs by rare features takes ten times as long as running KCL programs, which have many.
		# clang's undefined behaviour is only told of, unless it is asked to end the program.
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$program" -entropic=0 -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
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
