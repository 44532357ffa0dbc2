//! Small programs of the parts of a transformer, written out: attention with a causal mask, an
//! embedding, a normalisation. Every table has a few hundred rows.

use zkml_circuits::testing::{Dice, encoding, random, shape};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Table, TensorId, Term, View},
    tensor::Tensor,
};

/// Tokens, heads, features of a head of [`attention`].
pub(crate) const TOKENS: usize = 4;
pub(crate) const HEADS: usize = 2;
pub(crate) const WIDTH: usize = 2;

/// What an [`attention`] does otherwise than it should: dishonest provers run these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Honest,
    /// The heads of the queries trade places.
    HeadsSwapped,
    /// Keys and values trade places.
    KeysAndValuesSwapped,
    /// Queries see the tokens after them.
    Unmasked,
    /// Everything is divided by the same sum.
    Unnormalised,
    /// Exponentials of one more than the distance to the maximum.
    Shifted,
}

/// Stored tensors of [`attention`].
pub(crate) mod attention_at {
    use super::TensorId;
    pub(crate) const X: TensorId = TensorId(0);
    pub(crate) const Q: TensorId = TensorId(1);
    pub(crate) const K: TensorId = TensorId(2);
    pub(crate) const V: TensorId = TensorId(3);
    /// `[head, query, key]`, masked.
    pub(crate) const SCORES: TensorId = TensorId(4);
    /// The two levels of the tree of maxima.
    pub(crate) const FIRST: TensorId = TensorId(5);
    pub(crate) const SECOND: TensorId = TensorId(6);
    /// `exp` of scores less their maximum.
    pub(crate) const EXP: TensorId = TensorId(7);
    /// Reciprocals of their sums.
    pub(crate) const RECIPROCAL: TensorId = TensorId(8);
    /// Values weighted by exponentials.
    pub(crate) const WEIGHTED: TensorId = TensorId(9);
    /// The same, divided by the sums.
    pub(crate) const OUTPUT: TensorId = TensorId(10);
}

/// Least live score; lower ones are masked, and as far below all that their weight is 0.
pub(crate) const LEAST: i32 = -64;
/// Distance to the maximum from which weights are 0.
pub(crate) const FAR: i32 = 40;
/// A weight of 1.
pub(crate) const ONE: i32 = 64;
/// What masking takes from a score.
const MASK: i64 = 160;

/// `exp(-distance / 8)` of [`ONE`].
pub(crate) fn weight(distance: i32) -> i32 {
    if distance >= FAR {
        return 0;
    }
    (f64::from(ONE) * (-f64::from(distance) / 8.0).exp() + 0.5) as i32
}

fn view(tensor: TensorId, dims: &[usize], at: impl Fn(usize, usize, usize) -> usize) -> View {
    let mut index = Vec::new();
    for a in 0..dims[0] {
        for b in 0..dims[1] {
            for c in 0..dims[2] {
                index.push(at(a, b, c) as u32);
            }
        }
    }
    View { tensor, shape: shape(dims), index: Some(index) }
}

fn scaled(view: View, factor: i32) -> Term {
    Term::Scale { view, factor: Tensor::scalar(factor) }
}

