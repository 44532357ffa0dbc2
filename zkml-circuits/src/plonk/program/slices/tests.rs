//! Sliced programs against whole ones, and what is in memory at a time.

use super::super::testing::{column, machine, run, run_slices};
use super::super::{Constraints, Uniforms};
use super::*;
use crate::plonk::prover::ProverObjective;

#[test]
fn few_columns_are_in_memory_at_a_time() {
    // For each machine: columns of its constraints, whether it keeps computed columns to save
    // time, and columns that may be there at once, then and to save memory. One thread: a slice
    // loads as many columns as there are threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let machines = [
        ((32, 1, 64), 180, [(true, 31), (false, 28)]),
        ((16, 1, 64), 110, [(true, 31), (false, 28)]),
        ((8, 1, 32), 70, [(true, 31), (false, 28)]),
        ((8, 8, 16), 20, [(false, 11), (false, 11)]),
        ((8, 8, 32), 20, [(false, 12), (false, 12)]),
    ];
    for ((lanes, fold, weights), all, most) in machines {
        for (objective, most) in [ProverObjective::Time, ProverObjective::Memory].iter().zip(most) {
            let protocol = machine(lanes, fold, weights);
            let constraints = pool.install(|| Constraints::new(&protocol, 16, *objective));
            let programs = [0, 2].map(|coset| constraints.on_coset(coset));
            for program in programs {
                let columns: BTreeSet<Named> =
                    program.slices.iter().flat_map(|slice| slice.program.columns()).collect();
                assert!(columns.len() > all, "{lanes} lanes: {}", columns.len());
            }
            let in_memory = programs.map(|program| program.in_memory(1)).into_iter().max();
            let got = in_memory.map(|columns| (constraints.keeps_computed(), columns));
            assert_eq!(got, Some(most), "{lanes} lanes, {objective:?}");
        }
    }
}

/// What is in memory is what slices read and add to, from the first such slice to the last.
#[test]
fn columns_in_memory_are_those_between_their_first_and_last_slice() {
    for (lanes, fold, weights) in [(16, 1, 64), (4, 4, 16), (1, 1, 1)] {
        let constraints =
            Constraints::new(&machine(lanes, fold, weights), 16, ProverObjective::Time);
        for coset in [0, 2] {
            let program = constraints.on_coset(coset);
            for parts in [1, 2, 4] {
                let mut spans: BTreeMap<(Named, i32), (usize, usize)> = BTreeMap::new();
                for (position, slice) in program.slices.iter().enumerate() {
                    let read = slice.program.leaves().iter().map(|leaf| match leaf.column() {
                        sum @ (LeafKind::Accumulator, _) => (sum, 0),
                        column => (column, leaf.query.rotation.rem_euclid(parts)),
                    });
                    let sums = slice.adds.iter().map(|index| ((LeafKind::Accumulator, *index), 0));
                    for name in read.chain(sums) {
                        spans.entry(name).or_insert((position, position)).1 = position;
                    }
                }
                // Parts of a column go together, and outputs stay.
                let last = |((kind, index), _): &(Named, i32)| match kind {
                    LeafKind::Accumulator if program.outputs.contains(index) => {
                        program.slices.len()
                    }
                    _ => {
                        let of = spans.iter().filter(|(name, _)| name.0 == (*kind, *index));
                        of.map(|(_, (_, last))| *last).max().expect("itself")
                    }
                };
                let at = |position: usize| {
                    let there = |(name, (first, _)): &(&(Named, i32), &(usize, usize))| {
                        (*first..=last(name)).contains(&position)
                    };
                    spans.iter().filter(there).count()
                };
                let most = (0..program.slices.len()).map(at).max();
                assert_eq!(Some(program.in_memory(parts as usize)), most, "{parts} parts");
            }
        }
    }
}

/// An accumulator is read when all is added, and never added to again.
#[test]
fn accumulators_are_complete_when_they_are_read() {
    for (lanes, fold, weights) in [(16, 1, 64), (4, 4, 16), (8, 8, 16), (1, 1, 1)] {
        let constraints =
            Constraints::new(&machine(lanes, fold, weights), 16, ProverObjective::Time);
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
    let draft =
        Draft::new(&mut compiler, &outputs, Cut { load: 4, small: 8, there: 4, counts: true });
    let sliced = draft.finish(&compiler);
    let whole = Program::new(&compiler, &outputs);
    let uniforms = Uniforms(compiler.uniforms).values(|_| unreachable!("no inputs"));
    assert!(sliced.slices.len() > 10);
    assert_eq!(run_slices(&sliced, &uniforms, plain), run(&whole, &uniforms, plain));
}
