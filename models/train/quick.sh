#!/bin/sh
# The encoders in closed form, made again as they ship, and the whole path of training, small: a few sounds, some steps, a resumption, a smaller encoder that
# follows the larger, and files that the program accepts. What comes out is worth nothing; that it
# comes out is the check. Usage: models/train/quick.sh [FOLDER]: one that is empty or that this has made, and
# where what it made goes first. PYTHON names one that has torch, HABITUATE a binary to verify the files with.
set -eu

start=$(date +%s)
here=$(dirname "$0")
python=${PYTHON:-python3}
out=${1:-$here/../../target/train/quick}
marker=$out/made-by-quick.sh
if [ -n "${1:-}" ] && [ ! -f "$marker" ] && [ -n "$(ls -A -- "$out" 2>/dev/null)" ]; then
    echo "$out: not empty, and not made by quick.sh; name another folder" >&2
    exit 1
fi
mkdir -p -- "$out"
: >"$marker"
for part in pool sound sound-small pictures picture picture-small encoders closed; do
    rm -rf -- "${out:?}/$part"
done
mkdir "$out/encoders" "$out/closed"

# Those in closed form, made again: the very files that ship.
cp "$here"/../common.py "$here"/../make_sound_patches.py "$here"/../make_picture_patches.py "$out/closed/"
for name in sound:logmel-patches picture:picture-patches; do
    "$python" "$out/closed/make_${name%:*}_patches.py" >"$out/said" || { cat "$out/said"; exit 1; }
    cmp "$out/closed/${name#*:}.onnx" "$here/../${name#*:}.onnx"
done

"$python" "$here/sound/generate.py" --out "$out/pool" --shards 2 --clips 64 --backgrounds 64
export_sound() {
    name=$1
    shift
    "$python" "$here/sound/export.py" --run "$out/$name" --pool "$out/pool" --name "quick-$name" --out "$out/encoders" \
        --batches 4 "$@"
}
for steps in 20 30; do # the second time from where the first stopped
    "$python" "$here/sound/train.py" --pool "$out/pool" --run "$out/sound" --steps $steps --pairs 32 \
        >"$out/said" || { cat "$out/said"; exit 1; }
    cat "$out/said"
done
grep -q '^going on from step 20$' "$out/said" || {
    echo "the second run of sound/train.py did not go on from step 20" >&2
    exit 1
}
export_sound sound --tokens deep # a teacher
"$python" "$here/sound/train.py" --size sound-small --pool "$out/pool" --run "$out/sound-small" \
    --teacher "$out/encoders/quick-sound.onnx" --minutes 0.2 --pairs 32
# As it ships.
export_sound sound-small --tokens local --layers deep --density whitened_nearest --dim 192
PYTHON=$python sh "$here/picture/quick.sh" "$out"
if [ -n "${HABITUATE:-}" ]; then
    for manifest in "$out"/encoders/*.toml; do
        "$HABITUATE" models verify "$manifest"
    done
else
    echo "not verified: no program (HABITUATE)"
fi
echo "quick path: $(($(date +%s) - start)) s"
