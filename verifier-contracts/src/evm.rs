//! An in-memory EVM that deploys a key and its verifier, and runs calldata through them.

use crate::{
    abi::{encode_constructor, encode_verify, selector},
    artifacts,
    error::ContractError,
    fork::Fork,
    key::{deploy_code, g2_words, keccak, key_code},
    solidity::generate,
};
use halo2curves::bn256::Fr;
use revm::{
    Context, ExecuteCommitEvm, InspectEvm, Inspector, MainBuilder, MainContext, MainnetEvm,
    context::{BlockEnv, CfgEnv, Journal, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    interpreter::{
        CallInputs, CallOutcome, Interpreter,
        interpreter_types::{Jumps, MemoryTr},
    },
    primitives::{Address, Bytes, TxKind, hardfork::SpecId},
};
use zkml_circuits::plonk::VerifyingKey;

/// Gas limit of every transaction: mainnet's cap since Osaka (EIP-7825).
const GAS_LIMIT: u64 = 1 << 24;

fn spec(fork: Fork) -> SpecId {
    match fork {
        Fork::Cancun => SpecId::CANCUN,
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka => SpecId::OSAKA,
    }
}

/// What a contract says to calldata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Returned.
    Accepted {
        /// What it returned; empty for `verify`.
        output: Vec<u8>,
    },
    /// Reverted, or ran out of gas.
    Rejected {
        /// Name of the custom error, else the revert data in hex, else the EVM's reason.
        error: String,
    },
}

impl Verdict {
    /// Whether the call returned.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// A call's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Gas of the whole transaction.
    pub transaction_gas: u64,
    /// Gas of the execution: without the transaction's base cost and its calldata.
    pub execution_gas: u64,
    /// What it asked of precompiles.
    pub precompiles: Precompiles,
}

/// Calls of the precompiles that verifiers use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precompiles {
    /// Modular exponentiations.
    pub exponentiations: u64,
    /// Additions of points.
    pub additions: u64,
    /// Scalar multiplications of points.
    pub multiplications: u64,
    /// Pairing checks.
    pub pairings: u64,
}

/// What is watched of a call.
#[derive(Clone, Debug, Default)]
struct Watch {
    precompiles: Precompiles,
    /// What was hashed, if anybody asks.
    hashed: Option<Vec<Vec<u8>>>,
}

/// The opcode that hashes.
const KECCAK256: u8 = 0x20;

impl<C> Inspector<C> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut C) {
        let Some(hashed) = &mut self.hashed else { return };
        if interpreter.bytecode.opcode() != KECCAK256 {
            return;
        }
        // Operands of an instruction that runs fit the memory, which it may first have to extend by zeros.
        let operand = |from_top| interpreter.stack.peek(from_top).ok()?.try_into().ok();
        let (Some(offset), Some(length)) = (operand(0), operand(1)) else { return };
        let end = usize::min(offset + length, interpreter.memory.size());
        let mut bytes = interpreter.memory.slice(usize::min(offset, end)..end).to_vec();
        bytes.resize(length, 0);
        hashed.push(bytes);
    }

    fn call(&mut self, _: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let (low, high) =
            inputs.bytecode_address.split_last().map_or((0, &[][..]), |(l, h)| (*l, h));
        let count = match low {
            _ if high.iter().any(|b| *b != 0) => return None,
            5 => &mut self.precompiles.exponentiations,
            6 => &mut self.precompiles.additions,
            7 => &mut self.precompiles.multiplications,
            8 => &mut self.precompiles.pairings,
            _ => return None,
        };
        *count += 1;
        None
    }
}

/// Bytes and gas of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Bytes of the verifier's creation code, without constructor arguments.
    pub creation_bytes: usize,
    /// Bytes of the verifier's runtime code.
    pub runtime_bytes: usize,
    /// Bytes of the key's code.
    pub key_bytes: usize,
    /// Gas of the transaction that deploys the verifier.
    pub verifier_gas: u64,
    /// Gas of the transaction that deploys the key.
    pub key_gas: u64,
}

