#!/bin/sh
# Builds for another processor with Debian's own cross compiler and libraries; no container, no
# second sysroot. Usage: cross/build.sh [TARGET [CARGO ARGUMENTS…]], by default what is packed, for
# aarch64-unknown-linux-gnu: build --release, there with ONNX Runtime as a second runtime, which a Jetson has a use for.
# Output: target-TARGET/TARGET/.
# Exit code: cargo's; 75 where Debian's packages for it cannot be had here.
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh

target=${1:-aarch64-unknown-linux-gnu}
[ $# -eq 0 ] || shift

features=
case $target in
aarch64-unknown-linux-gnu)
    architecture=arm64
    triple=aarch64-linux-gnu
    # The first 64-bit core of a Raspberry Pi 3: a program that needs more than Armv8.0 fails here.
    runner="qemu-aarch64-static -cpu cortex-a53"
    features="--features onnxruntime"
    ;;
armv7-unknown-linux-gnueabihf)
    architecture=armhf
    triple=arm-linux-gnueabihf
    # That of a Raspberry Pi 2.
    runner="qemu-arm-static -cpu cortex-a7"
    ;;
*) fail "$target is not a target of this script; see cross/README.md" ;;
esac
# shellcheck disable=SC2086 # an option and its value, or nothing
[ $# -gt 0 ] || set -- build --release $features
[ "$(dpkg --print-architecture)" != "$architecture" ] ||
    fail "this machine is $architecture itself: use make build"

# A Rust from rustup has its own standard library for each target; Debian's comes as a package, and
# compiler and library must be of one version. Hence always the one in /usr/bin.
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
ours="rustc-web cargo-web gcc-$triple libc6-dev-$architecture-cross pkg-config libclang-dev qemu-user-static"
theirs="libstd-rust-web-dev:$architecture libc6-dev:$architecture libasound2-dev:$architecture"

# cannot WHY…: what is needed is not to be had, which is no fault of the program's.
cannot() {
    warn "$*"
    exit 75
}

# missing_of PACKAGE…: those that are not installed.
missing_of() {
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Abbrev}\n' "$package" 2>/dev/null | grep -q '^ii' || printf ' %s' "$package"
    done
}

# library_is_there: whether apt would install a standard library that is new enough.
library_is_there() {
    library=$(candidate "libstd-rust-web-dev:$architecture")
    version_at_least "${library:-0}" "$rust_wanted"
}

added=no
if ! dpkg --print-foreign-architectures | grep -qx "$architecture" && can_be_root; then
    say "adding architecture $architecture to dpkg"
    as_root dpkg --add-architecture "$architecture" || cannot "dpkg takes no packages of $architecture"
    added=yes
fi
by_hand=no
if ! library_is_there; then
    refresh_package_lists
    if ! library_is_there; then
        # Debian's index of armhf has been broken for weeks. It must not break every other update, too.
        [ "$added" = no ] || as_root dpkg --remove-architecture "$architecture"
        [ "$architecture" = armhf ] ||
            cannot "libstd-rust-web-dev:$architecture is ${library:-not there} and Rust $rust_wanted is needed;" \
                "as root: dpkg --add-architecture $architecture; apt-get update"
        by_hand=yes
        theirs=
    fi
fi
# shellcheck disable=SC2086 # one word a package
missing=$(missing_of $ours $theirs)
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing || cannot "cannot build for $target without:$missing"
fi
version_at_least "$(/usr/bin/rustc --version | cut -d ' ' -f 2)" "$rust_wanted" ||
    cannot "/usr/bin/rustc is older than Rust $rust_wanted; enable Debian's security archive and update"

name=$(printf '%s' "$target" | tr 'a-z-' 'A-Z_')
cross_dir=${HABITUATE_CROSS_TARGET_DIR:-$PWD/target-$target}
export CARGO_TARGET_DIR="$cross_dir"
export RUSTC=/usr/bin/rustc
export PKG_CONFIG_ALLOW_CROSS=1
export PKG_CONFIG_LIBDIR="/usr/lib/$triple/pkgconfig:/usr/share/pkgconfig"
export "CC_$(printf '%s' "$target" | tr - _)=$triple-gcc"
export "CARGO_TARGET_${name}_LINKER=$triple-gcc"
export "CARGO_TARGET_${name}_RUNNER=$runner"
[ "$by_hand" = no ] || . cross/by-hand.sh

subcommand=$1
shift
exec /usr/bin/cargo "$subcommand" --locked --target "$target" "$@"
