//! Programs of transformers: embedding, attention, normalisation, perceptron, all of random weights.

use super::{Dice, encoding, random, shape};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Table, TensorId, Term, View},
    tensor::Tensor,
};

/// Sizes of a transformer.
#[derive(Clone, Copy, Debug)]
pub struct Transformer {
    /// Tokens of an input.
    pub tokens: usize,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
    /// Channels of a head.
    pub head: usize,
    /// Hidden channels of a perceptron.
    pub hidden: usize,
    /// Width of the tensors in bits, 6 to 15; the vocabulary has less than half as many entries.
    pub bits: u8,
}

impl Transformer {
    /// A transformer of one small layer; `head` channels a head.
    pub fn small(tokens: usize, heads: usize, head: usize) -> Self {
        Self { tokens, vocabulary: 11, layers: 1, heads, head, hidden: 9, bits: 6 }
    }

    fn width(&self) -> usize {
        self.heads * self.head
    }

    /// Tokens that are in the vocabulary.
    pub fn input(&self, seed: u64) -> Vec<Tensor<i64>> {
        let mut dice = Dice::new(seed);
        let data = (0..self.tokens).map(|_| dice.below(self.vocabulary) as i64).collect();
        vec![Tensor::new(shape(&[self.tokens]), data).expect("as many as tokens")]
    }

    /// From tokens to logits.
    pub fn program(&self, seed: u64) -> Program {
        let mut maker = Maker::new(*self, seed);
        let ids = maker.b.input("ids", shape(&[self.tokens]), encoding("ids", self.bits));
        let mut x = maker.embed(ids);
        for _ in 0..self.layers {
            let normal = maker.normalise(x);
            let qkv = [(); 3].map(|()| maker.linear(normal, self.width(), None, None));
            x = maker.attend(qkv, Some(x));
            let normal = maker.normalise(x);
            let relu = maker.table("relu", |x| x.max(0));
            let hidden = maker.linear(normal, self.hidden, None, Some(relu));
            x = maker.linear(hidden, self.width(), Some(x), None);
        }
        let normal = maker.normalise(x);
        let logits = maker.linear(normal, self.vocabulary, None, None);
        maker.finish(logits)
    }

    /// The heads alone: queries, keys and values are inputs.
    pub fn attention(&self, seed: u64) -> Program {
        let mut maker = Maker::new(*self, seed);
        let dims = shape(&[self.tokens, self.width()]);
        let qkv = ["q", "k", "v"].map(|name| {
            let input = maker.b.input(name, dims.clone(), encoding(name, self.bits));
            maker.bounds.push(1 << (self.bits - 1));
            input
        });
        let out = maker.attend(qkv, None);
        maker.finish(out)
    }
}

/// A program under construction.
struct Maker {
    sizes: Transformer,
    b: ProgramBuilder,
    dice: Dice,
    /// By tensor: its values' magnitude at most.
    bounds: Vec<i64>,
}

/// The greatest along an axis, as a sum of stored tensors: elements by index, holes for 0.
struct Maximum {
    terms: Vec<(TensorId, Vec<u32>)>,
    length: usize,
}

impl Maker {
    fn new(sizes: Transformer, seed: u64) -> Self {
        Self { sizes, b: ProgramBuilder::new(), dice: Dice::new(seed), bounds: Vec::new() }
    }

    fn finish(mut self, out: TensorId) -> Program {
        let view = self.b.whole(out);
        self.b.output("out", view);
        self.b.finish().expect("a program")
    }

    /// A table over the range of the tensors.
    fn table(&self, name: &str, f: impl FnMut(i32) -> i32) -> Table {
        let half = 1 << (self.sizes.bits - 1);
        Table::tabulate(name, -half..=half - 1, f)
    }

    /// A step whose accumulator is within `worst`, brought into the range of the tensors.
    fn step(
        &mut self,
        name: &str,
        dims: &[usize],
        affine: Affine,
        worst: i64,
        table: Option<Table>,
    ) -> TensorId {
        let room = (1i64 << (self.sizes.bits - 1)) - 1;
        let shift = (0..=16u8).find(|s| (worst >> s) < room).expect("bounds stay small");
        let mut affine = affine.shift(shift);
        let mut bound = (worst >> shift) + 1;
        if let Some(table) = table {
            let (least, most) = table.extremes();
            bound = least.abs().max(most.abs());
            affine = affine.table(self.b.table(table));
        }
        self.bounds.push(bound);
        self.b.affine(shape(dims), encoding(name, self.sizes.bits), affine)
    }

    fn bound(&self, tensor: TensorId) -> i64 {
        self.bounds[tensor.0]
    }

    fn scale(&self, tensor: TensorId, dims: &[usize], index: Vec<u32>, factor: i32) -> Term {
        let view = View { tensor, shape: shape(dims), index: Some(index) };
        Term::Scale { view, factor: Tensor::scalar(factor) }
    }

