#!/usr/bin/env bash
# Rebuilds the shipped bytecode from the checked-in sources, compares, lints, and runs the Foundry tests and
# those of the TypeScript package.
# Needs node 20 or later and the npm registry. Fails on any difference. With cargo and jq, ends with the guide
# end to end on a local chain, by the command line of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."

npm ci --no-audit --no-fund
node scripts/build.mjs --check
npm run --silent lint

# npm does not run forge's install script; its binary is in the platform's package.
case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-amd64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    Darwin-x86_64) platform=darwin-amd64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    *) echo "no forge for $(uname -s) $(uname -m)" >&2; exit 1 ;;
esac
forge="node_modules/@foundry-rs/forge-$platform/bin/forge"
export FOUNDRY_SOLC="$PWD/scripts/solc"
"$forge" test --offline "$@"
# Fails if a contract is over 24,576 bytes (EIP-170).
"$forge" build --offline --sizes
# The TypeScript package, against what was just built.
(cd ts && npm ci --no-audit --no-fund && npm run --silent check && npm test)
for version in prague osaka; do
    FOUNDRY_PROFILE=later "$forge" test --offline --evm-version $version "$@"
done
if command -v cargo >/dev/null && command -v jq >/dev/null; then
    (cd .. && cargo build --locked --release -p zkml-cli)
    test/e2e/run.sh
else
    echo "no cargo or no jq: the end-to-end run was SKIPPED" >&2
fi
