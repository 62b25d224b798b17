#!/bin/bash
# Inside the machine, which is about to lose its power: is what the last cut left still good, and does
# learning go on? Then it works until the power goes.
set -u
# shellcheck source=tests/board/guest.sh
. /mnt/share/guest.sh

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
before=$(cat /mnt/share/windows 2>/dev/null || echo 0)
# A checkpoint every two seconds of input: at most that, and what one write takes, may be lost.
check "what was learnt is still known: more than $((before - 40)) windows" \
    within 120 above mic windows "$((before - 40))"
check "no checkpoint was damaged" test -z "$(find /var/lib/habituate/ -name '*.damaged')"
journalctl -b -u habituate -o cat | grep -iE 'damaged|cannot' | head -n 3
echo "$failures" >/mnt/share/failures
while :; do
    windows=$(value mic windows)
    # Written beside and renamed: the host reads it after the cut.
    [ -z "$windows" ] || { echo "$windows" >/mnt/share/windows.new && mv /mnt/share/windows.new /mnt/share/windows; }
    sleep 1
done
