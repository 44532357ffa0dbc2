//! What a model's public words mean, as contracts see it: the struct `Schema` of `IoSchema.sol`, which a
//! registry binds by the hash of its ABI encoding.

use crate::{abi::number, error::ContractError, export::hexadecimal, key::keccak};
use serde_json::{Value, json};
use zkml_circuits::{
    model::VerifyingKey,
    plan::{IoSchema, IoTensor},
};

/// Names under which a tensor is the context: an input, or an output that passes it through.
const CONTEXT: [&str; 2] = ["context", "context_out"];
/// Bytes of a context: at least 128 bits against a second preimage, at most a hash.
const CONTEXT_BYTES: std::ops::RangeInclusive<usize> = 16..=32;
/// Width that a byte from 0 to 255 needs as a signed integer.
const BYTE_BITS: u8 = 9;
/// A place that holds no element; elements are below.
const DEAD: u16 = u16::MAX;

/// Tensors of a statement, and which of them is the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    context: Option<u8>,
    quantisation: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    bits: u8,
    scale: i16,
    lanes: u8,
    elements: u16,
    /// Element of each digit, empty if they stand in order.
    places: Vec<u16>,
}

impl Schema {
    /// The schema of a model's key.
    ///
    /// A tensor of 16 to 32 whole numbers of at least 9 bits that is named `context` (or `context_out`)
    /// is the context: its elements are bytes of the hash that binds a proof to one use.
    ///
    /// # Errors
    /// [`ContractError::Key`] when a tensor has more than 65,534 elements, or no scale a contract
    /// calculates with.
    pub fn of(key: &VerifyingKey) -> Result<Self, ContractError> {
        Self::from_io(key.io(), key.profile().public_lanes(), key.model_digest())
    }

    fn from_io(io: &IoSchema, lanes: usize, quantisation: [u8; 32]) -> Result<Self, ContractError> {
        let read = |tensors: &[IoTensor]| {
            tensors.iter().map(|t| Tensor::new(t, lanes)).collect::<Result<Vec<_>, _>>()
        };
        let (inputs, outputs) = (read(&io.inputs)?, read(&io.outputs)?);
        let context = inputs.iter().chain(&outputs).position(Tensor::is_context);
        let context = context.and_then(|index| u8::try_from(index).ok());
        Ok(Self { inputs, outputs, context, quantisation })
    }

    /// `abi.encode` of the struct.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (inputs, outputs) = (array(&self.inputs), array(&self.outputs));
        let head = 4 * 32;
        [
            number(0x20).to_vec(),
            number(head).to_vec(),
            number(head + inputs.len()).to_vec(),
            number(usize::from(self.context.is_some())).to_vec(),
            number(self.context.unwrap_or(0).into()).to_vec(),
            inputs,
            outputs,
        ]
        .concat()
    }

    /// What a registry binds the schema by.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        keccak(&self.encode())
    }

    /// For people and programs: the tensors with their names, the fields of the Solidity struct, and what
    /// registering the model takes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let tensors = |list: &[Tensor]| list.iter().map(Tensor::to_json).collect::<Vec<_>>();
        json!({
            "inputs": tensors(&self.inputs),
            "outputs": tensors(&self.outputs),
            "contextKind": u8::from(self.context.is_some()),
            "contextTensor": self.context.unwrap_or(0),
            "abi": hexadecimal(&self.encode()),
            "ioSchemaHash": hexadecimal(&self.hash()),
            "quantisationHash": hexadecimal(&self.quantisation),
        })
    }
}

impl Tensor {
    fn new(tensor: &IoTensor, lanes: usize) -> Result<Self, ContractError> {
        let bad = |what, expected: &str, got: String| ContractError::Key {
            what,
            expected: expected.to_owned(),
            got: format!("{got} of `{}`", tensor.name),
        };
        let elements = tensor.shape.len();
        let small = u16::try_from(elements).ok().filter(|n| *n < DEAD);
        let scale = i16::try_from(tensor.scale.0).ok().filter(|s| s.abs() <= 96);
        let place = |digit: Option<&Option<u32>>| {
            digit.copied().flatten().and_then(|e| u16::try_from(e).ok()).unwrap_or(DEAD)
        };
        let words = tensor.digits.iter();
        let mut places: Vec<u16> =
            words.flat_map(|word| (0..lanes).map(|lane| place(word.get(lane)))).collect();
        let in_order = |(digit, place): (usize, &u16)| match digit < elements {
            true => usize::from(*place) == digit,
            false => *place == DEAD,
        };
        if places.iter().enumerate().all(in_order) && places.len() < elements + lanes {
            places.clear();
        }
        Ok(Self {
            name: tensor.name.clone(),
            shape: tensor.shape.dims().to_vec(),
            bits: tensor.bits.get(),
            scale: scale.ok_or_else(|| {
                bad("scale of a public tensor", "-96 to 96", tensor.scale.0.to_string())
            })?,
            // At most 8.
            lanes: lanes as u8,
            elements: small.ok_or_else(|| {
                bad("elements of a public tensor", "at most 65534", elements.to_string())
            })?,
            places,
        })
    }

    fn is_context(&self) -> bool {
        CONTEXT.contains(&self.name.as_str())
            && CONTEXT_BYTES.contains(&usize::from(self.elements))
            && self.bits >= BYTE_BITS
            && self.scale == 0
            && self.places.is_empty()
    }