    /// One-hot rows times a table, and a constant for each position.
    fn embed(&mut self, ids: TensorId) -> TensorId {
        let Transformer { tokens, vocabulary, .. } = self.sizes;
        let width = self.sizes.width();
        self.bounds.push(vocabulary as i64);
        let index = (0..tokens * vocabulary).map(|at| (at / vocabulary) as u32).collect();
        let bias = (0..tokens * vocabulary).map(|at| -((at % vocabulary) as i64)).collect();
        let dims = [tokens, vocabulary];
        let term = self.scale(ids, &dims, index, 1);
        let affine =
            Affine::new(vec![term]).bias(Tensor::new(shape(&dims), bias).expect("as many"));
        let far = vocabulary as i32 - 1;
        let table = Table::tabulate("is zero", -far..=far, |x| i32::from(x == 0));
        let table = self.b.table(table);
        self.bounds.push(1);
        let hot =
            self.b.affine(shape(&dims), encoding("one-hot", self.sizes.bits), affine.table(table));
        let room = (1i64 << (self.sizes.bits - 2)) - 1;
        let weight = random(&mut self.dice, &[vocabulary, width], room);
        let term = Term::Contract { view: self.b.whole(hot), weight };
        let affine =
            Affine::new(vec![term]).bias(random(&mut self.dice, &[tokens, width], room / 2));
        self.step("embedding", &[tokens, width], affine, room + room / 2, None)
    }

    /// `x W + b`, a residual added, a function applied.
    fn linear(
        &mut self,
        x: TensorId,
        outputs: usize,
        residual: Option<TensorId>,
        table: Option<Table>,
    ) -> TensorId {
        let tokens = self.sizes.tokens;
        let inner = self.b.tensor(x).shape.len() / tokens;
        let weight = random(&mut self.dice, &[inner, outputs], 7);
        let view = self.b.reshaped(x, shape(&[tokens, inner]));
        let mut terms = vec![Term::Contract { view, weight }];
        let mut worst = 7 * inner as i64 * self.bound(x) + 50;
        if let Some(residual) = residual {
            let factor = Tensor::scalar(16);
            terms.push(Term::Scale { view: self.b.whole(residual), factor });
            worst += 16 * self.bound(residual);
        }
        let bias = random(&mut self.dice, &[tokens, outputs], 50);
        let affine = Affine::new(terms).bias(bias);
        self.step("linear", &[tokens, outputs], affine, worst, table)
    }

    /// Centred, and times a function of the sum of squares.
    fn normalise(&mut self, x: TensorId) -> TensorId {
        let tokens = self.sizes.tokens;
        let width = self.b.tensor(x).shape.len() / tokens;
        let ones = || Tensor::new(shape(&[width, 1]), vec![1; width]).expect("as many");
        let term = Term::Contract { view: self.b.whole(x), weight: ones() };
        let worst = width as i64 * self.bound(x);
        let mean = self.step("mean", &[tokens, 1], Affine::new(vec![term]), worst, None);
        let whole = Term::Scale { view: self.b.whole(x), factor: Tensor::scalar(4) };
        let broadcast = (0..tokens * width).map(|at| (at / width) as u32).collect();
        let terms = vec![whole, self.scale(mean, &[tokens, width], broadcast, -1)];
        let worst = 4 * self.bound(x) + self.bound(mean);
        let centred = self.step("centred", &[tokens, width], Affine::new(terms), worst, None);
        let square = self.table("square", |x| x * x);
        let copy = Affine::copy(self.b.whole(centred));
        let squares =
            self.step("squares", &[tokens, width], copy, self.bound(centred), Some(square));
        let term = Term::Contract { view: self.b.whole(squares), weight: ones() };
        let worst = width as i64 * self.bound(squares);
        let inverse = self.table("inverse", |x| 200 / (1 + x.max(0)));
        let inverse =
            self.step("inverse", &[tokens, 1], Affine::new(vec![term]), worst, Some(inverse));
        let left = self.b.reshaped(inverse, shape(&[tokens, 1, 1]));
        let right = self.b.reshaped(centred, shape(&[tokens, 1, width]));
        let worst = self.bound(inverse) * self.bound(centred);
        let product = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
        self.step("normal", &[tokens, width], product, worst, None)
    }

