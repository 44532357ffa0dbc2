//! Files that are cut, flipped, random or made to hurt: errors that name what is wrong, never a
//! panic or a large allocation.

mod bytes;
mod external;
mod names;
#[path = "../onnx_build/mod.rs"]
mod onnx_build;
mod sizes;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use onnx_build::*;
use prost::Message;
use zkml_core::onnx::{
    ImportError, ImportOptions, from_bytes, inspect_bytes,
    proto::{ModelProto, TensorProto, tensor_proto::DataType},
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
