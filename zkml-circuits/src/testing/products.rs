//! Random small programs with products of two activations, alone and as attention.

use super::{Dice, encoding, random, shape};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Table, TensorId, Term, View},
    tensor::Tensor,
};

/// A random program with products of two activations beside everything else a matrix step can be:
/// `steps` of them in any order, or, for every second seed, a layer of attention.
pub fn random_products(seed: u64, steps: usize) -> Program {
    let mut dice = Dice::new(seed);
    if seed.is_multiple_of(2) {
        let heads = 1 + dice.below(3);
        return attention(seed, heads, 1 + dice.below(5), 1 + dice.below(4));
    }
    let mut s = Steps::new(dice);
    let (rows, columns) = (1 + s.dice.below(4), 1 + s.dice.below(5));
    s.input("x", &[rows, columns]);
    if s.dice.below(2) == 0 {
        let dims = [1 + s.dice.below(3), 1 + s.dice.below(6)];
        s.input("z", &dims);
    }
    for _ in 0..steps {
        s.any_step();
    }
    // What is public has no wide table.
    let last = s.whole(s.tensors.len() - 1);
    let (dims, worst) = (last.shape.dims().to_vec(), s.reach[s.tensors.len() - 1]);
    s.push("y", &dims, Affine::copy(last), worst, 9, None);
    s.finish()
}

/// One layer of attention over `tokens` positions, without a mask: projections, scores of every
/// head, positive weights by a table, their sum, its reciprocal by a table that has no row for 0,
/// the mixed values times the reciprocal, a projection, and the square of a residual sum, whose
/// values have up to 18 bits.
pub fn attention(seed: u64, heads: usize, tokens: usize, features: usize) -> Program {
    let mut s = Steps::new(Dice::new(seed));
    let width = heads * features;
    let x = s.input("x", &[tokens, width]);
    let [q, k, v] = ["q", "k", "v"].map(|name| {
        let view = s.whole(x);
        s.contract(name, view, width, 9, None)
    });
    // [T, (H, F)] as heads apart.
    let per_head = s.by_head(q, [tokens, heads, features], [1, 0, 2]);
    let keys = s.by_head(k, [tokens, heads, features], [1, 2, 0]);
    let values = s.by_head(v, [tokens, heads, features], [1, 0, 2]);
    let exp = |x: i32| 1 + (((x + 260) * (x + 260)) >> 6);
    let scores = [heads, tokens, tokens];
    let e = s.product("e", (per_head, keys, 1), &scores, 9, Some(("Exp", exp)));
    let ones = Tensor::new(shape(&[tokens, 1]), vec![1; tokens]).expect("as many");
    let view = View { shape: shape(&[heads * tokens, tokens]), ..s.whole(e) };
    let sum = Affine::new(vec![Term::Contract { view, weight: ones }]);
    let worst = s.reach[e] * tokens as i64;
    // Every weight is at least 1, so the sum is positive.
    let inverse = Table::tabulate("Reciprocal", 1..=32767, |z| ((1 << 20) / z).min(32767));
    let inverse = s.push("inv", &[heads, tokens], sum, worst, 16, Some(inverse));
    let view = s.whole(e);
    let mixed = s.product("mix", (view, values, 1), &[heads, tokens, features], 16, None);
    let each = heads * tokens;
    let left = View { shape: shape(&[each, 1, 1]), ..s.whole(inverse) };
    let right = View { shape: shape(&[each, 1, features]), ..s.whole(mixed) };
    let head = s.product("heads", (left, right, 1), &[heads, tokens, features], 16, None);
    let joined = s.by_head(head, [heads, tokens, features], [1, 0, 2]);
    let joined = View { shape: shape(&[tokens, width]), ..joined };
    let o = s.contract("proj", joined, width, 9, None);
    let residual = Affine::new(
        [o, x].map(|t| Term::Scale { view: s.whole(t), factor: Tensor::scalar(1) }).to_vec(),
    );
    let worst = s.reach[o] + s.reach[x];
    let square = Table::tabulate("Square", -512..=511, |x| x * x);
    let r = s.push("square", &[tokens, width], residual, worst, 10, Some(square));
    let view = s.whole(r);
    s.contract("y", view, 3, 9, None);
    s.finish()
}

/// A function of a table, with its name.
type Function<'a> = (&'a str, fn(i32) -> i32);

/// A program under construction, with the reach of every tensor: no input makes one leave its range.
struct Steps {
    dice: Dice,
    b: ProgramBuilder,
    tensors: Vec<TensorId>,
    /// No value that is read exceeds this in magnitude.
    reach: Vec<i64>,
}

impl Steps {
    /// Values of inputs are below this in magnitude.
    const INPUT: i64 = 16;

