//! Attacks on the parts of a transformer: attention, embeddings, normalisations.
//!
//! Each lie is the most consistent one there is: one definition of the integer program is broken,
//! all that follows is computed from the lie, and every lookup, copy and word agrees. So what
//! rejects it is the equation or the table of the one cell that lies.

mod machine_common;
mod plonk_common;

use machine_common::{
    Lie, Subject, Verdict,
    transformers::{
        FAR, HEADS, IDS, LEAST, ONE, TOKENS, Variant, attention, attention_at, embedding,
        embedding_at, normalisation, normalisation_at, weight,
    },
};
use zkml_circuits::{machine::Profile, plan::Visibility, testing::random_inputs};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, Step, TensorId},
    tensor::Tensor,
};

fn profiles() -> [Profile; 2] {
    [Profile::standard()[0], Profile::standard()[3]]
}

fn subjects(program: &Program) -> Vec<Subject> {
    let subjects = profiles().map(|p| Subject::new(program.clone(), p, Visibility::Public));
    for subject in &subjects {
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted, "the honest run");
    }
    subjects.into()
}

fn program(subject: &Subject) -> &Program {
    subject.key.compiled().program()
}

/// The lie with all that follows is rejected, row by row and, if `proof`, as a proof.
fn refuse(subject: &Subject, lie: Lie, proof: bool) {
    let trace = lie.carried(program(subject), &subject.trace);
    let trace = trace.unwrap_or_else(|| panic!("{lie:?} leaves a range"));
    refuse_trace(subject, &trace, proof, &format!("{lie:?}"));
}

fn refuse_trace(subject: &Subject, trace: &Trace, proof: bool, what: &str) {
    assert_ne!(*trace, subject.trace, "{what} is the truth");
    assert!(!subject.satisfied_by(subject.first_of(trace)), "{what} goes unnoticed");
    if proof {
        assert_eq!(subject.verdict_of(subject.first_of(trace)), Verdict::Rejected, "{what}");
    }
}

/// The element as it is.
fn truth(subject: &Subject, tensor: TensorId, element: usize) -> Lie {
    Lie::step(program(subject), &subject.trace, tensor, element, 0).expect("in range")
}

/// The element with another `x`, and its function's value there.
fn moved(subject: &Subject, tensor: TensorId, element: usize, dx: i32) -> Option<Lie> {
    Lie::step(program(subject), &subject.trace, tensor, element, dx)
}

/// The honest run of another program on the same inputs: same tensors, other definitions.
fn run_of(subject: &Subject, variant: Variant) -> Trace {
    let inputs = random_inputs(program(subject), 5);
    assert_eq!(run(program(subject), &inputs).as_ref(), Ok(&subject.trace), "the same inputs");
    run(&attention(variant), &inputs).expect("in range")
}

#[test]
fn the_programs_are_what_they_say() {
    let honest = &subjects(&attention(Variant::Honest))[0];
    let cells = |t: TensorId| &honest.trace.tensors[t.0];
    for row in 0..HEADS * TOKENS {
        let query = row % TOKENS;
        let scores = &cells(attention_at::SCORES).y[row * TOKENS..][..TOKENS];
        let masked = |key: &usize| *key > query;
        assert!((0..TOKENS).filter(masked).all(|key| scores[key] == LEAST - FAR));
        assert!((0..TOKENS).filter(|k| !masked(k)).all(|key| scores[key] >= LEAST));
        let max = scores.iter().max().expect("some");
        let exp = &cells(attention_at::EXP).y[row * TOKENS..][..TOKENS];
        assert!((0..TOKENS).all(|key| exp[key] == weight(max - scores[key])), "row {row}");
        assert!(exp.contains(&ONE));
    }
}

