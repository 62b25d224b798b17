#!/bin/sh
# Makes an encoder as it ships from nothing: sounds or pictures, its teacher where it has one, training, and the
# two files. What is there is not made again, and a stage that was stopped goes on: give the same command again.
#
#   models/train/make.sh sound|sound-small|picture|picture-small
#     --seed N     of the training (1); sounds, pictures and the teacher are always those of seed 1
#     --out DIR    where NAME.onnx and NAME.toml go (the folder of the run, WORK/NAME-SEED)
#     --work DIR   where sounds, pictures, the teacher and runs are (target/train)
#     --steps N    not as it ships: with as many steps, in a run of its own, WORK/NAME-SEED-N
#     --minutes N  not as it ships: trained for so many minutes at most (its teacher is not), in WORK/NAME-SEED-Nm
#     --dry-run    says the commands, and runs none
#
# PYTHON names one that has what requirements.txt lists; without it target/venv's, or else python3. One core; a
# graphics card is not used. Two may
# run in one WORK at the same time once sounds, pictures and the teacher are there.
set -eu

# What ships was trained for so many steps, on so much.
SOUND=1200 SOUND_SMALL=2000 PICTURE=885 PICTURE_SMALL=800 TEACHER=1571
SHARDS=60 PICTURES=33792

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/models/train
work=$root/target/train
python=$root/target/venv/bin/python
[ -x "$python" ] || python=python3
python=${PYTHON:-$python}

fail() {
    printf 'make.sh: %s\n' "$*" >&2
    exit 2
}
number() {
    case $2 in
    '' | *[!0-9]*) fail "$1 takes a number, not '$2'" ;;
    esac
}
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; }

name='' seed=1 out='' steps='' minutes='' dry=''
while [ $# -gt 0 ]; do
    case $1 in
    --seed | --out | --work | --steps | --minutes)
        [ -n "${2:-}" ] || fail "$1 takes a value"
        case $1 in
        --seed) number "$1" "$2" && seed=$2 ;;
        --out) out=$2 ;;
        --work) work=$2 ;;
        --steps) number "$1" "$2" && steps=$2 ;;
        --minutes) number "$1" "$2" && minutes=$2 ;;
        esac
        shift
        ;;
    --dry-run) dry=yes ;;
    -h | --help)
        usage
        exit
        ;;
    sound | sound-small | picture | picture-small)
        [ -z "$name" ] || fail "one encoder at a time"
        name=$1
        ;;
    *) fail "'$1' is not known; see --help" ;;
    esac
    shift
done
[ -n "$name" ] || fail "which one? sound, sound-small, picture or picture-small"
[ -z "$steps" ] || [ -z "$minutes" ] || fail "--steps or --minutes, not both"
run=$work/$name-$seed${steps:+-$steps}${minutes:+-${minutes}m}
out=${out:-$run}

# Says a command as a shell would take it, and runs it.
stage() {
    printf '+'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
    [ -n "$dry" ] || "$@"
}

sounds() { stage "$python" "$here/sound/generate.py" --out "$work/pool" --shards $SHARDS; }

# What the sound encoders follow, one for all seeds. It appears under its name when it is whole.
teacher() {
    [ ! -f "$work/teacher.onnx" ] || return 0
    stage "$python" "$here/sound/train.py" --size teacher --pool "$work/pool" --run "$work/teacher-1" --steps $TEACHER
    stage "$python" "$here/sound/export.py" --run "$work/teacher-1" --pool "$work/pool" --name teacher \
        --tokens deep --batches 8 --out "$work/teacher-1"
    stage mv "$work/teacher-1/teacher.onnx" "$work/teacher.onnx"
}

# How long: as many steps as ships, unless something else was asked for.
budget() {
    amount=--steps count=${steps:-$1}
    [ -z "$minutes" ] || { amount=--minutes count=$minutes; }
}
train_sound() {
    stage "$python" "$here/sound/train.py" --size "$name" --pool "$work/pool" --run "$run" --seed "$seed" \
        --teacher "$work/teacher.onnx" "$@"
}
export_sound() {
    stage "$python" "$here/sound/export.py" --run "$run" --pool "$work/pool" --name "$name" --out "$out" \
        --tokens local --layers deep --density whitened_nearest "$@"
}

picture() {
    stage "$python" "$here/picture/generate.py" --out "$work/pictures" --count $PICTURES
    stage "$python" "$here/picture/train.py" --name "$name" --pool "$work/pictures" --run "$run" --seed "$seed" \
        "$amount" "$count"
    stage "$python" "$here/picture/export.py" --name "$name" --pool "$work/pictures" --run "$run" --out "$out"
}

stage mkdir -p "$work" "$out"
case $name in
sound)
    sounds
    teacher
    budget "$SOUND"
    train_sound "$amount" "$count"
    export_sound --batches 8
    ;;
sound-small)
    sounds
    teacher
    budget "$SOUND_SMALL"
    train_sound "$amount" "$count" --rate 0.003
    export_sound --batches 6 --dim 192 \
        --about "Sound, small, trained on synthesised sounds alone; tokens of 80 ms"
    ;;
picture)
    budget "$PICTURE"
    picture
    ;;
picture-small)
    budget "$PICTURE_SMALL"
    picture
    ;;
esac
