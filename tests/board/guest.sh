# shellcheck shell=bash
# Shared by the scripts that run inside the machine. Source it.

failures=0
began=$SECONDS

# check WHAT COMMAND...: says whether it held, and goes on either way.
check() {
    local what=$1
    shift
    if "$@"; then
        echo "ok      $((SECONDS - began)) s  $what"
    else
        echo "FAILED  $((SECONDS - began)) s  $what"
        failures=$((failures + 1))
    fi
}

# within SECONDS COMMAND...: whether it comes true in time.
within() {
    local until=$((SECONDS + $1))
    shift
    while ! "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 1
    done
}

status() { habituate status --json 2>/dev/null; }

# value SOURCE KEY: a field of one source's status.
value() {
    status | awk -v name="\"$1\"" -v key="\"$2\":" '
        $1 == "\"name\":" { inside = index($2, name) == 1 }
        inside && $1 == key { gsub(/[",]/, "", $2); print $2; exit }'
}

# general KEY: a field of the status that is no source's.
general() { status | awk -v key="\"$1\":" '$1 == key { gsub(/[",]/, "", $2); print $2; exit }'; }

is() { [ "$(value "$1" "$2")" = "$3" ]; }
above() { local found; found=$(value "$1" "$2"); [ "${found:-0}" -gt "$3" ]; }
unit() { systemctl show habituate --property "$1" --value; }
unit_is() { [ "$(unit "$1")" = "$2" ]; }

# feed: plays the usual sound without end, and the foreign one once when /tmp/foreign is there. Starts
# again when the card was away.
feed() {
    while :; do
        while :; do
            if [ -e /tmp/foreign ]; then
                rm /tmp/foreign
                cat /mnt/share/foreign.raw
            else
                cat /mnt/share/usual.raw
            fi
        done 2>/dev/null | aplay -q -D plughw:Loopback,1,0 -t raw -f S16_LE -r 16000 -c 1 2>/dev/null
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
frames_per_s = 1.0
[checkpoint]
every_s = 20.0
[learn]
events_per_day = 2000.0
EOF
    mkdir -p /etc/systemd/system/habituate.service.d
    # The shortest that the program is content with.
    printf '[Service]\nWatchdogSec=90\n' >/etc/systemd/system/habituate.service.d/test.conf
    systemctl daemon-reload
}
