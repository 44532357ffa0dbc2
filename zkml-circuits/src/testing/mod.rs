//! Programs for tests: hand-made small ones, and random ones over everything a step can be.

mod formal;
mod products;
mod transformer;
mod windows;

pub use formal::{Drawn, Evaluated, evaluate};
pub use products::{attention, random_products};
pub use transformer::Transformer;
pub use windows::{random_axis, random_window, random_windows};

use zkml_core::{
    ir::Origin,
    program::{
        Affine, Bits, Encoding, Program, ProgramBuilder, Scale, Table, TensorId, Term, View,
    },
    tensor::{Shape, Tensor},
};

/// A small deterministic generator (xorshift); tests state its seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    /// A number in `-size ..= size`.
    pub fn signed(&mut self, size: i64) -> i64 {
        self.below(2 * size as usize + 1) as i64 - size
    }
}

/// A shape.
pub fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

/// A tensor of random integers in `-size ..= size`.
pub fn random<T: TryFrom<i64>>(dice: &mut Dice, dims: &[usize], size: i64) -> Tensor<T>
where
    T::Error: std::fmt::Debug,
{
    let shape = shape(dims);
    let data = (0..shape.len()).map(|_| T::try_from(dice.signed(size)).expect("small")).collect();
    Tensor::new(shape, data).expect("as many as the shape")
}

/// The encoding of a tensor of `bits`.
pub fn encoding(name: &str, bits: u8) -> Encoding {
    Encoding {
        bits: Bits::new(bits).expect("1 to 16"),
        scale: Scale(0),
        origin: Origin { node: name.into(), op: "Test".into(), opset: 0 },
    }
}

/// The table of `max(x, 0)` over `bits`.
pub fn relu(bits: u8) -> Table {
    let bits = Bits::new(bits).expect("1 to 16");
    Table::tabulate("Relu", bits.range(), |x| x.max(0))
}

/// A two-layer perceptron over `batch` rows: `6 -> 9 (Relu) -> 3`.
pub fn mlp(batch: usize, seed: u64) -> Program {
    let mut dice = Dice::new(seed);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[batch, 6]), encoding("x", 6));
    let relu = b.table(relu(8));
    let hidden = Affine::new(vec![Term::Contract {
        view: b.whole(x),
        weight: random(&mut dice, &[6, 9], 7),
    }])
    .bias(random(&mut dice, &[batch, 9], 40))
    .shift(4)
    .table(relu);
    let h = b.affine(shape(&[batch, 9]), encoding("hidden", 8), hidden);
    let last = Affine::new(vec![Term::Contract {
        view: b.whole(h),
        weight: random(&mut dice, &[9, 3], 7),
    }])
    .shift(3);
    let y = b.affine(shape(&[batch, 3]), encoding("logits", 10), last);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// A random program of `steps` steps over views, contractions, scalings, biases and tables.
pub fn random_program(seed: u64, steps: usize) -> Program {
    let mut dice = Dice::new(seed);
    let mut b = ProgramBuilder::new();
    let rows = 1 + dice.below(5);
    let columns = 1 + dice.below(7);
    let mut tensors = vec![b.input("x", shape(&[rows, columns]), encoding("x", 5))];
    let mut bound = vec![16i64];
    if dice.below(2) == 0 {
        tensors.push(b.input("z", shape(&[rows, columns]), encoding("z", 5)));
        bound.push(16);
    }
    let inputs = tensors.len();
    for step in 0..steps {
        let (dims, affine, worst) = random_step(&mut dice, &mut b, &tensors, &bound);
        let shift = (0..=16u8).find(|s| worst >> s < 200).expect("bounds stay small");
        let bits = 9;
        let mut affine = affine.shift(shift);
        let mut reach = (worst >> shift) + 1;
        if dice.below(3) == 0 {
            let mut table = relu(bits);
            table.values.iter_mut().for_each(|v| *v -= 3);
            affine = affine.table(b.table(table));
            reach += 3;
        }
        let name = format!("step{step}");
        tensors.push(b.affine(shape(&dims), encoding(&name, bits), affine));
        bound.push(reach);
    }
    let outputs = tensors.split_off(tensors.len() - 1 - dice.below(2.min(tensors.len() - inputs)));
    for (index, id) in outputs.iter().enumerate() {
        let view = random_view(&mut dice, &b, *id);
        b.output(format!("y{index}"), view);
    }
    b.finish().expect("a program")
}

fn random_step(
    dice: &mut Dice,
    b: &mut ProgramBuilder,
    tensors: &[TensorId],
    bound: &[i64],
) -> (Vec<usize>, Affine, i64) {
    let at = dice.below(tensors.len());
    let view = random_view(dice, b, tensors[at]);
    let length = view.shape.len();
    let mut worst;
    let (dims, mut terms) = if dice.below(3) > 0 {
        let divisors: Vec<usize> = (1..=length).filter(|d| length.is_multiple_of(*d)).collect();
        let inner = divisors[dice.below(divisors.len())];
        let (rows, outputs) = (length / inner, 1 + dice.below(6));
        worst = bound[at] * 4 * inner as i64;
        let view = View { shape: shape(&[rows, inner]), ..view };
        (
            vec![rows, outputs],
            vec![Term::Contract { view, weight: random(dice, &[inner, outputs], 4) }],
        )
    } else {
        let dims = view.shape.dims().to_vec();
        let factor = if dice.below(2) == 0 { vec![] } else { dims.clone() };
        worst = bound[at] * 4;
        (dims, vec![Term::Scale { view, factor: random(dice, &factor, 4) }])
    };
    let outputs: usize = dims.iter().product();
    // A second operand: the same length, or one element for all.
    let mate = (0..tensors.len()).find(|t| b.tensor(tensors[*t]).shape.len() == outputs);
    if let Some(mate) = mate.filter(|_| dice.below(2) == 0) {
        let source = random_view(dice, b, tensors[mate]);
        let broadcast = dice.below(4) == 0;
        let index = if broadcast { Some(vec![0; outputs]) } else { source.index };
        let view = View { tensor: tensors[mate], shape: shape(&dims), index };
        terms.push(Term::Scale { view, factor: random(dice, &[], 4) });
        worst += bound[mate] * 4;
    }
    let affine = Affine::new(terms);
    worst += 50;
    let affine = match dice.below(3) {
        0 => affine,
        1 => affine.bias(random(dice, &[], 50)),
        _ => affine.bias(random(dice, &dims, 50)),
    };
    (dims, affine, worst)
}

/// A tensor as it is, flattened, or its elements reversed.
fn random_view(dice: &mut Dice, b: &ProgramBuilder, id: TensorId) -> View {
    let whole = b.whole(id);
    let length = whole.shape.len() as u32;
    match dice.below(4) {
        0 => View { index: Some((0..length).rev().collect()), ..whole },
        1 if whole.shape.rank() == 2 => {
            let (shape, index) = whole.shape.transpose_map(&[1, 0]).expect("two axes");
            View { tensor: id, shape, index: Some(index) }
        }
        _ => whole,
    }
}

/// Random inputs of a program, in range.
pub fn random_inputs(program: &Program, seed: u64) -> Vec<Tensor<i64>> {
    let mut dice = Dice::new(seed);
    program
        .inputs
        .iter()
        .map(|input| {
            let stored = &program.tensors[input.tensor.0];
            random(&mut dice, stored.shape.dims(), stored.bits.max())
        })
        .collect()
}
