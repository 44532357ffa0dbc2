//! Files that are cut, flipped or random, lengths that lie and nesting without end.

use super::*;
use proptest::prelude::*;
use zkml_core::onnx::proto::{TypeProto, type_proto};

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
