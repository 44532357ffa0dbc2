//! Generates the Solidity source of a constraint system's verifier.
//!
//! The contract runs five steps over a fixed memory map: decode and check the calldata, derive the
//! challenges, evaluate the Lagrange polynomials with one batch inversion, evaluate the constraints,
//! check the opening with one multi-scalar multiplication and one pairing.

mod lagrange;
mod opening;
mod template;
mod transcript;
mod words;

use crate::{
    algebra,
    error::ContractError,
    layout::{Layout, Memory, WORD},
};
use zkml_circuits::plonk::Protocol;

/// Name of the generated contract.
pub const CONTRACT: &str = "ZkmlVerifier";
/// File name of the generated source.
pub const FILE: &str = "ZkmlVerifier.sol";
/// File name of the interface.
pub const INTERFACE_FILE: &str = "IZkmlVerifier.sol";
/// Source of the interface.
pub const INTERFACE: &str = include_str!("../../contracts/IZkmlVerifier.sol");
/// What the contract's `version()` says.
pub const VERSION: &str = concat!("zkml ", env!("CARGO_PKG_VERSION"));

/// A verifier in source form, with the figures the gas formula needs.
#[derive(Clone, Debug)]
pub struct VerifierSource {
    /// Solidity source; imports `./IZkmlVerifier.sol`.
    pub source: String,
    /// Gas of the opcodes that evaluate the constraints.
    pub constraint_gas: u64,
    /// Field multiplications in the constraints.
    pub multiplications: usize,
    /// Bytes of memory before the part whose size depends on the public words.
    pub memory: usize,
}

pub(crate) use opening::scalar_multiplications;

/// Writes the verifier of `protocol`.
///
/// # Errors
/// [`ContractError::Protocol`] when the protocol does not open a cell that a constraint reads.
pub fn generate(protocol: &Protocol) -> Result<VerifierSource, ContractError> {
    let layout = Layout::new(protocol)?;
    let memory = Memory::new(protocol, &layout);
    let (mut dag, roots) = algebra::constraints(protocol, &layout, &memory)?;
    let program = algebra::compile(&mut dag, roots, memory.slots);
    let parts = Parts { protocol, layout: &layout, memory: &memory };
    Ok(VerifierSource {
        source: template::render(&parts, &program),
        constraint_gas: program.gas,
        multiplications: program.multiplications,
        memory: memory.slots + program.slots * WORD,
    })
}

/// What every section is generated from.
struct Parts<'a> {
    protocol: &'a Protocol,
    layout: &'a Layout,
    memory: &'a Memory,
}

/// Indents Yul lines for the inside of an assembly block.
fn indent(lines: &[String]) -> String {
    indent_by(3, lines)
}

/// Indents Yul lines by levels of four spaces.
fn indent_by(levels: usize, lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&" ".repeat(4 * levels));
        text.push_str(line);
        text.push('\n');
    }
    text
}
