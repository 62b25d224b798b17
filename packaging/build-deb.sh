#!/bin/sh
# Makes the Debian package. Usage: packaging/build-deb.sh [TARGET]
#
# Without TARGET for this machine, from `make build`; with one for another processor, from
# `cross/build.sh TARGET`. The result is target/debian/habituate_VERSION_ARCHITECTURE.deb.
#
# HABITUATE_PROFILE  the cargo profile whose program is packed (default release); dev is for tests of
#                    the packaging itself
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh
PATH="$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin"

target=${1:-}
variant=
profile=${HABITUATE_PROFILE:-release}
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac
native_dir=${CARGO_TARGET_DIR:-$PWD/target}

if ! cargo deb --version >/dev/null 2>&1; then
    say "installing cargo-deb into target/tools"
    CARGO_TARGET_DIR="$PWD/target/tools/build" \
        cargo install --quiet --locked --no-default-features --root target/tools cargo-deb
fi

if [ -z "$target" ]; then
    binary=$native_dir/$folder/habituate
    [ -x "$binary" ] || fail "nothing to pack yet: make build"
    "$binary" pages target/pages
    set --
else
    cross_dir=${HABITUATE_CROSS_TARGET_DIR:-$PWD/target-$target}
    binary=$cross_dir/$target/$folder/habituate
    [ -x "$binary" ] || fail "nothing to pack yet: cross/build.sh $target"
    case $target in
    aarch64-*) emulate="qemu-aarch64-static -cpu cortex-a53" ;;
    armv7-*)
        emulate="qemu-arm-static -cpu cortex-a7 -L /usr/arm-linux-gnueabihf"
        # ALSA of that processor: installed beside ours, or unpacked by cross/by-hand.sh.
        variant="--variant armhf"
        export QEMU_SET_ENV="LD_LIBRARY_PATH=/usr/lib/arm-linux-gnueabihf:$cross_dir/by-hand/usr/lib/arm-linux-gnueabihf"
        ;;
    *) fail "$target is not a target of cross/build.sh" ;;
    esac
    # The pages are the same everywhere, and this shows that the program starts there at all.
    # shellcheck disable=SC2086 # a command and its arguments
    $emulate "$binary" pages target/pages
    # shellcheck disable=SC2086 # an option and its value, or nothing
    set -- --target "$target" $variant
    native_dir=$cross_dir
fi

# What is promised in Cargo.toml must be enough.
promised=$(sed -n 's/^depends = .*libc6 (>= \([0-9.]*\)).*/\1/p' Cargo.toml | sort -V | head -n 1)
have objdump || fail "no objdump here, which tells what glibc the program asks for: install binutils"
wanted=$(objdump -T "$binary" | sed -n 's/.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -uV | tail -n 1)
[ -n "$wanted" ] || fail "$binary asks for no glibc: is it a program for $(uname -s)?"
version_at_least "$promised" "$wanted" ||
    fail "the program needs glibc $wanted, and Cargo.toml promises that $promised is enough"
say "needs glibc $wanted, the package asks for $promised"

CARGO_TARGET_DIR="$native_dir" cargo deb --no-build --locked --profile "$profile" \
    --output target/debian/ "$@"