    fn new(dice: Dice) -> Self {
        Self { dice, b: ProgramBuilder::new(), tensors: Vec::new(), reach: Vec::new() }
    }

    fn input(&mut self, name: &str, dims: &[usize]) -> usize {
        self.tensors.push(self.b.input(name, shape(dims), encoding(name, 5)));
        self.reach.push(Self::INPUT);
        self.tensors.len() - 1
    }

    fn finish(mut self) -> Program {
        let view = self.whole(self.tensors.len() - 1);
        self.b.output("y", view);
        self.b.finish().expect("a program")
    }

    fn whole(&self, at: usize) -> View {
        self.b.whole(self.tensors[at])
    }

    /// Adds a step whose accumulators are at most `worst`, shifted to `bits`.
    fn push(
        &mut self,
        name: &str,
        dims: &[usize],
        affine: Affine,
        worst: i64,
        bits: u8,
        table: Option<Table>,
    ) -> usize {
        let (shift, reach) = shifted(worst, bits);
        let mut affine = affine.shift(shift);
        self.reach.push(match table {
            None => reach,
            Some(table) => {
                let (least, greatest) = table.extremes();
                affine = affine.table(self.b.table(table));
                least.abs().max(greatest.abs())
            }
        });
        self.tensors.push(self.b.affine(shape(dims), encoding(name, bits), affine));
        self.tensors.len() - 1
    }

    /// Adds a product with random constants.
    fn contract(
        &mut self,
        name: &str,
        view: View,
        outputs: usize,
        bits: u8,
        table: Option<Table>,
    ) -> usize {
        let (rows, inner) = (view.shape.dims()[0], view.shape.dims()[1]);
        let worst = self.reach_of(&view) * 4 * inner as i64;
        let weight = random(&mut self.dice, &[inner, outputs], 4);
        let affine = Affine::new(vec![Term::Contract { view, weight }]);
        self.push(name, &[rows, outputs], affine, worst, bits, table)
    }

    /// Adds a product of two views, with a function over exactly the range it may have.
    fn product(
        &mut self,
        name: &str,
        (left, right, factor): (View, View, i32),
        dims: &[usize],
        bits: u8,
        function: Option<Function<'_>>,
    ) -> usize {
        let worst = self.worst(&left, &right, factor);
        // Below the limit of 16 bits.
        let reach = shifted(worst, bits).1 as i32;
        let table = function.map(|(name, f)| Table::tabulate(name, -reach..=reach, f));
        let affine = Affine::new(vec![Term::Product { left, right, factor }]);
        self.push(name, dims, affine, worst, bits, table)
    }

    fn reach_of(&self, view: &View) -> i64 {
        self.reach[self.tensors.iter().position(|t| *t == view.tensor).expect("one of them")]
    }

    fn worst(&self, left: &View, right: &View, factor: i32) -> i64 {
        let inner = left.shape.dims()[2] as i64;
        self.reach_of(left) * self.reach_of(right) * inner * i64::from(factor.abs())
    }

    /// Tensor `at`, of `dims` elements, with its axes in another order.
    fn by_head(&self, at: usize, dims: [usize; 3], axes: [usize; 3]) -> View {
        let (shape, index) = shape(&dims).transpose_map(&axes).expect("three axes");
        View { tensor: self.tensors[at], shape, index: Some(index) }
    }

    /// A step of random terms, bias and table.
    fn any_step(&mut self) {
        let (dims, mut terms, mut worst) = loop {
            let (dims, term, worst) =
                if self.dice.below(3) > 0 { self.any_product() } else { self.any_contract() };
            if worst < 1 << 22 {
                break (dims, vec![term], worst);
            }
        };
        if self.dice.below(3) == 0 {
            // Another summand: the same again, or a view of anything.
            let at = self.dice.below(self.tensors.len());
            let view = self.any_view(at, &dims);
            worst += 4 * self.reach_of(&view);
            terms.push(Term::Scale { view, factor: random(&mut self.dice, &[], 4) });
            if self.dice.below(2) == 0 {
                terms.push(terms[0].clone());
                worst *= 2;
            }
        }
        let affine = match self.dice.below(3) {
            0 => Affine::new(terms),
            1 => Affine::new(terms).bias(random(&mut self.dice, &[], 50)),
            _ => Affine::new(terms).bias(random(&mut self.dice, &dims, 50)),
        };
        worst += 50;
        // Below the limit of 9 bits. Some tables are over exactly what there can be.
        let reach = shifted(worst, 9).1 as i32;
        let table = match self.dice.below(6) {
            0 => Some(Table::tabulate("Relu", -256..=255, |x| x.max(0) - 3)),
            1 => Some(Table::tabulate("Relu", -reach..=reach, |x| x.max(0) - 3)),
            2 => Some(Table::tabulate("Square", -reach..=reach, |x| x * x)),
            _ => None,
        };
        let name = format!("step{}", self.tensors.len());
        self.push(&name, &dims, affine, worst, 9, table);
    }

