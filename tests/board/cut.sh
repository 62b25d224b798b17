#!/bin/bash
# Inside the machine, which is about to lose its power: is what the last cut left still good, and does
# learning go on? Then it works until the power goes.
set -u
# shellcheck source=tests/board/guest.sh
. /mnt/share/guest.sh

# gone_on_after SOURCE: windows that its newest good checkpoint had, as the program says at its start.
gone_on_after() {
    journalctl -b -u habituate -o cat | sed -n "s/^$1: goes on after \([0-9]*\) windows .*/\1/p" | head -n 1
}
goes_on() { [ -n "$(gone_on_after "$1")" ]; }

rm -f /mnt/share/begun /mnt/share/checked
[ ! -e /mnt/share/windows ] || touch /mnt/share/begun
feed &
if ! [ -e /etc/habituate/habituate.toml ]; then
    dpkg -i /mnt/share/habituate.deb >/dev/null
    configure
    # Written all the time, so that every cut is in the middle of something.
    sed -i 's/every_s = 20.0/every_s = 2.0/' /etc/habituate/habituate.toml
    systemctl enable habituate 2>/dev/null
    systemctl start habituate
fi
check "the daemon runs" within 180 works mic
# Where the last cut came before anything was written, there is nothing to go on from.
if [ -e /mnt/share/windows ]; then
    before=$(cat /mnt/share/windows)
    check "it goes on from a checkpoint" within 60 goes_on mic
    kept=$(gone_on_after mic)
    # A checkpoint every two seconds of input: at most that, and what came while one was written, may be lost.
    check "with what was learnt: ${kept:-0} of $before windows" test "${kept:-0}" -ge "$((before - 12))"
    check "and learns on" within 120 above mic windows "${kept:-0}"
fi
check "no checkpoint was damaged" test -z "$(find /var/lib/habituate/ -name '*.damaged')"
journalctl -b -u habituate -o cat | grep -iE 'damaged|cannot' | head -n 3
echo "$failures" >/mnt/share/failures
touch /mnt/share/checked
while :; do
    windows=$(value mic windows)
    # Written beside and renamed: the host reads it after the cut.
    [ -z "$windows" ] || { echo "$windows" >/mnt/share/windows.new && mv /mnt/share/windows.new /mnt/share/windows; }
    sleep 1
done
