//! A language model writes, with a proof for every character.
//!
//! ```text
//! cargo run --release -p zkml-examples --example generate [PROMPT [STEPS [MODEL_DIRECTORY]]]
//! ```
//!
//! The model of `models/nanogpt` takes a window of 16 characters and gives the logits of what follows each of them. A
//! step proves one run, ids in and logits out, both public; the character of the greatest logit is appended and the
//! window moves on. Whoever holds the verifying key checks the whole text: each proof by itself, and that each window
//! is the one before with its most likely character (`check`).
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, path::Path, time::Instant};
use zkml::{
    CompileOptions, Keys, Model, Proof, Srs, Tensor, VerifyingKey,
    core::{
        io::{Arrays, InputSpec, samples},
        tensor::Shape,
    },
};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/nanogpt");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let prompt = arguments.next().unwrap_or_else(|| "PUCK\nNow the ".into());
    let steps = arguments.next().map_or(Ok(4), |n| n.parse())?;
    let directory = arguments.next().unwrap_or_else(|| MODEL.into());

    let start = Instant::now();
    let writer = Writer::new(Path::new(&directory))?;
    println!("keys in {:.1} s", start.elapsed().as_secs_f64());
    let written = writer.write(&prompt, steps, |step, proof| {
        let (seconds, bytes) = (proof.timings().prove_seconds, proof.bytes().len());
        println!("character {}: proof of {bytes} bytes in {seconds:.1} s", step + 1);
    })?;
    let start = Instant::now();
    let text = check(writer.keys.verifying_key(), &writer.characters, &written)?;
    println!("{} proofs hold, checked in {:.0} ms", steps, start.elapsed().as_secs_f64() * 1e3);
    println!("{prompt}[{text}]");
    Ok(())
}

/// What was proved: the tokens of the prompt, and a proof for each character written.
struct Written {
    prompt: Vec<usize>,
    proofs: Vec<Proof>,
}

/// A model with its keys.
struct Writer {
    /// The vocabulary: a token is the place of its character.
    characters: Vec<char>,
    /// Tokens of a window.
    length: usize,
    keys: Keys,
}

impl Writer {
    /// Compiles the model of a directory and makes development keys.
    fn new(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let model = Model::from_onnx(directory.join("model.onnx"))?;
        let specs = InputSpec::of_graph(model.graph());
        let [InputSpec { shape, .. }] = &specs[..] else { return Err("expected one input".into()) };
        let length = shape.len();
        let calibration =
            samples(Arrays::read(&directory.join("calib.npy"))?, &specs, "calib.npy")?;
        let program = model.compile(&CompileOptions::default().calibrate(&calibration)?)?;
        let keys = program.setup(&Srs::development(program.k())?)?;
        let characters =
            std::fs::read_to_string(directory.join("characters.txt"))?.chars().collect();
        Ok(Self { characters, length, keys })
    }

    /// Appends `steps` characters to the prompt, the most likely one each time.
    fn write(
        &self,
        prompt: &str,
        steps: usize,
        mut proved: impl FnMut(usize, &Proof),
    ) -> Result<Written, Box<dyn Error>> {
        let token = |c: char| self.characters.iter().position(|known| *known == c);
        let unknown = |c: char| format!("the model does not know the character {c:?}");
        let prompt: Vec<usize> =
            prompt.chars().map(|c| token(c).ok_or_else(|| unknown(c))).collect::<Result<_, _>>()?;
        if prompt.is_empty() {
            return Err("the prompt is empty".into());
        }
        let (mut tokens, mut proofs) = (prompt.clone(), Vec::new());
        for step in 0..steps {
            let ids = window(&tokens, self.length).iter().map(|id| *id as f32).collect();
            let ids = Tensor::new(Shape::new(vec![1, self.length])?, ids)?;
            let proof = self.keys.proving_key().prove(&[ids])?;
            tokens.push(most_likely(&proof, tokens.len().min(self.length) - 1)?);
            proved(step, &proof);
            proofs.push(proof);
        }
        Ok(Written { prompt, proofs })
    }
}

