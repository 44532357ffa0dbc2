#!/usr/bin/env bash
# Checks the CUDA back end without a GPU: its kernels, compiled as C++ under AddressSanitizer and
# UndefinedBehaviorSanitizer, in all tests of the MSM and in seeded proofs; NVRTC on their source; lints.
# Needs g++ with its sanitizers. Takes NVRTC from the loader's path, from NVRTC_LIB, or from a wheel of PyPI (90 MB, kept in the target directory);
# without any, the compile test says SKIPPED, which ZKML_REQUIRE_GPU=1 makes a failure like every other skip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

command -v g++ >/dev/null || { echo "cuda_ci.sh: g++ is not on the PATH" >&2; exit 1; }
asan=$(g++ -print-file-name=libasan.so)
[ -e "$asan" ] || { echo "cuda_ci.sh: g++ has no AddressSanitizer" >&2; exit 1; }
target=${CARGO_TARGET_DIR:-target}

nvrtc=${NVRTC_LIB:-}
if [ -z "$nvrtc" ] && ! ldconfig -p 2>/dev/null | grep -q 'libnvrtc\.so'; then
    nvrtc=$PWD/$target/nvrtc/nvidia/cu13/lib
    if [ ! -e "$nvrtc/libnvrtc.so.13" ]; then
        timeout 100 python3 -m pip install --quiet --no-deps --disable-pip-version-check \
            --target "$target/nvrtc" nvidia-cuda-nvrtc==13.0.88 ||
            echo "NVRTC could not be installed: the compile test will be SKIPPED" >&2
    fi
fi
[ -z "$nvrtc" ] || export LD_LIBRARY_PATH=$nvrtc${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# Built without the sanitizers' runtime loaded, run with it: it must come first.
export ZKML_EMULATOR_SANITIZE=1
run() {
    cargo test --locked --release --features cuda-emulator --no-run "$@" 2>&1 | tail -n 3
    local package=$1
    shift
    local binary
    binary=$(cargo test --locked --release --features cuda-emulator --no-run --message-format=json "$package" "${@:1:2}" \
        2>/dev/null | sed -n 's/.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    echo "$binary"
}
