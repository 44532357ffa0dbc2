#!/usr/bin/env bash
# Usage: run.sh TARGET SECONDS [libFuzzer options]    as zkml-core/fuzz/run.sh, for the targets here.
set -euo pipefail
FUZZ_CRATE=$(realpath "$(dirname "$0")")
export FUZZ_CRATE
exec "$FUZZ_CRATE/../../zkml-core/fuzz/run.sh" "$@"
