//! Stored tensors, whole and malformed.

use super::*;

fn decode(tensor: &TensorProto) -> Result<Constant, TensorError> {
    Constant::decode(tensor, &mut ExternalData::new(None, 0))
}

fn tensor(dtype: DataType, dims: &[i64]) -> TensorProto {
    TensorProto { data_type: Some(dtype as i32), dims: dims.to_vec(), ..Default::default() }
}

#[test]
fn raw_and_typed_data_agree() {
    let typed = TensorProto { float_data: vec![1.5, -2.0], ..tensor(DataType::Float, &[2, 1]) };
    let raw = TensorProto {
        raw_data: Some([1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat()),
        ..tensor(DataType::Float, &[2, 1])
    };
    let expected = Elements::F32(vec![1.5, -2.0]);
    assert_eq!(decode(&typed).expect("valid").elements, expected);
    assert_eq!(decode(&raw).expect("valid").elements, expected);
    let ints = TensorProto { int32_data: vec![255, 0], ..tensor(DataType::Uint8, &[2]) };
    assert_eq!(decode(&ints).expect("valid").elements, Elements::U8(vec![255, 0]));
}

#[test]
fn narrow_integers() {
    let raw = |dtype, dims: &[i64], bytes: &[u8]| TensorProto {
        raw_data: Some(bytes.to_vec()),
        ..tensor(dtype, dims)
    };
    let elements = |tensor: &TensorProto| decode(tensor).expect("valid").elements;
    let halves = raw(DataType::Int4, &[3], &[0x8f, 0xf7]);
    assert_eq!(elements(&halves), Elements::I4(vec![-1, -8, 7]));
    let typed = TensorProto { int32_data: vec![0x8f, 7], ..tensor(DataType::Uint4, &[3]) };
    assert_eq!(elements(&typed), Elements::U4(vec![15, 8, 7]));
    let short = raw(DataType::Int4, &[3], &[0x8f]);
    assert!(matches!(decode(&short), Err(TensorError::Length { expected: 2, got: 1, .. })));
    let wide = TensorProto { int32_data: vec![256], ..tensor(DataType::Int4, &[2]) };
    assert!(matches!(decode(&wide), Err(TensorError::Element { value: 256, .. })));
    let words = raw(DataType::Int16, &[2], &[0xff, 0xff, 0, 0x80]);
    assert_eq!(elements(&words), Elements::I16(vec![-1, i16::MIN]));
    let words = raw(DataType::Uint16, &[1], &[0xff, 0xff]);
    assert_eq!(elements(&words), Elements::U16(vec![u16::MAX]));
    let typed = TensorProto { int32_data: vec![-32769], ..tensor(DataType::Int16, &[1]) };
    assert!(matches!(decode(&typed), Err(TensorError::Element { value: -32769, .. })));
    let four = Elements::I4(vec![]);
    assert_eq!(four.with_i64(vec![7, -8]), Some(Elements::I4(vec![7, -8])));
    assert_eq!(four.with_i64(vec![8]), None);
}

#[test]
fn malformed_tensors_are_refused() {
    let both = TensorProto {
        float_data: vec![1.0],
        raw_data: Some(vec![0; 4]),
        ..tensor(DataType::Float, &[1])
    };
    assert!(matches!(decode(&both), Err(TensorError::Field { .. })));
    let other = TensorProto { int64_data: vec![1], ..tensor(DataType::Float, &[1]) };
    assert!(matches!(decode(&other), Err(TensorError::Field { .. })));
    let short = TensorProto { raw_data: Some(vec![0; 7]), ..tensor(DataType::Float, &[2]) };
    assert!(matches!(decode(&short), Err(TensorError::Length { expected: 8, got: 7, .. })));
    // A claim of 4 GiB with nothing behind it.
    let huge = tensor(DataType::Float, &[1 << 30]);
    assert!(matches!(decode(&huge), Err(TensorError::Shape(_))));
    let overflow = tensor(DataType::Float, &[i64::MAX, i64::MAX]);
    assert!(matches!(decode(&overflow), Err(TensorError::Shape(_))));
    let negative = tensor(DataType::Float, &[2, -1]);
    assert!(matches!(decode(&negative), Err(TensorError::NegativeDim { axis: 1, dim: -1 })));
    let byte = TensorProto { int32_data: vec![256], ..tensor(DataType::Uint8, &[1]) };
    assert!(matches!(decode(&byte), Err(TensorError::Element { value: 256, .. })));
    let flag = TensorProto { raw_data: Some(vec![2]), ..tensor(DataType::Bool, &[1]) };
    assert!(matches!(decode(&flag), Err(TensorError::Element { value: 2, .. })));
    for dtype in [DataType::String, DataType::Complex64, DataType::Float4e2m1, DataType::Uint64] {
        assert!(matches!(decode(&tensor(dtype, &[0])), Err(TensorError::Dtype { .. })));
    }
    let unknown = TensorProto { data_type: Some(99), ..Default::default() };
    assert!(matches!(decode(&unknown), Err(TensorError::Dtype { .. })));
}
