//! Which backend computes commitments, and what is said of it.

use crate::fixture::{Run, command, example, scratch, text};

/// Proves the whole way with this in `ZKML_MSM`, and 2^12 rows being many.
fn prove(choice: &str, flags: &[&str]) -> Run {
    let (model, input) = (example("model.onnx"), example("input.json"));
    let directory = scratch();
    let output = command(&directory.path().join("cache"))
        .args(["prove", &model, "--input", &input, "--data", &example("calib.npy")])
        .args(flags)
        .env("ZKML_MSM", choice)
        .env("ZKML_MSM_MIN_LOG2", "12")
        .env("ZKML_CUDA_CUBIN", text(&directory.path().join("none.cubin")))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Run { code: output.status.code().unwrap(), stdout: output.stdout, stderr }
}

#[test]
fn the_cpu_is_named_where_it_ran() {
    let run = prove("cpu", &[]).exits(0);
    assert!(run.text().contains("multi-scalar multiplication: cpu"), "{}", run.text());
    let document = prove("cpu", &["--json"]).exits(0).json();
    assert_eq!(document["msm"]["backend"], "cpu");
    assert_eq!(document["msm"]["device_columns"], 0);
    assert!(document["msm"]["cpu_columns"].as_u64().unwrap() > 10);
}

#[test]
fn an_unknown_backend_is_a_usage_mistake_that_names_those_there_are() {
    let run = prove("gpu", &[]).exits(2);
    assert!(run.stderr.contains("ZKML_MSM: `gpu` is not auto, cpu or cuda"), "{}", run.stderr);
    let help = command(scratch().path()).arg("--help").output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("ZKML_MSM "));
}

/// The kernels that the environment names are not there, so no machine can use its GPU here.
#[test]
fn without_a_gpu_auto_takes_the_cpu_and_cuda_is_an_error() {
    let auto = prove("auto", &["--json"]).exits(0);
    assert_eq!(auto.json()["msm"]["backend"], "cpu");
    let lines = auto.stderr.lines().filter(|line| line.contains("the CPU takes over")).count();
    assert_eq!(lines, usize::from(cfg!(feature = "cuda")), "{}", auto.stderr);
    let (code, what) = match cfg!(feature = "cuda") {
        true => (4, "MSM backend `cuda`"),
        false => (2, "build with `--features cuda`"),
    };
    let run = prove("cuda", &["--json"]).exits(code);
    assert!(run.stderr.contains(what), "{}", run.stderr);
    assert!(run.stderr.contains("help: with ZKML_MSM=auto or ZKML_MSM=cpu"), "{}", run.stderr);
    assert_eq!(run.json()["error"]["code"], code);
}
