//! Names and order: what is defined twice, not at all or after its use.

use super::*;
use zkml_core::onnx::proto::OperatorSetIdProto;

#[test]
fn names_defined_twice() {
    let relu = |output: &str| node("Relu", &["x"], &[output]);
    let text = error(&model(17, &[1], vec![relu("y"), relu("y")]));
    assert!(text.contains("`y` is defined twice"), "{text}");
    assert!(error(&model(17, &[1], vec![relu("x"), relu("y")])).contains("`x` is defined twice"));
    let twice = vec![floats("c", &[1], &[1.0]), floats("c", &[1], &[2.0])];
    let proto = with_initializers(model(17, &[1], vec![relu("y")]), twice);
    assert!(error(&proto).contains("`c` is defined twice"));
    let mut proto = model(17, &[1], vec![relu("y")]);
    let input = graph(&mut proto).input[0].clone();
    graph(&mut proto).input.push(input);
    assert!(error(&proto).contains("`x` is defined twice"));
    let mut proto = model(17, &[1], vec![relu("y")]);
    let output = graph(&mut proto).output[0].clone();
    graph(&mut proto).output.push(output);
    assert!(error(&proto).contains("`y` is defined twice"));
    let attributes = vec![float("alpha", 0.1), float("alpha", 0.2)];
    let proto = model(17, &[1], vec![with(node("LeakyRelu", &["x"], &["y"]), attributes)]);
    assert!(error(&proto).contains("`alpha` is defined twice"));
    let mut proto = model(17, &[1], vec![relu("y")]);
    let ai_onnx = OperatorSetIdProto { domain: Some("ai.onnx".into()), version: Some(18) };
    proto.opset_import.push(ai_onnx);
    assert!(matches!(import(&proto), Err(ImportError::DuplicateOpset { .. })));
    proto.opset_import[1].version = Some(17);
    import(&proto).expect("the same version again, as skl2onnx writes it");
}

#[test]
fn order_cycles_and_undefined_values() {
    let nodes = vec![node("Relu", &["a"], &["y"]), node("Relu", &["x"], &["a"])];
    assert!(matches!(import(&model(17, &[1], nodes)), Err(ImportError::Order { .. })));
    let nodes = vec![node("Add", &["x", "b"], &["a"]), node("Add", &["a", "x"], &["b"])];
    let text = error(&model(17, &[1], nodes));
    assert!(text.contains("cycle") && text.contains("`b`"), "{text}");
    let own = vec![node("Add", &["x", "y"], &["y"])];
    assert!(matches!(import(&model(17, &[1], own)), Err(ImportError::Order { .. })));
    let nodes = vec![node("Add", &["x", "ghost"], &["y"])];
    assert!(error(&model(17, &[1], nodes)).contains("`ghost`, which nothing defines"));
    let text = error(&model(17, &[1], vec![]));
    assert!(text.contains("`y`, which nothing defines"), "{text}");
    let mut proto = model(17, &[1], vec![node("Relu", &["x"], &["y"])]);
    graph(&mut proto).output.clear();
    assert!(matches!(import(&proto), Err(ImportError::NoOutputs)));
    let mut proto = model(17, &[1], vec![node("Relu", &["x"], &["y"])]);
    proto.opset_import.clear();
    assert!(matches!(import(&proto), Err(ImportError::MissingOpset { .. })));
}

#[test]
fn names_that_would_spoil_a_message() {
    for name in ["\u{1b}[2J", "a\nb", &"n".repeat(5000)] {
        let nodes = vec![node("Relu", &["x"], &[name]), node("Relu", &[name], &["y"])];
        let error = import(&model(17, &[1], nodes)).expect_err("unusable");
        let text = error.to_string();
        assert!(matches!(error, ImportError::Name { .. }), "{text}");
        assert!(!text.contains(char::is_control) && text.len() < 1000, "{text}");
    }
}
