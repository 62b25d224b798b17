#!/bin/sh
# Makes a Debian or Raspberry Pi OS machine ready. Does nothing, quickly and without network, where
# everything is there. Usage: tools/setup.sh build|test
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh
PATH="$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin"

purpose=${1:-build}
case $purpose in
build | test) ;;
*) fail "usage: tools/setup.sh build|test" ;;
esac

# Bindings to V4L2 are made by bindgen, which loads libclang; libclang-cpp, which some systems carry
# for other programs, is not it.
have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for file in /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-[0-9]*.so* \
        /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so*; do
        [ -e "$file" ] && return 0
    done
    return 1
}

have_alsa_pulse_plugin() {
    for file in /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so; do
        [ -e "$file" ] && return 0
    done
    return 1
}

set_up_build() {
    missing=
    { have cc && [ -e /usr/include/linux/videodev2.h ]; } || missing="$missing gcc libc6-dev"
    have pkg-config || missing="$missing pkg-config"
    { have pkg-config && pkg-config --exists alsa; } || missing="$missing libasound2-dev"
    have_libclang || missing="$missing libclang-dev"
    # cargo fetches over TLS, and a small system may trust nobody yet.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing || fail "cannot build without:$missing"
}

# What only tests use. They skip, and say so, where one of these is not to be had.
set_up_test_tools() {
    missing=
    have ffmpeg || missing="$missing ffmpeg"
    have python3 || missing="$missing python3"
    have xz || missing="$missing xz-utils"
    have arecord || missing="$missing alsa-utils"
    have pactl || missing="$missing pulseaudio-utils"
    have_alsa_pulse_plugin || missing="$missing libasound2-plugins"
    # PulseAudio beside PipeWire would fight for the desktop's sound card.
    have pulseaudio || have pipewire-pulse || missing="$missing pulseaudio"
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing || warn "some tests will be skipped without:$missing"
}

rust_works() {
    for tool in cargo rustc; do
        have "$tool" || return 1
        found=$("$tool" --version 2>/dev/null | cut -d ' ' -f 2) || return 1
        version_at_least "$found" "$rust_wanted" || return 1
    done
    [ "$purpose" = build ] || { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1
}

# Debian 12 and 13 carry a newer Rust than their own for building browsers; backports name it plainly.
# Prints the packages that are new enough; nothing where there are none.
debian_rust() {
    for packages in "rustc-web cargo-web rustfmt-web rust-web-clippy" \
        "rustc cargo rustfmt rust-clippy"; do
        if version_at_least "$(candidate "${packages%% *}")" "$rust_wanted"; then
            printf '%s' "$packages"
            return
        fi
    done
}

set_up_rust() {
    rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    rust_works && return 0
    packages=
    if have rustup; then
        say "rustup: updating stable, Rust $rust_wanted or newer is needed"
        rustup toolchain install stable --profile minimal -c rustfmt -c clippy || true
        rustup default >/dev/null 2>&1 || rustup default stable || true
    elif have apt-get; then
        ! can_be_root || refresh_package_lists
        packages=$(debian_rust)
        # shellcheck disable=SC2086 # one word a package
        [ -z "$packages" ] || install_packages $packages || true
    fi
    rust_works && return 0
    warn "found $(cargo --version 2>/dev/null || echo 'no cargo'), $(rustc --version 2>/dev/null || echo 'no rustc')"
    if have rustup; then
        fail "Rust $rust_wanted or newer with rustfmt and clippy is needed:" \
            "rustup update stable && rustup default stable"
    fi
    fail "Rust $rust_wanted or newer with rustfmt and clippy is needed." \
        "${packages:+As root: apt-get install $packages. }For you alone, see https://rustup.rs:" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
}

# Compiling nextest takes minutes on many cores and most of an hour on a board; `cargo test` does too.
set_up_nextest() {
    if cargo nextest --version >/dev/null 2>&1 || [ "$(nproc)" -lt 8 ]; then
        return 0
    fi
    say "installing cargo-nextest into target/tools"
    cargo install --quiet --locked --root target/tools cargo-nextest ||
        warn "could not install cargo-nextest; cargo test does the work"
}

# Recordings for the tests that need real ones. Not part of the project, so most checkouts have none.
set_up_dev_data() {
    archive=${HABITUATE_DEV_ARCHIVE:-../shared/data/dev.tar.xz}
    if [ -n "${HABITUATE_DEV_DATA:-}" ] || [ ! -f "$archive" ]; then
        return 0
    fi
    stamp=$(stat -c '%s %Y' "$archive")
    [ "$(cat target/dev/.unpacked 2>/dev/null)" != "$stamp" ] || return 0
    if ! have xz; then
        warn "no xz to unpack $archive with; tests that need recordings will be skipped"
        return 0
    fi
    say "unpacking $archive into target/dev"
    rm -rf target/dev target/dev.part
    mkdir -p target/dev.part
    tar -xJf "$archive" --no-same-owner -C target/dev.part
    printf '%s\n' "$stamp" >target/dev.part/dev/.unpacked
    mv target/dev.part/dev target/dev
    rm -rf target/dev.part
}

set_up_build
set_up_rust
if [ "$purpose" = test ]; then
    set_up_test_tools
    set_up_nextest
    set_up_dev_data
fi
