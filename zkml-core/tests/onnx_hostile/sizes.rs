//! A few bytes that ask for much: huge tensors, windows, products and parameters out of range.

use super::*;

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
        (folding, 6, &[3, 1 << 20, 3], node("ReduceProd", &["x"], &["y"]), vec![]),
        (
            folding,
            11,
            &[1 << 20, 128],
            node("TopK", &["x", "k"], &["y", "i"]),
            vec![int64s("k", &[1], &[1])],
        ),
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
