//! Each pass leaves the float results as they are: bit for bit where all numbers are small and
//! dyadic, so that no order of operations rounds, and closely on any others.

mod attention;
mod chains;
mod factors;
mod images;
mod masks;
mod pointwise;
mod rows;
mod split;
mod steps;

use super::{optimise, remove_dead};
use crate::{
    exec::float,
    ir::{Activation, Axis, Graph, Op, Origin, ValueId, Window},
    tensor::{Shape, Tensor},
};

fn tensor(dims: &[usize], data: Vec<f32>) -> Tensor<f32> {
    Tensor::new(Shape::new(dims.to_vec()).expect("small"), data).expect("fits")
}

/// Numbers of few bits from a seed: halves from -4 to 4.
fn dyadic(dims: &[usize], seed: u32) -> Tensor<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % 17) as f32 / 2.0 - 4.0
    };
    tensor(dims, (0..dims.iter().product()).map(|_| next()).collect())
}

struct Builder(Graph);

impl Builder {
    fn new(dims: &[usize]) -> (Self, ValueId) {
        let mut graph = Graph::new();
        let x = graph.input("x", Shape::new(dims.to_vec()).expect("small"));
        (Self(graph), x)
    }

    fn constant(&mut self, tensor: Tensor<f32>) -> ValueId {
        self.0.constant("c", tensor)
    }

    fn op(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let origin = Origin { node: "n".into(), op: "op".into(), opset: 17 };
        self.0.push(op, inputs.to_vec(), "v", origin).expect("fits")
    }

    fn with(&mut self, op: Op, x: ValueId, dims: &[usize], seed: u32) -> ValueId {
        let c = self.constant(dyadic(dims, seed));
        self.op(op, &[x, c])
    }

    fn finish(mut self, y: ValueId) -> Graph {
        self.0.output("y", y);
        self.0
    }
}

fn run(graph: &Graph) -> Vec<Tensor<f32>> {
    let inputs: Vec<_> = graph
        .inputs()
        .iter()
        .map(|id| {
            let value = graph.get(*id);
            let numbers = dyadic(value.shape.dims(), 99 + id.0 as u32);
            // Whole inputs are masks.
            if value.integer { numbers.map(|v| f32::from(*v < 1.5)) } else { numbers }
        })
        .collect();
    float::run(graph, &inputs).expect("runs").outputs().into_iter().cloned().collect()
}

/// Optimises; the results must be equal and so many nodes be left.
fn same(graph: Graph, nodes: usize) -> Graph {
    let before = run(&graph);
    let after = optimise(graph).expect("passes keep graphs whole");
    assert_eq!(run(&after), before);
    assert_eq!(after.nodes().len(), nodes, "{:?}", ops(&after));
    after
}

/// Optimises; the results must be close and so many nodes be left.
fn close(graph: Graph, nodes: usize) -> Graph {
    let before = run(&graph);
    let after = optimise(graph).expect("passes keep graphs whole");
    for (got, expected) in run(&after).iter().zip(&before) {
        assert_eq!(got.shape(), expected.shape());
        for (got, expected) in got.data().iter().zip(expected.data()) {
            let error = (got - expected).abs();
            assert!(error <= 2e-6 * expected.abs().max(1.0), "{got}, expected {expected}");
        }
    }
    assert_eq!(after.nodes().len(), nodes, "{:?}", ops(&after));
    after
}

fn ops(graph: &Graph) -> Vec<&Op> {
    graph.nodes().iter().map(|node| &node.op).collect()
}

#[test]
fn a_factor_after_a_product_goes_into_the_weights() {
    for dims in [&[4][..], &[1], &[], &[1, 4], &[1, 1]] {
        let (mut b, x) = Builder::new(&[2, 3]);
        let y = b.with(Op::MatMul, x, &[3, 4], 1);
        let y = b.with(Op::Mul, y, dims, 2);
        same(b.finish(y), 1);
    }
}

#[test]
fn normalisation_after_a_layer_folds() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::MatMul, x, &[3, 4], 1);
    let y = b.with(Op::Add, y, &[4], 2);
    let y = b.with(Op::Mul, y, &[4], 3);
    let y = b.with(Op::Add, y, &[4], 4);
    let after = same(b.finish(y), 2);
    assert_eq!(ops(&after), [&Op::MatMul, &Op::Add]);
}

#[test]
fn normalisation_before_a_layer_folds() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::Mul, x, &[3], 1);
    let y = b.with(Op::Sub, y, &[1], 2);
    let y = b.with(Op::MatMul, y, &[3, 4], 3);
    let y = b.with(Op::Add, y, &[4], 4);
    let after = same(b.finish(y), 2);
    assert_eq!(ops(&after), [&Op::MatMul, &Op::Add]);
}

#[test]
fn constants_at_the_left_fold_too() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let c = b.constant(dyadic(&[3], 1));
    let y = b.op(Op::Mul, &[c, x]);
    let y = b.with(Op::MatMul, y, &[3, 4], 2);
    let d = b.constant(dyadic(&[4], 3));
    let y = b.op(Op::Add, &[d, y]);
    let y = b.op(Op::Mul, &[d, y]);
    same(b.finish(y), 2);
}

