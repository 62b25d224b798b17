#!/bin/sh
# Licences, bans and sources of all dependencies against deny.toml, without network.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh
PATH="$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin"
cargo deny --version >/dev/null 2>&1 ||
    fail "cargo-deny is not installed: cargo install --locked --root target/tools cargo-deny"
exec cargo deny --offline --locked check bans licenses sources
