//! The command line.

use crate::memory::Memory;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use zkml::{
    Objective, Profile, ProverObjective, Visibility,
    core::{
        onnx::DimBindings,
        proving::{MAX_K, MIN_K},
        quant::Target,
    },
    solidity::Fork,
};

/// Variables that commands read, for `zkml --help`.
const ENVIRONMENT: &str = "\
Environment:
  ZKML_CACHE          directory of what is kept between runs
  ZKML_MSM            what commits to columns: auto (default), cpu, or cuda, which fails without a GPU
  ZKML_MSM_MIN_LOG2   columns below 2^N rows stay on the CPU (14)
  ZKML_MSM_VERIFY     1: the CPU checks every sum of the GPU
  ZKML_CUDA_DEVICE    number of the GPU (0)
  ZKML_CUDA_CUBIN     compiled kernels to use
  ZKML_CUDA_CACHE     directory of kernels compiled before; that of ZKML_CACHE by default
  RAYON_NUM_THREADS   threads of the CPU";

/// Prove machine-learning inference in zero knowledge, and verify the proof anywhere.
#[derive(Debug, Parser)]
#[command(name = "zkml", version, propagate_version = true, arg_required_else_help = true, after_help = ENVIRONMENT)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Global {
    /// Print one versioned JSON document to stdout instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on stderr
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Say nothing on stderr but errors, and that an SRS is insecure
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Overwrite existing files of other content
    #[arg(long, global = true)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe a model: graph, everything unsupported, predicted cost
    Inspect(Inspect),
    /// Run a model on an input, in integers or floats
    Run(Run),
    /// Choose ranges, scales and widths from samples
    Calibrate(Calibrate),
    /// Quantise a model and lay it out in a machine (.zkc)
    Compile(Compile),
    /// Structured reference strings
    #[command(subcommand)]
    Srs(Srs),
    /// Make the keys of a compiled model
    Setup(Setup),
    /// Prove an inference; from an ONNX file, the whole way in one command
    Prove(Prove),
    /// Check a proof: exit 0 accepted, 1 rejected
    Verify(Verify),
    /// Recompute the key of a compiled model and compare: exit 0 the same, 1 another
    VerifyVk(VerifyVk),
    /// Write the Solidity verifier of a key
    ExportVerifier(ExportVerifier),
    /// Check a proof by the contract, in an embedded EVM: exit 0 accepted, 1 rejected
    EvmVerify(EvmVerify),
    /// Compare float and integer inference on samples
    Report(Report),
    /// Measure a model end to end
    Bench(Bench),
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How to read an ONNX file.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Import {
    /// Bind an open dimension: NAME=VALUE, or INPUT:AXIS=VALUE for one without a name
    #[arg(long = "dim", value_name = "NAME=VALUE")]
    pub(crate) dims: Vec<String>,
}

impl Import {
    pub(crate) fn bindings(&self) -> Result<DimBindings, crate::exit::CliError> {
        let mut bindings = DimBindings::new();
        for text in &self.dims {
            bindings.parse(text).map_err(|e| crate::exit::CliError::usage(e.to_string()))?;
        }
        Ok(bindings)
    }
}

/// Ranges and precision.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Precision {
    /// Settings written by `zkml calibrate`
    #[arg(long, value_name = "SETTINGS.toml")]
    pub(crate) settings: Option<PathBuf>,
    /// Samples to calibrate on (.npy, .npz, .json; a leading axis holds the samples)
    #[arg(long, value_name = "SAMPLES")]
    pub(crate) data: Option<PathBuf>,
    /// Raise the precision until met: error=1e-2 or agreement=0.99
    #[arg(long, value_name = "TARGET", conflicts_with = "settings")]
    pub(crate) target: Option<Target>,
    /// Width of activations, 2 to 16 bits
    #[arg(long, value_name = "N", conflicts_with = "settings")]
    pub(crate) bits: Option<u8>,
    /// Least width of weights, 2 to 16 bits
    #[arg(long, value_name = "N", conflicts_with = "settings")]
    pub(crate) weight_bits: Option<u8>,
}