#[test]
fn sums_and_factors_in_a_row_become_one() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let mut y = x;
    for seed in 0..9 {
        y = b.with(if seed % 2 == 0 { Op::Add } else { Op::Sub }, y, &[3], seed);
    }
    same(b.finish(y), 1);
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::Mul, x, &[3], 1);
    let y = b.with(Op::Mul, y, &[2, 1], 2);
    // The product of both factors is larger than either.
    same(b.finish(y), 2);
}

#[test]
fn what_does_not_fit_stays() {
    // A factor per row is none of the weights' columns.
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::MatMul, x, &[3, 4], 1);
    let y = b.with(Op::Mul, y, &[2, 1], 2);
    same(b.finish(y), 2);
    // A factor that broadcasts its operand.
    let (mut b, x) = Builder::new(&[1, 3]);
    let y = b.with(Op::Mul, x, &[2, 3], 1);
    let y = b.with(Op::MatMul, y, &[3, 4], 2);
    same(b.finish(y), 2);
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::MatMul, x, &[3, 4], 1);
    let y = b.with(Op::Mul, y, &[1, 1, 4], 2);
    same(b.finish(y), 2);
    // A constant minus an activation.
    let (mut b, x) = Builder::new(&[2, 3]);
    let c = b.constant(dyadic(&[3], 1));
    let y = b.op(Op::Sub, &[c, x]);
    let y = b.op(Op::Add, &[y, c]);
    same(b.finish(y), 2);
    // A value in the middle that is used elsewhere, or is an output.
    let (mut b, x) = Builder::new(&[2, 3]);
    let m = b.with(Op::MatMul, x, &[3, 4], 1);
    let y = b.with(Op::Mul, m, &[4], 2);
    let y = b.op(Op::Add, &[y, m]);
    same(b.finish(y), 3);
    let (mut b, x) = Builder::new(&[2, 3]);
    let m = b.with(Op::MatMul, x, &[3, 4], 1);
    let y = b.with(Op::Mul, m, &[4], 2);
    b.0.output("m", m);
    same(b.finish(y), 2);
    // A product of two activations.
    let (mut b, x) = Builder::new(&[3, 3]);
    let y = b.op(Op::MatMul, &[x, x]);
    let y = b.with(Op::Mul, y, &[3], 2);
    same(b.finish(y), 2);
}

#[test]
fn folded_constants_stay_finite() {
    let (mut b, x) = Builder::new(&[1, 1]);
    let big = b.constant(tensor(&[1, 1], vec![1e30]));
    let y = b.op(Op::MatMul, &[x, big]);
    let y = b.op(Op::Mul, &[y, big]);
    let graph = optimise(b.finish(y)).expect("whole");
    assert_eq!(graph.nodes().len(), 2);
    assert!(graph.values().iter().flat_map(|v| &v.constant).all(|c| c.data()[0].is_finite()));
}

#[test]
fn vectors_and_batches() {
    let (mut b, x) = Builder::new(&[3]);
    let y = b.with(Op::Add, x, &[1], 1);
    let y = b.with(Op::MatMul, y, &[3, 4], 2);
    let y = b.with(Op::Mul, y, &[4], 3);
    same(b.finish(y), 2);
    let (mut b, x) = Builder::new(&[2, 2, 3]);
    let y = b.with(Op::Mul, x, &[1, 1, 3], 1);
    let y = b.with(Op::MatMul, y, &[3, 4], 2);
    let y = b.with(Op::Add, y, &[1, 4], 3);
    let y = b.with(Op::Mul, y, &[4], 4);
    same(b.finish(y), 2);
}

#[test]
fn nodes_that_change_nothing_go() {
    let shape = |dims: &[usize]| Op::Reshape(Shape::new(dims.to_vec()).expect("small"));
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.op(shape(&[2, 3]), &[x]);
    let y = b.op(Op::Transpose(vec![0, 1]), &[y]);
    let y = b.op(shape(&[6]), &[y]);
    let y = b.op(shape(&[3, 2]), &[y]);
    let y = b.op(shape(&[2, 3]), &[y]);
    let y = b.op(Op::Transpose(vec![1, 0]), &[y]);
    let y = b.op(Op::Transpose(vec![1, 0]), &[y]);
    let ones = b.constant(tensor(&[3], vec![1.0; 3]));
    let zeros = b.constant(tensor(&[1], vec![0.0]));
    let y = b.op(Op::Mul, &[ones, y]);
    let y = b.op(Op::Sub, &[y, zeros]);
    let y = b.op(Op::Add, &[zeros, y]);
    let y = b.op(Op::Activation(Activation::Relu), &[y]);
    same(b.finish(y), 1);
}

