//! A compiled model: integer program, machine and visibility, self-contained (`.zkc`).
//!
//! ```text
//! magic "zkml-zkc" | version 3 | postcard body | zeros up to the least length | keccak256 of all before
//! ```
//!
//! The file holds no plan: plan and row program are a function of the body, recomputed and linted
//! on load, so that a damaged or hostile file cannot hold a plan that does not mean its program. The zeros
//! are for programs that name more values than they have bytes: see [`super::length`].

use super::length;
use crate::{
    lint::{LintError, LintReport, lint},
    machine::Profile,
    plan::{Cost, CostModel, LayoutPolicy, Objective, Plan, PlanError, Visibility, search},
};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use zkml_core::program::Program;

const MAGIC: &[u8; 8] = b"zkml-zkc";
const VERSION: u8 = 3;
const CHECKSUM: usize = 32;

/// How to compile a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileConfig {
    /// What to minimise.
    pub objective: Objective,
    /// Whether the inputs are part of the statement.
    pub input_visibility: Visibility,
    /// The machine, or `None` to search the standard ones.
    pub profile: Option<Profile>,
}

/// A program laid out in a machine, and proven by the linter to be what the machine computes.
#[derive(Clone, Debug)]
pub struct Compiled {
    body: Body,
    plan: Plan,
    lint: LintReport,
    digest: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    profile: Profile,
    input_visibility: Visibility,
    policy: LayoutPolicy,
    program: Program,
}

/// Why a program cannot be compiled, or a file not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The program has no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The plan does not mean the program: a bug of this crate, never shipped in a key.
    #[error("the plan does not mean its program: {0}")]
    Lint(#[from] LintError),
    /// The program names more than a file of its length may.
    #[error("a compiled model (.zkc) of {got} bytes names more than it may: it must have {least}")]
    Length {
        /// Bytes of the file.
        got: usize,
        /// Bytes of a file of this program at least.
        least: usize,
    },
    /// The file is no compiled model.
    #[error("not a compiled model (.zkc): {0}")]
    Format(&'static str),
}

impl Compiled {
    /// Lays out `program` in the cheapest machine for the objective, and lints the result.
    ///
    /// # Errors
    /// [`CompileError`] when the program is malformed, has no plan, or may overflow.
    pub fn new(program: Program, config: &CompileConfig) -> Result<Self, CompileError> {
        let profiles = config.profile.map_or_else(Profile::standard, |profile| vec![profile]);
        let (plan, _) = search(
            &program,
            &profiles,
            config.input_visibility,
            config.objective,
            &CostModel::default(),
        )?;
        let (profile, policy) = (plan.rows.profile, plan.policy);
        let body = Body { profile, input_visibility: config.input_visibility, policy, program };
        Self::assemble(body, plan)
    }

    fn assemble(body: Body, plan: Plan) -> Result<Self, CompileError> {
        let lint = lint(&body.program, &plan)?;
        let digest = Keccak256::digest(encode(&body)).into();
        Ok(Self { body, plan, lint, digest })
    }

    /// The integer program.
    pub fn program(&self) -> &Program {
        &self.body.program
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Shape of the machine.
    pub fn profile(&self) -> Profile {
        self.body.profile
    }

    /// The machine has `2^k` rows.
    pub fn k(&self) -> u32 {
        self.plan.rows.k
    }

    /// Whether the inputs are part of the statement.
    pub fn input_visibility(&self) -> Visibility {
        self.body.input_visibility
    }

    /// What the linter proved.
    pub fn lint_report(&self) -> LintReport {
        self.lint
    }

    /// Predicted cost on this processor.
    pub fn cost(&self) -> Cost {
        CostModel::of_this_processor().predict(&self.plan)
    }

    /// Identity of the compiled model: keccak256 of its encoding.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The `.zkc` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = encode(&self.body);
        bytes.resize(bytes.len() + padding(bytes.len(), &self.body), 0);
        let checksum = Keccak256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Reads a `.zkc` file, plans it again and lints the plan.
    ///
    /// # Errors
    /// [`CompileError`] when it is damaged, or its program malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CompileError> {
        let (content, checksum) = bytes
            .split_last_chunk::<CHECKSUM>()
            .ok_or(CompileError::Format("shorter than its checksum"))?;
        let body = content
            .strip_prefix(MAGIC)
            .ok_or(CompileError::Format("it does not begin with `zkml-zkc`"))?;
        let body =
            body.strip_prefix(&[VERSION]).ok_or(CompileError::Format("a version other than 3"))?;
        if Keccak256::digest(content).as_slice() != checksum {
            return Err(CompileError::Format("its checksum does not match"));
        }
        let (body, rest) = postcard::take_from_bytes::<Body>(body)
            .map_err(|_| CompileError::Format("its body does not decode"))?;
        let padding = padding(content.len() - rest.len(), &body);
        if rest.len() < padding {
            let (got, least) = (bytes.len(), length::least(&body.program));
            return Err(CompileError::Length { got, least });
        }
        if rest.len() != padding || rest.iter().any(|byte| *byte != 0) {
            return Err(CompileError::Format("bytes after its body"));
        }
        let plan =
            Plan::with_policy(&body.program, body.profile, body.input_visibility, body.policy)?;
        Self::assemble(body, plan)
    }
}

/// Zeros after an encoding of so many bytes.
fn padding(encoded: usize, body: &Body) -> usize {
    length::least(&body.program).saturating_sub(encoded + CHECKSUM)
}

fn encode(body: &Body) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    postcard::to_extend(body, bytes).expect("writing to memory does not fail")
}