/// Causal attention of two heads over four tokens, projections included.
pub(crate) fn attention(variant: Variant) -> Program {
    let (t, h, d) = (TOKENS, HEADS, WIDTH);
    let features = h * d;
    let mut dice = Dice::new(53);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[t, features]), encoding("x", 5));
    let projections = [0, 1, 2].map(|i| {
        let weight = random(&mut dice, &[features, features], 5);
        let affine = Affine::new(vec![Term::Contract { view: b.whole(x), weight }]).shift(4);
        b.affine(shape(&[t, features]), encoding(["q", "k", "v"][i], 6), affine)
    });
    let [q, k, v] = projections;
    let (k, v) = if variant == Variant::KeysAndValuesSwapped { (v, k) } else { (k, v) };
    let of_head = |head: usize| if variant == Variant::HeadsSwapped { h - 1 - head } else { head };
    let left = view(q, &[h, t, d], |head, i, c| i * features + of_head(head) * d + c);
    let right = view(k, &[h, d, t], |head, c, j| j * features + head * d + c);
    let live = |i: usize, j: usize| j <= i || variant == Variant::Unmasked;
    let bias = (0..h * t * t).map(|e| if live(e / t % t, e % t) { 0 } else { -MASK << 3 });
    let bias = Tensor::new(shape(&[h, t, t]), bias.collect()).expect("as many");
    let clip = b.table(Table::tabulate("live scores", -256..=255, |x| {
        if x >= LEAST { x } else { LEAST - FAR }
    }));
    let scores = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
    let scores = scores.bias(bias).shift(3).table(clip);
    let s = b.affine(shape(&[h, t, t]), encoding("scores", 9), scores);

    // Of keys (0, 2) and (1, 3), then of both: max(a, b) = b + relu(a - b).
    let relu = b.table(Table::tabulate("Relu", -256..=255, |x| x.max(0)));
    let at = |head: usize, i: usize, j: usize| (head * t + i) * t + j;
    let first = Affine::new(vec![
        scaled(view(s, &[h, t, 2], at), 1),
        scaled(view(s, &[h, t, 2], |head, i, j| at(head, i, j + 2)), -1),
    ]);
    let first = b.affine(shape(&[h, t, 2]), encoding("first", 9), first.table(relu));
    let second = Affine::new(vec![
        scaled(view(s, &[h, t, 1], |head, i, _| at(head, i, 2)), 1),
        scaled(view(first, &[h, t, 1], |head, i, _| (head * t + i) * 2), 1),
        scaled(view(s, &[h, t, 1], |head, i, _| at(head, i, 3)), -1),
        scaled(view(first, &[h, t, 1], |head, i, _| (head * t + i) * 2 + 1), -1),
    ]);
    let second = b.affine(shape(&[h, t, 1]), encoding("second", 9), second.table(relu));

    // The maximum less the score, centred.
    const CENTRE: i32 = 128;
    let shift = if variant == Variant::Shifted { 1 } else { 0 };
    let exp = b.table(Table::tabulate("exp", -128..=127, |x| weight((x + CENTRE + shift).max(0))));
    let distance = Affine::new(vec![
        scaled(view(s, &[h, t, t], |head, i, _| at(head, i, 3)), 1),
        scaled(view(first, &[h, t, t], |head, i, _| (head * t + i) * 2 + 1), 1),
        scaled(view(second, &[h, t, t], |head, i, _| head * t + i), 1),
        scaled(b.whole(s), -1),
    ]);
    let distance = distance.bias(Tensor::scalar(i64::from(-CENTRE))).table(exp);
    let e = b.affine(shape(&[h, t, t]), encoding("exp", 9), distance);

    // A shifted row of one key sums to less than 1.
    let least = if variant == Variant::Shifted { 1 } else { ONE };
    let reciprocal = b.table(Table::tabulate("Reciprocal", least..=4 * ONE, |z| {
        // Of 1 in 16 bits, rounded.
        let z = if variant == Variant::Unnormalised { 4 * ONE } else { z };
        ((1 << 12) + z / 2) / z
    }));
    let ones = Tensor::new(shape(&[t, 1]), vec![1; t]).expect("as many");
    let sum = Term::Contract { view: b.reshaped(e, shape(&[h * t, t])), weight: ones };
    let z = Affine::new(vec![sum]).table(reciprocal);
    let z = b.affine(shape(&[h * t, 1]), encoding("reciprocal", 10), z);

    let right = view(v, &[h, t, d], |head, j, c| j * features + head * d + c);
    let weighted = Affine::new(vec![Term::Product { left: b.whole(e), right, factor: 1 }]);
    let o = b.affine(shape(&[h, t, d]), encoding("weighted", 9), weighted.shift(5));
    let left = b.reshaped(z, shape(&[h * t, 1, 1]));
    let right = b.reshaped(o, shape(&[h * t, 1, d]));
    let output = Affine::new(vec![Term::Product { left, right, factor: 1 }]).shift(6);
    let y = b.affine(shape(&[h, t, d]), encoding("output", 9), output);
    b.output("y", view(y, &[t, h, d], |i, head, c| (head * t + i) * d + c));
    b.finish().expect("a program")
}

