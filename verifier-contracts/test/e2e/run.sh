#!/usr/bin/env bash
# The guide from end to end on a local chain: compile a model, deploy, register, prove by the command line,
# consume; a replay, a wrong caller and a wrong context are rejected.
#   test/e2e/run.sh            needs target/release/zkml (or ZKML=...), node, npm, jq, and `forge build` done
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/chain.sh"
cd "$work"

echo "== model"
"$zkml" -q compile "$here/model.onnx" --data "$here/calib.npz" --objective gas -o model.zkc
"$zkml" -q setup model.zkc -o keys
"$zkml" -q export-verifier --vk keys/model.vk -o out

echo "== chain"
start_chain osaka
me=$(key 1) other=$(key 2)
address_of() { cast wallet address --private-key "$1"; }
fails() { # what, selector of the error, command
    local what="$1" error="$2"
    shift 2
    if "$@" >log 2>&1; then echo "$what was accepted" >&2; exit 1; fi
    grep -q "${error#0x}" log || { echo "$what was rejected for another reason:" >&2; cat log >&2; exit 1; }
    echo "$what: rejected"
}

echo "== deploy and register"
vk=$(deploy "$(jq -r .vkInitCode out/deployment.json)")
verifier=$(deploy "$(jq -r .verifierCreationCode out/deployment.json)" "$(verifier_arguments out "$vk")")
registry=$(deploy "$(artifact ModelRegistry)" "$(cast abi-encode "f(address,uint256)" "$(address_of "$owner")" 86400)")
tensor="(uint8,int16,uint8,uint16,bytes)"
tensors() { jq -r "[.$1[] | \"(\(.bits),\(.scale),\(.lanes),\(.elements),\(.places))\"] | join(\",\")" out/schema.json; }
schema="([$(tensors inputs)],[$(tensors outputs)],$(jq .contextKind out/schema.json),$(jq .contextTensor out/schema.json))"
zero=0x$(printf '0%.0s' {1..64})
receipt=$(cast send --json --private-key "$owner" "$registry" \
    "register(address,($tensor[],$tensor[],uint8,uint8),bytes32,bytes32)" \
    "$verifier" "$schema" "$zero" "$(jq -r .quantisationHash out/schema.json)")
model=$(jq -er '.logs[0].topics[1]' <<<"$receipt")
commitments=$(cast call "$registry" "commitmentsOf(bytes32)(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32)" "$model")
[ "$(sed -n 4p <<<"$commitments")" = "$(jq -r .ioSchemaHash out/schema.json)" ] || { echo "schema hash" >&2; exit 1; }
escrow=$(deploy "$(artifact PaidClassifier)" "$(cast abi-encode "f(address,bytes32,($tensor[],$tensor[],uint8,uint8))" \
    "$registry" "$model" "$schema")")

prove() { # caller, job, deadline -> proof.json
    local context
    context=$(cast call "$escrow" "contextOf(address,uint256,uint256)(bytes32)" "$(address_of "$1")" "$2" "$3")
    jq --arg c "$context" '.context = [range(2; 66; 2) as $i | $c[$i:$i+2] | ascii_downcase | explode
        | map(if . > 57 then . - 87 else . - 48 end) | .[0] * 16 + .[1]]' "$here/input.json" >bound.json
    "$zkml" -q --force prove model.zkc --pk keys/model.pk --input bound.json -o proof.json
}
settle() { # caller, job
    cast send --json --private-key "$1" "$escrow" "settle(uint256,bytes,uint256[])" "$2" \
        "$(jq -r .proof proof.json)" "[$(jq -r '.instances | join(",")' proof.json)]"
}

echo "== a job, a proof, a payment"
deadline=$(($(date +%s) + 86400))
prove "$me" 1 $deadline
words=$(jq -r '.inputs[0].integers | length' proof.json)
lanes=$(jq .inputs[0].lanes out/schema.json)
count=$(((words + lanes - 1) / lanes))
inputs="[$(jq -r ".instances[:$count] | join(\",\")" proof.json)]"
class=$(jq '.outputs[0].integers | index(max)' proof.json)
beneficiary=0x00000000000000000000000000000000000b0b00
for _ in 1 2; do
    cast send --json --private-key "$owner" --value 10ether "$escrow" "open(address,uint16,uint96,uint64,uint256[])" \
        $beneficiary "$class" 1000000000000000000 $deadline "$inputs" | jq -e '.status == "0x1"' >/dev/null
done
fails "another caller" "$(cast sig 'WrongContext(bytes32)')" settle "$other" 1
fails "another job" "$(cast sig 'WrongContext(bytes32)')" settle "$me" 2
printf 'settled: %d gas\n' "$(settle "$me" 1 | jq -er .gasUsed)"
fails "a replay" "$(cast sig 'NotOpen(uint256)')" settle "$me" 1
credit() { cast call "$escrow" "credit(address)(uint256)" "$1" | cut -d' ' -f1; }
[ "$(credit $beneficiary)" = 9000000000000000000 ] || { echo "the beneficiary was not paid" >&2; exit 1; }
[ "$(credit "$(address_of "$me")")" = 1000000000000000000 ] || { echo "the prover was not paid" >&2; exit 1; }

echo "== a revoked model"
cast send --json --private-key "$owner" "$registry" "revoke(bytes32)" "$model" >/dev/null
prove "$me" 2 $deadline
fails "a revoked model" "$(cast sig 'ModelNotUsable(bytes32,uint8)')" settle "$me" 2
echo "== passed"
