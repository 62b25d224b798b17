#!/bin/sh
# How many instructions of another processor a window of sound costs, learning included: a long and a
# short replay in QEMU, subtracted, so that start-up does not count.
# Usage: cross/count_instructions.sh PROGRAM [LONG_S [SHORT_S]], by default 600 and 300: after the first 300
# windows, 150 s, there is half an update a window and no longer two, so that this is what it costs in the long run.
#
# Debian's QEMU can count by a plug-in (package qemu-user; the static one cannot) and has none: the
# plug-in is beside this script, and qemu-plugin.h comes from QEMU's source in Debian's archive.
#
# QEMU_PLUGIN_H  that header, where it is already here
# CPU            the core (cortex-a72 for aarch64, cortex-a7 for armv7, max for x86-64)
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh

program=${1:-}
[ -x "$program" ] || fail "usage: cross/count_instructions.sh PROGRAM [LONG_S [SHORT_S]]"
long_s=${2:-600}
short_s=${3:-300}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# fetch_header: QEMU's source of Debian 12 into a folder of its own; apt's own settings stay.
fetch_header() {
    mkdir -p "$work/lists/partial"
    echo "deb-src http://deb.debian.org/debian bookworm main" >"$work/sources.list"
    options="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$work/lists"
    # shellcheck disable=SC2086 # three options
    (cd "$work" && apt-get -qq $options update && apt-get -qq $options source --download-only qemu) >&2
    tar -xf "$work"/qemu_*.orig.tar.xz -C "$work" --strip-components=3 --wildcards '*/include/qemu/qemu-plugin.h'
    header=$work/qemu-plugin.h
}

case $(od -An -tu2 -j18 -N2 "$program" | tr -d ' ') in
183) qemu="qemu-aarch64 -cpu ${CPU:-cortex-a72}" ;;
40)
    qemu="qemu-arm -cpu ${CPU:-cortex-a7} -L /usr/arm-linux-gnueabihf"
    # ALSA of that processor: installed beside ours, or unpacked by cross/by-hand.sh.
    by_hand=${program%/*/release/*}/by-hand
    export QEMU_SET_ENV="LD_LIBRARY_PATH=/usr/lib/arm-linux-gnueabihf:$by_hand/usr/lib/arm-linux-gnueabihf"
    ;;
62) qemu="qemu-x86_64 -cpu ${CPU:-max}" ;;
*) fail "$program is a program for neither ARM nor x86-64" ;;
esac
have "${qemu%% *}" || install_packages qemu-user || fail "cannot count without qemu-user"
header=${QEMU_PLUGIN_H:-}
[ -n "$header" ] || fetch_header
cc -O2 -shared -fPIC -Wall -Wextra -Werror -I"$(dirname "$header")" -o "$work/count.so" cross/count_instructions.c

# count SECONDS: instructions and windows of a replay of that length.
count() {
    python3 cross/make_sound.py "$work/sound.wav" "$1"
    # shellcheck disable=SC2086 # a command and its arguments
    $qemu -plugin "$work/count.so" "$program" replay "$work/sound.wav" --seed 1 \
        --scores "$work/scores.csv" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "the replay failed"; }
    instructions=$(sed -n 's/^instructions: //p' "$work/said")
    windows=$(($(wc -l <"$work/scores.csv") - 1))
    say "$1 s of sound: $instructions instructions, $windows windows"
    echo "$instructions $windows"
}
long=$(count "$long_s")
short=$(count "$short_s")
echo "$long $short" | awk '{ printf "%.1f million instructions a window\n", ($1 - $3) / ($2 - $4) / 1e6 }'