    fn any_product(&mut self) -> (Vec<usize>, Term, i64) {
        let [left, right] = [0, 1].map(|_| self.dice.below(self.tensors.len()));
        let length = self.b.tensor(self.tensors[left]).shape.len();
        let (batch, inner) = match self.dice.below(3) {
            // Element-wise: one by many.
            0 => (length, 1),
            _ => {
                let batch = self.any_divisor(length);
                (batch, self.any_divisor(length / batch))
            }
        };
        let rows = length / batch / inner;
        let mate = self.b.tensor(self.tensors[right]).shape.len();
        let columns = match mate.is_multiple_of(batch * inner) && self.dice.below(4) > 0 {
            true => mate / batch / inner,
            false => 1 + self.dice.below(4),
        };
        let factor = [1, 1, 2, -3][self.dice.below(4)];
        let left = self.any_view(left, &[batch, rows, inner]);
        let right = self.any_view(right, &[batch, inner, columns]);
        let worst = self.worst(&left, &right, factor);
        (vec![batch, rows, columns], Term::Product { left, right, factor }, worst)
    }

    fn any_contract(&mut self) -> (Vec<usize>, Term, i64) {
        let at = self.dice.below(self.tensors.len());
        let length = self.b.tensor(self.tensors[at]).shape.len();
        let inner = self.any_divisor(length);
        let outputs = 1 + self.dice.below(5);
        let view = self.any_view(at, &[length / inner, inner]);
        let worst = self.reach[at] * 4 * inner as i64;
        let weight = random(&mut self.dice, &[inner, outputs], 4);
        (vec![length / inner, outputs], Term::Contract { view, weight }, worst)
    }

    fn any_divisor(&mut self, length: usize) -> usize {
        let divisors: Vec<usize> = (1..=length).filter(|d| length.is_multiple_of(*d)).collect();
        divisors[self.dice.below(divisors.len())]
    }

    /// Tensor `at` as `dims`: as it is, its two last axes exchanged, or any elements and holes.
    fn any_view(&mut self, at: usize, dims: &[usize]) -> View {
        let (tensor, stored) = (self.tensors[at], self.whole(at).shape.len());
        let length: usize = dims.iter().product();
        let index = match self.dice.below(4) {
            0 | 1 if length == stored => None,
            2 if length == stored && dims.len() > 1 => {
                let mut swapped = dims.to_vec();
                let last = dims.len() - 1;
                swapped.swap(last - 1, last);
                let mut axes: Vec<usize> = (0..dims.len()).collect();
                axes.swap(last - 1, last);
                Some(shape(&swapped).transpose_map(&axes).expect("the axes").1)
            }
            3 => {
                let hole = |at: usize| if at == stored { View::HOLE } else { at as u32 };
                Some((0..length).map(|_| hole(self.dice.below(stored + 1))).collect())
            }
            _ => Some((0..length).map(|i| (i % stored) as u32).collect()),
        };
        View { tensor, shape: shape(dims), index }
    }
}

/// The least shift that brings `worst` into `bits`, and the greatest magnitude after it.
fn shifted(worst: i64, bits: u8) -> (u8, i64) {
    let limit = (1i64 << (bits - 1)) - 1;
    let shift = (0..=16u8).find(|s| (worst >> s) < limit).expect("worst cases stay small");
    (shift, (worst >> shift) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random_inputs;
    use zkml_core::{exec::integer, program::Step};

    #[test]
    fn programs_run_whatever_their_inputs_and_hold_what_they_promise() {
        let (mut products, mut wide, mut shared, mut domains) = (0, 0, 0, 0);
        for seed in 0..200 {
            let program = random_products(seed, 1 + seed as usize % 5);
            for inputs in 0..3 {
                integer::run(&program, &random_inputs(&program, inputs))
                    .unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            }
            for tensor in &program.tensors {
                let Step::Affine(affine) = &tensor.step else { continue };
                let is_product = |term: &&Term| matches!(term, Term::Product { .. });
                let here = affine.terms.iter().filter(is_product).count();
                products += here;
                shared += usize::from(here > 0 && here < affine.terms.len());
                if let Some(table) = affine.table.map(|t| &program.tables[t.0]) {
                    wide += usize::from(table.extremes().1 > 32767);
                    domains += usize::from(table.values.len() < 1 << tensor.bits.get());
                }
            }
        }
        for count in [products, wide, shared, domains] {
            assert!(count > 20, "{products} {wide} {shared} {domains}");
        }
    }
}
