#!/bin/bash
# Inside the machine: a package's life from installation to purge, with everything that goes wrong on
# a board in between.
set -u
# shellcheck source=tests/board/guest.sh
. /mnt/share/guest.sh

list_files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /mnt -o -path /dev \
        -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /var/lib/systemd \) -prune \
        -o -print | sort
}

# systemd makes it for the first dynamic user there is, and leaves it.
mkdir -p /var/lib/private
chmod 700 /var/lib/private
list_files >/tmp/before
check "the package installs" dpkg -i /mnt/share/habituate.deb
check "it is not started by being installed" unit_is ActiveState inactive
# This machine leaves out documentation when it unpacks, so the package itself is asked.
packed=$(dpkg-deb -c /mnt/share/habituate.deb)
for file in usr/share/man/man1/habituate.1 usr/share/bash-completion/completions/habituate \
    usr/share/zsh/vendor-completions/_habituate usr/share/fish/vendor_completions.d/habituate.fish \
    usr/share/doc/habituate/default.toml usr/share/doc/habituate/guide/install.md; do
    check "the package has $file" grep -qE "/$file(\.gz)?$" <<<"$packed"
done
configure
feed &
feeder=$!
sleep 2

echo "--- doctor as the service's user"
check "doctor finds no problem as the service's user" habituate doctor --as-service --quick

check "systemctl start returns when it is ready" timeout 120 systemctl start habituate
check "the microphone is heard" within 120 works mic
check "the camera is watched" within 120 works camera
systemctl status habituate --no-pager | sed -n 1,12p
check "the sandbox is tight: exposure of 3.0 at most" security_at_most 3.0
check "it learns what is usual" within 600 is mic running
check "it watches, too" within 600 is camera running
sleep "${LEARN_S:-120}"
habituate status
grep -E 'VmHWM|VmRSS' "/proc/$(unit MainPID)/status"

echo "        the player ran dry $(ran_dry) times"

# The usual sound alone for as long as the foreign one is waited for: were alarms frequent anyway, one
# after the foreign sound would show nothing.
quiet_since=$(utc)
sleep 60
check "the usual sound is no alarm for a minute" no_alarm_since mic "$quiet_since"
events=$(value mic events)
foreign_since=$(utc)
touch /tmp/foreign
check "a foreign sound is an alarm, in the file of events" within 60 alarm_since mic "$foreign_since"
check "and is counted in the status" within 30 above mic events "${events:-0}"
habituate status | sed -n '/mic/,/camera/p'
echo "        the player ran dry $(ran_dry) times"
tail -n 2 /var/lib/habituate/events.jsonl

windows=$(value mic windows)
check "systemctl stop ends in order" timeout 60 systemctl stop habituate
check "it ended well" unit_is Result success
check "a checkpoint of the microphone is there" test -n "$(ls /var/lib/habituate/mic)"
check "it starts again" timeout 120 systemctl start habituate
check "it goes on where it stopped" within 60 above mic windows "$((windows - 1))"
pid=$(unit MainPID)
windows=$(value mic windows)
check "systemctl restart works" timeout 120 systemctl restart habituate
check "it is another process" test "$(unit MainPID)" != "$pid"
check "and goes on where the one before stopped" within 60 above mic windows "$((windows - 1))"

# A board whose first microphone and camera are plugged in after the service has started.
systemctl stop habituate
kill "$feeder"
pkill aplay
check "the drivers can be taken away" within 30 forget_drivers
check "it starts without any device" timeout 120 systemctl start habituate
check "and waits for the microphone" within 60 is mic waiting
check "and for the camera" within 60 is camera waiting
modprobe -a snd_aloop vivid
feed &
feeder=$!
check "the first microphone is heard without another start" within 120 works mic
check "the first camera is watched" within 120 works camera

sed -i 's/every_s = 20.0/every_s = 15.0/; s/alarms_per_day = 24.0/alarms_per_day = 12.0/' /etc/habituate/habituate.toml
check "reload works" systemctl reload habituate
check "reload says what is in force and what waits" within 30 in_log \
    'in force now: checkpoint.every_s = 15.0; after the next start: learn.alarms_per_day = 12.0'

pid=$(unit MainPID)
at=$(now)
kill -STOP "$pid"
check "a process that stands still is restarted by the watchdog" within 200 unit_is NRestarts 1
echo "        after $(($(now) - at)) s"
check "and hears again" within 90 works mic
check "and learns on" within 60 above mic windows "$windows"

echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
check "a camera that is unplugged is waited for" within 60 is camera waiting
heard=$(value mic windows)
check "meanwhile the microphone is heard" within 60 above mic windows "$heard"
sleep 5
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
check "the camera comes back by itself" within 90 works camera

# No picture and no error: only the program's own clock can tell. A driver that holds its dequeue back
# cannot be opened again, so it may take until the frames flow.
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=100
check "a camera that stalls without an error is noticed" within 60 is camera waiting
check "and the log says that nothing came" in_log 'has delivered nothing for'
heard=$(value mic windows)
check "meanwhile the microphone is heard, too" within 60 above mic windows "$heard"
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0
check "with pictures it is watched again" within 90 works camera

echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind
check "a sound card that is unplugged is waited for" within 60 is mic waiting
seen=$(value camera windows)
check "meanwhile the camera is watched" within 60 above camera windows "$seen"
sleep 5
echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/bind
check "the sound card comes back by itself" within 90 works mic
heard=$(value mic windows)
check "and is heard" within 60 above mic windows "$heard"
check "nothing of this was a restart of the program" unit_is NRestarts 1

fallocate -l "$(($(df --output=avail -B1 / | tail -n 1) - 20000000))" /fill
check "a full disk stops checkpoints" within 60 holds_back
heard=$(value mic windows)
check "and not scores" within 60 above mic windows "$heard"
dd if=/dev/zero of=/fill2 bs=1M 2>/dev/null
sleep 20
heard=$(value mic windows)
check "even when not a byte is left" within 60 above mic windows "$heard"
rm /fill /fill2
check "with room it writes again" within 60 writes_again

date -s '1 hour' >/dev/null
check "a clock that jumps is noticed" within 60 in_log 'the wall clock was set by +3600 s'
heard=$(value mic windows)
check "and does no harm" within 60 above mic windows "$heard"

# As a board without a clock of its own does when it hears of the time.
date -s '10 years' >/dev/null
check "a clock that jumps by years is noticed" within 60 in_log 'the wall clock was set by +315[0-9]\{6\} s'
heard=$(value mic windows)
check "and does no harm, either" within 60 above mic windows "$heard"
date -s '-10 years' >/dev/null
check "nor does one that jumps back" within 60 in_log 'the wall clock was set by -315[0-9]\{6\} s'
heard=$(value mic windows)
check "and the microphone is heard" within 60 above mic windows "$heard"

check "support writes its bundle" habituate support --out /tmp/support.txt
grep -c . /tmp/support.txt

windows=$(value mic windows)
check "an upgrade installs" dpkg -i /mnt/share/newer.deb
check "the daemon runs again after it" within 120 works mic
check "with what it had learnt" within 60 above mic windows "$((windows - 1))"
check "the state before is laid aside" sh -c 'ls /var/backups/habituate/0.1.0-1/mic/*.checkpoint'
check "the configuration is as it was" grep -q 'every_s = 15.0' /etc/habituate/habituate.toml

systemctl stop habituate
newest=$(find /var/lib/habituate/mic/ -name '*.checkpoint' | sort | tail -n 1)
cp /mnt/share/future.checkpoint "$(dirname "$newest")/0999999999.checkpoint"
systemctl start habituate 2>/dev/null
check "a state of a newer program is refused by configuration's exit code" unit_is ExecMainStatus 78
check "and is not tried again" unit_is SubState failed
check "it says which format it found and which it reads" in_log 'written in format 200, this program reads up to'
check "the newer state is left as it was" cmp /mnt/share/future.checkpoint "$(dirname "$newest")/0999999999.checkpoint"
rm "$(dirname "$newest")/0999999999.checkpoint"
systemctl reset-failed habituate

echo "--- doctor, with test recordings and speed"
check "doctor finds no problem" timeout 600 habituate doctor
check "nor as the service's user" timeout 600 habituate doctor --as-service
echo "--- journal: priorities that arrived"
journalctl -u habituate -o json | grep -o '"PRIORITY":"[0-9]"' | sort | uniq -c
check "nothing was set aside as damaged" test -z "$(find /var/lib/habituate/ -name '*.damaged')"
check "remove keeps what was learnt" sh -c 'dpkg -r habituate >/dev/null && ls /var/lib/habituate/mic | grep -q checkpoint'
kill "$feeder"
check "purge works" dpkg -P habituate
list_files >/tmp/after
diff /tmp/before /tmp/after
check "and leaves nothing" cmp -s /tmp/before /tmp/after
echo "$failures failures"
[ "$failures" = 0 ]
