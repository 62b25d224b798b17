#!/bin/sh
# Runs the whole path of training our encoders, small (models/train/quick.sh), where PyTorch is. Where
# it is not, `--install` or a CI server puts it into target/venv; elsewhere this says so and does
# nothing, because it is gigabytes. Where it cannot be had, or takes longer than MOST_S, that is told, and is no failure.
set -eu

# from_here NAME: a path that is meant from where this is called; what has no slash stays a command.
from_here() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    */*) printf '%s\n' "$PWD/$1" ;;
    *) printf '%s\n' "$1" ;;
    esac
}
PYTHON=$(from_here "${PYTHON:-python3}")
HABITUATE=$(from_here "${HABITUATE:-}")

cd "$(dirname "$0")/.."
. tools/lib.sh

# Seconds, without the installation.
MOST_S=240

has_torch() { "$1" -c 'import numpy, onnx, onnxruntime, PIL, torch' >/dev/null 2>&1; }

install_torch() {
    say "installing PyTorch into target/venv"
    mkdir -p target
    python3 -m venv target/venv 2>/dev/null || {
        install_packages python3-venv && python3 -m venv --clear target/venv
    } || return 1
    target/venv/bin/python -m pip install --quiet -r models/train/requirements.txt
}

python=
for candidate in "$PYTHON" "$PWD/target/venv/bin/python"; do
    if have "$candidate" && has_torch "$candidate"; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    if [ "${1:-}" != --install ] && [ -z "${CI:-}" ]; then
        say "no PyTorch here: the quick training path is skipped (tools/train-quick.sh --install)"
        exit 0
    fi
    install_torch || {
        warn "cannot install models/train/requirements.txt: the quick training path is skipped"
        exit 0
    }
    python=$PWD/target/venv/bin/python
fi
habituate=${CARGO_TARGET_DIR:-target}/debug/habituate
if [ -z "$HABITUATE" ] && [ -x "$habituate" ]; then
    HABITUATE=$(realpath "$habituate")
fi
export HABITUATE
start=$(date +%s)
PYTHON=$python models/train/quick.sh
took=$(($(date +%s) - start))
# A CI server may be busy with other things: told, and not failed.
[ "$took" -le "$MOST_S" ] || warn "the quick training path took $took s; on an idle machine it takes $MOST_S s at most"
