# shellcheck shell=sh
# What cross/build.sh needs of armhf where Debian's index of that architecture is broken, though the archive itself
# is not: downloaded one by one and unpacked into a folder. Nothing is installed, and dpkg keeps its architectures:
# with a broken one among them every `apt-get update` fails. Source it, with `cross_dir` and tools/lib.sh.
#
# ALSA is taken by apt with lists of its own, and so checked against Debian's signature. The standard library's own
# index is what is broken: of it the sums are below, as they were on 27 November 2026. For another version, get both
# packages from pool/updates/main/r/rustc-web/ of the security archive, and compare them with what Debian says
# elsewhere before adding their sums.

by_hand=${cross_dir:?}/by-hand
rust_pool=http://deb.debian.org/debian-security/pool/updates/main/r/rustc-web

# unpack SUM FILE: of the standard library.
unpack() {
    [ -f "$by_hand/debs/$2" ] || curl -sSf --retry 3 -o "$by_hand/debs/$2" "$rust_pool/$2" ||
        fail "cannot get $rust_pool/$2"
    echo "$1  $by_hand/debs/$2" | sha256sum --quiet --check ||
        fail "$by_hand/debs/$2 is not the file that cross/by-hand.sh knows; remove it to try again"
    dpkg-deb -x "$by_hand/debs/$2" "$by_hand"
}

# unpack_from_debian PACKAGE…: by apt, with folders and settings of its own.
unpack_from_debian() {
    mkdir -p "$by_hand/lists/partial" "$by_hand/cache/archives/partial"
    # shellcheck disable=SC1091 # a file of every Debian
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [arch=armhf signed-by=$key] http://deb.debian.org/debian $suite main" >"$by_hand/sources.list"
    cat >"$by_hand/apt.conf" <<EOF
Dir::Etc::sourcelist "$by_hand/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$by_hand/lists";
Dir::Cache "$by_hand/cache";
APT::Architecture "armhf";
APT::Architectures { "armhf"; };
APT::Sandbox::User "$(id -un)";
EOF
    export APT_CONFIG="$by_hand/apt.conf"
    apt-get -qq update || fail "cannot get Debian's list of armhf packages"
    (cd "$by_hand/debs" && apt-get -qq download "$@") || fail "cannot get $*"
    unset APT_CONFIG
    for package in "$@"; do
        for deb in "$by_hand/debs/$package"_*_armhf.deb; do dpkg-deb -x "$deb" "$by_hand"; done
    done
}

if ! [ -e "$by_hand/done" ]; then
    say "unpacking armhf's libraries into $by_hand, by hand: Debian's index is broken"
    have curl || install_packages curl || fail "cannot download without curl"
    mkdir -p "$by_hand/debs"
    version=$(dpkg-query -W -f '${Version}' rustc-web) || fail "no rustc-web here"
    case $version in
    1.96.0+dfsg1-1~deb12u2)
        unpack dd7e32adeab5f9453577181736f0871a893d23fc10fa152e02d9cee072b13096 \
            "libstd-rust-web-1.96_${version}_armhf.deb"
        unpack b9f9dd1d03a903680f918cb2bba00a2a3d76558545d5e6a8061072ab461bb989 \
            "libstd-rust-web-dev_${version}_armhf.deb"
        ;;
    *) fail "cross/by-hand.sh has no sums of armhf's standard library $version" ;;
    esac
    unpack_from_debian libasound2 libasound2-dev
    touch "$by_hand/done"
fi

# Of the target alone: build scripts and macros are of this machine.
export CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_RUSTFLAGS="--sysroot=$by_hand/usr"
export PKG_CONFIG_SYSROOT_DIR="$by_hand"
export PKG_CONFIG_LIBDIR="$by_hand/usr/lib/arm-linux-gnueabihf/pkgconfig"
# That compiler's own headers: none of armhf is installed beside ours.
export BINDGEN_EXTRA_CLANG_ARGS_armv7_unknown_linux_gnueabihf=-I/usr/arm-linux-gnueabihf/include
export QEMU_LD_PREFIX=/usr/arm-linux-gnueabihf
export QEMU_SET_ENV="LD_LIBRARY_PATH=$by_hand/usr/lib/arm-linux-gnueabihf"
