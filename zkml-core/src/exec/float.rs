//! The float executor: runs a graph on `f32` tensors and keeps every value.
//!
//! Products are summed and functions evaluated in `f64` and rounded to `f32` once per node, in a
//! fixed order, so that results do not depend on the number of threads.

use super::{ExecError, kernel::matmul_add};
use crate::{
    ir::{Graph, Op, Origin, ValueId},
    tensor::{Shape, ShapeError, Tensor},
};

/// Every value of a run.
#[derive(Clone, Debug)]
pub struct FloatTrace<'g> {
    graph: &'g Graph,
    /// By [`ValueId`]; `None` for constants, which the graph holds.
    computed: Vec<Option<Tensor<f32>>>,
}

impl FloatTrace<'_> {
    /// The value `id`, computed or constant.
    ///
    /// # Panics
    /// If `id` belongs to another graph.
    pub fn get(&self, id: ValueId) -> &Tensor<f32> {
        self.computed[id.0]
            .as_ref()
            .or(self.graph.get(id).constant.as_ref())
            .expect("a graph is in topological order, so each value is constant or computed")
    }

    /// The graph's outputs, in its order.
    pub fn outputs(&self) -> Vec<&Tensor<f32>> {
        self.graph.outputs().iter().map(|(_, id)| self.get(*id)).collect()
    }
}

/// Runs `graph` on `inputs`, given in the graph's order.
///
/// # Errors
/// Number or shape of the inputs; an input or activation that is not finite, naming the node.
pub fn run<'g>(graph: &'g Graph, inputs: &[Tensor<f32>]) -> Result<FloatTrace<'g>, ExecError> {
    if inputs.len() != graph.inputs().len() {
        let (expected, got) = (graph.inputs().len(), inputs.len());
        return Err(ExecError::InputCount { expected, got });
    }
    let mut trace = FloatTrace { graph, computed: vec![None; graph.values().len()] };
    for (id, input) in graph.inputs().iter().zip(inputs) {
        let value = graph.get(*id);
        if input.shape() != &value.shape {
            return Err(ExecError::InputShape {
                name: value.name.clone(),
                expected: value.shape.clone(),
                got: input.shape().clone(),
            });
        }
        if let Some(element) = input.data().iter().position(|v| !v.is_finite()) {
            return Err(ExecError::InputNotFinite { name: value.name.clone(), element });
        }
        if value.integer
            && let Some(element) = input.data().iter().position(|v| v.fract() != 0.0)
        {
            let (name, value) = (value.name.clone(), input.data()[element]);
            return Err(ExecError::InputNotWhole { name, element, value });
        }
        trace.computed[id.0] = Some(input.clone());
    }
    for node in graph.nodes() {
        let operands: Vec<&Tensor<f32>> = node.inputs.iter().map(|id| trace.get(*id)).collect();
        if let (Op::Embed, [ids, table]) = (&node.op, operands.as_slice()) {
            super::attention::check_ids(ids, table, &node.origin)?;
        }
        let result = apply(&node.op, &operands)
            .expect("Graph::push has inferred the shape of every node from these operands");
        check_finite(&result, &node.origin)?;
        trace.computed[node.output.0] = Some(result);
    }
    Ok(trace)
}

/// Applies one operation, also for constant folding. Results may be infinite or NaN.
///
/// # Errors
/// [`ShapeError`] when the operands' shapes do not fit.
///
/// # Panics
/// If there are fewer operands than the operation takes.
pub fn apply(op: &Op, operands: &[&Tensor<f32>]) -> Result<Tensor<f32>, ShapeError> {
    match op {
        Op::MatMul => matmul(operands[0], operands[1]),
        Op::Add => elementwise(operands[0], operands[1], |a, b| a + b),
        Op::Sub => elementwise(operands[0], operands[1], |a, b| a - b),
        Op::Mul => elementwise(operands[0], operands[1], |a, b| a * b),
        Op::Activation(f) => Ok(operands[0].map(|x| f.eval(f64::from(*x)) as f32)),
        Op::Reshape(to) => Tensor::new(to.clone(), operands[0].data().to_vec()),
        Op::Transpose(perm) => {
            let (shape, map) = operands[0].shape().transpose_map(perm)?;
            gather(operands[0], shape, &map)
        }
        Op::ReduceMax { .. } | Op::ExpShifted { .. } | Op::Mask { .. } | Op::Embed => {
            super::attention::apply(op, operands)
        }
        _ => super::spatial::apply(op, operands),
    }
}

fn check_finite(tensor: &Tensor<f32>, origin: &Origin) -> Result<(), ExecError> {
    match tensor.data().iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((element, &value)) => {
            Err(ExecError::NotFinite { origin: origin.clone(), element, value })
        }
        None => Ok(()),
    }
}

fn elementwise(
    a: &Tensor<f32>,
    b: &Tensor<f32>,
    f: impl Fn(f32, f32) -> f32,
) -> Result<Tensor<f32>, ShapeError> {
    if a.shape() == b.shape() {
        let data = a.data().iter().zip(b.data()).map(|(a, b)| f(*a, *b)).collect();
        return Tensor::new(a.shape().clone(), data);
    }
    let shape = a.shape().broadcast(b.shape())?;
    let (from_a, from_b) = (a.shape().broadcast_map(&shape)?, b.shape().broadcast_map(&shape)?);
    let (a, b) = (a.data(), b.data());
    let data = from_a.iter().zip(&from_b).map(|(&i, &j)| f(a[i as usize], b[j as usize])).collect();
    Tensor::new(shape, data)
}