/// Deploys the shipped verifier of `key` and asks it about a proof.
///
/// # Errors
/// [`ContractError::MissingArtifact`] when no bytecode ships for the key's constraint system, others
/// when the key or the proof cannot be brought into the EVM.
pub fn verify(
    key: &VerifyingKey,
    words: &[Fr],
    proof: &[u8],
    fork: Fork,
) -> Result<(Outcome, Deployment), ContractError> {
    let artifact = artifacts::find(&generate(key.protocol())?)?;
    let s_g2 = g2_words(&key.s_g2());
    let mut evm = Evm::deploy(fork, &artifact.creation_code, &key_code(key)?, &s_g2)?;
    let outcome = evm.call(&encode_verify(proof, words)?)?;
    Ok((outcome, evm.deployment()))
}

type Inner = MainnetEvm<
    Context<BlockEnv, TxEnv, CfgEnv, CacheDB<EmptyDB>, Journal<CacheDB<EmptyDB>>, ()>,
    Watch,
>;

/// A verifier deployed in an EVM of its own.
#[allow(missing_debug_implementations)] // revm's EVM has none
pub struct Evm {
    inner: Inner,
    verifier: Address,
    key: Address,
    deployment: Deployment,
}

impl Evm {
    /// Deploys a key's code (with its leading zero byte), then a verifier bound to it.
    ///
    /// # Errors
    /// [`ContractError::Deployment`] when the constructor reverts, [`ContractError::Evm`] or
    /// [`ContractError::Key`] when code cannot be deployed.
    pub fn deploy(
        fork: Fork,
        creation_code: &[u8],
        key_code: &[u8],
        s_g2: &[[u8; 32]; 4],
    ) -> Result<Self, ContractError> {
        Self::deploy_expecting(fork, creation_code, key_code, keccak(key_code), s_g2)
    }

