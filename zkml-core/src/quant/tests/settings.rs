//! Settings, searches and their errors.

use super::*;

#[test]
fn settings_are_checked() {
    let mut w = Writer::default();
    let x = w.input(&[3]);
    let y = w.relu(x);
    w.output(y);
    let samples = samples(&w.graph, 2);
    let good = calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    let with = |change: fn(&mut Settings)| {
        let mut settings = good.clone();
        change(&mut settings);
        compile(&w.graph, &settings)
    };
    assert!(with(|_| ()).is_ok());
    let missing = with(|s| s.tensors.clear());
    assert!(matches!(missing, Err(QuantError::MissingRange { name }) if name == "v0"));
    let changes: [fn(&mut Settings); 6] = [
        |s| s.default_bits = 17,
        |s| s.weight_bits = 0,
        |s| s.max_shift = 17,
        |s| s.headroom = f64::NAN,
        |s| s.tensors.values_mut().for_each(|t| t.min = f64::INFINITY),
        |s| s.tensors.values_mut().for_each(|t| t.bits = Some(40)),
    ];
    for change in changes {
        assert!(matches!(with(change), Err(QuantError::Setting { .. })));
    }
    assert_eq!(
        calibrate(&w.graph, &[], &CalibrationOptions::default()),
        Err(QuantError::NoSamples)
    );
    let percentile = CalibrationOptions {
        method: RangeMethod::Percentile(0.0),
        ..CalibrationOptions::default()
    };
    assert!(calibrate(&w.graph, &samples, &percentile).is_err());
}

#[test]
fn a_scale_by_hand_is_kept_and_a_range_is_enforced() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let y = w.relu(x);
    w.output(y);
    let ones = vec![vec![Tensor::new(shape(&[2]), vec![1.0, -1.0]).expect("two")]];
    let mut settings = calibrate(&w.graph, &ones, &CalibrationOptions::default()).expect("ranges");
    assert_eq!(compile(&w.graph, &settings).expect("compiles").tensors[0].scale.0, 7);
    settings.tensors.get_mut("v0").expect("input").scale = Some(5);
    settings.tensors.get_mut("v0").expect("input").bits = Some(7);
    let program = compile(&w.graph, &settings).expect("compiles");
    assert_eq!(program.tensors[0].scale.0, 5);
    assert_eq!(Some(program.tensors[0].bits), Bits::new(7));
    let run = |v| {
        let inputs = [Tensor::new(shape(&[2]), vec![0.0, v]).expect("two")];
        integer::Executor::new(&program).expect("well-formed").run_real(&inputs)
    };
    assert!(run(1.9).is_ok());
    assert!(matches!(run(2.0), Err(ExecError::InputRange { element: 1, .. })));
}

#[test]
fn percentile_drops_outliers() {
    let mut w = Writer::default();
    let x = w.input(&[1000]);
    let y = w.relu(x);
    w.output(y);
    let mut data = noise(3, 1000);
    data[7] = 1000.0;
    let samples = vec![vec![Tensor::new(shape(&[1000]), data).expect("a thousand")]];
    let options = CalibrationOptions {
        method: RangeMethod::Percentile(99.5),
        ..CalibrationOptions::default()
    };
    let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
    assert!(settings.tensors["v0"].max < 2.0, "{settings:?}");
}

#[test]
fn search_raises_bits_until_the_target_is_met() {
    let mut w = Writer::default();
    let x = w.input(&[1, 10]);
    let h = w.linear(x, [10, 10], 1);
    let h = w.op(Op::Activation(Activation::Gelu { tanh: false }), &[h]);
    let y = w.linear(h, [10, 4], 2);
    w.output(y);
    let samples = samples(&w.graph, 5);
    let options =
        CalibrationOptions { bits: 4, weight_bits: 3, max_shift: 4, ..Default::default() };
    let once = search(&w.graph, &samples, &options, None).expect("one go");
    assert_eq!(once.settings.default_bits, 4);
    let target = Target::Error(0.02);
    let found = search(&w.graph, &samples, &options, Some(target)).expect("met");
    assert!(found.report.max_error() <= 0.02 && once.report.max_error() > 0.02);
    assert!(found.settings.default_bits > 4);
    let impossible = search(&w.graph, &samples, &options, Some(Target::Error(1e-9)));
    assert!(matches!(impossible, Err(QuantError::TargetMissed { best, .. }) if best < 0.01));
    assert_eq!("error=1e-2".parse(), Ok(Target::Error(0.01)));
    assert_eq!("agreement=0.99".parse(), Ok(Target::Agreement(0.99)));
    for bad in ["", "error", "error=x", "error=-1", "agreement=2", "gas=1"] {
        assert!(bad.parse::<Target>().is_err());
    }
}

#[test]
fn an_accumulator_that_may_overflow_is_refused() {
    let mut w = Writer::default();
    let x = w.input(&[1, 4]);
    let c = w.constant(random(&[4, 1], 1));
    let y = w.op(Op::MatMul, &[x, c]);
    w.output(y);
    let samples = samples(&w.graph, 2);
    let mut settings =
        calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    // A scale that no weight of 32 bits reaches.
    settings.tensors.get_mut("v2").expect("product").scale = Some(60);
    assert!(matches!(
        compile(&w.graph, &settings),
        Err(QuantError::Unsupported { origin, .. }) if origin.node == "v2"
    ));
}

#[test]
fn constants_that_are_no_numbers_are_refused() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let c = w.constant(Tensor::new(shape(&[2]), vec![1.0, f32::NAN]).expect("two"));
    let y = w.op(Op::Mul, &[x, c]);
    w.output(y);
    let mut settings = CalibrationOptions::default().settings(1, Default::default());
    for name in ["v0", "v2"] {
        let range =
            TensorSettings { min: -1.0, max: 1.0, bits: None, scale: None, columns: Vec::new() };
        settings.tensors.insert(name.into(), range);
    }
    assert!(matches!(compile(&w.graph, &settings), Err(QuantError::ConstantNotFinite { .. })));
}
