//! Embeddings and whole numbers.

use super::*;

#[test]
fn rows_of_a_table_are_those_of_the_ids() {
    let mut w = Writer::default();
    let ids = w.whole(&[2, 3]);
    let table = random(&[7, 4], 5);
    let rows = w.constant(table.clone());
    let y = w.op(Op::Embed, &[ids, rows]);
    let position = w.constant(random(&[3, 4], 6));
    let y = w.op(Op::Add, &[y, position]);
    w.output(y);
    let program = close(&w.graph).program;
    assert_eq!(kinds(&program), ["input", "scale+bias>table", "contract+bias"]);
    assert_eq!((program.tensors[0].scale.0, program.tensors[1].shape.dims()), (0, &[2, 3, 7][..]));
    let table_of = &program.tables[0];
    assert_eq!((table_of.first, table_of.values.len()), (-6, 13));
    for id in 0..7 {
        let ids = Tensor::new(shape(&[2, 3]), vec![id as f32; 6]).expect("six");
        let trace = run(&program, &[ids]).expect("in range");
        for (e, one) in trace.tensors[1].values().iter().enumerate() {
            assert_eq!(*one, i32::from(e % 7 == id));
        }
    }
    for id in [-1.0, 7.0, -100.0, 100.0, 3000.0] {
        let ids = Tensor::new(shape(&[2, 3]), vec![1.0, 0.0, 6.0, 2.0, 3.0, id]).expect("six");
        assert!(
            matches!(
                run(&program, &[ids]),
                Err(ExecError::OutOfRange { .. } | ExecError::InputRange { .. })
            ),
            "{id}"
        );
    }
}

#[test]
fn ids_of_the_whole_table_are_accepted_whatever_the_samples() {
    let mut w = Writer::default();
    let ids = w.whole(&[1]);
    let rows = w.constant(random(&[300, 2], 5));
    let y = w.op(Op::Embed, &[ids, rows]);
    w.output(y);
    let (_, Compiled { program, .. }) = compiled(&w.graph, 9);
    assert_eq!(program.tensors[0].bits.get(), 10);
    for id in [0.0, 150.0, 299.0] {
        assert!(run(&program, &[Tensor::new(shape(&[1]), vec![id]).expect("one")]).is_ok());
    }
    assert!(run(&program, &[Tensor::new(shape(&[1]), vec![300.0]).expect("one")]).is_err());
}

#[test]
fn whole_numbers_and_comparisons_are_exact() {
    let mut w = Writer::default();
    let (a, b) = (w.whole(&[6]), w.whole(&[6]));
    let three = w.constant(Tensor::scalar(3.0));
    let a3 = w.op(Op::Mul, &[a, three]);
    let difference = w.op(Op::Sub, &[a3, b]);
    let equal = w.op(Op::Activation(Activation::IsZero), &[difference]);
    let less = w.op(Op::Activation(Activation::IsPositive), &[difference]);
    let at_most = w.op(Op::Activation(Activation::IsNonNegative), &[difference]);
    let both = w.op(Op::Add, &[equal, less]);
    for id in [difference, equal, less, at_most, both] {
        w.output(id);
    }
    let (samples, Compiled { program, .. }) = compiled(&w.graph, 4);
    for inputs in &samples {
        let outputs = run(&program, inputs).expect("in range").outputs(&program);
        for e in 0..6 {
            let d = 3 * inputs[0].data()[e] as i64 - inputs[1].data()[e] as i64;
            let expected =
                [d, i64::from(d == 0), i64::from(d > 0), i64::from(d >= 0), i64::from(d >= 0)];
            let got: Vec<i64> = outputs.iter().map(|output| output.data()[e]).collect();
            assert_eq!(got, expected);
        }
    }
    assert!(program.tensors.iter().all(|tensor| tensor.scale.0 == 0));
}

#[test]
fn what_an_embedding_cannot_be_is_refused() {
    // Ids that may not be whole.
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let rows = w.constant(random(&[3, 2], 5));
    let x = w.op(Op::Activation(Activation::IsZero), &[x]);
    let half = w.constant(Tensor::scalar(0.5));
    let x = w.op(Op::Mul, &[x, half]);
    let zero = w.constant(Tensor::scalar(0.0));
    let x = w.op(Op::Mul, &[x, zero]);
    let y = w.op(Op::Embed, &[x, rows]);
    w.output(y);
    assert!(!w.graph.get(x).integer);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { what, .. } if what.contains("whole"))
    );
}
