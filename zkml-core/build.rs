//! With the feature `cuda-emulator`, compiles the kernels of `cuda` as C++ for this machine. Does nothing otherwise.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cuda-emulator")]
    emulator();
}

#[cfg(feature = "cuda-emulator")]
fn emulator() {
    let kernels = "src/proving/msm/cuda/kernels";
    println!("cargo::rerun-if-changed={kernels}");
    println!("cargo::rerun-if-env-changed=ZKML_EMULATOR_SANITIZE");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(2).flag_if_supported("-Wno-unknown-pragmas");
    // Programs must run with libasan preloaded then: see scripts/cuda_ci.sh.
    if std::env::var_os("ZKML_EMULATOR_SANITIZE").is_some() {
        build.flag("-fsanitize=address,undefined").flag("-fno-sanitize-recover=all").debug(true);
        println!("cargo::rustc-link-lib=asan");
        println!("cargo::rustc-link-lib=ubsan");
    }
    build.file(format!("{kernels}/emulator.cpp")).compile("zkml_cuda_emulator");
}
