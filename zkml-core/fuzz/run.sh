#!/usr/bin/env bash
# Usage: run.sh TARGET SECONDS [libFuzzer options]    runs one fuzz target on stable Rust (README.md), or
# one after the other where TARGET is `all`. Where SECONDS is `keep`, the least files that reach what the
# corpus reaches are packed into corpus-kept instead, which is checked in and begins the next run.
# FUZZ_CRATE is the directory of another crate's targets.
set -euo pipefail
self=$(realpath "$0")
cd "${FUZZ_CRATE:-$(dirname "$self")}"
target=$1 seconds=$2
shift 2

if [ "$target" = all ]; then
    failed=()
    for file in targets/*.rs; do
        "$self" "$(basename "$file" .rs)" "$seconds" "$@" || failed+=("$(basename "$file" .rs)")
    done
    [ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
    exit
fi

triple=$(rustc -vV | sed -n 's/^host: //p')
# With --target the flags are those of the targets alone, not of build scripts and macros, which
# have no main function of libFuzzer's to call into.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(dirname "$self")/target}
cargo build --release --target "$triple" --bin "$target"
binary=$CARGO_TARGET_DIR/$triple/release/$target

corpus=corpus/$target found=corpus-found/$target kept=corpus-kept/$target.tar.xz
mkdir -p "$corpus" "$found" artifacts
if [ "$seconds" = keep ]; then
    least=$(mktemp -d)
    trap 'rm -rf "$least"' EXIT
    mkdir -p "$least/$target" corpus-kept
    "$binary" -merge=1 "$least/$target" "$corpus" "$found" -rss_limit_mb=2048
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cJf "$kept" -C "$least" "$target"
    exit
fi
if [ -f "$kept" ]; then tar xJf "$kept" -C corpus; fi
# Programs are built from any bytes; models begin as those that there are, other files as the target makes them.
case $target in
    import | compile) python3 seeds.py "$corpus" ;;
    *) export FUZZ_SEEDS=$corpus ;;
esac
length=(-max_len=65536)
case $target in
    # Scripts of changes, of a length that some changes need.
    keys | proof | calldata) length=(-max_len=256 -len_control=0) ;;
esac
exec nice "$binary" "$corpus" "$found" -max_total_time="$seconds" \
    "${length[@]}" -timeout=20 -report_slow_units=5 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
    -artifact_prefix="artifacts/$target-" -print_final_stats=1 "$@"
