//! The integer executor on matrix products of a transformer of a million parameters: 64 tokens, five
//! layers of 128 channels, 64 million multiplications by constants and 5 million of activations.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p zkml-benches --bench execute` for the work of one core.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkml::core::{
    exec::integer::Executor,
    ir::Origin,
    program::{
        Affine, Bits, Encoding, Program, ProgramBuilder, Scale, Table, TableId, TensorId, Term,
        View,
    },
    tensor::{Shape, Tensor},
};

const TOKENS: usize = 64;
const WIDTH: usize = 128;
const HEADS: usize = 4;

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

fn encoding(bits: u8) -> Encoding {
    let origin = Origin { node: "layer".into(), op: "MatMul".into(), opset: 0 };
    Encoding { bits: Bits::new(bits).expect("a width"), scale: Scale(0), origin }
}

/// Weights of 8 bits; values of 10, by a table that spreads them however small they are before.
struct Layers {
    b: ProgramBuilder,
    spread: TableId,
    rng: ChaCha20Rng,
}

impl Layers {
    fn linear(&mut self, x: TensorId, inner: usize, outputs: usize) -> TensorId {
        let data = (0..inner * outputs).map(|_| i32::from(self.rng.next_u32() as i8)).collect();
        let weight = Tensor::new(shape(&[inner, outputs]), data).expect("as many");
        let term = Term::Contract { view: self.b.reshaped(x, shape(&[TOKENS, inner])), weight };
        self.step(&[TOKENS, outputs], term, 7 + 9 + inner.ilog2())
    }

    fn by_head(&self, x: TensorId, axes: [usize; 3]) -> View {
        let dims = shape(&[TOKENS, HEADS, WIDTH / HEADS]);
        let (shape, index) = dims.transpose_map(&axes).expect("three axes");
        View { tensor: x, shape, index: Some(index) }
    }

    fn product(&mut self, left: View, right: View) -> TensorId {
        let dims = [HEADS, TOKENS, right.shape.dims()[2]];
        let inner = left.shape.dims()[2].ilog2();
        self.step(&dims, Term::Product { left, right, factor: 1 }, 9 + 9 + inner)
    }

    /// A step of accumulators of at most `bits` bits and their sign.
    fn step(&mut self, dims: &[usize], term: Term, bits: u32) -> TensorId {
        // One bit of room for the extremes.
        let shift = u8::try_from(bits - 14).expect("a shift");
        let affine = Affine::new(vec![term]).shift(shift).table(self.spread);
        self.b.affine(shape(dims), encoding(16), affine)
    }
}

fn transformer() -> Program {
    let mut b = ProgramBuilder::new();
    let spread = |x: i32| (x.wrapping_mul(40_503) >> 3 & 1023) - 512;
    let spread = b.table(Table::tabulate("Spread", Bits::WIDEST.range(), spread));
    let mut l = Layers { b, spread, rng: ChaCha20Rng::seed_from_u64(2) };
    let mut x = l.b.input("x", shape(&[TOKENS, WIDTH]), encoding(10));
    for _ in 0..5 {
        let [q, k, v] = [(); 3].map(|()| l.linear(x, WIDTH, WIDTH));
        let scores = l.product(l.by_head(q, [1, 0, 2]), l.by_head(k, [1, 2, 0]));
        let mixed = l.product(l.b.whole(scores), l.by_head(v, [1, 0, 2]));
        let projected = l.linear(mixed, WIDTH, WIDTH);
        let hidden = l.linear(projected, WIDTH, 4 * WIDTH);
        x = l.linear(hidden, 4 * WIDTH, WIDTH);
    }
    let view = l.b.whole(x);
    l.b.output("y", view);
    l.b.finish().expect("a program")
}

fn execute(criterion: &mut Criterion) {
    let program = transformer();
    let executor = Executor::new(&program).expect("no overflow");
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let data = (0..TOKENS * WIDTH).map(|_| i64::from(rng.next_u32() as i8)).collect();
    let input = Tensor::new(shape(&[TOKENS, WIDTH]), data).expect("as many");
    let mut group = criterion.benchmark_group("execute");
    group.sample_size(10);
    group.bench_function("nanogpt_1m", |bencher| {
        bencher.iter(|| executor.run(std::slice::from_ref(&input)).expect("in range"));
    });
    group.finish();
}

criterion_group!(benches, execute);
criterion_main!(benches);
