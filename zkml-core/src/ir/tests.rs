//! Shapes and wholeness of the operations of transformers.

use super::*;
use crate::tensor::{Shape, Tensor};

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

fn origin() -> Origin {
    Origin { node: "n".into(), op: "Op".into(), opset: 17 }
}

struct Inputs {
    graph: Graph,
    /// `[2, 3]` floats, `[2, 3]` ids, `[3]` truth values, `[5, 4]` table.
    x: ValueId,
    ids: ValueId,
    keep: ValueId,
    table: ValueId,
}

fn inputs() -> Inputs {
    let mut graph = Graph::new();
    let x = graph.input("x", shape(&[2, 3]));
    let ids = graph.integer_input("ids", shape(&[2, 3]));
    let keep = graph.integer_input("keep", shape(&[3]));
    let table = Tensor::new(shape(&[5, 4]), vec![0.5; 20]).expect("its length");
    let table = graph.constant("table", table);
    Inputs { graph, x, ids, keep, table }
}

/// Shape and wholeness of the result.
fn push(op: Op, of: impl Fn(&Inputs) -> Vec<ValueId>) -> Result<(Vec<usize>, bool), GraphError> {
    let mut all = inputs();
    let operands = of(&all);
    let id = all.graph.push(op, operands, "y", origin())?;
    let value = all.graph.get(id);
    Ok((value.shape.dims().to_vec(), value.integer))
}

#[test]
fn shapes_of_attention_and_embeddings() {
    let max = |axis| push(Op::ReduceMax { axis }, |i| vec![i.x]);
    assert_eq!(max(0), Ok((vec![1, 3], false)));
    assert_eq!(max(1), Ok((vec![2, 1], false)));
    assert!(matches!(max(2), Err(GraphError::Operation { .. })));
    for operands in [|i: &Inputs| vec![i.x], |i: &Inputs| vec![i.x, i.keep]] {
        assert_eq!(push(Op::ExpShifted { axis: 1 }, operands), Ok((vec![2, 3], false)));
    }
    assert!(push(Op::ExpShifted { axis: 2 }, |i| vec![i.x]).is_err());
    assert!(push(Op::ExpShifted { axis: 1 }, |i| vec![i.x; 3]).is_err());
    // What is kept must broadcast to what it is kept of.
    assert!(push(Op::ExpShifted { axis: 0 }, |i| vec![i.keep, i.x]).is_err());
    assert!(push(Op::Mask { value: 0.0 }, |i| vec![i.keep, i.x]).is_err());
    assert!(push(Op::Mask { value: f32::NEG_INFINITY }, |i| vec![i.x, i.keep]).is_err());
    assert!(push(Op::Mask { value: 0.0 }, |i| vec![i.x]).is_err());
    assert_eq!(push(Op::Embed, |i| vec![i.ids, i.table]), Ok((vec![2, 3, 4], false)));
    assert!(push(Op::Embed, |i| vec![i.ids, i.keep]).is_err());
}

#[test]
fn whole_numbers_stay_whole() {
    let whole = |op: Op, of: fn(&Inputs) -> Vec<ValueId>| push(op, of).expect("fits").1;
    let f = Op::Activation;
    assert!(whole(Op::Add, |i| vec![i.ids, i.keep]));
    assert!(!whole(Op::Add, |i| vec![i.ids, i.x]));
    assert!(whole(Op::Mask { value: -3.0 }, |i| vec![i.ids, i.keep]));
    assert!(!whole(Op::Mask { value: 0.5 }, |i| vec![i.ids, i.keep]));
    assert!(whole(Op::ReduceMax { axis: 0 }, |i| vec![i.ids]));
    assert!(whole(f(Activation::IsPositive), |i| vec![i.x]));
    assert!(whole(f(Activation::Square), |i| vec![i.ids]));
    assert!(!whole(f(Activation::Square), |i| vec![i.x]));
    assert!(!whole(f(Activation::Exp), |i| vec![i.ids]));
    assert!(whole(f(Activation::Clip { min: 0.0, max: f32::INFINITY }), |i| vec![i.ids]));
    assert!(!whole(f(Activation::Clip { min: 0.5, max: 2.0 }), |i| vec![i.ids]));

    let mut graph = Graph::new();
    let scalar = |graph: &mut Graph, v| {
        let id = graph.constant("c", Tensor::scalar(v));
        graph.get(id).integer
    };
    assert!(scalar(&mut graph, -7.0));
    assert!(!scalar(&mut graph, 0.5) && !scalar(&mut graph, f32::MIN));
}

#[test]
fn expressions_are_limited() {
    use std::sync::Arc;
    let mut large = Pointwise::Argument;
    for _ in 0..8 {
        large = Pointwise::Sum(Box::new(large.clone()), Box::new(large));
    }
    let error = push(Op::Activation(Activation::Pointwise(Arc::new(large))), |i| vec![i.x]);
    assert!(matches!(error, Err(GraphError::Operation { .. })), "{error:?}");
}
