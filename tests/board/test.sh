#!/usr/bin/env bash
# The package in a whole system: Debian's kernel, a real systemd, a virtual camera and sound card.
# Usage: tests/board/test.sh [amd64|arm64]; the package must be in target/debian (make deb).
#
# CUTS      how often the power is cut (10); 0 leaves that part out
# LEARN_S   seconds of learning before the foreign sound (120)
# LIFE      no leaves the part without power cuts out
# SEED      of the moments of the cuts
set -euo pipefail

cd "$(dirname "$0")/../.."
. tools/lib.sh

arch=${1:-$(dpkg --print-architecture)}
board=tests/board/board
cache=${BOARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/board}
deb=$(find target/debian -name "habituate_*_$arch.deb" 2>/dev/null | sort | tail -n 1) || :
[ -n "$deb" ] || fail "no package for $arch in target/debian: make deb"

case $arch in amd64) wanted="qemu-system-x86" ;; *) wanted="qemu-system-arm" ;; esac
# To make another processor's system, its programs must run here.
[ "$arch" = "$(dpkg --print-architecture)" ] || wanted="$wanted qemu-user-static arch-test"
missing=
# shellcheck disable=SC2086 # one word a package
for package in mmdebstrap e2fsprogs $wanted; do
    dpkg-query -W -f '${db:Status-Abbrev}\n' "$package" 2>/dev/null | grep -q '^ii' ||
        missing="$missing $package"
done
# shellcheck disable=SC2086 # one word a package
[ -z "$missing" ] || install_packages $missing || fail "cannot test without:$missing"
if ! [ -f "$cache/$arch/disk.img" ]; then
    say "making the machine"
    as_root env BOARD_CACHE="$cache" "$board" build "$arch"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
share=$work/share
mkdir "$share"
cp tests/board/guest.sh "$share/"
cp "$deb" "$share/habituate.deb"
python3 tests/board/make_sounds.py "$share"

# The same program as a later version, and a checkpoint of a program yet to come.
dpkg-deb -R "$deb" "$work/newer"
sed -i 's/^Version: .*/Version: 99.0.0-1/' "$work/newer/DEBIAN/control"
dpkg-deb -Znone --root-owner-group -b "$work/newer" "$share/newer.deb" >/dev/null
rm -rf "$work/newer"
python3 - "$share/future.checkpoint" <<'EOF'
import hashlib
import struct
import sys

body = b"HABITUAT" + struct.pack("<Q", 200) + bytes(64)
with open(sys.argv[1], "wb") as out:
    out.write(body + hashlib.sha256(body).digest())
EOF

failed=0
if [ "${LIFE:-yes}" = yes ]; then
    say "from installation to purge, with faults"
    { echo "LEARN_S=${LEARN_S:-120}"; cat tests/board/life.sh; } >"$share/run.sh"
    "$board" run "$arch" --share "$share" --timeout "${LIMIT_S:-2400}" || failed=1
fi

cuts=${CUTS:-10}
RANDOM=${SEED:-$$}
begun=0
checked=0
cp tests/board/cut.sh "$share/run.sh"
for ((cut = 1; cut <= cuts; cut++)); do
    after=$((15 + RANDOM % 30))
    # The first time it is installed, and must have learnt something.
    [ "$cut" -gt 1 ] || after=90
    rm -f "$share/failures"
    say "power cut $cut of $cuts, after $after s"
    status=0
    "$board" run "$arch" --share "$share" --timeout 1200 --disk "$work/disk.img" \
        --cut "$after" || status=$?
    [ "$status" = 137 ] || failed=1
    [ ! -e "$share/failures" ] || [ "$(cat "$share/failures")" = 0 ] || failed=1
    # A cut may come before what it is checked for; most must not.
    [ ! -e "$share/begun" ] || begun=$((begun + 1))
    [ ! -e "$share/begun" ] || [ ! -e "$share/checked" ] || checked=$((checked + 1))
    rm -f "$share/begun" "$share/checked"
    say "$(cat "$share/windows" 2>/dev/null || echo no) windows so far"
done
if [ "$cuts" -gt 0 ]; then
    say "after the last cut"
    rm -f "$share/failures"
    "$board" run "$arch" --share "$share" --timeout 1200 --disk "$work/disk.img" --cut 120 || :
    [ "$(cat "$share/failures" 2>/dev/null)" = 0 ] || failed=1
    say "$(cat "$share/windows") windows at the end; of $begun starts after a cut $checked were checked in time"
    [ "$((2 * checked))" -ge "$begun" ] || {
        say "FAILED too few: cut later, or give the machine more time"
        failed=1
    }
fi
[ "$failed" = 0 ] || fail "see FAILED above"
say "all held"
