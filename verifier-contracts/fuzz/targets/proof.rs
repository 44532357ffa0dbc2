//! Proofs against fixed keys, as bytes and as `PROOF.json`: none is accepted but the honest ones, of the honest
//! statement, and halo2-axiom's own verifier says the same.

#![no_main]

use arbitrary::Unstructured;
use halo2_proofs::{
    plonk::{VerifyingKey as Halo2Key, verify_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::VerifierSHPLONK,
        strategy::SingleStrategy,
    },
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use zkml::{Proof, VerifyingKey};
use zkml_circuits::plonk::{
    InstanceLayout, KeccakRead, VerifyError, scalar_to_bytes,
    testing::{Fixture, SampleCircuit, SampleParams, halo2_params},
    verify,
};
use zkml_contracts_fuzz::{
    honest::{Model, Subject, words_from_bytes, words_to_bytes},
    script::{self, apply},
};
use zkml_core_fuzz::{dice::Dice, memory::bounded, text::change_tokens};

/// The sample circuit, with halo2-axiom's view of its key.
struct Sample {
    subject: Subject,
    params: ParamsKZG<Bn256>,
    halo2: Halo2Key<G1Affine>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let fixture = Fixture::new(SampleParams::default());
    let subject = Subject::of(&fixture);
    let halo2 = subject.key.to_halo2::<SampleCircuit>(fixture.circuit.params);
    Sample { params: halo2_params(&fixture.srs), halo2, subject }
});

/// A model, and a file of its proof.
struct Filed {
    model: Model,
    key: VerifyingKey,
    file: serde_json::Value,
    honest: Proof,
}

static FILED: LazyLock<Filed> = LazyLock::new(|| {
    let model = Model::new(3, true);
    let key = VerifyingKey::from_bytes(&model.key.verifying_key().to_bytes()).expect("a key");
    let file = file(&model);
    let honest = Proof::from_json(file.to_string().as_bytes()).expect("a proof");
    key.verify(&honest).expect("an honest one");
    Filed { model, key, file, honest }
});

fuzz_target!(init: begin(), |data: &[u8]| {
    let mut script = Unstructured::new(data);
    let _ = match script.ratio(1, 2) {
        Ok(true) => check_bytes(&mut script),
        _ => check_file(&mut script),
    };
});

fn check_bytes(script: &mut Unstructured) -> arbitrary::Result<()> {
    let Sample { subject, .. } = &*SAMPLE;
    let others: Vec<&[u8]> = subject.proofs.iter().map(Vec::as_slice).collect();
    let mut proof = script.choose(&others)?.to_vec();
    let mut words = words_to_bytes(&subject.words);
    if script.ratio(1, 4)? {
        let _ = apply(&mut words, 0, &[], script);
    }
    let _ = apply(&mut proof, 0, &others, script);
    let Some(words) = words_from_bytes(&words) else { return Ok(()) };
    let ours = bounded(16 << 20, || verify(&subject.key, &words, &proof));
    assert_eq!(ours.is_ok(), subject.is_honest(&words, &proof), "{ours:?}");
    if !matches!(ours, Err(VerifyError::Length { .. })) {
        assert_eq!(ours.is_ok(), referee(&words, &proof), "{ours:?}");
    }
    Ok(())
}

/// halo2-axiom's verdict, trailing bytes refused as in our verifier.
fn referee(words: &[Fr], proof: &[u8]) -> bool {
    let Sample { subject, params, halo2 } = &*SAMPLE;
    let mut transcript = KeccakRead::new(subject.key.digest(), proof);
    let layout = InstanceLayout { words: words.len(), ..subject.key.instance_layout() };
    let column = layout.expand(words);
    let verdict = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        params,
        halo2,
        SingleStrategy::new(params),
        &[&[&column]],
        &mut transcript,
    );
    verdict.is_ok() && transcript.finish().is_ok()
}

fn check_file(script: &mut Unstructured) -> arbitrary::Result<()> {
    let Filed { model, key, file, honest } = &*FILED;
    let mut file = file.clone();
    if script.ratio(1, 3)? {
        let mut proof = model.proof.clone();
        let _ = apply(&mut proof, 0, &[], script);
        file["proof"] = hexadecimal(&proof).into();
    }
    if script.ratio(1, 3)? {
        let mut words = words_to_bytes(&model.words);
        let _ = apply(&mut words, 0, &[], script);
        file["instances"] = words.chunks(32).map(hexadecimal).collect();
    }
    let mut text = file.to_string().into_bytes();
    for _ in 0..script.int_in_range(0..=3)? {
        text = change_tokens(text, &mut Dice::new(script.arbitrary()?));
    }
    let proof = bounded(64 * text.len() + (1 << 20), || Proof::from_json(&text));
    let Ok(proof) = proof.map_err(|e| e.to_string()) else { return Ok(()) };
    assert_eq!(Proof::from_json(proof.to_json().as_bytes()).as_ref(), Ok(&proof));
    let verdict = key.verify(&proof).map_err(|e| e.to_string());
    let same = proof.words() == honest.words() && proof.bytes() == honest.bytes();
    let says = proof.inputs() == honest.inputs()
        && proof.outputs() == honest.outputs()
        && proof.is_insecure() == honest.is_insecure();
    // Whose digests differ is refused, too.
    assert!(verdict.is_err() || same && says);
    assert_eq!(model.key.verifying_key().verify(proof.words(), proof.bytes()).is_ok(), same);
    Ok(())
}

/// The file as the facade writes it. It draws its own randomness, so the fields are put together here.
fn file(model: &Model) -> serde_json::Value {
    let key = model.key.verifying_key();
    let values = key.io().unpack(&model.words).expect("a statement");
    let tensors = key.io().tensors().zip(values).map(|(tensor, integers)| {
        let unit = tensor.scale.unit();
        serde_json::json!({
            "name": tensor.name,
            "shape": tensor.shape.dims(),
            "scale": tensor.scale.0,
            "values": integers.iter().map(|v| *v as f64 * unit).collect::<Vec<_>>(),
            "integers": integers,
        })
    });
    let mut inputs: Vec<_> = tensors.collect();
    let outputs = inputs.split_off(key.io().inputs.len());
    let words = model.words.iter().map(|word| hexadecimal(&scalar_to_bytes(word)));
    serde_json::json!({
        "schema": 1,
        "proof": hexadecimal(&model.proof),
        "instances": words.collect::<Vec<_>>(),
        "inputs": inputs,
        "outputs": outputs,
        "vk_digest": hexadecimal(&key.digest()),
        "model_digest": hexadecimal(&key.model_digest()),
        "srs": { "id": hexadecimal(&key.srs().id), "insecure": key.srs().insecure },
        "timings": { "prove_seconds": 0.5 },
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn begin() {
    script::begin();
    let Sample { subject, .. } = &*SAMPLE;
    for proof in &subject.proofs {
        assert!(
            verify(&subject.key, &subject.words, proof).is_ok() && referee(&subject.words, proof)
        );
    }
    let _ = &*FILED;
}
