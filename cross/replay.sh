#!/bin/sh
# Replays a sound with the native program and with another processor's under QEMU, and compares the scores.
# Usage: cross/replay.sh "QEMU COMMAND" PROGRAM NATIVE_PROGRAM [RECORDING…], by default a sound of its own making.
#
# SOUND_S   how many seconds of it (120)
# SETTINGS  configuration of both, a file (the program's own)
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh

[ $# -ge 3 ] || fail 'usage: cross/replay.sh "QEMU COMMAND" PROGRAM NATIVE_PROGRAM [RECORDING…]'
emulate=$1
program=$2
native=$3
shift 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ $# -eq 0 ]; then
    python3 cross/make_sound.py "$work/sound.wav" "${SOUND_S:-120}"
    set -- "$work/sound.wav"
fi

# replay_with NAME COMMAND…: scores in $work/NAME.csv; the rest of the line is how to start it.
replay_with() {
    name=$1
    shift
    say "replay, $name"
    started=$(date +%s)
    "$@" ${SETTINGS:+--config "$SETTINGS"} --state "$work/$name" --scores "$work/$name.csv" --report "$work/$name.json" --seed 1
    say "replay, $name: $(($(date +%s) - started)) s"
}
replay_with native "$native" replay "$@"
# shellcheck disable=SC2086 # a command and its arguments
replay_with emulated $emulate "$program" replay "$@"
python3 cross/compare_scores.py "$work/native.csv" "$work/emulated.csv"
