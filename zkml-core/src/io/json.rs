//! JSON: `{"name": nested or flat list}`, or one list when the model has one input.

use super::{Arrays, DataError};
use crate::tensor::{Shape, Tensor};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// Parses arrays. Nesting is limited to 127 levels by the parser; lists of unequal lengths side by
/// side are errors.
///
/// # Errors
/// [`DataError`] naming `file`, on any input whatever.
pub fn parse_json(bytes: &[u8], file: &str) -> Result<Arrays, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.into(), format: "JSON", what };
    let document: Document = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let tensor = |name: Option<&str>, list: Nested| {
        let fail = |what: String| match name {
            Some(name) => malformed(format!("`{name}`: {what}")),
            None => malformed(what),
        };
        // Innermost first while it grew.
        let dims = list.dims.into_iter().rev().collect();
        let shape = Shape::new(dims).map_err(|e| fail(e.to_string()))?;
        Tensor::new(shape, list.data).map_err(|e| fail(e.to_string()))
    };
    match document {
        Document::Single(list) => tensor(None, list).map(Arrays::Single),
        Document::Named(lists) => lists
            .into_iter()
            .map(|(name, list)| Ok((name.clone(), tensor(Some(&name), list)?)))
            .collect::<Result<_, _>>()
            .map(Arrays::Named),
    }
}

/// The arrays as `{"name": nested list, ...}`, in their order.
///
/// # Errors
/// [`DataError::Write`] when an element is not finite, which JSON cannot say.
pub fn write_json(arrays: &[(String, Tensor<f32>)]) -> Result<String, DataError> {
    let fail = |what: String| DataError::Write { format: "JSON", what };
    let mut text = String::from("{");
    for (i, (name, tensor)) in arrays.iter().enumerate() {
        if tensor.data().iter().any(|v| !v.is_finite()) {
            return Err(fail(format!("`{name}` has an element that is not finite")));
        }
        let name = serde_json::to_string(name).map_err(|e| fail(e.to_string()))?;
        text.push_str(if i == 0 { "" } else { ", " });
        text.push_str(&format!("{name}: "));
        write_list(&mut text, tensor.shape().dims(), tensor.data());
    }
    text.push('}');
    Ok(text)
}

fn write_list(text: &mut String, dims: &[usize], data: &[f32]) {
    let [dim, inner @ ..] = dims else {
        // The shortest decimal that reads back as this f32, with an exponent if it is long.
        text.push_str(&format!("{:?}", data[0]));
        return;
    };
    let step = data.len() / (*dim).max(1);
    text.push('[');
    for i in 0..*dim {
        text.push_str(if i == 0 { "" } else { ", " });
        write_list(text, inner, &data[i * step..(i + 1) * step]);
    }
    text.push(']');
}

/// A nested list, flattened as it is read.
#[derive(Debug)]
struct Nested {
    /// Innermost axis first.
    dims: Vec<usize>,
    data: Vec<f32>,
}

#[derive(Debug)]
enum Document {
    Single(Nested),
    Named(Vec<(String, Nested)>),
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NestedVisitor)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct NestedVisitor;

impl<'de> Visitor<'de> for NestedVisitor {
    type Value = Nested;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list of numbers, nested to the shape of the input")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Nested, E> {
        Ok(Nested { dims: Vec::new(), data: vec![value as f32] })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Nested, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Nested, E> {
        self.visit_f64(value as f64)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Nested, E> {
        self.visit_f64(f64::from(u8::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nested, A::Error> {
        let Some(mut all) = list.next_element::<Nested>()? else {
            return Ok(Nested { dims: vec![0], data: Vec::new() });
        };
        let mut count = 1;
        while let Some(next) = list.next_element::<Nested>()? {
            if next.dims != all.dims {
                return Err(A::Error::custom(format!(
                    "element {count} of a list has {} numbers in {} levels, the one before it {} \
                     in {}",
                    next.data.len(),
                    next.dims.len(),
                    all.data.len() / count,
                    all.dims.len()
                )));
            }
            all.data.extend(next.data);
            count += 1;
            if all.data.len() > Shape::MAX_ELEMENTS {
                return Err(A::Error::custom(format!("more than {} numbers", Shape::MAX_ELEMENTS)));
            }
        }
        all.dims.push(count);
        Ok(all)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists by input name, or one list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Document, A::Error> {
        NestedVisitor.visit_seq(list).map(Document::Single)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut lists: Vec<(String, Nested)> = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, list)) = map.next_entry::<String, Nested>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("two values for `{name}`")));
            }
            lists.push((name, list));
        }
        Ok(Document::Named(lists))
    }
}
