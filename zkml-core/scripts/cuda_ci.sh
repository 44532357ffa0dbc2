#!/usr/bin/env bash
# Checks the CUDA back end without a GPU: its kernels compiled as C++ under AddressSanitizer and UndefinedBehaviorSanitizer, in
# all tests of the MSM and in seeded proofs; NVRTC on their source; lints and docs of the feature.
#
# Needs g++ with its sanitizers. Takes NVRTC from the loader's path, from the directory NVRTC_LIB, or from PyPI (90 MB, kept in the
# target directory). Without any, the compile test prints SKIPPED; ZKML_REQUIRE_GPU=1 makes that and every other skip a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

command -v g++ >/dev/null || { echo "cuda_ci.sh: g++ is not on the PATH" >&2; exit 1; }
asan=$(g++ -print-file-name=libasan.so)
[ -e "$asan" ] || { echo "cuda_ci.sh: g++ comes without AddressSanitizer" >&2; exit 1; }

nvrtc=${NVRTC_LIB:-}
if [ -z "$nvrtc" ] && ! ldconfig -p 2>/dev/null | grep -q 'libnvrtc\.so'; then
    packages=${CARGO_TARGET_DIR:-$PWD/target}/nvrtc
    nvrtc=$packages/nvidia/cu13/lib
    [ -e "$nvrtc/libnvrtc.so.13" ] ||
        timeout 100 python3 -m pip install --quiet --no-deps --disable-pip-version-check --no-input \
            --root-user-action=ignore --target "$packages" nvidia-cuda-nvrtc==13.0.88 ||
        echo "cuda_ci.sh: NVRTC could not be installed, its test will be SKIPPED" >&2
fi

cargo clippy --locked -p zkml-core -p zkml-circuits --features cuda-emulator --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked -p zkml-core --features cuda-emulator --no-deps

# The sanitizers' runtime must be loaded before all else, into the tests but not into cargo.
triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
export "CARGO_TARGET_${triple}_RUNNER=env LD_PRELOAD=$asan ASAN_OPTIONS=detect_leaks=0 LD_LIBRARY_PATH=$nvrtc:${LD_LIBRARY_PATH:-}"
export ZKML_EMULATOR_SANITIZE=1
cargo test --locked --release -p zkml-core --features cuda-emulator --lib msm
cargo test --locked --release -p zkml-circuits --features cuda-emulator --test plonk_bytes proofs_
