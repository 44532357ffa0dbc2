//! Files that are cut, flipped, random or made to hurt: errors that name what is wrong, never a
//! panic or a large allocation.

mod onnx_build;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use onnx_build::*;
use proptest::prelude::*;
use prost::Message;
use zkml_core::onnx::{
    ImportError, ImportOptions, from_bytes, inspect_bytes, load,
    proto::{
        ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TypeProto,
        tensor_proto::{DataLocation, DataType},
        type_proto,
    },
};

/// Largest single allocation of the process, to see that no claim in a file is believed.
struct Watch;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: forwards to the system allocator unchanged.
#[allow(unsafe_code, reason = "an allocator cannot be written without; it only watches")]
unsafe impl GlobalAlloc for Watch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static WATCH: Watch = Watch;

/// No test here gives more than a few kilobytes of input; folding may use 2^22 elements of 8 bytes.
const LIMIT: usize = 64 << 20;

fn no_large_allocation() {
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= LIMIT, "{largest} bytes were allocated at once");
}

fn try_import(bytes: &[u8]) {
    let _ = inspect_bytes(bytes, None, &ImportOptions::default());
    no_large_allocation();
}

/// A model of most kinds of nodes and tensors.
fn seed() -> ModelProto {
    let nodes = vec![
        node("Gemm", &["x", "w", "b"], &["g"]),
        with(node("LeakyRelu", &["g"], &["l"]), vec![float("alpha", 0.1)]),
        node("Shape", &["l"], &["s"]),
        with(node("Gather", &["s", "i"], &["d"]), vec![int("axis", 0)]),
        with(node("Concat", &["d", "rest"], &["to"]), vec![int("axis", 0)]),
        node("Reshape", &["l", "to"], &["r"]),
        with(node("Transpose", &["r"], &["t"]), vec![ints("perm", &[1, 0])]),
        node("Clip", &["t", "lo", ""], &["y"]),
    ];
    let raw = TensorProto {
        name: Some("b".into()),
        data_type: Some(DataType::Float as i32),
        dims: vec![2],
        raw_data: Some([1.0f32.to_le_bytes(), 2.0f32.to_le_bytes()].concat()),
        ..Default::default()
    };
    let tensors = vec![
        floats("w", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        raw,
        int64s("i", &[1], &[0]),
        int64s("rest", &[1], &[-1]),
        floats("lo", &[], &[0.0]),
    ];
    let model = with_initializers(model(17, &[1, 3], nodes), tensors);
    import(&model).expect("the seed imports");
    model
}

/// A model of what transformers are made of.
fn transformer_seed() -> ModelProto {
    let rotary =
        with(node("RotaryEmbedding", &["h", "c", "s", "p"], &["q"]), vec![int("num_heads", 2)]);
    let heads = vec![int("q_num_heads", 2), int("kv_num_heads", 1), int("is_causal", 1)];
    let nodes = vec![
        node("Gather", &["e", "x"], &["h"]),
        rotary,
        with(node("Slice", &["h", "zero", "two", "two"], &["k"]), vec![]),
        with(node("Attention", &["q", "k", "k"], &["a"]), heads),
        node("Add", &["a", "h"], &["r"]),
        with(node("LayerNormalization", &["r", "g"], &["n"]), vec![int("axis", -1)]),
        with(node("Einsum", &["n", "w"], &["m"]), vec![string("equation", "btd,vd->btv")]),
        with(node("Trilu", &["m"], &["u"]), vec![int("upper", 0)]),
        node("Equal", &["x", "zero"], &["z"]),
        with(node("Unsqueeze", &["z", "two"], &["zu"]), vec![]),
        node("Where", &["zu", "low", "u"], &["v"]),
        node("Pow", &["v", "three"], &["o"]),
        with(node("LogSoftmax", &["o"], &["y"]), vec![int("axis", 2)]),
    ];
    let tensors = vec![
        floats("e", &[3, 4], &[0.5, 1.0, -1.0, 2.0, 0.1, 0.2, 0.3, 0.4, 1.0, -2.0, 0.0, 0.5]),
        floats("c", &[2, 1], &[1.0, 0.5]),
        floats("s", &[2, 1], &[0.0, 0.8]),
        int64s("p", &[1, 2], &[0, 1]),
        int64s("zero", &[1], &[0]),
        int64s("two", &[1], &[2]),
        floats("g", &[4], &[1.0; 4]),
        floats("w", &[2, 4], &[0.5; 8]),
        floats("low", &[], &[f32::NEG_INFINITY]),
        floats("three", &[], &[2.0]),
    ];
    let mut model = with_initializers(model(23, &[1, 2], nodes), tensors);
    graph(&mut model).input[0] = onnx_build::value("x", DataType::Int64, &[1, 2]);
    import(&model).expect("the seed imports");
    model
}

#[test]
fn truncation_at_every_offset() {
    let bytes = seed().encode_to_vec();
    for len in 0..bytes.len() {
        // A cut between fields may leave a model, but not this one.
        let result = from_bytes(&bytes[..len], None, &ImportOptions::default());
        let imported = result.map(|model| model.digest);
        let whole = from_bytes(&bytes, None, &ImportOptions::default()).expect("whole").digest;
        assert_ne!(imported.ok(), Some(whole), "cut to {len} bytes");
        no_large_allocation();
    }
    assert!(matches!(from_bytes(&[], None, &ImportOptions::default()), Err(ImportError::NoGraph)));
}

#[test]
fn every_byte_replaced() {
    for seed in [seed(), transformer_seed()] {
        let bytes = seed.encode_to_vec();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x40, bytes[at] ^ 8] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                try_import(&bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        try_import(&bytes);
    }

    #[test]
    fn flipped_bits(
        transformer in any::<bool>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..6),
    ) {
        let seed = if transformer { transformer_seed() } else { seed() };
        let mut bytes = seed.encode_to_vec();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        try_import(&bytes);
    }

    /// Numbers where the decoder accepts any: dimensions, attributes, indices.
    #[test]
    fn wild_numbers(
        which in 0usize..9,
        value in prop_oneof![
            any::<i64>(), -3i64..4, Just(i64::MAX), Just(i64::MIN), Just(1 << 31), Just(1 << 28),
        ],
    ) {
        let mut model = seed();
        let g = graph(&mut model);
        match which {
            0 => g.initializer[0].dims[0] = value,
            1 => g.initializer[2].int64_data[0] = value,
            2 => g.initializer[3].int64_data[0] = value,
            3 => g.node[3].attribute[0].i = Some(value),
            4 => g.node[6].attribute[0].ints[0] = value,
            5 => g.node[4].attribute[0].i = Some(value),
            6 => g.input[0] = onnx_build::value("x", DataType::Float, &[value.max(0), 3]),
            7 => g.initializer[1].dims.push(value),
            _ => g.node[1].attribute[0].r#type = Some(value as i32),
        }
        try_import(&model.encode_to_vec());
    }
}

