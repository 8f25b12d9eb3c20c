# shellcheck shell=bash

# bench [NAME] [ARGUMENTS]: each benchmark is bench/NAME (a script) or build/release/bench/NAME_bench (a program).
verb_bench() {
	local only=${1:-} name
	[ $# -eq 0 ] || shift
	mkdir -p "$CACHE" build
	ensure_run_deps
	# shellcheck disable=SC2034 # build.sh reads it; the tests are not measured
	BUILD_TARGETS=(src/scia src/scia-shim tests/scia-apiserver bench/analyzer_bench bench/apiserver_bench bench/kcl_bench bench/store_bench)
	build_named release
	export SCIA_BUILD=$ROOT/build/release SCIA_CACHE=$CACHE
	for script in bench/*.py; do
		[ -e "$script" ] || continue
		name=$(basename "$script" .py)
		[ -z "$only" ] || [ "$only" = "$name" ] || continue
		echo "== $name"
		/usr/bin/python3 "$script" "$@"
	done
	for program in build/release/bench/*_bench; do
		[ -x "$program" ] || continue
		name=$(basename "$program" _bench)
		[ -z "$only" ] || [ "$only" = "$name" ] || continue
		echo "== $name"
		"$program" "$@"
	done
}

verb_soak() {
	local minutes=${1:-30}
	mkdir -p "$CACHE" build
	ensure_test_deps
	build_named debug
	SCIA_BUILD="$ROOT/build/debug" SCIA_CACHE="$CACHE" SCIA_SOAK_MINUTES="$minutes" \
		/usr/bin/python3 -m pytest -p no:cacheprovider -q -s tests/soak
}