    fn place_bytes(&self) -> Vec<u8> {
        self.places.iter().flat_map(|p| p.to_be_bytes()).collect()
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "shape": self.shape,
            "bits": self.bits,
            "scale": self.scale,
            "lanes": self.lanes,
            "elements": self.elements,
            "places": hexadecimal(&self.place_bytes()),
        })
    }

    /// The tuple, whose only dynamic member is `places`.
    fn encode(&self) -> Vec<u8> {
        let mut scale = [if self.scale < 0 { 0xff } else { 0 }; 32];
        scale[30..].copy_from_slice(&self.scale.to_be_bytes());
        let mut places = self.place_bytes();
        let length = places.len();
        places.resize(length.next_multiple_of(32), 0);
        [
            number(self.bits.into()).to_vec(),
            scale.to_vec(),
            number(self.lanes.into()).to_vec(),
            number(self.elements.into()).to_vec(),
            number(5 * 32).to_vec(),
            number(length).to_vec(),
            places,
        ]
        .concat()
    }
}

/// A dynamic array of dynamic tuples: length, offsets from behind the length, tuples.
fn array(tensors: &[Tensor]) -> Vec<u8> {
    let mut bytes = number(tensors.len()).to_vec();
    let tuples: Vec<Vec<u8>> = tensors.iter().map(Tensor::encode).collect();
    let mut offset = 32 * tensors.len();
    for tuple in &tuples {
        bytes.extend(number(offset));
        offset += tuple.len();
    }
    bytes.extend(tuples.concat());
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use zkml_circuits::{
        machine::Profile,
        plan::{Plan, Visibility},
        testing::mlp,
    };
    use zkml_core::program::Bits;

    fn schema(io: &IoSchema) -> Schema {
        Schema::from_io(io, 4, [9; 32]).unwrap()
    }

    fn io(batch: usize, visibility: Visibility) -> IoSchema {
        let profile = Profile::new(4, 1, 8, 1).unwrap();
        Plan::new(&mlp(batch, 1), profile, visibility).unwrap().io
    }

    #[test]
    fn elements_in_order_have_no_places() {
        let read = schema(&io(1, Visibility::Public));
        let [x, y] = [&read.inputs[0], &read.outputs[0]];
        assert_eq!((x.bits, x.scale, x.lanes, x.elements), (6, 0, 4, 6));
        assert_eq!((y.bits, y.scale, y.lanes, y.elements), (10, 0, 4, 3));
        assert!(x.places.is_empty() && y.places.is_empty());
        assert!(schema(&io(1, Visibility::Private)).inputs.is_empty());
    }

    #[test]
    fn other_orders_are_spelled_out() {
        // Five rows of six features, stored by feature: a word and a digit each.
        let io = io(5, Visibility::Public);
        let read = schema(&io);
        let places = &read.inputs[0].places;
        assert_eq!(places.len(), 4 * io.inputs[0].digits.len());
        assert_eq!(places[..8], [0, 6, 12, 18, 24, DEAD, DEAD, DEAD]);
        let mut elements: Vec<u16> = places.iter().copied().filter(|p| *p != DEAD).collect();
        elements.sort_unstable();
        assert_eq!(elements, (0..30).collect::<Vec<_>>());
        let encoded = read.inputs[0].encode();
        assert_eq!(encoded[5 * 32..7 * 32][..34], [[0; 31].as_slice(), &[96, 0, 0]].concat());
    }

    #[test]
    fn a_whole_dead_word_behind_the_elements_is_spelled_out() {
        let mut io = io(1, Visibility::Public);
        io.outputs[0].digits.push(vec![None; 4]);
        assert_eq!(schema(&io).outputs[0].places.len(), 8);
    }

    #[test]
    fn a_context_is_named_whole_wide_and_long_enough() {
        let mut io = io(1, Visibility::Public);
        let tensor = &mut io.outputs[0];
        tensor.name = "context_out".into();
        tensor.shape = zkml_circuits::testing::shape(&[16]);
        tensor.digits = (0..4).map(|w| (0..4).map(|l| Some(4 * w + l)).collect()).collect();
        assert_eq!(schema(&io).context, Some(1));
        let refused = |change: &dyn Fn(&mut IoTensor)| {
            let mut other = io.clone();
            change(&mut other.outputs[0]);
            assert_eq!(schema(&other).context, None);
        };
        refused(&|t| t.name = "logits".into());
        refused(&|t| t.scale.0 = 1);
        refused(&|t| t.bits = Bits::new(8).unwrap());
        refused(&|t| t.digits[0].swap(0, 1));
        refused(&|t| {
            t.shape = zkml_circuits::testing::shape(&[15]);
            t.digits[3][3] = None;
        });
    }

    #[test]
    fn what_contracts_cannot_hold_is_refused() {
        let mut wide = io(1, Visibility::Public);
        wide.outputs[0].shape = zkml_circuits::testing::shape(&[65_535]);
        assert!(Schema::from_io(&wide, 4, [0; 32]).is_err());
        let mut fine = io(1, Visibility::Public);
        fine.outputs[0].scale.0 = 97;
        assert!(Schema::from_io(&fine, 4, [0; 32]).is_err());
    }
}
