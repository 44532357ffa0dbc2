//! Products of activations in the machine: attention, normalisation, embeddings, whole transformers.

mod machine_common;
mod plonk_common;

use machine_common::{Subject, Verdict};
use zkml_circuits::{machine::Profile, plan::Visibility, testing::Transformer};

fn profile((lanes, fold, weights, tables): (usize, usize, usize, usize)) -> Profile {
    Profile::new(lanes, fold, weights, tables).expect("a machine")
}

/// Row by row, on several machines and sizes that are no multiples of lanes.
#[test]
fn honest_attention_satisfies_the_gates() {
    let sizes = [(5, 2, 6), (4, 1, 4), (3, 3, 2), (17, 2, 5)];
    for (seed, (tokens, heads, head)) in (0u64..).zip(sizes) {
        let sizes = Transformer::small(tokens, heads, head);
        for machine in [(8, 1, 8, 1), (4, 4, 16, 1), (16, 1, 64, 1)] {
            for visibility in [Visibility::Public, Visibility::Private] {
                let subject = Subject::new(sizes.attention(seed), profile(machine), visibility);
                assert!(
                    subject.satisfied(&subject.words, &mut subject.honest()),
                    "{sizes:?}, {machine:?}, {visibility:?}"
                );
            }
        }
    }
}

#[test]
fn honest_transformers_satisfy_the_gates() {
    for (seed, (tokens, heads, head)) in [(0, (5, 2, 6)), (1, (8, 2, 8)), (2, (1, 2, 3))] {
        let sizes = Transformer::small(tokens, heads, head);
        for machine in [(8, 1, 8, 1), (4, 4, 16, 1), (16, 1, 64, 1)] {
            let (program, inputs) = (sizes.program(seed), sizes.input(seed));
            let subject = Subject::of(program, profile(machine), Visibility::Public, &inputs);
            assert!(
                subject.satisfied(&subject.words, &mut subject.honest()),
                "{sizes:?}, {machine:?}"
            );
        }
    }
}

#[test]
fn proofs_of_a_transformer_are_accepted() {
    let sizes = Transformer::small(5, 2, 6);
    let (program, inputs) = (sizes.program(3), sizes.input(3));
    let subject = Subject::of(program, profile((8, 1, 32, 2)), Visibility::Private, &inputs);
    assert_eq!(subject.verdict(&subject.words, &mut subject.honest()), Verdict::Accepted);
}
