//! Convolutional programs in the machine: the circuit is the integer executor, bit for bit.
//!
//! Programs are drawn over the whole attribute space (strides 1 to 3, pads uneven, dilations, groups,
//! depthwise, transposed, batches, one axis, residual sums, two paths, flattened products); the
//! executor's run satisfies the gates, and no run that differs from it in one element does, though
//! everything after that element is computed from it.

mod machine_common;
mod plonk_common;

use machine_common::{Lie, Subject, Verdict};
use zkml_circuits::{
    machine::Profile,
    plan::Visibility,
    testing::{Dice, encoding, random_windows, shape},
};
use zkml_core::{
    exec::integer::run,
    ir::{Axis, Window},
    program::{Affine, Program, ProgramBuilder, Step, TensorId, Term},
    tensor::Tensor,
};

/// Standard and odd machines.
fn profiles() -> Vec<Profile> {
    let odd = [(1, 1, 1, 1), (3, 1, 4, 2), (6, 3, 6, 1), (12, 2, 8, 3)];
    let odd = odd.map(|(w, r, g, t)| Profile::new(w, r, g, t).expect("a machine"));
    Profile::standard().into_iter().chain(odd).collect()
}

/// A program and machine of each seed.
fn subject(seed: u64) -> Subject {
    let profiles = profiles();
    let profile = profiles[seed as usize % profiles.len()];
    let visibility = [Visibility::Public, Visibility::Private][seed as usize / 8 % 2];
    Subject::new(random_windows(seed, 1 + seed as usize % 3), profile, visibility)
}

/// What is computed, and read by the statement or a later step.
fn computed(program: &Program) -> Vec<TensorId> {
    let affine = |t: &usize| matches!(program.tensors[*t].step, Step::Affine(_));
    (0..program.tensors.len()).filter(affine).map(TensorId).collect()
}

fn check(seed: u64) {
    let subject = subject(seed);
    let program = subject.key.compiled().program();
    let profile = subject.key.compiled().profile();
    assert!(subject.satisfied(&subject.words, &mut subject.honest()), "seed {seed}, {profile}");
    // The statement is the executor's output.
    let stated = subject.key.verifying_key().io().unpack(&subject.words).expect("honest words");
    let outputs = subject.trace.outputs(program);
    let outputs: Vec<Vec<i64>> = outputs.iter().map(|t| t.data().to_vec()).collect();
    assert!(stated.ends_with(&outputs), "seed {seed}");

    let mut dice = Dice::new(seed ^ 0x55);
    let mut lies = 0;
    for tensor in computed(program) {
        let length = program.tensors[tensor.0].shape.len();
        for dx in [1, -1] {
            let element = dice.below(length);
            let Some(lie) = Lie::step(program, &subject.trace, tensor, element, dx) else {
                continue;
            };
            let Some(trace) = lie.carried(program, &subject.trace) else { continue };
            assert_ne!(trace, subject.trace);
            let refused = !subject.satisfied_by(subject.first_of(&trace));
            assert!(refused, "seed {seed}, {profile}: {lie:?} goes unnoticed");
            lies += 1;
        }
    }
    assert!(lies > 0, "seed {seed}: no lie stays in range");
}

#[test]
fn the_circuit_is_the_executor_0() {
    (0..40).for_each(check);
}

#[test]
fn the_circuit_is_the_executor_1() {
    (40..80).for_each(check);
}

#[test]
fn the_circuit_is_the_executor_2() {
    (80..120).for_each(check);
}

/// Strides of 3 whose outputs are packed in words of fewer lanes than the machine has.
#[test]
fn strided_outputs_in_words() {
    [247, 391, 441, 481].into_iter().for_each(check);
}

#[test]
fn proofs_of_random_convolutions_are_accepted_and_lies_rejected() {
    for seed in [3, 8, 17, 30] {
        let subject = subject(seed);
        let program = subject.key.compiled().program();
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted, "seed {seed}");
        let tensor = *computed(program).first().expect("a step");
        let lie = [1, -1].iter().find_map(|dx| {
            let lie = Lie::step(program, &subject.trace, tensor, 0, *dx)?;
            lie.carried(program, &subject.trace)
        });
        let first = subject.first_of(&lie.expect("some lie stays in range"));
        assert_eq!(subject.verdict_of(first), Verdict::Rejected, "seed {seed}");
    }
}

/// Two channels, each convolved with its own kernels: 3x3, strided and padded unevenly.
fn extreme((bits, out): (u8, u8), kernels: [[i32; 9]; 2], shift: u8) -> Program {
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 2, 4, 5]), encoding("x", bits));
    let window = Window {
        height: Axis::convolution(4, 2, 3, (2, 1), 1),
        width: Axis::convolution(5, 3, 3, (2, 1), 2),
    };
    let weight = Tensor::new(shape(&[2, 1, 3, 3]), kernels.concat()).expect("nine each");
    let term = Term::Correlate { view: b.whole(x), weight, window, groups: 2 };
    let affine = Affine::new(vec![term]).shift(shift);
    let y = b.affine(shape(&[1, 2, 2, 3]), encoding("y", out), affine);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// Runs `subject` on planes of these values, two each in turn, and on lies about the results.
fn runs(subject: &mut Subject, planes: [[i64; 2]; 2]) {
    let program = subject.key.compiled().program().clone();
    let data = planes.iter().flat_map(|v| v.iter().copied().cycle().take(20)).collect();
    let input = Tensor::new(shape(&[1, 2, 4, 5]), data).expect("40 elements");
    subject.trace = run(&program, &[input]).expect("in range");
    subject.words = subject.key.statement(&subject.trace).expect("in range");
    assert!(subject.satisfied(&subject.words, &mut subject.honest()), "{planes:?}");
    for dx in [1, -1] {
        let lie = Lie::step(&program, &subject.trace, TensorId(1), 5, dx);
        if let Some(trace) = lie.and_then(|lie| lie.carried(&program, &subject.trace)) {
            assert!(!subject.satisfied_by(subject.first_of(&trace)), "{planes:?} by {dx}");
        }
    }
}

/// Operands at both ends of their range, sums too.
#[test]
fn the_ends_of_the_ranges_of_operands() {
    let program = extreme((8, 8), [[28; 9], [-28; 9]], 8);
    for profile in [Profile::standard()[0], Profile::standard()[3]] {
        let mut subject = Subject::new(program.clone(), profile, Visibility::Public);
        for planes in [[[-128; 2], [-128; 2]], [[127; 2], [127; 2]], [[-128, 127], [127, -128]]] {
            runs(&mut subject, planes);
        }
    }
}

/// The least and the largest weight there are, the largest shift, results at the end of 16 bits.
#[test]
fn the_ends_of_the_ranges_of_weights() {
    let tap = |w: i32| std::array::from_fn(|t| if t == 4 { w } else { 0 });
    let program = extreme((2, 16), [tap(i32::MIN), tap(i32::MAX)], 16);
    let profile = Profile::new(8, 1, 8, 4).expect("a machine");
    let mut subject = Subject::of(
        program,
        profile,
        Visibility::Public,
        &[Tensor::new(shape(&[1, 2, 4, 5]), vec![0; 40]).expect("40 elements")],
    );
    runs(&mut subject, [[1; 2], [-1; 2]]);
    assert_eq!(subject.trace.tensors[1].x.iter().min(), Some(&i32::from(i16::MIN)));
    runs(&mut subject, [[0, 1], [-1, 0]]);
}
