//! The statement: which words are public, and how values are packed into them.
//!
//! A word is `sum_l 2^(16 l) (v_l + 2^15)` over the live digits `l < 8` of a group; dead digits
//! are 0. Words stand in the order inputs (if public), outputs, each tensor's groups in order.

use crate::machine::Profile;
use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use zkml_core::{
    program::{Bits, Scale, TensorId},
    tensor::Shape,
};

/// Width of a digit.
const DIGIT_BITS: u32 = 16;
/// What is added to a value to make a digit.
const OFFSET: i64 = 1 << 15;

/// Public words.
pub type Words = Vec<Fr>;

/// Whether a tensor is part of the statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Its values are public words.
    #[default]
    Public,
    /// Its values stay with the prover.
    Private,
}

/// One tensor of the statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoTensor {
    /// ONNX name.
    pub name: String,
    /// Shape.
    pub shape: Shape,
    /// Fractional bits of its integers.
    pub scale: Scale,
    /// Range of its integers.
    pub bits: Bits,
    /// The stored tensor.
    pub tensor: TensorId,
    /// For each of its words, the element (row-major, by `shape`) in each digit.
    pub digits: Vec<Vec<Option<u32>>>,
}

/// How the statement is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoSchema {
    /// Whether the inputs are part of the statement.
    pub input_visibility: Visibility,
    /// Inputs, empty when private.
    pub inputs: Vec<IoTensor>,
    /// Outputs.
    pub outputs: Vec<IoTensor>,
}

/// Words that are no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Wrong number of words.
    #[error("the statement has {expected} public words, got {got}")]
    Count {
        /// Words of the schema.
        expected: usize,
        /// Words given.
        got: usize,
    },
    /// A word is no packing of values: a digit beyond its tensor's range, or a set dead digit.
    #[error("public word {word} is no packing of values of `{tensor}`")]
    Word {
        /// Index of the word.
        word: usize,
        /// The tensor it belongs to.
        tensor: String,
    },
    /// A tensor has the wrong number of values.
    #[error("`{tensor}` has {expected} values, got {got}")]
    Length {
        /// The tensor.
        tensor: String,
        /// Its number of values.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A schema read from a file whose digits do not hold each element once.
    #[error("the digits of `{tensor}` do not hold each of its elements once")]
    Schema {
        /// The tensor.
        tensor: String,
    },
    /// A value does not fit its tensor's range.
    #[error("a value of `{tensor}` is outside its range of {bits} bits")]
    Range {
        /// The tensor.
        tensor: String,
        /// Width of its range.
        bits: u8,
    },
}

impl IoSchema {
    /// Number of public words.
    pub fn words(&self) -> usize {
        self.tensors().map(|t| t.digits.len()).sum()
    }

    /// Tensors of the statement in the order of their words.
    pub fn tensors(&self) -> impl Iterator<Item = &IoTensor> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// Checks a schema read from a file: each element of a tensor stands in one digit, a word has
    /// at most eight. So a tensor is no larger than what was read.
    ///
    /// # Errors
    /// [`StatementError::Schema`] naming the tensor.
    pub fn check(&self) -> Result<(), StatementError> {
        for tensor in self.tensors() {
            let fail = || StatementError::Schema { tensor: tensor.name.clone() };
            let held = tensor.digits.iter().flatten().flatten().count();
            let narrow = tensor.digits.iter().all(|word| word.len() <= Profile::DIGITS);
            if held != tensor.shape.len() || !narrow {
                return Err(fail());
            }
            let mut seen = vec![false; held];
            for element in tensor.digits.iter().flatten().flatten() {
                let seen = seen.get_mut(*element as usize).ok_or_else(fail)?;
                if std::mem::replace(seen, true) {
                    return Err(fail());
                }
            }
        }
        Ok(())
    }

    /// Packs the values of each tensor of the statement (row-major integers) into words.
    ///
    /// # Errors
    /// [`StatementError`] when there are too few or too many values, or one is out of range.
    pub fn pack(&self, values: &[&[i64]]) -> Result<Words, StatementError> {
        let tensors = self.inputs.len() + self.outputs.len();
        if values.len() != tensors {
            return Err(StatementError::Count { expected: tensors, got: values.len() });
        }
        let mut words = Vec::with_capacity(self.words());
        for (tensor, values) in self.tensors().zip(values) {
            let expected = tensor.shape.len();
            if values.len() != expected {
                let got = values.len();
                return Err(StatementError::Length { tensor: tensor.name.clone(), expected, got });
            }
            for digits in &tensor.digits {
                let mut word = Fr::ZERO;
                for digit in digits.iter().rev() {
                    word *= Fr::from(1 << DIGIT_BITS);
                    if let Some(element) = digit {
                        let value = values.get(*element as usize).copied();
                        let value =
                            value.filter(|v| tensor.bits.contains(*v)).ok_or_else(|| {
                                StatementError::Range {
                                    tensor: tensor.name.clone(),
                                    bits: tensor.bits.get(),
                                }
                            })?;
                        // In range: 0 .. 2^16.
                        word += Fr::from((value + OFFSET) as u64);
                    }
                }
                words.push(word);
            }
        }
        Ok(words)
    }

    /// The values (row-major integers) of each tensor of the statement, inputs then outputs.
    ///
    /// # Errors
    /// [`StatementError`] when the words are no packing of values.
    pub fn unpack(&self, words: &[Fr]) -> Result<Vec<Vec<i64>>, StatementError> {
        if words.len() != self.words() {
            return Err(StatementError::Count { expected: self.words(), got: words.len() });
        }
        let mut words = words.iter().enumerate();
        let mut all = Vec::new();
        for tensor in self.tensors() {
            let mut values = vec![0i64; tensor.shape.len()];
            for digits in &tensor.digits {
                let Some((index, word)) = words.next() else { break };
                let bad = || StatementError::Word { word: index, tensor: tensor.name.clone() };
                let repr = word.to_repr();
                let mut bytes = repr.as_ref().iter().copied();
                for digit in digits {
                    let (low, high) = (bytes.next(), bytes.next());
                    let (Some(low), Some(high)) = (low, high) else { return Err(bad()) };
                    let raw = i64::from(u16::from_le_bytes([low, high]));
                    match digit {
                        None if raw == 0 => {}
                        Some(element) if tensor.bits.contains(raw - OFFSET) => {
                            *values.get_mut(*element as usize).ok_or_else(bad)? = raw - OFFSET;
                        }
                        _ => return Err(bad()),
                    }
                }
                if bytes.any(|b| b != 0) {
                    return Err(bad());
                }
            }
            all.push(values);
        }
        Ok(all)
    }
}
