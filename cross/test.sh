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
cross/build.sh "$target" build --release
"$qemu" -cpu "$replay_core" "$program" --version

for core in $cores; do
    say "golden outputs of the encoders on $core"
    "$qemu" -cpu "$core" "$program" selftest
done

tools/setup.sh build
say "release binary for this machine"
PATH="$PATH:$HOME/.cargo/bin" cargo build --release --locked

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ $# -eq 0 ]; then
    python3 cross/make_sound.py "$work/sound.wav"
    set -- "$work/sound.wav"
fi

# replay_with NAME COMMAND…: scores in $work/NAME.csv; the rest of the line is how to start it.
replay_with() {
    name=$1
    shift
    say "replay, $name"
    started=$(date +%s)
    "$@" --state "$work/$name" --scores "$work/$name.csv" --report "$work/$name.json" --seed 1
    say "replay, $name: $(($(date +%s) - started)) s"
}
replay_with native "$native_dir/release/habituate" replay "$@"
replay_with "$target" "$qemu" -cpu "$replay_core" "$program" replay "$@"
python3 cross/compare_scores.py "$work/native.csv" "$work/$target.csv"