/// Heads swapped, keys and values swapped, no mask, no division, a shifted exponential: whole runs
/// of another model.
#[test]
fn other_attentions() {
    for subject in subjects(&attention(Variant::Honest)) {
        for variant in [
            Variant::HeadsSwapped,
            Variant::KeysAndValuesSwapped,
            Variant::Unmasked,
            Variant::Unnormalised,
            Variant::Shifted,
        ] {
            let trace = run_of(&subject, variant);
            assert_ne!(
                trace.tensors[attention_at::OUTPUT.0],
                subject.trace.tensors[attention_at::OUTPUT.0]
            );
            refuse_trace(&subject, &trace, true, &format!("{variant:?}"));
        }
    }
}

/// A maximum that is too high, and one that is too low, at either level of the tree: by the
/// difference's `x`, and by a positive part that is none.
#[test]
fn a_wrong_maximum() {
    for subject in subjects(&attention(Variant::Honest)) {
        let (mut high, mut low) = (0, 0);
        for tensor in [attention_at::FIRST, attention_at::SECOND] {
            for element in (0..program(&subject).tensors[tensor.0].shape.len()).step_by(3) {
                let honest = truth(&subject, tensor, element);
                let y = honest.y.expect("a function");
                let mut lies: Vec<Lie> =
                    [1, -1].iter().filter_map(|d| moved(&subject, tensor, element, *d)).collect();
                lies.retain(|lie| lie.y != Some(y) || lie.x != honest.x);
                for dy in [1, -1, -y] {
                    lies.push(Lie { y: Some(y + dy), ..honest });
                }
                for lie in lies.into_iter().filter(|lie| *lie != honest) {
                    let Some(_) = lie.carried(program(&subject), &subject.trace) else { continue };
                    high += usize::from(lie.y > Some(y));
                    low += usize::from(lie.y < Some(y));
                    refuse(&subject, lie, element == 3);
                }
            }
        }
        assert!(high > 5 && low > 2, "{high} too high, {low} too low");
    }
}

/// A masked position gets a weight: by its score, or by its exponential.
#[test]
fn a_weight_on_a_masked_position() {
    for subject in subjects(&attention(Variant::Honest)) {
        let mut proofs = 0;
        for row in 0..HEADS * TOKENS {
            for key in row % TOKENS + 1..TOKENS {
                let element = row * TOKENS + key;
                let score = truth(&subject, attention_at::SCORES, element);
                assert_eq!(score.y, Some(LEAST - FAR));
                let exp = truth(&subject, attention_at::EXP, element);
                assert_eq!(exp.y, Some(0));
                proofs += 1;
                // Its live score instead, by the function or as its argument.
                let live = Lie { x: score.x + 160, y: Some((score.x + 160).max(LEAST)), ..score };
                // A weight as its exponential, or by a distance at which there is one.
                let near = moved(&subject, attention_at::EXP, element, 10 - (exp.x + 128));
                let near = near.expect("in range");
                assert!(near.y > Some(0));
                let lies = [live, Lie { y: live.y, ..score }, Lie { y: Some(1), ..exp }, near];
                for (at, lie) in lies.into_iter().enumerate() {
                    refuse(&subject, lie, proofs == at);
                }
            }
        }
    }
}

/// Exponentials, their sums and the reciprocals: neighbours of each cell.
#[test]
fn a_softmax_that_is_not_normalised() {
    for subject in subjects(&attention(Variant::Honest)) {
        let mut exponentials = 0;
        for row in 0..HEADS * TOKENS {
            let honest = truth(&subject, attention_at::RECIPROCAL, row);
            let y = honest.y.expect("a function");
            for dy in [1, -1] {
                // Both neighbours of the reciprocal.
                refuse(&subject, Lie { y: Some(y + dy), ..honest }, row == 1);
            }
            for dx in [1, -1, ONE] {
                // Another sum, with its own reciprocal.
                if let Some(lie) = moved(&subject, attention_at::RECIPROCAL, row, dx) {
                    refuse(&subject, lie, row == 2);
                }
            }
            let exp = truth(&subject, attention_at::EXP, row * TOKENS);
            let mut lies = [1, -1, 20].map(|d| moved(&subject, attention_at::EXP, row * TOKENS, d));
            lies.iter_mut().flatten().for_each(|lie| assert!(lie.x != exp.x));
            let more = exp.y.map(|y| y + 1);
            for lie in lies.into_iter().flatten().chain([Lie { y: more, ..exp }]) {
                // A sum below 1 has no reciprocal.
                if lie.carried(program(&subject), &subject.trace).is_some() {
                    exponentials += 1;
                    refuse(&subject, lie, exponentials < 3);
                }
            }
        }
        assert!(exponentials >= 8, "{exponentials}");
    }
}

