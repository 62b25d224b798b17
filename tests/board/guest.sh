# shellcheck shell=bash
# Shared by the scripts that run inside the machine. Source it.

failures=0

# Seconds since the machine started: the wall clock is set by these tests, and bash's SECONDS with it.
now() { cut -d. -f1 /proc/uptime; }

# check WHAT COMMAND...: says whether it held, and goes on either way.
check() {
    local what=$1
    shift
    if "$@"; then
        echo "ok      $(now) s  $what"
    else
        echo "FAILED  $(now) s  $what"
        echo "        the unit says: $(unit ActiveState), $(unit StatusText)"
        journalctl -b -u habituate -o cat -n 3 | sed 's/^/        the journal: /'
        failures=$((failures + 1))
    fi
}

# within SECONDS COMMAND...: whether it comes true in time.
within() {
    local until=$(($(now) + $1))
    shift
    while ! "$@"; do
        [ "$(now)" -lt "$until" ] || return 1
        sleep 1
    done
}

unit() { systemctl show habituate --property "$1" --value; }
unit_is() { [ "$(unit "$1")" = "$2" ]; }

# value SOURCE state|windows|events: of the line that the daemon gives systemd every five seconds:
# "mic: running, 12 windows, 0 events; camera: …". Asking the program itself would cost a second of
# translated processor time each.
value() {
    unit StatusText | tr ';' '\n' | sed 's/^ *//' | awk -F ': |, ' -v name="$1" -v key="$2" '
        $1 == name && key == "state" { print $2 }
        $1 == name { for (i = 3; i <= NF; i++) if ($i ~ " " key "$") { print $i + 0 } }'
}

is() { [ "$(value "$1" state)" = "$2" ]; }
# Whatever it has learnt so far.
works() { is "$1" running || is "$1" 'learning what is usual'; }
above() { local found; found=$(value "$1" "$2"); [ "${found:-0}" -gt "$3" ]; }
holds_back() { unit StatusText | grep -q 'no checkpoint'; }
writes_again() { local line; line=$(unit StatusText); [[ $line == *windows* && $line != *'no checkpoint'* ]]; }

# Takes away all modules of sound and pictures, those that others rest on too: whether no such kind of device is left.
# What rests on another must go first, so it may take more than one round.
forget_drivers() {
    local module
    for module in $(lsmod | awk '$1 ~ /^(snd|soundcore|vivid|v4l2|video|mc$|cec$)/ { print $1 }'); do
        modprobe -r "$module" 2>/dev/null
    done
    ! grep -qE ' (alsa|video4linux|media)$' /proc/devices
}
in_log() { journalctl -b -u habituate -o cat | grep -q "$1"; }

# security_at_most LEVEL: what systemd-analyze says of the unit; its exit code is no answer.
security_at_most() {
    local line
    line=$(systemd-analyze security habituate.service --no-pager | tail -n 1)
    echo "        $line"
    awk -v most="$1" '{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+$/) exit !($i <= most) } END { if (!NF) exit 1 }' <<<"$line"
}

utc() { date -u +%Y-%m-%dT%H:%M:%S; }
# alarms SOURCE SINCE: how many novelties of it the file of events has since that moment in UTC.
alarms() {
    awk -v source="\"source\":\"$1\"" -v since="$2" '
        index($0, source) && /"kind":"novelty"/ && match($0, /"time":"[^"]*/) {
            if (substr($0, RSTART + 8, 19) >= since) count++
        }
        END { print count + 0 }' /var/lib/habituate/events.jsonl
}
alarm_since() { [ "$(alarms "$1" "$2")" -gt 0 ]; }
no_alarm_since() { ! alarm_since "$1" "$2"; }

# ran_dry: how often the player had nothing to play in time: then the sound itself has a hole, which no
# program can mend.
ran_dry() { grep -c underrun /tmp/player || :; }

# feed: plays the usual sound without end, and the foreign one once when /tmp/foreign is there. Starts
# again when the card was away.
feed() {
    local four=0
    while :; do
        while :; do
            if [ -e /tmp/foreign ]; then
                rm /tmp/foreign
                cat /mnt/share/foreign.raw
            else
                # Four seconds, in bytes, so that the foreign one need not wait.
                dd if=/mnt/share/usual.raw bs=128000 count=1 skip="$four"
                four=$(((four + 1) % 151))
            fi
        done 2>/dev/null | aplay -q -D plughw:Loopback,1,0 -t raw -f S16_LE -r 16000 -c 1 2>>/tmp/player
        sleep 1
    done
}

configure() {
    cat >/etc/habituate/habituate.toml <<'EOF'
[[source]]
kind = "microphone"
name = "mic"
device = "Loopback"
[[source]]
kind = "camera"
name = "camera"
frames_per_s = 0.2
# Translated, the default one takes a second a picture, and the microphone waits.
encoder = "picture-patches"
[checkpoint]
every_s = 20.0
[board]
written_per_day_bytes = 100000000000
[learn]
alarms_per_day = 24.0
# Translated code is ten to fifty times slower: fewer steps.
first_updates_per_window = 0.1
updates_per_window = 0.05
EOF
    mkdir -p /etc/systemd/system/habituate.service.d
    # The shortest that the program is content with.
    printf '[Service]\nWatchdogSec=90\n' >/etc/systemd/system/habituate.service.d/test.conf
    systemctl daemon-reload
}
