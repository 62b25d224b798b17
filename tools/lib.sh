# shellcheck shell=sh
# Shared by the set-up scripts: talk, compare versions, install Debian packages. Source it.

say() { printf '==> %s\n' "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# version_at_least FOUND WANTED: compares dotted numbers; what follows the numbers is ignored.
version_at_least() {
    awk -v found="$1" -v wanted="$2" 'BEGIN {
        split(found, f, /[^0-9]+/); split(wanted, w, /[^0-9]+/)
        for (i = 1; i <= 3; i++) if (f[i] + 0 != w[i] + 0) exit f[i] + 0 < w[i] + 0
        exit 0
    }'
}

# as_root COMMAND…: as it is for root, by sudo for others; never asks where nobody can answer.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() { [ "$(id -u)" -eq 0 ] || have sudo; }

# Once per set-up, and only where something is missing: lists may be absent or months old.
refresh_package_lists() {
    [ -z "${lists_fresh:-}" ] || return 0
    lists_fresh=yes
    as_root apt-get -qq update || warn "apt-get update did not work; going on with what apt knows"
}

# candidate PACKAGE: the version that apt would install; nothing where there is none.
candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([^(]\)/\1/p'; }

# install_packages PACKAGE…: 0 when they are installed, else 1 after saying why. Removes nothing, ever.
install_packages() {
    if ! have apt-get; then
        warn "no apt-get here; install what Debian calls: $*"
        return 1
    fi
    if ! can_be_root; then
        warn "neither root nor sudo; as root: apt-get install --no-install-recommends $*"
        return 1
    fi
    refresh_package_lists
    if ! plan=$(LC_ALL=C apt-get -s install --no-install-recommends "$@" 2>&1); then
        warn "apt-get cannot install $*:"
        printf '%s\n' "$plan" | tail -n 5 >&2
        return 1
    fi
    if removed=$(printf '%s\n' "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p') && [ -n "$removed" ]; then
        warn "apt-get would remove $(printf '%s' "$removed" | tr '\n' ' ') for $*;" \
            "decide that yourself: sudo apt-get install $*"
        return 1
    fi
    say "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install "$@" >/dev/null
}