/// A weighted value, an output, a projection or a score off by one, remainders in and out of range.
#[test]
fn products_have_one_rounding() {
    use attention_at::{K, OUTPUT, Q, SCORES, V, WEIGHTED};
    for subject in subjects(&attention(Variant::Honest)) {
        for (tensor, shift) in [(Q, 4), (K, 4), (V, 4), (SCORES, 3), (WEIGHTED, 5), (OUTPUT, 6)] {
            let mut proofs = 0;
            for element in (0..program(&subject).tensors[tensor.0].shape.len()).step_by(3) {
                let honest = truth(&subject, tensor, element);
                let whole = 1 << shift;
                for (dx, dr) in [(1, 0), (-1, 0), (1, -whole), (-1, whole), (0, 1), (0, -1)] {
                    let Some(x) = moved(&subject, tensor, element, dx) else { continue };
                    let lie = Lie { r: honest.r + dr, ..x };
                    if lie.carried(program(&subject), &subject.trace).is_none() {
                        continue;
                    }
                    proofs += 1;
                    refuse(&subject, lie, proofs == 5);
                }
            }
            assert!(proofs > 8, "{proofs}");
        }
    }
}

fn ids(subject: &Subject, ids: [i64; 3]) -> Option<Trace> {
    let shape = program(subject).tensors[embedding_at::IDS.0].shape.clone();
    run(program(subject), &[Tensor::new(shape, ids.to_vec()).expect("as many")]).ok()
}

fn embedded(visibility: Visibility) -> Vec<Subject> {
    let program = embedding();
    let shape = program.tensors[embedding_at::IDS.0].shape.clone();
    let input = [Tensor::new(shape, vec![4, 0, 2]).expect("as many")];
    profiles().map(|p| Subject::of(program.clone(), p, visibility, &input)).into()
}

/// The row of another token: the choice of another id beside the statement's, or another row than
/// that of the choice; and mixtures of rows.
#[test]
fn the_embedding_of_another_token() {
    for subject in embedded(Visibility::Public) {
        assert_eq!(
            subject.verdict(&subject.words, &mut subject.honest()),
            Verdict::Accepted,
            "the honest run"
        );
        let other = ids(&subject, [4, 3, 2]).expect("in range");
        // From which step on the run is that of the other ids.
        for from in [embedding_at::CHOICE, embedding_at::ROWS] {
            let mut trace = subject.trace.clone();
            trace.tensors[from.0..].clone_from_slice(&other.tensors[from.0..]);
            refuse_trace(&subject, &trace, true, &format!("from tensor {}", from.0));
        }
        // Indicators that are none: another one, none, two.
        for (element, y) in [(IDS, 0), (IDS + 1, 1), (2, 1), (4, 0), (4, 2), (3, -1)] {
            let honest = truth(&subject, embedding_at::CHOICE, element);
            let lie = Lie { y: Some(y), ..honest };
            refuse(&subject, lie, true);
        }
        // Twice one row less another: the indicators sum to 1.
        let twice = Lie { y: Some(2), ..truth(&subject, embedding_at::CHOICE, IDS) };
        let less = Lie { y: Some(-1), ..truth(&subject, embedding_at::CHOICE, IDS + 1) };
        let mixture = twice.carried(program(&subject), &subject.trace);
        let mixture = mixture.and_then(|trace| less.carried(program(&subject), &trace));
        refuse_trace(&subject, &mixture.expect("in range"), true, "a mixture");
    }
}

