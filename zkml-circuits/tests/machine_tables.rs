//! Tables with a domain of their own and values of up to 32 bits, in the machine.

mod machine_common;
mod plonk_common;

use machine_common::{Subject, Verdict, perceptron::at};
use zkml_circuits::{
    machine::Profile,
    plan::Visibility,
    testing::{encoding, shape},
    witness::FirstPhase,
};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Table, TensorId, Term},
    tensor::Tensor,
};

const INPUT: TensorId = TensorId(0);
const WIDE: TensorId = TensorId(1);
const OUTPUT: TensorId = TensorId(2);
/// Elements of a row, rows.
const SIZE: (usize, usize) = (5, 2);

/// `y = f(x)` over the domain of `table`, then `y_i - y_(9-i)`, the output.
fn program(table: Table) -> Program {
    let mut b = ProgramBuilder::new();
    let shape = shape(&[SIZE.1, SIZE.0]);
    let x = b.input("x", shape.clone(), encoding("x", 6));
    let table = b.table(table);
    let copy =
        Affine::new(vec![Term::Scale { view: b.whole(x), factor: Tensor::scalar(1) }]).table(table);
    let wide = b.affine(shape.clone(), encoding("wide", 6), copy);
    let (here, mut mirror) = (b.whole(wide), b.whole(wide));
    mirror.index = Some((0..10).rev().collect());
    let terms = vec![
        Term::Scale { view: here, factor: Tensor::scalar(1) },
        Term::Scale { view: mirror, factor: Tensor::scalar(-1) },
    ];
    let y = b.affine(shape, encoding("y", 10), Affine::new(terms));
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// Carries the wide value of an element on to the outputs.
fn forward(subject: &Subject, first: &mut FirstPhase) {
    let values: Vec<i64> = (0..10).map(|i| first.lanes[2][at(subject, WIDE, i)]).collect();
    for i in 0..10 {
        first.lanes[0][at(subject, OUTPUT, i)] = values[i] - values[9 - i];
    }
    for scalar in &subject.plan().scalars {
        let role = if scalar.tensor == WIDE { 2 } else { 0 };
        first.p[scalar.group] =
            first.lanes[role][at(subject, scalar.tensor, scalar.element as usize)];
    }
}

/// Tables of all signs whose domains hold 0 or not, up to both ends of 32 bits.
fn tables() -> [Table; 4] {
    [
        Table::tabulate("positive", 3..=20, |x| i32::MAX - 7 * (x - 3)),
        Table::tabulate("negative", -20..=-5, |x| i32::MIN - 11 * (x + 5)),
        Table::tabulate("around 0", -30..=30, |x| (1 << 30) + x * x / 2),
        Table::tabulate("one entry", 7..=7, |_| i32::MIN),
    ]
}

fn shapes() -> [Profile; 3] {
    let of = |(lanes, fold, weights, tables)| Profile::new(lanes, fold, weights, tables);
    [(8, 1, 32, 2), (4, 4, 16, 1), (3, 1, 3, 3)].map(|p| of(p).expect("a machine"))
}

fn subject(table: &Table, profile: Profile) -> Subject {
    let count = table.values.len() as i64;
    let x = (0..10).map(|i| i64::from(table.first) + (i * 7 + 3) % count).collect();
    let input = Tensor::new(shape(&[SIZE.1, SIZE.0]), x).expect("as many");
    Subject::of(program(table.clone()), profile, Visibility::Public, &[input])
}

#[test]
fn values_of_32_bits_prove() {
    for profile in shapes() {
        for table in tables() {
            let subject = subject(&table, profile);
            let first = subject.first();
            let largest = first.lanes[2].iter().map(|y| y.unsigned_abs()).max();
            assert!(largest >= Some(1 << 30), "{}", table.name);
            let verdict = subject.verdict(&subject.words, &mut subject.honest());
            assert_eq!(verdict, Verdict::Accepted, "{profile}: {}", table.name);
        }
    }
}

/// Another value for an argument, by one or by what wraps 16 or 32 bits; what follows is computed from it.
#[test]
fn another_value_is_rejected() {
    for profile in shapes() {
        for table in tables() {
            let subject = subject(&table, profile);
            for error in [1, -1, 1 << 16, 1 << 32, -1 << 32] {
                let mut lie = subject.first();
                lie.lanes[2][at(&subject, WIDE, 3)] += error;
                forward(&subject, &mut lie);
                assert!(!subject.satisfied_by(lie.clone()), "{profile}: {}", table.name);
                if error == 1 {
                    assert_eq!(subject.verdict_of(lie), Verdict::Rejected);
                }
            }
        }
    }
}

/// An argument outside the domain has no value, whatever is claimed, though the width has room.
#[test]
fn an_argument_outside_the_domain_is_rejected() {
    for profile in shapes() {
        for table in tables() {
            let subject = subject(&table, profile);
            let last = table.first + table.values.len() as i32 - 1;
            let outside = [table.first - 1, last + 1];
            for (x, y) in
                outside.into_iter().zip([table.values[0], *table.values.last().expect("some")])
            {
                let mut lie = subject.first();
                for cell in [at(&subject, INPUT, 3), at(&subject, WIDE, 3)] {
                    lie.lanes[0][cell] = x.into();
                }
                lie.lanes[2][at(&subject, WIDE, 3)] = y.into();
                forward(&subject, &mut lie);
                assert!(!subject.satisfied_by(lie.clone()), "{profile}: {}", table.name);
                assert_eq!(subject.verdict_of(lie), Verdict::Rejected);
            }
        }
    }
}
