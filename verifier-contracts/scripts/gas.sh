#!/usr/bin/env bash
# Prints the table of gas in README.md: whole transactions on a local chain, of proofs made by the command line.
#   scripts/gas.sh MODEL_DIRECTORY...      each with model.onnx, calib.npy and input.json (or input.npy)
# Needs target/release/zkml (or ZKML=...), node, npm, jq, and `forge build` done (scripts/ci.sh).
set -euo pipefail
models=(); for m in "$@"; do models+=("$(cd "$m" && pwd)"); done
source "$(dirname "${BASH_SOURCE[0]}")/../test/e2e/chain.sh"
cd "$work"

gas() { jq -er 'select(.status == "0x1") | .gasUsed' | xargs printf '%d\n'; }
send() { cast send --json --private-key "$owner" "$@" | gas; }
selector=$(cast sig "verifyBatch(address[],bytes[],uint256[][])")
from=$(cast wallet address --private-key "$owner")

of=()
echo "| model | objective, machine | public words | deploy verifier, key | fork | verify | batch of 2, each | batch of 8, each | a further proof saves |"
echo "|---|---|---|---|---|---|---|---|---|"
for model in "${models[@]}"; do
    name=$(basename "$model")
    input="$model/input.json"; [ -f "$input" ] || input="$model/input.npy"
    for objective in prover gas memory; do
        "$zkml" -q --force compile "$model/model.onnx" --data "$model/calib.npy" --objective "$objective" -o m.zkc >compiled 2>log
        machine=$(sed -n 's/^  machine \([^,]*\),.*/\1/p' compiled)
        "$zkml" -q --force setup m.zkc -o keys >log 2>&1
        "$zkml" -q --force prove m.zkc --pk keys/model.pk --input "$input" -o proof.json >log 2>&1
        rm -rf out && "$zkml" -q export-verifier --vk keys/model.vk --proof proof.json -o out >log 2>&1
        for fork in cancun osaka; do
            start_chain $fork
            receipt=$(create "$(jq -r .vkInitCode out/deployment.json)"); vk=$(jq -r .contractAddress <<<"$receipt")
            key_gas=$(gas <<<"$receipt")
            receipt=$(create "$(jq -r .verifierCreationCode out/deployment.json)" "$(verifier_arguments out "$vk")")
            verifier=$(jq -r .contractAddress <<<"$receipt")
            verifier_gas=$(gas <<<"$receipt")
            batch=$(deploy "$(artifact BatchVerifier)")
            one=$(send "$verifier" "$(cat out/calldata.hex)")
            for n in 2 8; do
                of[n]=$(node "$root/scripts/batch.mjs" "$ETH_RPC_URL" "$from" "$batch" "$selector" "$verifier" $n <out/calldata.hex)
            done
            stop_chain
            echo "| $name | $objective, $machine | $(jq '.instances | length' proof.json) | $verifier_gas, $key_gas | $fork | $one" \
                "| $((of[2] / 2)) | $((of[8] / 8)) | $((one - (of[8] - of[2]) / 6)) |"
        done
    done
done