    /// Scores, masked, their exponentials below the greatest, values by them, divided by their sum:
    /// `[tokens, width]` out of queries, keys and values, a residual added.
    fn attend(&mut self, [q, k, v]: [TensorId; 3], residual: Option<TensorId>) -> TensorId {
        let Transformer { tokens, heads, head, .. } = self.sizes;
        let width = self.sizes.width();
        let at = |t: usize, h: usize, d: usize| (t * width + h * head + d) as u32;
        let view = |tensor, dims: [usize; 3], of: &dyn Fn([usize; 3]) -> u32| {
            let index = (0..dims.iter().product())
                .map(|i| of([i / dims[2] / dims[1], i / dims[2] % dims[1], i % dims[2]]))
                .collect();
            View { tensor, shape: shape(&dims), index: Some(index) }
        };
        let left = view(q, [heads, tokens, head], &|[h, i, d]| at(i, h, d));
        let right = view(k, [heads, head, tokens], &|[h, d, j]| at(j, h, d));
        let worst = head as i64 * self.bound(q) * self.bound(k) * 3;
        let masked =
            |i: usize| -> i64 { if i % tokens > i / tokens % tokens { -worst } else { 0 } };
        let square = [heads, tokens, tokens];
        let mask: Vec<i64> = (0..square.iter().product()).map(masked).collect();
        let affine = Affine::new(vec![Term::Product { left, right, factor: 3 }])
            .bias(Tensor::new(shape(&square), mask).expect("as many"));
        let scores = self.step("scores", &square, affine, 2 * worst, None);
        let rows = heads * tokens;
        let maximum = self.maximum(scores, rows, tokens);
        // E = f(max - score).
        let mut terms =
            vec![Term::Scale { view: self.b.whole(scores), factor: Tensor::scalar(-1) }];
        let mut worst = self.bound(scores);
        for (tensor, index) in &maximum.terms {
            let broadcast = (0..rows * tokens).map(|i| index[i / tokens]).collect();
            terms.push(self.scale(*tensor, &square, broadcast, 1));
            worst += self.bound(*tensor);
        }
        let top = (1 << (self.sizes.bits - 2)) - 1;
        let falling = self.table("falling", |x| top >> (x.max(0) / 8).min(20));
        let e = self.step("exponentials", &square, Affine::new(terms), worst, Some(falling));
        let weight = Tensor::new(shape(&[tokens, 1]), vec![1; tokens]).expect("as many");
        let term = Term::Contract { view: self.b.reshaped(e, shape(&[rows, tokens])), weight };
        let worst = tokens as i64 * self.bound(e);
        let inverse = self.table("reciprocal", |x| 120 / (1 + x.max(0)));
        let dims = [heads, tokens, 1];
        let inverse =
            self.step("reciprocals", &dims, Affine::new(vec![term]), worst, Some(inverse));
        let left = self.b.whole(e);
        let right = view(v, [heads, tokens, head], &|[h, t, d]| at(t, h, d));
        let worst = tokens as i64 * self.bound(e) * self.bound(v);
        let product = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
        let values = self.step("values", &[heads, tokens, head], product, worst, None);
        let left = self.b.reshaped(inverse, shape(&[rows, 1, 1]));
        let right = self.b.reshaped(values, shape(&[rows, 1, head]));
        let worst = self.bound(inverse) * self.bound(values);
        let product = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
        let divided = self.step("divided", &[heads, tokens, head], product, worst, None);
        // Heads side by side again.
        let merged = (0..tokens * width)
            .map(|i| ((i % width / head * tokens + i / width) * head + i % head) as u32)
            .collect();
        let merged = View { tensor: divided, shape: shape(&[tokens, width]), index: Some(merged) };
        let weight = random(&mut self.dice, &[width, width], 7);
        let mut terms = vec![Term::Contract { view: merged, weight }];
        let mut worst = 7 * width as i64 * self.bound(divided);
        if let Some(x) = residual {
            terms.push(Term::Scale { view: self.b.whole(x), factor: Tensor::scalar(16) });
            worst += 16 * self.bound(x);
        }
        self.step("attention", &[tokens, width], Affine::new(terms), worst, None)
    }

    /// `max(a, b) = b + relu(a - b)`, half by half.
    fn maximum(&mut self, scores: TensorId, rows: usize, length: usize) -> Maximum {
        let index = (0..(rows * length) as u32).collect();
        let mut maximum = Maximum { terms: vec![(scores, index)], length };
        while maximum.length > 1 {
            let Maximum { terms, length } = maximum;
            let (half, rest) = (length / 2, length.div_ceil(2));
            let part = |index: &[u32], from: usize, count: usize| -> Vec<u32> {
                let row = |row: usize| index[row * length + from..][..count].iter().copied();
                (0..rows).flat_map(row).collect()
            };
            let mut steps = Vec::new();
            let mut worst = 0;
            for (tensor, index) in &terms {
                steps.push(self.scale(*tensor, &[rows, half], part(index, 0, half), 1));
                steps.push(self.scale(*tensor, &[rows, half], part(index, half, half), -1));
                worst += 2 * self.bound(*tensor);
            }
            let room = (1i64 << (self.sizes.bits - 1)) - 1;
            let relu = self.table("relu", |x| x.max(0));
            let bound = (worst + 1).min(room);
            let d = self.step("maximum", &[rows, half], Affine::new(steps), bound - 1, Some(relu));
            let mut terms: Vec<_> = terms
                .into_iter()
                .map(|(tensor, index)| (tensor, part(&index, half, rest)))
                .collect();
            let of = |i: usize| match i % rest {
                at if at < half => (i / rest * half + at) as u32,
                _ => View::HOLE,
            };
            terms.push((d, (0..rows * rest).map(of).collect()));
            maximum = Maximum { terms, length: rest };
        }
        maximum
    }
}
