//! `zkml prove`: from a compiled model and its key, or the whole way from an ONNX file.

use super::{inspect::cost_lines, verify::outputs_text};
use crate::{
    args::Prove,
    cache,
    exit::{CliError, Outcome},
    files, load, memory, msm,
    output::Output,
    phases::{self, Phases},
    usage::{cpu_seconds, peak_memory},
};
use serde_json::{Value, json};
use std::{path::Path, time::Instant};
use zkml::{
    AutoMsm, Error, Keys, MsmReport, Proof, Tensor,
    circuits::model::ModelProveError,
    core::io::InputSpec,
    solidity::{self, Fork, Verdict},
};

pub(crate) fn run(args: &Prove, output: &Output) -> Result<Outcome, CliError> {
    match (&args.pk, load::is_compiled(&args.model)) {
        (Some(pk), true) => with_key(args, pk, output),
        (None, false) => whole_way(args, output),
        (None, true) => Err(CliError::usage("a compiled model is proven with its key")
            .about(&args.model)
            .help("pass --pk model.pk; `zkml setup` makes it")),
        (Some(_), false) => Err(CliError::usage("--pk goes with a compiled model (.zkc)")
            .about(&args.model)
            .help("compile the model first, or leave --pk out")),
    }
}

/// A proof with what it took.
struct Made {
    proof: Proof,
    seconds: f64,
    cpu: Option<f64>,
    /// What computed the commitments, those of keys made by this process included.
    msm: MsmReport,
}

/// `path` is where the input came from.
fn prove(
    keys: &Keys,
    input: &[Tensor<f32>],
    path: &Path,
    backend: &AutoMsm,
    phases: &Phases,
) -> Result<Made, CliError> {
    let (start, before) = (Instant::now(), cpu_seconds());
    let proof =
        keys.proving_key().prove_on(input, backend, phases).map_err(|error| match error {
            error @ (Error::Execution(_) | Error::Prove(ModelProveError::Execution(_))) => {
                CliError::from(error).about(path)
            }
            error => error.into(),
        })?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(before).map(|(after, before)| after - before);
    Ok(Made { proof, seconds, cpu, msm: backend.report() })
}

impl Made {
    fn json(&self, insecure: bool, phases: &Phases) -> Value {
        json!({
            "outputs": self.proof.outputs(),
            "proof_bytes": self.proof.bytes().len(),
            "words": self.proof.words().len(),
            "prove_seconds": self.seconds,
            "prove_cpu_seconds": self.cpu,
            "peak_memory_bytes": peak_memory(),
            "phases": phases.json(),
            "msm": self.msm,
            "insecure": insecure,
        })
    }

    fn text(&self) -> String {
        let cpu = self.cpu.map_or(String::new(), |cpu| format!(", {cpu:.2} CPU s"));
        let memory = peak_memory().map_or(String::new(), |m| format!(", peak {} MB", m >> 20));
        format!(
            "proof of {} bytes, {} public words, in {:.2} s{cpu}{memory}\nmulti-scalar multiplication: {}",
            self.proof.bytes().len(),
            self.proof.words().len(),
            self.seconds,
            self.msm,
        )
    }
}

fn with_key(args: &Prove, pk: &Path, output: &Output) -> Result<Outcome, CliError> {
    let to = args.output.as_deref().unwrap_or(Path::new("-"));
    files::check_absent(to, output)?;
    let backend = msm::backend(output)?;
    let phases = Phases::new(output);
    let program = phases.of(phases::READ_MODEL, || load::program(&args.model))?;
    let objective = args.machine.objective.into();
    memory::require("proving", program.cost().memory_with(objective), args.resources.memory)?;
    let specs = InputSpec::of_program(program.compiled().program());
    let input = load::input(&args.input, &specs)?;
    let keys = load::proving_keys(pk, &program, args.srs.as_deref(), output, &phases)?;
    let keys = keys.with_objective(objective);
    drop(program);
    let made = prove(&keys, &input, &args.input, &backend, &phases)?;
    output.detail(phases.text());
    let insecure = keys.verifying_key().is_insecure();
    let json = format!("{}\n", made.proof.to_json());
    files::write(to, json.as_bytes(), output)?;
    if files::is_standard(to) {
        output.note(made.text());
    } else {
        output.result(
            "prove",
            made.json(insecure, &phases),
            format!("{}\n{}", outputs_text(&made.proof), made.text()),
        )?;
    }
    load::warn_insecure(insecure, output);
    Ok(Outcome::Done)
}