    /// As [`Self::deploy`], the verifier expecting `key_code_hash` rather than the key's own.
    ///
    /// # Errors
    /// Those of [`Self::deploy`].
    pub fn deploy_expecting(
        fork: Fork,
        creation_code: &[u8],
        key_code: &[u8],
        key_code_hash: [u8; 32],
        s_g2: &[[u8; 32]; 4],
    ) -> Result<Self, ContractError> {
        let inner = Context::mainnet()
            .with_db(CacheDB::new(EmptyDB::default()))
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(spec(fork));
                cfg.disable_nonce_check = true;
            })
            .build_mainnet_with_inspector(Watch::default());
        let deployment = Deployment {
            creation_bytes: creation_code.len(),
            runtime_bytes: 0,
            key_bytes: key_code.len(),
            verifier_gas: 0,
            key_gas: 0,
        };
        let mut evm = Self { inner, verifier: Address::ZERO, key: Address::ZERO, deployment };
        let (key, _, gas) = evm.create(0, deploy_code(key_code)?)?;
        evm.key = key;
        evm.deployment.key_gas = gas;
        let arguments = encode_constructor(key.into_array(), key_code_hash, s_g2);
        let (verifier, runtime_bytes, gas) = evm.create(1, [creation_code, &arguments].concat())?;
        evm.verifier = verifier;
        evm.deployment.runtime_bytes = runtime_bytes;
        evm.deployment.verifier_gas = gas;
        Ok(evm)
    }

    /// Sizes and costs of the deployment.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        self.deployment
    }

    /// Address of the key's data contract.
    #[must_use]
    pub fn key_address(&self) -> [u8; 20] {
        self.key.into_array()
    }

    /// Sends calldata to the verifier. No state is kept.
    ///
    /// # Errors
    /// [`ContractError::Evm`] when the transaction itself is not valid.
    pub fn call(&mut self, calldata: &[u8]) -> Result<Outcome, ContractError> {
        self.watched(calldata, Watch::default())
    }

    /// As [`Self::call`], with what the contract hashed, in order.
    ///
    /// # Errors
    /// Those of [`Self::call`].
    pub fn call_hashed(
        &mut self,
        calldata: &[u8],
    ) -> Result<(Outcome, Vec<Vec<u8>>), ContractError> {
        let watch = Watch { hashed: Some(Vec::new()), ..Watch::default() };
        let outcome = self.watched(calldata, watch)?;
        Ok((outcome, self.inner.inspector.hashed.take().unwrap_or_default()))
    }

    fn watched(&mut self, calldata: &[u8], watch: Watch) -> Result<Outcome, ContractError> {
        let tx = transaction(TxKind::Call(self.verifier), calldata.to_vec(), 2)?;
        let result = self.inner.inspect(tx, watch).map_err(evm_error)?.result;
        let gas = *result.gas();
        let zeros = calldata.iter().filter(|b| **b == 0).count() as u64;
        let intrinsic = 21_000 + 4 * zeros + 16 * (calldata.len() as u64 - zeros);
        Ok(Outcome {
            transaction_gas: gas.tx_gas_used(),
            execution_gas: gas.total_gas_spent().saturating_sub(intrinsic),
            precompiles: self.inner.inspector.precompiles,
            verdict: verdict(result),
        })
    }

    /// Address, bytes of code, gas.
    fn create(
        &mut self,
        nonce: u64,
        init: Vec<u8>,
    ) -> Result<(Address, usize, u64), ContractError> {
        let tx = transaction(TxKind::Create, init, nonce)?;
        let result = self.inner.transact_commit(tx).map_err(evm_error)?;
        let gas = result.gas().tx_gas_used();
        if let (Some(address), Some(code)) = (result.created_address(), result.output()) {
            return Ok((address, code.len(), gas));
        }
        match verdict(result) {
            Verdict::Rejected { error } => Err(ContractError::Deployment { error }),
            Verdict::Accepted { .. } => {
                Err(ContractError::Evm("a creation returned no contract".to_owned()))
            }
        }
    }
}

fn transaction(kind: TxKind, data: Vec<u8>, nonce: u64) -> Result<TxEnv, ContractError> {
    TxEnv::builder()
        .caller(Address::repeat_byte(0x11))
        .kind(kind)
        .data(Bytes::from(data))
        .nonce(nonce)
        .gas_limit(GAS_LIMIT)
        .gas_price(0)
        .build()
        .map_err(|e| ContractError::Evm(format!("{e:?}")))
}

fn evm_error(e: impl std::fmt::Debug) -> ContractError {
    ContractError::Evm(format!("{e:?}"))
}

fn verdict(result: ExecutionResult) -> Verdict {
    match result {
        ExecutionResult::Success { output, .. } => {
            Verdict::Accepted { output: output.into_data().to_vec() }
        }
        ExecutionResult::Revert { output, .. } => Verdict::Rejected { error: error_name(&output) },
        ExecutionResult::Halt { reason, .. } => Verdict::Rejected { error: format!("{reason:?}") },
    }
}

/// Names the verifier's custom errors.
fn error_name(data: &[u8]) -> String {
    const ERRORS: [&str; 7] = [
        "BadLength()",
        "InvalidInstance(uint256)",
        "InvalidScalar()",
        "InvalidPoint()",
        "InvalidProof()",
        "BadVerifyingKey()",
        "BadSrs()",
    ];
    let name = ERRORS.iter().find(|e| data.get(..4) == Some(selector(e).as_slice()));
    match name {
        Some(&"InvalidInstance(uint256)") => {
            let index = data.get(28..36).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
            index.map_or_else(|| hex::encode(data), |i| format!("InvalidInstance({i})"))
        }
        Some(name) => (*name).to_owned(),
        None => format!("0x{}", hex::encode(data)),
    }
}
