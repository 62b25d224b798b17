#!/bin/sh
# Unit tests and a replay of another processor's build under QEMU, and the replay's scores against those of
# the native build. Usage: cross/test.sh [TARGET [RECORDING…]], by default aarch64-unknown-linux-gnu and a
# sound of its own making.
#
# CARGO_BUILD_JOBS  how many compilers at a time, here as everywhere
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh

target=${1:-aarch64-unknown-linux-gnu}
[ $# -eq 0 ] || shift
cross_dir=${HABITUATE_CROSS_TARGET_DIR:-$PWD/target-$target}
native_dir=${CARGO_TARGET_DIR:-$PWD/target}

# The oldest core that is promised, the one of the replay, and everything that this QEMU knows: each takes
# other kernels.
case $target in
aarch64-unknown-linux-gnu)
    qemu="qemu-aarch64-static"
    replay_core=cortex-a72
    cores="cortex-a53 cortex-a72 max"
    ;;
armv7-unknown-linux-gnueabihf)
    qemu="qemu-arm-static"
    replay_core=cortex-a7
    cores="cortex-a7 max"
    # Libraries of that processor: installed beside ours, or unpacked by cross/by-hand.sh.
    QEMU_LD_PREFIX=/usr/arm-linux-gnueabihf
    QEMU_SET_ENV=LD_LIBRARY_PATH=/usr/lib/arm-linux-gnueabihf:$cross_dir/by-hand/usr/lib/arm-linux-gnueabihf
    export QEMU_LD_PREFIX QEMU_SET_ENV
    ;;
*) fail "$target is not a target of this script; see cross/README.md" ;;
esac
program=$cross_dir/$target/release/habituate

say "unit tests for $target under QEMU"
cross/build.sh "$target" test --lib
say "release binary for $target"
cross/build.sh "$target"
"$qemu" -cpu "$replay_core" "$program" --version

for core in $cores; do
    say "golden outputs of the encoders on $core"
    "$qemu" -cpu "$core" "$program" selftest
done

tools/setup.sh build
say "release binary for this machine"
PATH="$PATH:$HOME/.cargo/bin" cargo build --release --locked

cross/replay.sh "$qemu -cpu $replay_core" "$program" "$native_dir/release/habituate" "$@"
