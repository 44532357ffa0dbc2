#!/usr/bin/env bash
# Predicted cost of nanogpt at several lengths: builds the model untrained and lets `zkml inspect` plan it, at 11 bits
# (an untrained model's predictions are too close to call, so they are no measure of the precision it needs).
#
#   examples/models/nanogpt/lengths.sh [LENGTH ...]      (16 64 256 unless given; options of train.py in $SIZE, width in $BITS)
#
# ZKML is the binary (cargo run unless set), PYTHON the interpreter with requirements.txt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
zkml=${ZKML:-cargo run --quiet --release --manifest-path "$here/../../../Cargo.toml" -p zkml-cli --}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for length in "${@:-16 64 256}"; do
    # The default is one word of three numbers.
    for tokens in $length; do
        "${PYTHON:-python}" "$here/train.py" ${SIZE:-} --length "$tokens" --epochs 0 -o "$scratch/$tokens" >&2
        echo "$tokens tokens"
        $zkml inspect "$scratch/$tokens/model.onnx" --bits "${BITS:-11}" --data "$scratch/$tokens/calib.npy" | sed -n '/^predicted/,/^layouts/p'
    done
done
