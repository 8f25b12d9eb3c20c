# shellcheck shell=bash
# `./dev test`: runs every group, counts what the runners say, ends with one line.

PASSED=0 FAILED=0 SKIPPED=0
FAILURES=()

count() { # passed failed skipped
	PASSED=$((PASSED + $1))
	FAILED=$((FAILED + $2))
	SKIPPED=$((SKIPPED + $3))
}

# Runs meson's tests of a build and counts them. meson_group KIND [meson test arguments]
meson_group() {
	local kind=$1 log
	shift
	log=$CACHE/test-$kind.log
	echo "== unit tests, $kind build"
	# A leak or a race is a failure like any other.
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
		TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:suppressions=$ROOT/tests/tsan.supp \
		meson test -C "build/$kind" --no-rebuild --print-errorlogs --timeout-multiplier 4 "$@" >"$log" 2>&1 || true
	local ok fail skip timeout
	ok=$(awk '/^Ok:/ {print $2}' "$log")
	fail=$(awk '/^Fail:/ {print $2}' "$log")
	timeout=$(awk '/^Timeout:/ {print $2}' "$log")
	skip=$(awk '/^Skipped:/ {print $2}' "$log")
	if [ -z "$ok" ] && ! grep -q 'No tests defined\|No suitable tests' "$log"; then
		tail -n 30 "$log" >&2
		FAILURES+=("meson test in build/$kind did not run")
		count 0 1 0
		return
	fi
	count "${ok:-0}" $((${fail:-0} + ${timeout:-0})) "${skip:-0}"
	if [ $((${fail:-0} + ${timeout:-0})) -gt 0 ]; then
		sed -n '/^=====/,$p' "$log" | tail -n 200
		mapfile -t -O "${#FAILURES[@]}" FAILURES < <(grep -E '^ *[0-9]+/[0-9]+ .*(FAIL|TIMEOUT|ERROR)' "$log" | sed "s|^|$kind: |")
	fi
}

# Runs pytest over a folder and counts its tests. pytest_group TITLE PATH [arguments]
pytest_group() {
	local title=$1 path=$2 log
	shift 2
	log=$CACHE/test-$(basename "$path").log
	echo "== $title"
	# An isolated Python: Debian's, with Debian's modules, whatever else is on the machine.
	SCIA_BUILD="$ROOT/build/debug" SCIA_CACHE="$CACHE" PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -p no:cacheprovider -q -rfEs "$path" "$@" 2>&1 | tee "$log" || true
	local line
	line=$(tail -n 1 "$log")
	local passed failed errors skipped
	passed=$(grep -oE '[0-9]+ passed' <<<"$line" | grep -oE '[0-9]+' || true)
	failed=$(grep -oE '[0-9]+ failed' <<<"$line" | grep -oE '[0-9]+' || true)
	errors=$(grep -oE '[0-9]+ error' <<<"$line" | grep -oE '[0-9]+' || true)
	skipped=$(grep -oE '[0-9]+ skipped' <<<"$line" | grep -oE '[0-9]+' || true)
	if [ -z "$passed$failed$errors$skipped" ]; then
		grep -qE 'no tests ran|[0-9]+ deselected' "$log" || { FAILURES+=("pytest $path did not run") && count 0 1 0; }
		return
	fi
	count "${passed:-0}" $((${failed:-0} + ${errors:-0})) "${skipped:-0}"
	[ $((${failed:-0} + ${errors:-0})) -eq 0 ] ||
		mapfile -t -O "${#FAILURES[@]}" FAILURES < <(grep -E '^(FAILED|ERROR) ' "$log")
}

test_unit() {
	local kind
	for kind in asan tsan; do
		if build_named "$kind"; then
			meson_group "$kind"
		else
			build_failed "$kind"
		fi
	done
}

build_failed() {
	FAILURES+=("build/$1 did not compile")
	count 0 1 0
}

test_e2e() {
	build_named debug || {
		build_failed debug
		return
	}
	pytest_group "end-to-end tests" tests/e2e "$@"
	pytest_group "API conformance" tests/conformance "$@"
	pytest_group "composition functions" tests/function "$@"
	pytest_group "crash tests" tests/crash "$@"
	pytest_group "compositions" tests/compositions "$@"
	pytest_group "documentation examples" tests/docs "$@"
}

verb_test() {
	local group=${1:-all} name
	mkdir -p "$CACHE" build
	ensure_test_deps
	case $group in
		all)
			test_unit
			test_e2e
			;;
		unit) test_unit ;;
		e2e) test_e2e ;;
		web) echo "there is no web page yet" ;;
		*)
			name=$group
			build_named asan || build_failed asan
			mapfile -t matching < <(meson test -C build/asan --list 2>/dev/null | grep -F -- "$name" | sed 's|.*/ ||' | sort -u)
			[ ${#matching[@]} -eq 0 ] || meson_group asan "${matching[@]}"
			test_e2e -k "$name"
			;;
	esac
	echo
	local failure
	for failure in "${FAILURES[@]}"; do
		echo "FAILED: $failure"
	done
	if [ "$SKIPPED" -gt 0 ]; then
		echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	else
		echo "$PASSED passed, $FAILED failed"
	fi
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}
