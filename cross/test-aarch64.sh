#!/bin/sh
# Unit tests and a replay of the aarch64 build under QEMU, and the replay's scores against those of
# the native build. Usage: cross/test-aarch64.sh [RECORDING…]; without, a sound of its own making.
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh

target=aarch64-unknown-linux-gnu
emulate="qemu-aarch64-static -cpu cortex-a72"
cross_dir=${HABITUATE_CROSS_TARGET_DIR:-$PWD/target-$target}
native_dir=${CARGO_TARGET_DIR:-$PWD/target}

say "unit tests for $target under QEMU"
cross/build.sh "$target" test --lib
say "release binary for $target"
cross/build.sh "$target" build --release
# shellcheck disable=SC2086 # a command and its arguments
$emulate "$cross_dir/$target/release/habituate" --version

# The cores of a Raspberry Pi 3 and 4, and everything that this QEMU knows: each takes other kernels.
for core in cortex-a53 cortex-a72 max; do
    say "golden outputs of the encoders on $core"
    qemu-aarch64-static -cpu "$core" "$cross_dir/$target/release/habituate" selftest
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
# shellcheck disable=SC2086 # a command and its arguments
replay_with aarch64 $emulate "$cross_dir/$target/release/habituate" replay "$@"
python3 cross/compare_scores.py "$work/native.csv" "$work/aarch64.csv"