/// Calibrate, compile, SRS, setup, prove, verify, verify in the EVM.
fn whole_way(args: &Prove, output: &Output) -> Result<Outcome, CliError> {
    if let Some(directory) = &args.output {
        files::check_directory(directory)?;
        files::check_absent(&directory.join("proof.json"), output)?;
    }
    let backend = msm::backend(output)?;
    let model = load::model(&args.model, &args.import)?;
    let input = load::input(&args.input, &InputSpec::of_graph(model.graph()))?;
    if args.precision.settings.is_none() && args.precision.data.is_none() {
        output.note(
            "calibrated on the input itself: pass --data SAMPLES for ranges that hold for others",
        );
    }
    let fallback = [input.clone()];
    let options = load::compile_options(&model, &args.precision, &args.machine, Some(&fallback))?;
    let phases = Phases::new(output);
    let program = phases
        .of(phases::COMPILE, || model.compile(&options))
        .map_err(|e| CliError::from(e).about(&args.model))?;
    let cost = program.cost();
    output.note(format!("predicted\n{}", cost_lines(&cost)));
    let objective = args.machine.objective.into();
    let need = cost.memory_with(objective).max(cost.setup_memory);
    memory::require("setup and proving", need, args.resources.memory)?;

    let srs =
        phases.of(phases::READ_SRS, || load::srs(args.srs.as_deref(), program.k(), output))?;
    let (start, before) = (Instant::now(), cpu_seconds());
    let (keys, cached) = cache::keys(&program, &srs, &backend, output, &phases)?;
    let keys = keys.with_objective(objective);
    let setup_seconds = start.elapsed().as_secs_f64();
    let setup_cpu = cpu_seconds().zip(before).map(|(after, before)| after - before);
    let made = prove(&keys, &input, &args.input, &backend, &phases)?;

    let start = Instant::now();
    phases.of(phases::VERIFY, || keys.verifying_key().verify(&made.proof))?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let contract = match solidity::evm_verify(keys.verifying_key(), &made.proof, Fork::Cancun) {
        Ok((outcome, deployment)) => Some((outcome, deployment)),
        // A machine of one's own has no shipped bytecode.
        Err(error) if args.machine.profile.is_some() => {
            output.note(format!("not checked by a contract: {error}"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    if let Some((outcome, _)) = &contract
        && let Verdict::Rejected { error } = &outcome.verdict
    {
        return Err(CliError::invalid(format!(
            "the contract rejects ({error}) a proof that the verifier accepts: please report this"
        )));
    }

    if let Some(directory) = &args.output {
        let files = [
            ("model.zkc", program.to_bytes()),
            ("model.vk", keys.verifying_key().to_bytes()),
            ("model.pk", keys.proving_key().to_bytes()),
            ("proof.json", format!("{}\n", made.proof.to_json()).into_bytes()),
        ];
        files::write_all(&files.map(|(name, bytes)| (directory.join(name), bytes)), output)?;
    }
    let insecure = keys.verifying_key().is_insecure();
    output.detail(phases.text());
    let mut document = made.json(insecure, &phases);
    document["predicted"] = json!(cost);
    document["vk_digest"] = json!(format!("0x{}", hex::encode(keys.verifying_key().digest())));
    document["vk_bytes"] = json!(keys.verifying_key().to_bytes().len());
    document["setup_seconds"] = json!(setup_seconds);
    document["setup_cpu_seconds"] = json!(setup_cpu);
    document["setup_cached"] = json!(cached);
    document["verify_seconds"] = json!(verify_seconds);
    document["gas"] = json!(contract.as_ref().map(|(outcome, _)| outcome.transaction_gas));
    document["verifier_bytes"] = json!(contract.as_ref().map(|(_, d)| d.runtime_bytes));
    document["directory"] = json!(args.output.as_ref().map(|d| d.display().to_string()));
    let verdict = contract.as_ref().map_or(String::new(), |(outcome, deployment)| {
        format!(
            "\naccepted by the contract: {} gas, {} bytes of code",
            outcome.transaction_gas, deployment.runtime_bytes
        )
    });
    let setup = if cached { "cached" } else { "made" };
    let kept = match &args.output {
        Some(directory) => format!("\nproof, keys and compiled model in {}", directory.display()),
        None => "\nnothing kept: pass -o DIR for proof, keys and compiled model".into(),
    };
    let text = format!(
        "{}keys {setup} in {setup_seconds:.2} s\n{}\naccepted by the verifier in {:.1} ms{verdict}{kept}",
        outputs_text(&made.proof),
        made.text(),
        verify_seconds * 1e3,
    );
    output.result("prove", document, text)?;
    load::warn_insecure(insecure, output);
    Ok(Outcome::Done)
}
