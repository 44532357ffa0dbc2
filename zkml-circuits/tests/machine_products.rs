//! Products of activations in the machine: attention, normalisation, embeddings, whole transformers.

mod machine_common;
mod plonk_common;

use machine_common::{Subject, Verdict};
use zkml_circuits::{machine::Profile, plan::Visibility, testing::Transformer};

const MACHINES: [(usize, usize, usize, usize); 3] = [(8, 1, 8, 1), (4, 4, 16, 1), (16, 1, 64, 1)];

fn profile((lanes, fold, weights, tables): (usize, usize, usize, usize)) -> Profile {
    Profile::new(lanes, fold, weights, tables).expect("a machine")
}

/// Row by row, on several machines and sizes that are no multiples of lanes.
#[test]
fn honest_attention_satisfies_the_gates() {
    let sizes = [(5, 2, 6), (4, 1, 4), (3, 3, 2), (17, 2, 5)];
    let shown = [Visibility::Public, Visibility::Private].into_iter().cycle();
    let machines = MACHINES.into_iter().cycle();
    for (((seed, size), machine), visibility) in (0u64..).zip(sizes).zip(machines).zip(shown) {
        let sizes = Transformer::small(size.0, size.1, size.2);
        let subject = Subject::new(sizes.attention(seed), profile(machine), visibility);
        assert!(
            subject.satisfied(&subject.words, &mut subject.honest()),
            "{sizes:?}, {machine:?}, {visibility:?}"
        );
    }
}

#[test]
fn honest_transformers_satisfy_the_gates() {
    let sizes = [(5, 2, 6), (8, 2, 8), (1, 2, 3)];
    for ((seed, (tokens, heads, head)), machine) in (0..).zip(sizes).zip(MACHINES) {
        let sizes = Transformer::small(tokens, heads, head);
        let (program, inputs) = (sizes.program(seed), sizes.input(seed));
        let subject = Subject::of(program, profile(machine), Visibility::Public, &inputs);
        assert!(subject.satisfied(&subject.words, &mut subject.honest()), "{sizes:?}, {machine:?}");
    }
}

#[test]
fn proofs_of_a_transformer_are_accepted() {
    let sizes = Transformer::small(5, 2, 6);
    let (program, inputs) = (sizes.program(3), sizes.input(3));
    let subject = Subject::of(program, profile((8, 1, 32, 2)), Visibility::Private, &inputs);
    assert_eq!(subject.verdict(&subject.words, &mut subject.honest()), Verdict::Accepted);
}