/// Ids beyond the table, above and below, with no row, the last one's or the first one's.
#[test]
fn an_id_out_of_range() {
    for visibility in [Visibility::Public, Visibility::Private] {
        for subject in embedded(visibility) {
            for id in [IDS as i64, -1, 9, -3] {
                assert!(ids(&subject, [4, id, 2]).is_none(), "the executor refuses");
                for row in [None, Some(0), Some(IDS as i64 - 1)] {
                    // As if the token had that row...
                    let near = ids(&subject, [4, row.unwrap_or(0), 2]).expect("in range");
                    let mut trace = near.clone();
                    trace.tensors[embedding_at::IDS.0].x[1] = id as i32;
                    let choice = &mut trace.tensors[embedding_at::CHOICE.0];
                    for v in 0..IDS {
                        // ...with differences as they are, in the table or not.
                        choice.x[IDS + v] = id as i32 - v as i32;
                        if row.is_none() {
                            choice.y[IDS + v] = 0;
                        }
                    }
                    if row.is_none() {
                        for cell in &mut trace.tensors[embedding_at::ROWS.0].x[3..6] {
                            *cell = 0;
                        }
                    }
                    refuse_trace(&subject, &trace, id == 5, &format!("id {id}, row {row:?}"));
                    // And with differences in the table that are not those of the id.
                    let mut trace = near;
                    trace.tensors[embedding_at::IDS.0].x[1] = id as i32;
                    refuse_trace(&subject, &trace, id == -1, &format!("id {id}, row {row:?}"));
                }
            }
        }
    }
}

/// The reciprocal square root: both neighbours, those of the variance, and any other of its table.
#[test]
fn a_wrong_reciprocal_square_root() {
    use normalisation_at::ROOT;
    for subject in subjects(&normalisation()) {
        for row in 0..3 {
            let honest = truth(&subject, ROOT, row);
            let y = honest.y.expect("a function");
            for dy in [1, -1, -y, 7] {
                refuse(&subject, Lie { y: Some(y + dy), ..honest }, dy.abs() == 1);
            }
            for dx in [1, -1, 5] {
                let Some(lie) = moved(&subject, ROOT, row, dx) else { continue };
                refuse(&subject, lie, dx.abs() == 1 && row == 0);
                // With the remainder that makes up for it, out of its range.
                refuse(&subject, Lie { r: honest.r - 8 * dx, ..lie }, row == 0);
            }
        }
    }
}

/// Mean, centred values and their squares: each has one answer.
#[test]
fn a_wrong_mean_or_square() {
    use normalisation_at::{CENTRED, MEAN, OUTPUT, SQUARE, X};
    for subject in subjects(&normalisation()) {
        let mut lies = 0;
        for tensor in [MEAN, CENTRED, SQUARE, OUTPUT] {
            for element in (0..program(&subject).tensors[tensor.0].shape.len()).step_by(2) {
                let honest = truth(&subject, tensor, element);
                let mut all: Vec<Lie> =
                    [1, -1].iter().filter_map(|d| moved(&subject, tensor, element, *d)).collect();
                if let Some(y) = honest.y {
                    all.extend([1, -1].map(|d| Lie { y: Some(y + d), ..honest }));
                }
                if let Step::Affine(affine) = &program(&subject).tensors[tensor.0].step
                    && affine.shift > 0
                {
                    let whole = 1 << affine.shift;
                    all.extend([honest.shifted(1, -whole), honest.shifted(-1, whole)]);
                    all.extend([honest.shifted(0, 1), honest.shifted(0, -1)]);
                }
                for lie in all {
                    if lie.carried(program(&subject), &subject.trace).is_some() {
                        lies += 1;
                        refuse(&subject, lie, lies % 20 == 0);
                    }
                }
            }
        }
        assert!(lies > 40, "{lies}");
        // The statement says what went in.
        let mut trace = subject.trace.clone();
        trace.tensors[X.0].x[2] ^= 1;
        refuse_trace(&subject, &trace, true, "another input");
    }
}
