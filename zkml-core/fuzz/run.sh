#!/usr/bin/env bash
# Usage: run.sh TARGET SECONDS [libFuzzer options]    runs one fuzz target on stable Rust (README.md).
set -euo pipefail
cd "$(dirname "$0")"
target=$1 seconds=$2
shift 2

triple=$(rustc -vV | sed -n 's/^host: //p')
# With --target the flags are those of the targets alone, not of build scripts and macros, which
# have no main function of libFuzzer's to call into.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
cargo build --release --target "$triple" --bin "$target"

corpus=corpus/$target found=corpus-found/$target
mkdir -p "$corpus" "$found" artifacts
# Programs are built from any bytes; models begin as those that there are.
[ "$target" = execute ] || python3 seeds.py "$corpus"
exec nice "target/$triple/release/$target" "$corpus" "$found" -max_total_time="$seconds" \
    -max_len=65536 -timeout=20 -report_slow_units=5 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
    -artifact_prefix="artifacts/$target-" -print_final_stats=1 "$@"
