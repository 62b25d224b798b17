#!/bin/sh
# Everything that must pass before a change goes in. The tests run last, so that their summary is
# the end of the output. Expects what tools/setup.sh test has set up.
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh
PATH="$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin"
if [ -z "${HABITUATE_DEV_DATA:-}" ] && [ -d target/dev ]; then
    export HABITUATE_DEV_DATA="$PWD/target/dev"
fi

say "format"
cargo fmt --all --check
if have shellcheck; then
    say "shell scripts"
    shellcheck -x tools/*.sh cross/*.sh models/train/*.sh models/train/*/*.sh packaging/*.sh packaging/debian/* tests/board/board \
        tests/board/*.sh .ci/run
fi
say "clippy"
# Tests and benches are looked at once, with the feature, which leaves next to nothing of them out.
cargo clippy --locked --lib --bins -- -D warnings
say "clippy with onnxruntime"
cargo clippy --locked --all-targets --features onnxruntime -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
# Built once, and with the other runtime: other features would build all dependencies anew. That a program without
# it says so is the one test that is left to `cargo nextest run --test onnxruntime`.
say "examples in the documentation"
cargo test --locked --features onnxruntime --doc
say "training, the quick path"
cargo build --locked --features onnxruntime
tools/train-quick.sh
# Encoders are compared with ONNX Runtime where Python has it: where the training above put it, first.
if [ -x target/venv/bin/python ]; then
    PATH="$PWD/target/venv/bin:$PATH"
fi
[ -n "${HABITUATE_DEV_DATA:-}" ] || say "no recordings in target/dev: tests that need them skip"
if cargo nextest --version >/dev/null 2>&1; then
    say "tests"
    cargo nextest run --locked --features onnxruntime --no-fail-fast
else
    say "tests, by cargo test: cargo-nextest is not installed"
    cargo test --locked --features onnxruntime --lib --bins --tests --no-fail-fast
fi