/// The machine.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Machine {
    /// Whether inputs are part of the statement
    #[arg(long, value_enum, default_value_t)]
    pub(crate) input_visibility: VisibilityArg,
    /// Whether outputs are part of the statement
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output_visibility: OutputVisibilityArg,
    /// Where the weights live: part of the verifying key
    #[arg(long, value_enum, default_value_t)]
    pub(crate) params: ParamsArg,
    /// What the choice of machine minimises; with `memory` proofs are made in less memory too
    #[arg(long, value_enum, default_value_t)]
    pub(crate) objective: ObjectiveArg,
    /// Take this machine: LANES,FOLD,WEIGHT_LANES,TABLES
    #[arg(long, value_name = "W,R,G,T", value_parser = profile)]
    pub(crate) profile: Option<Profile>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum VisibilityArg {
    #[default]
    Public,
    Private,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum OutputVisibilityArg {
    #[default]
    Public,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ParamsArg {
    #[default]
    Fixed,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ObjectiveArg {
    #[default]
    Prover,
    Gas,
    Memory,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ForkArg {
    #[default]
    Cancun,
    Prague,
    Osaka,
}

impl From<VisibilityArg> for Visibility {
    fn from(arg: VisibilityArg) -> Self {
        match arg {
            VisibilityArg::Public => Self::Public,
            VisibilityArg::Private => Self::Private,
        }
    }
}

impl From<ObjectiveArg> for Objective {
    fn from(arg: ObjectiveArg) -> Self {
        match arg {
            ObjectiveArg::Prover => Self::Prover,
            ObjectiveArg::Gas => Self::Gas,
            ObjectiveArg::Memory => Self::Memory,
        }
    }
}

impl From<ObjectiveArg> for ProverObjective {
    fn from(arg: ObjectiveArg) -> Self {
        match arg {
            ObjectiveArg::Prover | ObjectiveArg::Gas => Self::Time,
            ObjectiveArg::Memory => Self::Memory,
        }
    }
}

impl From<ForkArg> for Fork {
    fn from(arg: ForkArg) -> Self {
        match arg {
            ForkArg::Cancun => Self::Cancun,
            ForkArg::Prague => Self::Prague,
            ForkArg::Osaka => Self::Osaka,
        }
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    let numbers: Vec<usize> = text
        .split(',')
        .map(|n| n.trim().parse().map_err(|_| format!("`{n}` is not a number")))
        .collect::<Result<_, _>>()?;
    let [lanes, fold, weight_lanes, tables] = numbers[..] else {
        return Err(format!("expected 4 numbers W,R,G,T, got {}", numbers.len()));
    };
    Profile::new(lanes, fold, weight_lanes, tables).map_err(|e| e.to_string())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// The model
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// The model (.onnx or .zkc)
    pub(crate) model: PathBuf,
    /// The input (.json, .npy, .npz; `-` reads JSON from stdin)
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// Run in floats
    #[arg(long)]
    pub(crate) float: bool,
    /// Where to write the outputs (.json or .npz); stdout by default
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Calibrate {
    /// The model
    pub(crate) model: PathBuf,
    /// Class labels of the samples
    #[arg(long)]
    pub(crate) labels: Option<PathBuf>,
    /// Where to write the settings
    #[arg(short, long, default_value = "settings.toml")]
    pub(crate) output: PathBuf,
    /// Where to write the report as JSON
    #[arg(long, value_name = "REPORT.json")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compile {
    /// The model
    pub(crate) model: PathBuf,
    /// Where to write the compiled model
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Srs {
    /// Make one on the spot: INSECURE, for development
    New {
        /// For machines of up to 2^K rows
        #[arg(short, value_parser = clap::value_parser!(u32).range(i64::from(MIN_K)..=i64::from(MAX_K)))]
        k: u32,
        /// Draw the secret from the system's generator instead of the public development seed;
        /// still INSECURE, since this machine knew it
        #[arg(long)]
        random: bool,
        /// Where to write it; `srs-K.srs` by default
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Import the powers of tau of a ceremony (snarkjs .ptau)
    Import {
        /// The file
        file: PathBuf,
        /// For machines of up to 2^K rows
        #[arg(short, value_parser = clap::value_parser!(u32).range(i64::from(MIN_K)..=i64::from(MAX_K)))]
        k: u32,
        /// Where to write it; `srs-K.srs` by default
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Check a file and describe it
    Info {
        /// The file
        file: PathBuf,
    },
}

/// What the machine has.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Resources {
    /// Memory to count on, in bytes or with K, M or G, instead of what the system says there is;
    /// `any` begins whatever is predicted
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Setup {
    /// The compiled model (.zkc)
    pub(crate) model: PathBuf,
    /// The SRS; the INSECURE development one by default
    #[arg(long)]
    pub(crate) srs: Option<PathBuf>,
    /// Directory for model.pk and model.vk
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Prove {
    /// The model: .zkc with --pk, or .onnx for the whole way
    pub(crate) model: PathBuf,
    /// The proving key of a compiled model
    #[arg(long)]
    pub(crate) pk: Option<PathBuf>,
    /// The input (.json, .npy, .npz; `-` reads JSON from stdin)
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// The SRS of the keys; the INSECURE development one by default
    #[arg(long)]
    pub(crate) srs: Option<PathBuf>,
    /// With --pk: the proof file (stdout by default). Otherwise a directory for proof, keys,
    /// compiled model and settings (nothing is kept by default)
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) machine: Machine,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// The proof (`-` for stdin)
    pub(crate) proof: PathBuf,
    /// The verifying key
    #[arg(long)]
    pub(crate) vk: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyVk {
    /// The compiled model (.zkc)
    pub(crate) model: PathBuf,
    /// The verifying key
    #[arg(long)]
    pub(crate) vk: PathBuf,
    /// The SRS of the setup; the INSECURE development one by default
    #[arg(long)]
    pub(crate) srs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExportVerifier {
    /// The verifying key
    #[arg(long)]
    pub(crate) vk: PathBuf,
    /// A proof to make the calldata example of
    #[arg(long)]
    pub(crate) proof: Option<PathBuf>,
    /// Directory to write to
    #[arg(short, long)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EvmVerify {
    /// The proof (`-` for stdin)
    pub(crate) proof: PathBuf,
    /// The verifying key
    #[arg(long)]
    pub(crate) vk: PathBuf,
    /// Rules of the EVM
    #[arg(long, value_enum, default_value_t)]
    pub(crate) fork: ForkArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The model
    pub(crate) model: PathBuf,
    /// Class labels of the samples
    #[arg(long)]
    pub(crate) labels: Option<PathBuf>,
    /// Token ids of a text to measure a language model's perplexity on (.npy or .json, one list);
    /// the samples' own next tokens by default
    #[arg(long, value_name = "TOKENS")]
    pub(crate) perplexity: Option<PathBuf>,
    /// Where to write it (.json or .html); text on stdout by default
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) import: Import,
    #[command(flatten)]
    pub(crate) precision: Precision,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Bench {
    /// Directories with model.onnx, an input (.json, .npy or .npz), calib (.npy or .npz) and, if there are any,
    /// samples with expected.npy (or calib_out.npy for calib), and tokens.npy of a text
    #[arg(required = true)]
    pub(crate) models: Vec<PathBuf>,
    /// Proofs of each
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// Prove with each of these numbers of threads and compare; the tables are about the first
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) threads: Option<Vec<u32>>,
    #[command(flatten)]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) machine: Machine,
}