#[test]
fn views_that_change_something_stay() {
    let (mut b, x) = Builder::new(&[2, 3, 4]);
    let y = b.op(Op::Transpose(vec![2, 0, 1]), &[x]);
    let y = b.op(Op::Transpose(vec![1, 2, 0]), &[y]);
    let y = b.op(Op::Transpose(vec![1, 0, 2]), &[y]);
    same(b.finish(y), 1);
    // Ones that broadcast, zeros from which one subtracts.
    let (mut b, x) = Builder::new(&[1, 3]);
    let ones = b.constant(tensor(&[2, 1], vec![1.0; 2]));
    let zeros = b.constant(tensor(&[1], vec![0.0]));
    let y = b.op(Op::Mul, &[x, ones]);
    let y = b.op(Op::Sub, &[zeros, y]);
    same(b.finish(y), 2);
    // Moving an axis of 1 is a Reshape.
    let (mut b, x) = Builder::new(&[2, 1, 3]);
    let y = b.op(Op::Transpose(vec![1, 0, 2]), &[x]);
    let after = same(b.finish(y), 1);
    assert!(matches!(after.nodes()[0].op, Op::Reshape(_)));
}

#[test]
fn dead_nodes_and_constants_go_and_inputs_stay() {
    let (mut b, x) = Builder::new(&[2, 3]);
    b.0.input("unused", Shape::scalar());
    let y = b.with(Op::Add, x, &[3], 1);
    b.with(Op::MatMul, y, &[3, 4], 2);
    let graph = b.finish(y);
    let after = remove_dead(&graph).expect("whole");
    assert_eq!((after.nodes().len(), after.inputs().len(), after.values().len()), (1, 2, 4));
    assert_eq!(run(&after), run(&graph));
}

#[test]
fn an_output_may_be_an_input() {
    let (mut b, x) = Builder::new(&[2]);
    let zero = b.constant(tensor(&[], vec![0.0]));
    let y = b.op(Op::Add, &[x, zero]);
    let after = same(b.finish(y), 0);
    assert_eq!(after.outputs()[0].1, after.inputs()[0]);
}

/// Correlation of `[1, 4, 5, 6]` with 3 by 2 taps in 2 groups, with so many pads before and after.
fn correlate(b: &mut Builder, x: ValueId, pads: usize) -> ValueId {
    let axis = |input: usize, taps: usize| {
        let output = input + 2 * pads + 1 - taps;
        Axis::convolution(input, output, taps, (1, 1), pads as i64)
    };
    let window = Window { height: axis(5, 3), width: axis(6, 2) };
    b.with(Op::Correlate { window, groups: 2 }, x, &[6, 2, 3, 2], 11)
}

#[test]
fn normalisation_after_a_correlation_folds() {
    for pads in [0, 1] {
        let (mut b, x) = Builder::new(&[1, 4, 5, 6]);
        let y = correlate(&mut b, x, pads);
        let y = b.with(Op::Add, y, &[1, 6, 1, 1], 1);
        let y = b.with(Op::Mul, y, &[6, 1, 1], 2);
        let y = b.with(Op::Sub, y, &[], 3);
        let y = b.with(Op::Mul, y, &[1], 4);
        let after = same(b.finish(y), 2);
        assert!(matches!(ops(&after)[..], [Op::Correlate { groups: 2, .. }, Op::Add]));
    }
}

#[test]
fn a_factor_before_a_correlation_folds_and_a_sum_only_without_pads() {
    for (pads, dims) in [(0, &[4, 1, 1][..]), (1, &[1, 4, 1, 1]), (1, &[]), (0, &[1, 1])] {
        let (mut b, x) = Builder::new(&[1, 4, 5, 6]);
        let y = b.with(Op::Mul, x, dims, 1);
        let y = correlate(&mut b, y, pads);
        same(b.finish(y), 1);
        let (mut b, x) = Builder::new(&[1, 4, 5, 6]);
        let y = b.with(Op::Add, x, dims, 1);
        let y = correlate(&mut b, y, pads);
        let after = same(b.finish(y), 2);
        assert_eq!(matches!(ops(&after)[0], Op::Correlate { .. }), pads == 0);
    }
}

#[test]
fn what_differs_by_position_stays() {
    for dims in [&[6][..], &[1, 1, 3, 1], &[6, 3, 5]] {
        let (mut b, x) = Builder::new(&[1, 4, 5, 6]);
        let y = correlate(&mut b, x, if dims == [6] { 1 } else { 0 });
        let y = match dims {
            // The last axis, not the channels: here it has seven positions.
            [6] => b.with(Op::Mul, y, &[7], 1),
            _ => b.with(Op::Mul, y, dims, 1),
        };
        same(b.finish(y), 2);
    }
}

#[test]
fn pads_and_selections_that_do_nothing_go() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.op(Op::Pad { begin: vec![0; 2], end: vec![0; 2], value: 1.0 }, &[x]);
    let y = b.op(Op::Take { axis: 1, indices: vec![0, 1, 2] }, &[y]);
    let y = b.op(Op::Concat { axis: 0 }, &[y]);
    same(b.finish(y), 0);
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.op(Op::Take { axis: 1, indices: vec![0, 2, 1] }, &[x]);
    let y = b.op(Op::Pad { begin: vec![1, 0], end: vec![0; 2], value: 1.0 }, &[y]);
    same(b.finish(y), 2);
}
