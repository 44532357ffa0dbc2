//! Sixteen rows at a time: two vectors for each value, so that a product need not wait for the one
//! before.
#![allow(unsafe_code, reason = "entering functions compiled for the processor's vectors")]

use halo2curves::bn256::Fr;

use super::{Action, Operand, Put, Run, Shifted, Step};
use crate::proving::simd::{LIMBS, Lanes, available, lane_form, load_scaled, prefetch, store};

/// Rows of a vector.
const ROWS: usize = 8;
/// Rows of a block.
const BLOCK: usize = 2 * ROWS;
/// Blocks whose cells are loaded together, column by column: as many rows of a column as that lie
/// side by side, and rows of different columns, which often lie a multiple of the cache's size
/// apart, do not drive each other out of it.
const TILE: usize = 2;

/// A uniform's limbs in lane form, canonical.
pub(super) type Uniform = [u64; LIMBS];

/// A value on the rows of a block.
type Pair = [Lanes<Fr>; 2];

/// Uniforms as vectors read them.
pub(super) fn uniforms(values: &[Fr]) -> Vec<Uniform> {
    values.iter().map(lane_form).collect()
}

/// Puts the values of whole blocks of rows; the number of rows that are done.
pub(super) fn put(
    run: &Run<'_>,
    uniforms: &[Uniform],
    first_row: usize,
    outputs: &mut [&mut [Fr]],
    put: Put,
) -> usize {
    let blocks = outputs.first().map_or(0, |output| output.len() / BLOCK);
    let short = run.cells.iter().any(|column| column.values.len() < BLOCK);
    if short || !available() {
        return 0;
    }
    // SAFETY: the processor has the features.
    unsafe { put_blocks(run, uniforms, first_row, blocks, outputs, put) };
    blocks * BLOCK
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn put_blocks(
    run: &Run<'_>,
    uniforms: &[Uniform],
    first_row: usize,
    blocks: usize,
    outputs: &mut [&mut [Fr]],
    put: Put,
) {
    let columns = run.cells.len();
    let mut slots = vec![[Lanes::zero(); 2]; run.program.slots];
    let mut cells = vec![[Lanes::zero(); 2]; columns * TILE];
    for first in (0..blocks).step_by(TILE) {
        let tile = first..blocks.min(first + TILE);
        let rows = |block: usize| first_row + block * BLOCK;
        for (index, column) in run.cells.iter().enumerate() {
            if let Some(next) = run.cells.get(index + 1) {
                next.prefetch(rows(first), BLOCK * TILE);
            }
            for (i, block) in tile.clone().enumerate() {
                let (low, high) = (rows(block), rows(block) + ROWS);
                cells[i * columns + index] = [load(*column, low), load(*column, high)];
            }
        }
        for (i, block) in tile.enumerate() {
            let cells = &cells[i * columns..][..columns];
            for Step { action, to } in &run.program.steps {
                match value(*action, uniforms, cells, &slots) {
                    Computed::Result(value) => slots[*to] = value,
                    Computed::Output([low, high]) => {
                        let to = &mut outputs[*to][block * BLOCK..][..BLOCK];
                        let (to_low, to_high) = to.split_at_mut(ROWS);
                        save(low, to_low, put);
                        save(high, to_high, put);
                    }
                }
            }
        }
    }
}

enum Computed {
    Result(Pair),
    Output(Pair),
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn value(action: Action, uniforms: &[Uniform], cells: &[Pair], slots: &[Pair]) -> Computed {
    let read = |operand| match operand {
        Operand::Uniform(i) => [Lanes::constant(&uniforms[i]); 2],
        Operand::Cell(i) => cells[i],
        Operand::Result(slot) => slots[slot],
    };
    Computed::Result(match action {
        Action::Add { a, b, carry } => {
            let ([a, c], [b, d]) = (read(a), read(b));
            carried([a.add(b), c.add(d)], carry)
        }
        Action::Sub { a, b, bound, carry } => {
            let ([a, c], [b, d]) = (read(a), read(b));
            carried([a.sub(b, bound), c.sub(d, bound)], carry)
        }
        Action::Mul(a, b) => {
            let ([a, c], [b, d]) = (read(a), read(b));
            [a.mul(b), c.mul(d)]
        }
        Action::Square(a) => {
            let [a, b] = read(a);
            [a.square(), b.square()]
        }
        Action::Reduce(a) => {
            let [a, b] = carried(read(a), true);
            [a.reduce(), b.reduce()]
        }
        Action::Output(a) => return Computed::Output(read(a)),
    })
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carried([a, b]: Pair, carry: bool) -> Pair {
    if carry { [a.carry(), b.carry()] } else { [a, b] }
}

/// The cells of eight rows.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load(column: Shifted<'_>, row: usize) -> Lanes<Fr> {
    let first = column.row(row);
    match column.values[first..].first_chunk::<ROWS>() {
        Some(values) => load_scaled(values.each_ref()),
        // Over the end of the column.
        None => load_scaled(std::array::from_fn(|i| &column.values[column.row(row + i)])),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn save(lanes: Lanes<Fr>, to: &mut [Fr], put: Put) {
    let to = to.first_chunk_mut::<ROWS>().expect("eight rows");
    let lanes = match put {
        Put::Write => lanes,
        // Bounds of outputs leave room for a cell's.
        Put::Add => lanes.add(load_scaled(to.each_ref())).carry(),
    };
    store(lanes.to_memory_form(), to.each_mut());
}

impl Shifted<'_> {
    /// Asks for rows that are read soon.
    fn prefetch(&self, row: usize, rows: usize) {
        let first = self.row(row);
        let end = self.values.len().min(first + rows);
        prefetch(&self.values[first..end]);
    }
}
