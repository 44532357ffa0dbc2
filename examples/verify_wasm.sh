#!/usr/bin/env bash
# Builds the verifier for WebAssembly without a warning, and has Node run it on a fresh proof.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=wasm32-unknown-unknown
if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
    rustup target add "$target"
fi
RUSTFLAGS="-D warnings" cargo build --locked --release -p zkml-examples --no-default-features \
    --example verify_wasm --target "$target"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
model=examples/models/mlp_iris_batch8
ZKML_CACHE="$scratch/cache" cargo run --locked --release --quiet -p zkml-cli -- --quiet \
    prove "$model/model.onnx" --data "$model/calib.npy" --input "$model/input.json" -o "$scratch/made"
node examples/verify_wasm.mjs "${CARGO_TARGET_DIR:-target}/$target/release/examples/verify_wasm.wasm" \
    "$scratch/made/model.vk" "$scratch/made/proof.json"