/// Stored tensors of [`embedding`].
pub(crate) mod embedding_at {
    use super::TensorId;
    pub(crate) const IDS: TensorId = TensorId(0);
    /// Which id each token has, `[token, id]`.
    pub(crate) const CHOICE: TensorId = TensorId(1);
    pub(crate) const ROWS: TensorId = TensorId(2);
}

/// Ids there are.
pub(crate) const IDS: usize = 5;
/// Features of an embedding.
pub(crate) const EMBEDDED: usize = 3;

/// The row of each of three tokens in a table of five.
pub(crate) fn embedding() -> Program {
    let mut b = ProgramBuilder::new();
    let ids = b.input("ids", shape(&[3]), encoding("ids", 5));
    let last = IDS as i32 - 1;
    let equal = b.table(Table::tabulate("IsZero", -last..=last, |x| i32::from(x == 0)));
    let each = View {
        tensor: ids,
        shape: shape(&[3, IDS]),
        index: Some((0..3).flat_map(|t| [t; IDS]).collect()),
    };
    let bias = (0..3).flat_map(|_| (0..IDS as i64).map(|v| -v)).collect();
    let choice = Affine::new(vec![scaled(each, 1)])
        .bias(Tensor::new(shape(&[3, IDS]), bias).expect("as many"))
        .table(equal);
    let choice = b.affine(shape(&[3, IDS]), encoding("choice", 5), choice);
    let weight = random(&mut Dice::new(59), &[IDS, EMBEDDED], 50);
    let rows = Affine::new(vec![Term::Contract { view: b.whole(choice), weight }]);
    let rows = b.affine(shape(&[3, EMBEDDED]), encoding("rows", 9), rows);
    let view = b.whole(rows);
    b.output("y", view);
    b.finish().expect("a program")
}

/// Stored tensors of [`normalisation`].
pub(crate) mod normalisation_at {
    use super::TensorId;
    pub(crate) const X: TensorId = TensorId(0);
    pub(crate) const MEAN: TensorId = TensorId(1);
    pub(crate) const CENTRED: TensorId = TensorId(2);
    pub(crate) const SQUARE: TensorId = TensorId(3);
    /// The function is the reciprocal square root of the variance.
    pub(crate) const ROOT: TensorId = TensorId(4);
    pub(crate) const OUTPUT: TensorId = TensorId(5);
}

/// `(x - mean) / sqrt(variance + 1)` of three rows of four.
pub(crate) fn normalisation() -> Program {
    let (rows, d) = (3, 4);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[rows, d]), encoding("x", 5));
    let ones = || Tensor::new(shape(&[d, 1]), vec![1; d]).expect("as many");
    let mean = Term::Contract { view: b.whole(x), weight: ones() };
    let mean = b.affine(shape(&[rows, 1]), encoding("mean", 6), Affine::new(vec![mean]).shift(2));
    let each = View {
        tensor: mean,
        shape: shape(&[rows, d]),
        index: Some((0..rows as u32).flat_map(|t| [t; 4]).collect()),
    };
    let centred = Affine::new(vec![scaled(b.whole(x), 1), scaled(each, -1)]);
    let centred = b.affine(shape(&[rows, d]), encoding("centred", 7), centred);
    let square = b.table(Table::tabulate("Square", -64..=63, |x| x * x));
    let squares = Affine::copy(b.whole(centred)).table(square);
    let squares = b.affine(shape(&[rows, d]), encoding("squares", 7), squares);
    let root =
        b.table(Table::tabulate("Rsqrt", 1..=511, |v| (256.0 / f64::from(v).sqrt() + 0.5) as i32));
    let variance = Term::Contract { view: b.whole(squares), weight: ones() };
    let variance = Affine::new(vec![variance]).bias(Tensor::scalar(4)).shift(3).table(root);
    let root = b.affine(shape(&[rows, 1]), encoding("root", 10), variance);
    let left = b.reshaped(root, shape(&[rows, 1, 1]));
    let right = b.reshaped(centred, shape(&[rows, 1, d]));
    let output = Affine::new(vec![Term::Product { left, right, factor: 1 }]).shift(5);
    let y = b.affine(shape(&[rows, d]), encoding("output", 9), output);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}