/// The last tokens of a text. A shorter text is filled up at the end, where a causal model does not look.
fn window(tokens: &[usize], length: usize) -> Vec<usize> {
    let mut window = tokens[tokens.len().saturating_sub(length)..].to_vec();
    window.resize(length, 0);
    window
}

/// The token with the greatest logit at a position of the window, the first of equals.
fn most_likely(proof: &Proof, position: usize) -> Result<usize, Box<dyn Error>> {
    let logits = proof.outputs().first().ok_or("the proof has no output")?;
    let vocabulary = *logits.shape.last().ok_or("the logits are a scalar")?;
    let row = logits.integers.chunks_exact(vocabulary).nth(position).ok_or("no such position")?;
    let best = row.iter().enumerate().max_by_key(|(i, logit)| (**logit, std::cmp::Reverse(*i)));
    best.map(|(token, _)| token).ok_or_else(|| "the vocabulary is empty".into())
}

/// What a text's reader does: verifies every proof, that it starts from the window so far, and returns the
/// characters that follow from them. Needs neither model nor proving key.
fn check(
    key: &VerifyingKey,
    characters: &[char],
    written: &Written,
) -> Result<String, Box<dyn Error>> {
    let (mut tokens, mut text) = (written.prompt.clone(), String::new());
    for (step, proof) in written.proofs.iter().enumerate() {
        key.verify(proof)?;
        let ids = &proof.inputs().first().ok_or("the ids are not public")?.integers;
        if !ids.iter().copied().eq(window(&tokens, ids.len()).iter().map(|id| *id as i64)) {
            return Err(format!("proof {step} is of another window").into());
        }
        let token = most_likely(proof, tokens.len().min(ids.len()) - 1)?;
        tokens.push(token);
        text.push(*characters.get(token).ok_or("a token beyond the vocabulary")?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_end_of_a_text_or_all_of_it() {
        assert_eq!(window(&[1, 2, 3], 2), [2, 3]);
        assert_eq!(window(&[1, 2, 3], 5), [1, 2, 3, 0, 0]);
    }

    #[test]
    fn a_text_is_what_its_proofs_say() {
        let writer = Writer::new(Path::new(MODEL)).unwrap();
        let key = writer.keys.verifying_key();
        // The window is full after the first step and moves on in the third.
        let written = writer.write("THESEUS\nNow, f", 3, |_, _| {}).unwrap();
        let text = check(key, &writer.characters, &written).unwrap();
        assert_eq!(text.chars().count(), 3);
        assert_eq!(text, float("THESEUS\nNow, f", 3));

        // A proof of another text, in its place.
        let other = writer.write("THESEUS\nNow, g", 1, |_, _| {}).unwrap();
        let Written { prompt, mut proofs } = written;
        proofs[0] = other.proofs.into_iter().next().unwrap();
        let refused = check(key, &writer.characters, &Written { prompt, proofs }).unwrap_err();
        assert!(refused.to_string().contains("another window"), "{refused}");
        assert!(writer.write("\u{2603}", 1, |_, _| {}).is_err());
    }

    /// What the float model writes.
    fn float(prompt: &str, steps: usize) -> String {
        let model = Model::from_onnx(Path::new(MODEL).join("model.onnx")).unwrap();
        let characters = std::fs::read_to_string(Path::new(MODEL).join("characters.txt")).unwrap();
        let characters: Vec<char> = characters.chars().collect();
        let place = |c| characters.iter().position(|known| *known == c).unwrap();
        let mut tokens: Vec<usize> = prompt.chars().map(place).collect();
        for _ in 0..steps {
            let ids: Vec<f32> = window(&tokens, 16).iter().map(|id| *id as f32).collect();
            let ids = Tensor::new(Shape::new(vec![1, 16]).unwrap(), ids).unwrap();
            let trace = zkml::core::exec::float::run(model.graph(), &[ids]).unwrap();
            let mut logits = trace.outputs()[0].data().chunks(characters.len());
            let row = logits.nth(tokens.len().min(16) - 1).unwrap();
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            tokens.push(best.0);
        }
        tokens[prompt.len()..].iter().map(|token| characters[*token]).collect()
    }
}
