//! Sliced programs against whole ones, and what is in memory at a time.

use super::super::testing::{column, machine, run, run_slices};
use super::super::{Constraints, Uniforms};
use super::*;

/// Columns and accumulators in memory in each slice of a program.
fn in_memory(program: &Slices) -> Vec<usize> {
    let (mut live, mut most) = (BTreeSet::new(), Vec::new());
    for slice in &program.slices {
        live.extend(slice.program.columns());
        live.extend(slice.adds.iter().map(|index| (LeafKind::Accumulator, *index)));
        most.push(live.len());
        live.retain(|(kind, index)| match kind {
            LeafKind::Accumulator => program.reads(slice, *index),
            _ => slice.later.contains(&(*kind, *index)),
        });
    }
    most
}

#[test]
fn few_columns_are_in_memory_at_a_time() {
    // For each machine: columns of its constraints, and those that may be there at once. One
    // thread: a slice loads as many columns as there are threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    for (lanes, weights, all, most) in [(32, 64, 180, 40), (16, 64, 110, 33), (8, 32, 70, 33)] {
        let constraints = pool.install(|| Constraints::new(&machine(lanes, 1, weights)));
        for coset in [0, 2] {
            let program = constraints.on_coset(coset);
            let columns: BTreeSet<Named> =
                program.slices.iter().flat_map(|slice| slice.program.columns()).collect();
            assert!(columns.len() > all, "{lanes} lanes: {}", columns.len());
            let in_memory = in_memory(program).into_iter().max();
            assert!(in_memory <= Some(most), "{lanes} lanes: {in_memory:?}");
        }
    }
}

/// An accumulator is read when all is added, and never added to again.
#[test]
fn accumulators_are_complete_when_they_are_read() {
    for (lanes, fold, weights) in [(16, 1, 64), (4, 4, 16), (8, 8, 16), (1, 1, 1)] {
        let constraints = Constraints::new(&machine(lanes, fold, weights));
        for coset in [0, 2] {
            let slices = &constraints.on_coset(coset).slices;
            for (position, slice) in slices.iter().enumerate() {
                for (kind, index) in slice.program.columns() {
                    let adds = |slice: &Slice| slice.adds.contains(&index);
                    if kind == LeafKind::Accumulator {
                        assert!(slices[..position].iter().any(adds), "never made");
                        assert!(!slices[position..].iter().any(adds), "not complete");
                    }
                }
            }
        }
    }
}

/// Terms that are constants, cells and results, products of large sums, and an output that is
/// the difference of what another is the sum of.
#[test]
fn any_program_can_be_cut() {
    let protocol = machine(1, 1, 1);
    let mut compiler = Compiler::new(&protocol);
    let cells: Vec<Operand> = (0..40)
        .map(|column| {
            let query = Query { column, rotation: column as i32 % 3 - 1 };
            compiler.cell(LeafKind::Fixed, query)
        })
        .collect();
    let [three, seven] = [3, 7].map(|value| compiler.constant(Fr::from(value)));
    let sum = |compiler: &mut Compiler<'_>, cells: &[Operand], start: Operand| {
        cells.iter().fold(start, |sum, cell| {
            let square = compiler.op(Operation::Mul(*cell, *cell));
            let scaled = compiler.op(Operation::Mul(sum, seven));
            compiler.op(Operation::Add(scaled, square))
        })
    };
    let left = sum(&mut compiler, &cells[..20], three);
    let right = sum(&mut compiler, &cells[15..], cells[0]);
    let product = compiler.op(Operation::Mul(left, right));
    let square = compiler.op(Operation::Mul(product, product));
    let difference = compiler.op(Operation::Sub(left, square));
    let outputs = [difference, product, three, cells[1], right];
    let plain = |kind, index| column(&(kind, index), 16);
    let draft = Draft::new(&mut compiler, &outputs, 4);
    let sliced = draft.finish(&compiler);
    let whole = Program::new(&compiler, &outputs);
    let uniforms = Uniforms(compiler.uniforms).values(|_| unreachable!("no inputs"));
    assert!(sliced.slices.len() > 10);
    assert_eq!(run_slices(&sliced, &uniforms, plain), run(&whole, &uniforms, plain));
}