/// Field `number`, of wire type 2, that claims `length` bytes and holds `body`.
fn field(number: u64, length: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(number << 3 | 2, &mut bytes);
    prost::encoding::encode_varint(length, &mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn claims_of_huge_lengths() {
    for claim in [1 << 20, 1 << 31, 1 << 40, u64::MAX] {
        let raw = field(9, claim, &[1, 2, 3]); // TensorProto.raw_data
        let tensor = field(5, raw.len() as u64, &raw); // GraphProto.initializer
        let bytes = field(7, tensor.len() as u64, &tensor); // ModelProto.graph
        let error = from_bytes(&bytes, None, &ImportOptions::default()).expect_err("a lie");
        assert!(matches!(error, ImportError::Decode { .. }), "{error}");
        let packed = field(4, claim, &[0; 8]); // TensorProto.float_data
        let tensor = field(5, packed.len() as u64, &packed);
        try_import(&field(7, tensor.len() as u64, &tensor));
    }
    no_large_allocation();
}

#[test]
fn deep_nesting() {
    // Sequences of sequences: TypeProto.sequence_type.elem_type.
    let mut kind = TypeProto::default();
    let mut graph = model(17, &[1], vec![]).graph.expect("a graph");
    for _ in 0..60 {
        kind = TypeProto {
            value: Some(type_proto::Value::SequenceType(Box::new(type_proto::Sequence {
                elem_type: Some(Box::new(kind)),
            }))),
            ..Default::default()
        };
        let inner = model(17, &[1], vec![]).graph.expect("a graph");
        let outer = std::mem::replace(&mut graph, inner);
        let holder = with(node("If", &["x"], &["y"]), vec![subgraph("then_branch", outer)]);
        graph.node.push(holder);
    }
    let mut proto = model(17, &[1], vec![]);
    onnx_build::graph(&mut proto).input[0].r#type = Some(kind);
    try_import(&proto.encode_to_vec());
    proto.graph = Some(graph);
    try_import(&proto.encode_to_vec());

    // Far deeper than any stack: the bytes are built from the inside.
    let mut bytes = Vec::new();
    for _ in 0..20_000 {
        let attribute = field(6, bytes.len() as u64, &bytes); // AttributeProto.g
        let node = field(5, attribute.len() as u64, &attribute); // NodeProto.attribute
        bytes = field(1, node.len() as u64, &node); // GraphProto.node
    }
    let error = from_bytes(&field(7, bytes.len() as u64, &bytes), None, &ImportOptions::default());
    assert!(matches!(error, Err(ImportError::Decode { .. })));
}

#[test]
fn few_bytes_that_ask_for_much_memory() {
    let big = int64s("n", &[1], &[1 << 27]);
    let fill = node("ConstantOfShape", &["n"], &["c"]);
    let proto = model(17, &[1], vec![fill, node("Add", &["x", "c"], &["y"])]);
    let text = error(&with_initializers(proto, vec![big]));
    assert!(text.contains("folding constants takes more than"), "{text}");

    let one = floats("c", &[1], &[1.0]);
    let expand = node("Expand", &["c", "n"], &["e"]);
    let proto = model(17, &[1], vec![expand, node("Add", &["x", "e"], &["y"])]);
    let text = error(&with_initializers(proto, vec![one, int64s("n", &[1], &[1 << 28])]));
    assert!(text.contains("folding constants"), "{text}");

    let scalars =
        vec![int64s("a", &[], &[i64::MIN]), int64s("b", &[], &[i64::MAX]), int64s("d", &[], &[1])];
    let range = node("Range", &["a", "b", "d"], &["r"]);
    let cast = with(node("Cast", &["r"], &["f"]), vec![int("to", 1)]);
    let proto = model(17, &[1], vec![range, cast, node("Add", &["x", "f"], &["y"])]);
    assert!(error(&with_initializers(proto, scalars)).contains("folding constants"));

    // Doubling, forty times.
    let mut nodes = vec![node("Identity", &["c"], &["c0"])];
    for i in 0..40 {
        let (from, to) = (format!("c{i}"), format!("c{}", i + 1));
        nodes.push(with(node("Concat", &[&from, &from], &[&to]), vec![int("axis", 0)]));
    }
    nodes.push(node("Add", &["x", "c40"], &["y"]));
    let proto = with_initializers(model(17, &[1], nodes), vec![floats("c", &[1], &[1.0])]);
    assert!(error(&proto).contains("folding constants"));

    // Empty tensors with huge other dimensions cost nothing and hang nothing.
    for dims in [[0, 1 << 27], [1 << 27, 0], [0, i64::MAX]] {
        let empty = floats("c", &dims, &[]);
        let nodes = vec![
            node("Slice", &["c", "i", "j"], &["s"]),
            with(node("Concat", &["s", "c"], &["t"]), vec![int("axis", 1)]),
            node("Add", &["x", "t"], &["y"]),
        ];
        let bounds = vec![empty, int64s("i", &[1], &[0]), int64s("j", &[1], &[i64::MAX])];
        error(&with_initializers(model(17, &[1], nodes), bounds));
    }
    no_large_allocation();
}

#[test]
fn huge_inputs_and_products() {
    for dims in [&[1 << 40][..], &[i64::MAX, i64::MAX], &[1 << 28, 2], &[1 << 14; 3]] {
        let text = error(&model(17, dims, vec![node("Relu", &["x"], &["y"])]));
        assert!(text.contains("input `x`") && text.contains("limit"), "{text}");
    }
    let nodes = vec![node("Transpose", &["x"], &["t"]), node("MatMul", &["t", "x"], &["y"])];
    let text = error(&model(17, &[1, 1 << 20], nodes));
    assert!(text.contains("MatMul/y") && text.contains("limit"), "{text}");
    // The largest input transposes without memory.
    let nodes = vec![with(node("Transpose", &["x"], &["y"]), vec![ints("perm", &[1, 0])])];
    import(&model(17, &[1 << 14, 1 << 14], nodes)).expect("only shapes");
    no_large_allocation();
}

/// Windows that claim to be large, by numbers alone.
#[test]
fn huge_windows() {
    let pool = |op: &str, x: &[i64], attributes| {
        model(22, x, vec![with(node(op, &["x"], &["y"]), attributes)])
    };
    for op in ["MaxPool", "AveragePool"] {
        for size in [1 << 19, 1 << 20, 1 << 28, 1 << 40, i64::MAX] {
            let wide = || vec![ints("kernel_shape", &[size, size])];
            let padded = || [wide(), vec![ints("pads", &[size; 4])]].concat();
            let same = [wide(), vec![string("auto_pad", "SAME_UPPER")]].concat();
            let far = [same.clone(), vec![ints("dilations", &[size; 2])]].concat();
            for attributes in [padded(), same, far, wide()] {
                try_import(&pool(op, &[1, 1, 2, 2], attributes).encode_to_vec());
            }
            import(&pool(op, &[1, 1, 2, 2], padded())).expect_err("too large");
        }
        // Taps that see nothing but pads are none.
        let window = vec![ints("kernel_shape", &[1 << 19; 2]), string("auto_pad", "SAME_LOWER")];
        import(&pool(op, &[1, 1, 2, 2], window)).expect("a window of three by three");
    }
    // An average over so much would need as many weights.
    let text = error(&pool("GlobalAveragePool", &[1, 1 << 14, 1 << 7, 1 << 7], vec![]));
    assert!(text.contains("folding constants"), "{text}");
    let deconv = |attributes| {
        let node = with(node("ConvTranspose", &["x", "w"], &["y"]), attributes);
        let w = floats("w", &[1, 1, 1, 1], &[1.0]);
        error(&with_initializers(model(22, &[1, 1, 1 << 12, 1 << 12], vec![node]), vec![w]))
    };
    let text = deconv(vec![ints("strides", &[1 << 20; 2])]);
    assert!(text.contains("ConvTranspose/y"), "{text}");
    let tile = node("Tile", &["x", "n"], &["y"]);
    let text =
        error(&with_initializers(model(13, &[1], vec![tile]), vec![int64s("n", &[1], &[1 << 27])]));
    assert!(text.contains("folding constants"), "{text}");
    no_large_allocation();
}

/// Parameters of attention and its relatives that claim to be large, or are out of range.
#[test]
fn huge_and_wild_transformers() {
    let folding = "folding constants";
    let einsum = |equation: &str| {
        with(node("Einsum", &["x", "x"], &["y"]), vec![string("equation", equation)])
    };
    let causal = || with(node("Attention", &["x", "x", "x"], &["y"]), vec![int("is_causal", 1)]);
    let wide = || vec![int64s("n", &[1], &[1 << 27])];
    for (expected, opset, x, node, tensors) in [
        ("limit", 22, &[1 << 15, 1][..], einsum("ab,cd->abcd"), vec![]),
        ("limit", 22, &[1 << 15, 1], einsum("ab,cb->ac"), vec![]),
        (folding, 13, &[1], node("Expand", &["x", "n"], &["y"]), wide()),
        (folding, 23, &[1, 1, 1 << 14, 1], causal(), vec![]),
        (folding, 14, &[1 << 14, 1 << 14], node("Trilu", &["x"], &["y"]), vec![]),
        (folding, 13, &[1, 1 << 27], node("Softmax", &["x"], &["y"]), vec![]),
        (folding, 13, &[1 << 27, 1], with(node("ReduceSum", &["x"], &["y"]), vec![]), vec![]),
    ] {
        let text = error(&with_initializers(model(opset, x, vec![node]), tensors));
        assert!(text.contains(expected), "{text}");
    }
    // A constant that many nodes copy.
    let chain = |op: &str| {
        let nodes = (0..4_000).map(|i| {
            let (from, to) = (format!("x{i}"), format!("x{}", i + 1));
            node(
                op,
                &[if i == 0 { "x" } else { &from }, "c"],
                &[if i == 3_999 { "y" } else { &to }],
            )
        });
        let ones = floats("c", &[1 << 14], &[1.5; 1 << 14]);
        error(&with_initializers(model(13, &[1 << 14], nodes.collect()), vec![ones]))
    };
    for op in ["Div", "Max"] {
        assert!(chain(op).contains(folding), "{op}");
    }

    let wild = [i64::MIN, -(1 << 40), -2, -1, 0, 1, 2, 3, 1 << 40, i64::MAX];
    for value in wild {
        for (op, opset, inputs, attributes) in [
            ("Softmax", 11, &["x"][..], vec![int("axis", value)]),
            ("LogSoftmax", 13, &["x"], vec![int("axis", value)]),
            ("LayerNormalization", 17, &["x", "s"], vec![int("axis", value)]),
            ("RMSNormalization", 23, &["x", "s"], vec![int("axis", value)]),
            ("LpNormalization", 22, &["x"], vec![int("axis", value), int("p", value)]),
            ("MeanVarianceNormalization", 13, &["x"], vec![ints("axes", &[value, value])]),
            ("GroupNormalization", 21, &["x", "s", "s"], vec![int("num_groups", value)]),
            ("Gather", 13, &["s", "i"], vec![int("axis", value)]),
            ("Trilu", 14, &["x", "k"], vec![int("upper", value)]),
            ("ReduceMax", 13, &["x"], vec![ints("axes", &[value])]),
            (
                "Attention",
                25,
                &["x", "x", "x"],
                vec![
                    int("q_num_heads", value),
                    int("kv_num_heads", 2),
                    int("left_window_size", value),
                ],
            ),
            (
                "Attention",
                25,
                &["x", "x", "x", "s"],
                vec![
                    int("q_num_heads", 2),
                    int("kv_num_heads", value),
                    int("right_window_size", value),
                ],
            ),
            ("RotaryEmbedding", 23, &["x", "s", "s"], vec![int("num_heads", value)]),
            (
                "RotaryEmbedding",
                23,
                &["x", "s", "s", "i"],
                vec![int("num_heads", 2), int("rotary_embedding_dim", value)],
            ),
        ] {
            for dims in [&[][..], &[4], &[4, 2], &[1, 2, 4], &[1, 2, 2, 4], &[0, 4], &[1, 0, 4]] {
                let node = with(node(op, inputs, &["y"]), attributes.clone());
                let tensors = vec![
                    floats("s", &[4], &[1.0; 4]),
                    int64s("k", &[], &[value]),
                    int64s("j", &[1], &[value]),
                ];
                let mut proto = with_initializers(model(opset, dims, vec![node]), tensors);
                let ids = onnx_build::value("i", DataType::Int64, &[1, 2]);
                onnx_build::graph(&mut proto).input.push(ids);
                try_import(&proto.encode_to_vec());
            }
        }
    }
    no_large_allocation();
}

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

fn external(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).into()),
        value: Some((*value).into()),
    };
    let tensor = TensorProto {
        name: Some("c".into()),
        data_type: Some(DataType::Float as i32),
        dims: vec![2],
        data_location: Some(DataLocation::External as i32),
        external_data: entries.iter().map(entry).collect(),
        ..Default::default()
    };
    let proto = model(17, &[2], vec![node("Add", &["x", "c"], &["y"])]);
    with_initializers(proto, vec![tensor]).encode_to_vec()
}

