#!/usr/bin/env bash
# Writes test/fixtures: what the command line makes of the model in ../test/e2e, and a proof bound to the use
# that examples/verify.ts makes of it on a development chain.
#   scripts/fixtures.sh            needs target/release/zkml (or ZKML=...), jq, and `npm ci` done
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
zkml="${ZKML:-$here/../../target/release/zkml}"
model="$here/../test/e2e"
cast() { "$here"/node_modules/@foundry-rs/cast-*/bin/cast "$@"; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

# Accounts of anvil's well-known development mnemonic. The first one's fifth contract is the consumer.
address() { cast wallet address --mnemonic "test test test test test test test test test test test junk" --mnemonic-index "$1"; }
consumer=$(cast compute-address "$(address 0)" --nonce 4 | grep -o '0x[0-9a-fA-F]*')
type="ZkmlContext(uint256 chainId,address consumer,address caller,uint256 nonce,uint256 deadline)"
context=$(cast keccak "$(cast abi-encode "f(bytes32,uint256,address,address,uint256,uint256)" \
    "$(cast keccak "$type")" 31337 "$consumer" "$(address 1)" 1 4102444800)")
jq --arg c "$context" '.context = [range(2; 66; 2) as $i | $c[$i:$i+2] | explode
    | map(if . > 57 then . - 87 else . - 48 end) | .[0] * 16 + .[1]]' "$model/input.json" >input.json

"$zkml" -q compile "$model/model.onnx" --data "$model/calib.npz" --objective gas -o model.zkc
"$zkml" -q setup model.zkc -o keys
"$zkml" -q prove model.zkc --pk keys/model.pk --input input.json -o proof.json
"$zkml" -q export-verifier --vk keys/model.vk --proof proof.json -o out
"$zkml" -q --json evm-verify proof.json --vk keys/model.vk >evm-verify.json
cp input.json proof.json out/deployment.json out/schema.json out/calldata.hex evm-verify.json "$here/test/fixtures/"
