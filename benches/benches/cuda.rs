//! The CUDA back end on a GPU. `benches/gpu.sh` runs all of it; single parts, after `cargo bench -p zkml-benches --features cuda --bench cuda --`:
//!
//! - `compile ARCHITECTURE FILE`: kernels for `ZKML_CUDA_CUBIN`, by NVRTC;
//! - `check`: a few sums, for compute-sanitizer;
//! - `table LOG2 FILE`: sizes, kinds and spreads up to `2^LOG2`, as Markdown, and as JSON to the file;
//! - `prover K`: the sample circuit of `2^K` rows, by the CPU and by the GPU, and whether the bytes are equal;
//! - `dry-run LOG2`: `table` with the CPU in place of the GPU, which tries this program.

use std::{
    error::Error,
    fs,
    path::Path,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use ff::Field;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};
use zkml::core::proving::{Ceilings, CudaMsm, MsmError, Scalars, Srs};
use zkml::{CpuMsm, MsmBackend, MsmOptions};
use zkml_circuits::plonk::testing::{Fixture, SampleParams};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["compile", architecture, file] => {
            CudaMsm::compile(architecture, Path::new(file)).map_err(Into::into)
        }
        ["check"] => check(),
        ["table", log2, file] => open().and_then(|gpu| table(&gpu, Some(&gpu), log2, Some(file))),
        ["dry-run", log2] => table(&CpuMsm, None, log2, None),
        ["prover", k] => open().and_then(|gpu| prover(&gpu, k)),
        _ => {
            Err("compile ARCHITECTURE FILE | check | table LOG2 FILE | prover K | dry-run LOG2"
                .into())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open() -> Result<CudaMsm, Box<dyn Error>> {
    let start = Instant::now();
    let gpu = CudaMsm::new(&MsmOptions::from_env()?)?;
    println!("{}, opened in {:.2} s", gpu.name(), start.elapsed().as_secs_f64());
    Ok(gpu)
}

/// Opening compares sums of every kind.
fn check() -> Result<(), Box<dyn Error>> {
    let gpu = open()?;
    let srs = Srs::development(9)?;
    for spread in SPREADS {
        let column = Column::new(spread, 400, 1);
        let columns = [column.scalars(); 3];
        let equal = gpu.msm(srs.lagrange(), &columns)? == CpuMsm.msm(srs.lagrange(), &columns)?;
        equal.then_some(()).ok_or("a sum differs from the CPU's")?;
    }
    println!("sums of {} spreads are the CPU's", SPREADS.len());
    Ok(())
}

const SPREADS: [&str; 9] = [
    "full",
    "full, equal",
    "full, 16 bits",
    "bits",
    "equal",
    "two values",
    "i16",
    "i32",
    "mostly 0",
];

/// A column of one kind.
enum Column {
    Full(Vec<Fr>),
    Small(Vec<i64>),
}

impl Column {
    fn new(spread: &str, rows: usize, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let same = Fr::random(&mut rng);
        let mut small = |of: fn(i64) -> i64| -> Vec<i64> {
            (0..rows).map(|_| of(rng.next_u64() as i64)).collect()
        };
        match spread {
            "full, equal" => Self::Full(vec![same; rows]),
            "full, 16 bits" => {
                let signed = |value: i64| {
                    let magnitude = Fr::from(value.unsigned_abs());
                    if value < 0 { -magnitude } else { magnitude }
                };
                Self::Full(small(|r| i64::from(r as i16)).into_iter().map(signed).collect())
            }
            "bits" => Self::Small(small(|r| r & 1)),
            "equal" => Self::Small(vec![-12345; rows]),
            "two values" => Self::Small(small(|r| [-32768, 32767][r as usize & 1])),
            "i16" => Self::Small(small(|r| i64::from(r as i16))),
            "i32" => Self::Small(small(|r| i64::from(r as i32))),
            "mostly 0" => Self::Small(small(|r| if r % 10 == 0 { i64::from(r as i16) } else { 0 })),
            _ => Self::Full((0..rows).map(|_| Fr::random(&mut rng)).collect()),
        }
    }

    fn scalars(&self) -> Scalars<'_> {
        match self {
            Self::Full(values) => Scalars::Full(values),
            Self::Small(values) => Scalars::Small { values, tail: &[] },
        }
    }
}

/// The least time of `runs` calls, and what they gave.
fn least<T>(
    runs: u32,
    mut call: impl FnMut() -> Result<T, MsmError>,
) -> Result<(f64, T), MsmError> {
    let mut timed = || -> Result<(f64, T), MsmError> {
        let start = Instant::now();
        let result = call()?;
        Ok((start.elapsed().as_secs_f64(), result))
    };
    let mut best = timed()?;
    for _ in 1..runs {
        let next = timed()?;
        best = if next.0 < best.0 { next } else { best };
    }
    Ok(best)
}