/// A directory with a secret beside the model's.
fn directories() -> (tempfile::TempDir, std::path::PathBuf) {
    let root = tempfile::tempdir().expect("temporary directory");
    std::fs::write(root.path().join("secret"), [0; 8]).expect("written");
    let folder = root.path().join("model");
    std::fs::create_dir(&folder).expect("created");
    std::fs::write(folder.join("data"), [0; 16]).expect("written");
    std::fs::create_dir(folder.join("sub")).expect("created");
    std::fs::write(folder.join("sub/data"), [0; 8]).expect("written");
    (root, folder)
}

fn read_external(folder: &Path, entries: &[(&str, &str)]) -> Result<(), String> {
    let result = from_bytes(&external(entries), Some(folder), &ImportOptions::default());
    result.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn external_data_stays_in_its_directory() {
    let (root, folder) = directories();
    read_external(&folder, &[("location", "sub/data")]).expect("below the model");
    read_external(&folder, &[("location", "data"), ("offset", "8"), ("length", "8")])
        .expect("a range");
    let secret = root.path().join("secret");
    let absolute = secret.to_str().expect("UTF-8");
    for location in [
        absolute,
        "../secret",
        "sub/../../secret",
        "./../secret",
        "..",
        "",
        "C:\\secret",
        "a\\..\\b",
    ] {
        let text = read_external(&folder, &[("location", location)]).expect_err(location);
        assert!(text.contains("tensor `c`") && text.contains("inside the model's"), "{text}");
    }
    let text = read_external(&folder, &[("location", "none")]).expect_err("no such file");
    assert!(text.contains("none"), "{text}");
    let text = read_external(&folder, &[("location", "sub")]).expect_err("a directory");
    assert!(text.contains("not a regular file"), "{text}");
    assert!(read_external(&folder, &[]).expect_err("nothing").contains("no location"));
}

#[cfg(unix)]
#[test]
fn external_data_does_not_follow_links_out() {
    let (root, folder) = directories();
    std::os::unix::fs::symlink(root.path().join("secret"), folder.join("link")).expect("linked");
    std::os::unix::fs::symlink(root.path(), folder.join("up")).expect("linked");
    std::os::unix::fs::symlink("data", folder.join("inside")).expect("linked");
    for location in ["link", "up/secret"] {
        let text = read_external(&folder, &[("location", location)]).expect_err(location);
        assert!(text.contains("leads out"), "{text}");
    }
    read_external(&folder, &[("location", "inside"), ("length", "8")]).expect("a link within");
}

#[test]
fn external_ranges_are_checked() {
    let (_root, folder) = directories();
    for (entries, expected) in [
        (vec![("offset", "9"), ("length", "8")], "outside of"),
        (vec![("offset", "18446744073709551615"), ("length", "8")], "outside of"),
        (vec![("length", "7")], "needs 8"),
        (vec![("length", "18446744073709551615")], "needs 8"),
        (vec![], "has 16 bytes"),
        (vec![("offset", "-1")], "whole number"),
        (vec![("offset", "1e3")], "whole number"),
        (vec![("length", "99999999999999999999")], "whole number"),
        (vec![("offset", "0"), ("offset", "8")], "twice"),
    ] {
        let entries = [vec![("location", "data")], entries].concat();
        let text = read_external(&folder, &entries).expect_err("a bad range");
        assert!(text.contains(expected), "{text}");
    }
    no_large_allocation();
}

#[test]
fn external_data_counts_against_the_limit() {
    let (_root, folder) = directories();
    let bytes = external(&[("location", "sub/data")]);
    let mut options = ImportOptions::default();
    options.max_bytes = bytes.len() as u64;
    from_bytes(&bytes, Some(&folder), &options).expect("8 bytes are within the limit");
    options.max_bytes -= 1;
    let error = from_bytes(&bytes, Some(&folder), &options).expect_err("too large");
    assert!(matches!(error, ImportError::TooLarge { .. }));
}

#[test]
fn a_model_must_be_a_file_of_bounded_size() {
    let (_root, folder) = directories();
    let error = load(&folder, &ImportOptions::default()).expect_err("a directory");
    assert!(matches!(error, ImportError::NotAFile { .. }));
    let error = load(folder.join("none"), &ImportOptions::default()).expect_err("missing");
    assert!(matches!(error, ImportError::Io { .. }));
    let mut options = ImportOptions::default();
    options.max_bytes = 15;
    let error = load(folder.join("data"), &options).expect_err("too large");
    assert!(matches!(error, ImportError::TooLarge { got: 16, limit: 15 }));
}
