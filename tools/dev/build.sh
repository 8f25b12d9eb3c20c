# shellcheck shell=bash

# What is compiled; empty: everything, tests too.
BUILD_TARGETS=()

# build_kind KIND [meson options]: configures build/KIND once, then compiles it.
build_kind() {
	local kind=$1
	shift
	local dir=$ROOT/build/$kind
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "$@" >"$dir.setup.log" 2>&1 || {
			cat "$dir.setup.log" >&2
			return 1
		}
	fi
	# Sources are listed in meson.build files, so ninja knows when to configure again.
	if ! ninja -C "$dir" -k 20 "${BUILD_TARGETS[@]}" >"$dir.log" 2>&1; then
		sed -n '/FAILED:/,$p' "$dir.log" | grep -vE '^\[[0-9]+/[0-9]+\]' >&2
		return 1
	fi
}

build_named() {
	case $1 in
		debug) build_kind debug -Dfault_points=true ;;
		release) build_kind release --buildtype=release -Db_lto=true ;;
		asan) build_kind asan -Dfault_points=true -Db_sanitize=address,undefined -Doptimization=1 ;;
		tsan) build_kind tsan -Dfault_points=true -Db_sanitize=thread -Doptimization=1 ;;
		clang) CC=clang build_kind clang -Dfault_points=true ;;
		fuzz) CC=clang build_kind fuzz -Dfuzz=true -Dfault_points=true -Db_sanitize=address,undefined -Db_lundef=false ;;
	esac
}

verb_build() {
	local kind=debug
	for argument in "$@"; do
		case $argument in
			--release | --asan | --tsan | --clang) kind=${argument#--} ;;
			*)
				echo "./dev build: unknown option $argument (there are --release, --asan, --tsan, --clang)" >&2
				return 2
				;;
		esac
	done
	mkdir -p "$CACHE" build
	install_packages "${BUILD_PACKAGES[@]}"
	[ "$kind" != clang ] || install_packages clang
	build_named "$kind"
	echo "built: build/$kind/src/scia"
}
