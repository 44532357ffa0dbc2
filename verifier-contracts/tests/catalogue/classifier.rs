//! A small classifier whose proofs are bound to a context, for the contracts that use verifiers: one proof
//! for each use that the Foundry tests make of it.

use super::{deployment, hex, words};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, ProvingKey},
    plan::Visibility,
    testing::{Dice, encoding, random, shape},
};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Term},
    progress::NoProgress,
    proving::{CpuMsm, Srs},
    tensor::Tensor,
};
use zkml_verifier_contracts::{Schema, keccak};

/// Chain of the Foundry tests.
const CHAIN: u64 = 31337;
/// Who deploys the consuming contracts there: contract `n` has the address of its `n`-th creation.
const DEPLOYER: [u8; 20] = [0xde; 20];
/// Who hands proofs in.
const CALLER: [u8; 20] = [0xca; 20];
/// As `ContextSlot.sol` has it.
const TYPE: &str =
    "ZkmlContext(uint256 chainId,address consumer,address caller,uint256 nonce,uint256 deadline)";

/// Contract, nonce and bytes of the largest deadline: two proofs for the first contract that the deployer
/// creates, one each for two more.
const USES: [(u8, u64, usize); 4] = [(0, 7, 32), (0, 8, 32), (1, 1, 32), (2, 1, 8)];

/// Scores of three classes for six values; the context is not read.
fn program() -> Program {
    let mut dice = Dice::new(11);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 6]), encoding("x", 6));
    b.integer_input("context", shape(&[32]), encoding("context", 10));
    let scores = Affine::new(vec![Term::Contract {
        view: b.whole(x),
        weight: random(&mut dice, &[6, 3], 7),
    }])
    .bias(random(&mut dice, &[1, 3], 40))
    .shift(2);
    let y = b.affine(shape(&[1, 3]), encoding("scores", 10), scores);
    let view = b.whole(y);
    b.output("scores", view);
    b.finish().expect("a program")
}

/// The model, the schema of its words, and the proofs.
pub fn fixture() -> String {
    let profile = Profile::new(4, 4, 16, 1).expect("a standard machine");
    let config = CompileConfig {
        profile: Some(profile),
        input_visibility: Visibility::Public,
        ..CompileConfig::default()
    };
    let compiled = Compiled::new(program(), &config).expect("it fits");
    let srs = Srs::development(compiled.k()).expect("a supported size");
    let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).expect("keys");
    let mut value = deployment(key.verifying_key().plonk());
    value["schema"] = Schema::of(key.verifying_key()).expect("few values").to_json();
    value["uses"] = USES.iter().map(|u| proof_for(&key, &srs, *u)).collect();
    format!("{value:#}\n")
}

fn proof_for(key: &ProvingKey, srs: &Srs, (contract, nonce, deadline): (u8, u64, usize)) -> Value {
    let consumer = created(contract);
    let context = context(consumer, nonce, &vec![0xff; deadline]);
    let x = vec![-3, 14, -15, 9, 2, 6];
    let bytes = context.iter().map(|b| i64::from(*b)).collect();
    let inputs = [(vec![1, 6], x), (vec![32], bytes)]
        .map(|(dims, data)| Tensor::new(shape(&dims), data).expect("as many as the shape"));
    let mut rng = ChaCha20Rng::seed_from_u64(nonce);
    let made = key.prove(srs, &CpuMsm, &inputs, &mut rng, &NoProgress).expect("in range");
    json!({
        "consumer": hex(&consumer),
        "nonce": nonce,
        "context": hex(&context),
        "instances": words(&made.words),
        "proof": hex(&made.proof),
    })
}

/// Address of the contract that the deployer creates as number `n` (below 128), from 0.
fn created(n: u8) -> [u8; 20] {
    let mut rlp = vec![0xd6, 0x94];
    rlp.extend(DEPLOYER);
    rlp.push(if n == 0 { 0x80 } else { n });
    let mut address = [0; 20];
    address.copy_from_slice(&keccak(&rlp)[12..]);
    address
}

/// `keccak256(abi.encode(type hash, chain, consumer, caller, nonce, deadline))`.
fn context(consumer: [u8; 20], nonce: u64, deadline: &[u8]) -> [u8; 32] {
    let word = |bytes: &[u8]| {
        let mut word = vec![0; 32 - bytes.len()];
        word.extend(bytes);
        word
    };
    keccak(
        &[
            keccak(TYPE.as_bytes()).to_vec(),
            word(&CHAIN.to_be_bytes()),
            word(&consumer),
            word(&CALLER),
            word(&nonce.to_be_bytes()),
            word(deadline),
        ]
        .concat(),
    )
}