/// Matrix product by numpy's rules.
fn matmul(a: &Tensor<f32>, b: &Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
    let mismatch = || ShapeError::Broadcast { left: a.shape().clone(), right: b.shape().clone() };
    let (mut da, mut db) = (a.shape().dims().to_vec(), b.shape().dims().to_vec());
    let (row_vector, column_vector) = (da.len() == 1, db.len() == 1);
    if row_vector {
        da.insert(0, 1);
    }
    if column_vector {
        db.push(1);
    }
    let ([batch_a @ .., m, k], [batch_b @ .., k2, n]) = (da.as_slice(), db.as_slice()) else {
        return Err(mismatch());
    };
    let (m, k, n) = (*m, *k, *n);
    if k != *k2 {
        return Err(mismatch());
    }
    let (batch_a, batch_b) = (Shape::new(batch_a.to_vec())?, Shape::new(batch_b.to_vec())?);
    let batch = batch_a.broadcast(&batch_b)?;
    let (from_a, from_b) = (batch_a.broadcast_map(&batch)?, batch_b.broadcast_map(&batch)?);

    let mut dims = batch.dims().to_vec();
    dims.extend((!row_vector).then_some(m));
    dims.extend((!column_vector).then_some(n));
    let shape = Shape::new(dims)?;
    let mut sums = vec![0f64; shape.len()];
    for (at, (&i, &j)) in from_a.iter().zip(&from_b).enumerate() {
        let a = &a.data()[i as usize * m * k..][..m * k];
        let b = &b.data()[j as usize * k * n..][..k * n];
        let out = &mut sums[at * m * n..][..m * n];
        matmul_add(out, (a, b), (k, n), |a, b| f64::from(a) * f64::from(b));
    }
    Tensor::new(shape, sums.into_iter().map(|sum| sum as f32).collect())
}

fn gather(from: &Tensor<f32>, shape: Shape, map: &[u32]) -> Result<Tensor<f32>, ShapeError> {
    Tensor::new(shape, map.iter().map(|&at| from.data()[at as usize]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[usize], data: Vec<f32>) -> Tensor<f32> {
        Tensor::new(Shape::new(dims.to_vec()).expect("small"), data).expect("its length")
    }

    fn count(dims: &[usize]) -> Tensor<f32> {
        tensor(dims, (0..dims.iter().product::<usize>()).map(|i| i as f32).collect())
    }

    #[test]
    fn matmul_follows_numpy() {
        let product = |a: &[usize], b: &[usize]| apply(&Op::MatMul, &[&count(a), &count(b)]);
        // numpy.matmul(arange(..).reshape(..), ..)
        assert_eq!(product(&[2, 2], &[2, 2]), Ok(tensor(&[2, 2], vec![2., 3., 6., 11.])));
        assert_eq!(product(&[3], &[3]), Ok(tensor(&[], vec![5.])));
        assert_eq!(product(&[2], &[2, 3]), Ok(tensor(&[3], vec![3., 4., 5.])));
        assert_eq!(product(&[2, 3], &[3]), Ok(tensor(&[2], vec![5., 14.])));
        assert_eq!(
            product(&[2, 1, 1, 2], &[2, 2, 1]),
            Ok(tensor(&[2, 2, 1, 1], vec![1., 3., 3., 13.]))
        );
        assert_eq!(product(&[2, 0], &[0, 2]), Ok(tensor(&[2, 2], vec![0.; 4])));
        for (a, b) in [(&[2, 3][..], &[2, 3][..]), (&[], &[2]), (&[2, 2, 2], &[3, 2, 2])] {
            assert!(product(a, b).is_err());
        }
    }

    #[test]
    fn elements_broadcast_and_axes_move() {
        let sub = apply(&Op::Sub, &[&count(&[2, 1]), &count(&[3])]).expect("broadcasts");
        assert_eq!(sub, tensor(&[2, 3], vec![0., -1., -2., 1., 0., -1.]));
        assert!(apply(&Op::Add, &[&count(&[2]), &count(&[3])]).is_err());
        let turned = apply(&Op::Transpose(vec![1, 0]), &[&count(&[2, 3])]).expect("two axes");
        assert_eq!(turned, tensor(&[3, 2], vec![0., 3., 1., 4., 2., 5.]));
        assert!(apply(&Op::Transpose(vec![0]), &[&count(&[2, 3])]).is_err());
        assert!(apply(&Op::Reshape(Shape::scalar()), &[&count(&[2])]).is_err());
    }

    #[test]
    fn inputs_of_whole_numbers_are_whole_and_ids_in_range() {
        let mut graph = Graph::new();
        let ids = graph.integer_input("ids", Shape::new(vec![2]).expect("small"));
        let table = graph.constant("table", count(&[3, 2]));
        let origin = Origin { node: "e".into(), op: "Gather".into(), opset: 13 };
        let rows = graph.push(Op::Embed, vec![ids, table], "y", origin).expect("fits");
        graph.output("y", rows);
        let of = |ids: &[f32]| {
            let trace = run(&graph, &[tensor(&[2], ids.to_vec())])?;
            Ok(trace.outputs()[0].clone())
        };
        assert_eq!(of(&[2., 0.]), Ok(tensor(&[2, 2], vec![4., 5., 0., 1.])));
        let error: Result<_, ExecError> = of(&[0., 1.5]);
        assert!(matches!(error, Err(ExecError::InputNotWhole { element: 1, .. })), "{error:?}");
        for id in [-1., 3.] {
            let error = of(&[0., id]);
            let Err(ExecError::IdOutOfRange { element: 1, value, most: 2, origin }) = error else {
                panic!("{error:?}");
            };
            assert_eq!((value, origin.node.as_str()), (id, "e"));
        }
    }
}