fn table(
    backend: &dyn MsmBackend,
    gpu: Option<&CudaMsm>,
    log2: &str,
    file: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let log2: u32 = log2.parse()?;
    let threads = std::thread::available_parallelism()?;
    let srs = Srs::development(log2)?;
    let bases: &[G1Affine] = srs.lagrange();
    let ceilings = gpu.map(|gpu| gpu.ceilings(bases)).transpose()?;
    if let Some(Ceilings { products, additions, .. }) = ceilings {
        let [products, additions] = [products, additions].map(|rate| rate * 1e-9);
        println!("\nat best: {products:.1} G products/s, {additions:.2} G additions/s\n");
    }
    println!("CPU: {threads} threads\n");
    println!(
        "| n | scalars | columns | {} ms | CPU ms | CPU / GPU | share of peak |",
        backend.name()
    );
    println!("|---|---|---|---|---|---|---|");
    let (mut rows, mut worst) = (Vec::new(), 0f64);
    for k in (log2.min(12)..=log2).step_by(2) {
        let mut of_random = None;
        for spread in ["i16"].iter().chain(SPREADS.iter().filter(|spread| **spread != "i16")) {
            for count in [1, 8] {
                if k + count >= 30 {
                    continue;
                }
                let columns: Vec<Column> =
                    (0..count).map(|seed| Column::new(spread, 1 << k, seed.into())).collect();
                let columns: Vec<Scalars<'_>> = columns.iter().map(Column::scalars).collect();
                // The first call uploads the bases.
                backend.msm(bases, &columns)?;
                let (seconds, sums) = least(5, || backend.msm(bases, &columns))?;
                let (cpu, expected) = least(2, || CpuMsm.msm(bases, &columns))?;
                if sums != expected {
                    return Err(format!("2^{k} {spread}: a sum differs from the CPU's").into());
                }
                let additions = gpu.map(|gpu| gpu.additions(&columns)).transpose()?;
                let share = ceilings
                    .zip(additions)
                    .map(|(best, count)| count as f64 / best.additions / seconds);
                let percent = share.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share));
                let [ms, cpu_ms] = [seconds, cpu].map(|seconds| seconds * 1e3);
                let ratio = cpu / seconds;
                println!(
                    "| 2^{k} | {spread} | {count} | {ms:.3} | {cpu_ms:.2} | {ratio:.1} | {percent} |"
                );
                let kernels = gpu.map(|gpu| gpu.profile(bases, &columns)).transpose()?;
                let kernels: Vec<Value> = kernels.into_iter().flatten().map(|time| {
                    let microseconds = time.time.as_secs_f64() * 1e6;
                    json!({ "kernel": time.kernel, "launches": time.launches, "microseconds": microseconds })
                }).collect();
                rows.push(json!({
                    "log2": k, "scalars": spread, "columns": count, "seconds": seconds,
                    "cpu_seconds": cpu, "additions": additions, "share_of_peak": share, "kernels": kernels,
                }));
                match (*spread, count, of_random) {
                    ("i16", 1, _) => of_random = Some(seconds),
                    ("bits" | "equal" | "two values" | "mostly 0", 1, Some(random)) => {
                        worst = worst.max(seconds / random);
                    }
                    _ => {}
                }
            }
        }
    }
    let verdict = if worst <= 2.0 { "within" } else { "NOT within" };
    println!(
        "\nskewed columns take at most {worst:.2} of the time of random 16-bit ones: {verdict} 2"
    );
    if let Some(file) = file {
        let best =
            ceilings.map(|best| json!({ "products": best.products, "additions": best.additions }));
        let document = json!({
            "backend": backend.name(), "threads": threads.get(), "ceilings": best, "rows": rows, "skew": worst,
        });
        fs::write(file, serde_json::to_string_pretty(&document)?)?;
    }
    Ok(())
}

/// A backend that adds up its time.
struct Timed<'a>(&'a dyn MsmBackend, Mutex<Duration>);

impl MsmBackend for Timed<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        let start = Instant::now();
        let sums = self.0.msm(bases, columns);
        *self.1.lock().expect("no panic") += start.elapsed();
        sums
    }
}

fn prover(gpu: &CudaMsm, k: &str) -> Result<(), Box<dyn Error>> {
    let params = SampleParams { k: k.parse()?, lanes: 9, degree: 9, ..SampleParams::default() };
    let fixture = Fixture::with_backend(params, &CpuMsm);
    println!("\n| backend | proof s | of which sums s |\n|---|---|---|");
    let mut proofs = Vec::new();
    for backend in [&CpuMsm as &dyn MsmBackend, gpu] {
        // Once to warm up: the bases are uploaded.
        let _ = fixture.prove_with(backend, 7, None);
        let timed = Timed(backend, Mutex::default());
        let start = Instant::now();
        proofs.push(fixture.prove_with(&timed, 7, None));
        let (all, sums) = (start.elapsed().as_secs_f64(), timed.1.lock().expect("no panic"));
        println!("| {} | {all:.3} | {:.3} |", backend.name(), sums.as_secs_f64());
    }
    if proofs[0] != proofs[1] {
        return Err("the proofs differ".into());
    }
    println!("\nthe same {} bytes", proofs[0].len());
    Ok(())
}
