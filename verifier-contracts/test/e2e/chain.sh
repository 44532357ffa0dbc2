# Sourced by scripts that need a local chain: the pinned npm packages, `cast`, `start_chain HARDFORK`, `deploy`,
# `artifact`, keys of anvil's well-known development mnemonic, and a temporary directory to work in.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$here/../.."
zkml="${ZKML:-$root/../target/release/zkml}"
[ -d "$root/out" ] || { echo "run scripts/ci.sh or forge build first" >&2; exit 1; }
(cd "$here" && npm ci --silent --no-audit --no-fund)

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-amd64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    Darwin-x86_64) platform=darwin-amd64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    *) echo "no anvil for $(uname -s) $(uname -m)" >&2; exit 1 ;;
esac
cast() { "$here/node_modules/@foundry-rs/cast-$platform/bin/cast" "$@"; }
work="$(mktemp -d)"
anvil_pid=
stop_chain() { [ -z "$anvil_pid" ] || kill "$anvil_pid"; anvil_pid=; }
trap 'stop_chain; rm -rf "$work"' EXIT

start_chain() { # hard fork
    local port=$((20000 + RANDOM % 20000))
    "$here/node_modules/@foundry-rs/anvil-$platform/bin/anvil" --port $port --silent --hardfork "$1" &
    anvil_pid=$!
    export ETH_RPC_URL=http://127.0.0.1:$port
    for _ in $(seq 50); do cast chain-id >/dev/null 2>&1 && break; sleep 0.2; done
}
key() { cast wallet private-key "test test test test test test test test test test test junk" "$1"; }
create() { # bytecode [constructor arguments] -> receipt
    local arguments="${2-}"
    cast send --json --private-key "$owner" --create "$1${arguments#0x}" | jq -e 'select(.status == "0x1")'
}
deploy() { create "$@" | jq -er .contractAddress; }
artifact() { jq -er .bytecode.object "$root/out/$1.sol/$1.json"; }
# What the verifier exported to a directory is constructed with, given the address of its key.
verifier_arguments() { # directory, key
    cast abi-encode "f(address,bytes32,uint256[4])" "$2" "$(jq -r .vkCodehash "$1/deployment.json")" \
        "[$(jq -r '.sG2 | join(",")' "$1/deployment.json")]"
}
owner=$(key 0)
