#!/bin/sh
# The whole path of training picture encoders, small: a few pictures, some steps, a resumption, files
# that the program accepts. Usage: models/train/picture/quick.sh FOLDER; files go to FOLDER/encoders.
# PYTHON names one that has what models/train/requirements.txt lists.
set -eu

python=${PYTHON:-python3}
out=$1
here=$(dirname "$0")
mkdir -p "$out/encoders"

"$python" "$here/generate.py" --out "$out/pictures" --count 128 --shard 64
for steps in 6 9; do # the second time from where the first stopped
    "$python" "$here/train.py" --pool "$out/pictures" --run "$out/picture" --steps $steps --pairs 32 \
        >"$out/said" || { cat "$out/said"; exit 1; }
    cat "$out/said"
done
grep -q '^going on from step 6$' "$out/said" || {
    echo "the second run of picture/train.py did not go on from step 6" >&2
    exit 1
}
"$python" "$here/train.py" --name picture-small --pool "$out/pictures" --run "$out/picture-small" \
    --minutes 0.1 --pairs 32
for name in picture picture-small; do
    "$python" "$here/export.py" --name $name --pool "$out/pictures" --run "$out/$name" \
        --out "$out/encoders" --count 64
done
