//! A max pool and average pools, small.

use zkml_circuits::testing::{Dice, encoding, random, shape};
use zkml_core::{
    ir::{Axis, Graph, Op, Origin, Window},
    program::{Affine, Program, ProgramBuilder, Term},
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};

pub(crate) const DIMS: [usize; 4] = [1, 2, 4, 5];

/// 3x3, stride 2, a pad before: windows overlap and reach outside.
pub(crate) fn window() -> Window {
    Window {
        height: Axis::convolution(4, 2, 3, (2, 1), 1),
        width: Axis::convolution(5, 3, 3, (2, 1), 1),
    }
}

/// A max pool as the compiler makes it from a graph.
pub(crate) fn max_pool() -> Program {
    let mut graph = Graph::new();
    let x = graph.input("x", shape(&DIMS));
    let origin = Origin { node: "pool".into(), op: "MaxPool".into(), opset: 17 };
    let y = graph.push(Op::MaxPool(window()), vec![x], "y", origin).expect("fits");
    graph.output("y", y);
    let mut dice = Dice::new(3);
    let integers: Tensor<i64> = random(&mut dice, &DIMS, 100);
    let samples = vec![vec![integers.map(|v| *v as f32 / 100.0)]];
    let options = CalibrationOptions { bits: 5, ..CalibrationOptions::narrow() };
    let settings = calibrate(&graph, &samples, &options).expect("ranges");
    compile(&graph, &settings).expect("compiles")
}

/// Averages of 3x3 windows of two channels, as `57 / 2^9` of their sums.
pub(crate) fn average_pool() -> Program {
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&DIMS), encoding("x", 5));
    let weight = Tensor::new(shape(&[2, 1, 3, 3]), vec![57; 18]).expect("as many");
    let term = Term::Correlate { view: b.whole(x), weight, window: window(), groups: 2 };
    let y = b.affine(shape(&[1, 2, 2, 3]), encoding("y", 6), Affine::new(vec![term]).shift(9));
    // Of windows of 2x2 as well: a quarter, with ties.
    let square = Window {
        height: Axis::convolution(4, 2, 2, (2, 1), 0),
        width: Axis::convolution(5, 2, 2, (2, 1), 0),
    };
    let weight = Tensor::new(shape(&[2, 1, 2, 2]), vec![1; 8]).expect("as many");
    let term = Term::Correlate { view: b.whole(x), weight, window: square, groups: 2 };
    let z = b.affine(shape(&[1, 2, 2, 2]), encoding("z", 6), Affine::new(vec![term]).shift(2));
    for (name, id) in [("y", y), ("z", z)] {
        let view = b.whole(id);
        b.output(name, view);
    }
    b.finish().expect("a program")
}
