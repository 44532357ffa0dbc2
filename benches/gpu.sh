#!/usr/bin/env bash
# All there is to do on a machine with an NVIDIA GPU: tests, sanitizer, measurements, proofs, fallbacks.
#
#   benches/gpu.sh [OUT]              builds and runs; OUT (gpu-report) gets report.md, *.log, table.json
#   benches/gpu.sh build DIR [ARCH]   builds only: programs, and kernels for ARCH (sm_90) if NVRTC is there
#   benches/gpu.sh run DIR [OUT]      runs what is in DIR; needs neither cargo nor a network
#
# ZKML_GPU_LOG2 (22) is the largest size of the table. Ends with an error when a step fails, after all of them.
set -uo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build() {
    set -e
    local to
    mkdir -p "$1"
    to=$(cd "$1" && pwd)
    cd "$repository"
    cargo build --locked --release -p zkml-cli --features cuda
    cp "${CARGO_TARGET_DIR:-target}/release/zkml" "$to/zkml"
    # In one call, so that the libraries are built once. Cargo says where it puts each program.
    cargo test --locked --release --no-run -p zkml-core -p zkml-circuits -p zkml-benches --features zkml-core/cuda \
        --features zkml-circuits/cuda,zkml-benches/cuda --lib --test plonk_bytes --bench cuda 2>&1 | tee "$to/build.log"
    executable() { cp "$(sed -n "s/^ *Executable .*(\(.*\/$1-[0-9a-f]*\))$/\1/p" "$to/build.log")" "$to/$2"; }
    executable zkml_core core-tests
    executable plonk_bytes plonk-tests
    executable cuda cuda-bench
    strip "$to"/{zkml,core-tests,plonk-tests,cuda-bench} 2>/dev/null || true
    rm -rf "$to/model"
    cp -r examples/models/mlp_digits "$to/model"
    "$to/cuda-bench" compile "${2:-sm_90}" "$to/kernels.cubin" ||
        echo "no NVRTC here: the step that takes compiled kernels will make its own, or fail" >&2
    set +e
}

failed=0
# step NAME CODE COMMAND...: the command must end with this code.
step() {
    local name=$1 code=$2 begin=$SECONDS got
    shift 2
    "$@" >"$out/$name.log" 2>&1 </dev/null
    got=$?
    if [ "$got" = "$code" ]; then
        echo "| $name | passed | $((SECONDS - begin)) s |" | tee -a "$out/report.md"
    else
        failed=1
        echo "| $name | FAILED: code $got, not $code | $((SECONDS - begin)) s |" | tee -a "$out/report.md"
        tail -n 5 "$out/$name.log" | sed 's/^/    /'
    fi
}

device() {
    nvidia-smi -L && nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv
    local code=$?
    uname -sr
    nproc
    ldconfig -p | grep -E 'libcuda\.so|libnvrtc\.so'
    return $code
}

# says TEXT COMMAND...: the command succeeds and says this.
says() {
    local text=$1
    shift
    "$@" 2>&1 | tee /dev/stderr | grep -qF -- "$text"
}

# The same key and proof for the CPU and the GPU is what the test of seeded proofs shows; this is the command line.
prove() { "$bin/zkml" prove "$bin/model/model.onnx" --input "$bin/model/input.json" --data "$bin/model/calib.npy"; }

run() {
    bin=$(cd "$1" && pwd) || exit 2
    mkdir -p "$2"
    out=$(cd "$2" && pwd)
    export ZKML_CACHE=$out/cache ZKML_REQUIRE_GPU=1
    rm -rf "$ZKML_CACHE"
    printf '# GPU run of %s\n\n| step | result | time |\n|---|---|---|\n' "$(date -u +%FT%TZ)" >"$out/report.md"

    step device 0 device
    local kernels=$bin/kernels.cubin
    [ -e "$kernels" ] || kernels=$out/kernels.cubin
    if [ ! -e "$kernels" ]; then
        local capability
        capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
        step compile 0 "$bin/cuda-bench" compile "sm_${capability:-90}" "$kernels"
    fi
    # By compiled kernels, which work without NVRTC; then by NVRTC, through the cache.
    step tests-cubin 0 env "ZKML_CUDA_CUBIN=$kernels" "$bin/core-tests" tests_gpu --skip nvrtc --test-threads 1
    step tests-nvrtc 0 env "ZKML_CUDA_CACHE=$ZKML_CACHE" "$bin/core-tests" tests_gpu --test-threads 1
    step proofs 0 env "ZKML_CUDA_CUBIN=$kernels" "$bin/plonk-tests" proofs_
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck initcheck; do
            step "sanitizer-$tool" 0 env "ZKML_CUDA_CUBIN=$kernels" compute-sanitizer --tool "$tool" \
                --error-exitcode 9 "$bin/cuda-bench" check
        done
    else
        echo "| sanitizer | SKIPPED: no compute-sanitizer | |" | tee -a "$out/report.md"
    fi

    export ZKML_CUDA_CUBIN=$kernels
    step table 0 "$bin/cuda-bench" table "${ZKML_GPU_LOG2:-22}" "$out/table.json"
    step prover 0 "$bin/cuda-bench" prover 16
    step command-line 0 env ZKML_MSM=cuda ZKML_MSM_MIN_LOG2=0 ZKML_MSM_VERIFY=1 \
        bash -c "$(declare -f says prove); bin='$bin'; says 'multi-scalar multiplication: cuda (' prove"

    # Without the GPU: the CPU takes over, or an error when the GPU was asked for.
    export ZKML_MSM_MIN_LOG2=0
    local cases=("hidden CUDA_VISIBLE_DEVICES=" "bad-kernels ZKML_CUDA_CUBIN=$bin/zkml" "no-such-device ZKML_CUDA_DEVICE=99")
    for case in "${cases[@]}"; do
        step "${case%% *}-auto" 0 env "${case#* }" ZKML_MSM=auto \
            bash -c "$(declare -f says prove); bin='$bin'; says 'the CPU takes over' prove"
        step "${case%% *}-cuda" 4 env "${case#* }" ZKML_MSM=cuda bash -c "$(declare -f prove); bin='$bin'; prove"
    done

    for log in device table prover; do
        printf '\n## %s\n\n' "$log" >>"$out/report.md"
        cat "$out/$log.log" >>"$out/report.md"
    done
    echo "report: $out/report.md"
    return $failed
}

case ${1:-} in
    build) build "${2:?DIR}" "${3:-sm_90}" ;;
    run) run "${2:?DIR}" "${3:-gpu-report}" ;;
    *)
        programs=$(mktemp -d)
        trap 'rm -rf "$programs"' EXIT
        (build "$programs" sm_90) || exit 2
        run "$programs" "${1:-gpu-report}"
        ;;
esac
