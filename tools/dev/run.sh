# shellcheck shell=bash

# run [-- REPO_URL ["PROMPT"]]: the main job. Everything lives in .cache/run and is gone with Ctrl-C, applications included.
verb_run() {
	[ "${1:-}" != -- ] || shift
	mkdir -p "$CACHE" build
	echo "setting up (the first time takes a minute or two) ..."
	ensure_run_deps
	# shellcheck disable=SC2034 # build.sh reads it
	BUILD_TARGETS=(src/scia src/scia-shim)
	build_named release
	exec tools/run-demo "$ROOT/build/release/src/scia" "$CACHE/run" "$@"
}
