//! A program to cells: whatever the program, an error of `check` or `Bounds`, or a run in which no number
//! is beyond its bound.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::{Corpus, fuzz_target};
use zkml_core::{
    exec::integer::{Executor, Trace},
    program::{Bits, Bounds, Program, Step, TensorId},
    tensor::Tensor,
};
use zkml_core_fuzz::program::{cost, number, program};

/// Elements and products that a run may take: more only takes longer.
const LIMIT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut source = Unstructured::new(data);
    match program(&mut source).and_then(|program| {
        let Some(program) = program else { return Ok(()) };
        execute(&program, &mut source)
    }) {
        Ok(()) => Corpus::Keep,
        Err(_) => Corpus::Reject,
    }
});

fn execute(program: &Program, source: &mut Unstructured) -> arbitrary::Result<()> {
    let executor = match Executor::new(program) {
        Ok(executor) => executor,
        Err(error) => {
            assert!(program.check().is_err() || Bounds::new(program).is_err(), "{error}");
            return Ok(());
        }
    };
    if cost(program) > LIMIT {
        return Ok(());
    }
    let mut inputs = Vec::new();
    for decl in &program.inputs {
        let tensor = &program.tensors[decl.tensor.0];
        let values = (0..tensor.shape.len()).map(|_| within(tensor.bits, source));
        let values = values.collect::<arbitrary::Result<Vec<i64>>>()?;
        inputs.push(Tensor::new(tensor.shape.clone(), values).expect("as many as the shape"));
    }
    let run = executor.run(&inputs);
    assert_eq!(run, executor.run(&inputs));
    if let Ok(trace) = run {
        check(program, executor.bounds(), &trace);
        let _ = (trace.outputs(program), trace.real_outputs(program));
    }
    Ok(())
}

/// A number of so many bits, or one just outside.
fn within(bits: Bits, source: &mut Unstructured) -> arbitrary::Result<i64> {
    Ok(match source.arbitrary::<u8>()? {
        0 => bits.max() + 1,
        1..50 => bits.min(),
        50..100 => bits.max(),
        _ => number(source)?.rem_euclid(bits.max() - bits.min() + 1) + bits.min(),
    })
}

/// The equation of each cell, with the accumulator that it gives within its bound.
fn check(program: &Program, bounds: &Bounds, trace: &Trace) {
    for (id, (tensor, cells)) in program.tensors.iter().zip(&trace.tensors).enumerate() {
        let id = TensorId(id);
        assert_eq!(cells.x.len(), tensor.shape.len());
        let shift = match &tensor.step {
            Step::Affine(affine) => affine.shift,
            _ => 0,
        };
        for (x, r) in cells.x.iter().zip(&cells.r) {
            let (x, r) = (i64::from(*x), i64::from(*r));
            assert!(tensor.bits.contains(x) && (0..1 << shift).contains(&r));
            let c = (x << shift) + r - ((1 << shift) >> 1);
            assert!(c.unsigned_abs() <= bounds.accumulator_of(id));
        }
        let (least, most) = bounds.values_of(id);
        assert!(cells.values().iter().all(|y| (least..=most).contains(&i64::from(*y))));
    }
}
