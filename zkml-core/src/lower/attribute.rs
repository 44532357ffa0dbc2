//! Attributes of a node: typed, and refused where they are of another type.

use super::site::{Halt, Site};
use crate::onnx::{
    Constant, ImportError,
    proto::{AttributeProto, TensorProto, attribute_proto::AttributeType},
};

impl Site<'_> {
    fn attribute(
        &self,
        name: &str,
        expected: AttributeType,
    ) -> Result<Option<&AttributeProto>, Halt> {
        let Some(attribute) = self.node.attributes.get(name) else { return Ok(None) };
        if !attribute.ref_attr_name().is_empty() {
            return Err(self.invalid(format!("`{name}` refers to an attribute of a function")));
        }
        // Files before IR version 2 leave the type out.
        if ![AttributeType::Undefined, expected].contains(&attribute.r#type()) {
            let (got, expected) = (attribute.r#type().as_str_name(), expected.as_str_name());
            return Err(self.invalid(format!("`{name}` is {got}, expected {expected}")));
        }
        Ok(Some(attribute))
    }

    /// Refuses attribute `name` in versions before `since`, which do not have it.
    pub(super) fn not_before(&self, name: &str, since: i64) -> Result<(), Halt> {
        if self.since < since && self.node.attributes.contains_key(name) {
            return Err(self.invalid(format!("`{name}` exists from opset {since} on")));
        }
        Ok(())
    }

    /// Refuses attribute `name` in versions from `since` on, which do not have it any more.
    pub(super) fn not_from(&self, name: &str, since: i64) -> Result<(), Halt> {
        if self.since >= since && self.node.attributes.contains_key(name) {
            return Err(self.invalid(format!("`{name}` does not exist from opset {since} on")));
        }
        Ok(())
    }

    pub(super) fn int_attribute(&self, name: &str) -> Result<Option<i64>, Halt> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|a| a.i()))
    }

    /// A flag, `default` if absent.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Halt> {
        match self.int_attribute(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(other) => Err(self.invalid(format!("`{name}` is {other}, expected 0 or 1"))),
        }
    }

    /// A number, `default` if absent; it must be finite.
    pub(super) fn float_attribute(&self, name: &str, default: f32) -> Result<f32, Halt> {
        let value = self.attribute(name, AttributeType::Float)?.map_or(default, |a| a.f());
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.invalid(format!("`{name}` is {value}, expected a finite number")))
        }
    }

    pub(super) fn any_float_attribute(&self, name: &str) -> Result<Option<f32>, Halt> {
        Ok(self.attribute(name, AttributeType::Float)?.map(|a| a.f()))
    }

    pub(super) fn floats_attribute(&self, name: &str) -> Result<Option<Vec<f32>>, Halt> {
        Ok(self.attribute(name, AttributeType::Floats)?.map(|a| a.floats.clone()))
    }

    pub(super) fn ints_attribute(&self, name: &str) -> Result<Option<Vec<i64>>, Halt> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|a| a.ints.clone()))
    }

    pub(super) fn string_attribute(&self, name: &str) -> Result<Option<String>, Halt> {
        let Some(attribute) = self.attribute(name, AttributeType::String)? else {
            return Ok(None);
        };
        self.text(name, attribute.s()).map(Some)
    }

    pub(super) fn strings_attribute(&self, name: &str) -> Result<Option<Vec<String>>, Halt> {
        let Some(attribute) = self.attribute(name, AttributeType::Strings)? else {
            return Ok(None);
        };
        attribute
            .strings
            .iter()
            .map(|bytes| self.text(name, bytes))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The first characters of a text, without control characters.
    fn text(&self, name: &str, bytes: &[u8]) -> Result<String, Halt> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.chars().take(80).filter(|c| !c.is_control()).collect()),
            Err(_) => Err(self.invalid(format!("`{name}` is not UTF-8"))),
        }
    }

    /// An attribute of at most `most` bytes of ASCII, whole.
    pub(super) fn ascii_attribute(&self, name: &str, most: usize) -> Result<Option<String>, Halt> {
        let Some(attribute) = self.attribute(name, AttributeType::String)? else {
            return Ok(None);
        };
        let bytes = attribute.s();
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.len() <= most && text.is_ascii() => Ok(Some(text.to_owned())),
            _ => Err(self.invalid(format!("`{name}` is not ASCII of at most {most} bytes"))),
        }
    }

    /// A list of strings of ASCII, of at most `most` bytes each.
    pub(super) fn ascii_list(&self, name: &str, most: usize) -> Result<Option<Vec<&str>>, Halt> {
        let Some(attribute) = self.attribute(name, AttributeType::Strings)? else {
            return Ok(None);
        };
        let text =
            |bytes| std::str::from_utf8(bytes).ok().filter(|s| s.is_ascii() && s.len() <= most);
        let list: Option<Vec<_>> = attribute.strings.iter().map(|bytes| text(bytes)).collect();
        let wrong = || {
            self.invalid(format!("`{name}` has a string that is not ASCII of at most {most} bytes"))
        };
        list.ok_or_else(wrong).map(Some)
    }

    /// Length of a list of strings of any kind.
    pub(super) fn strings_count(&self, name: &str) -> Result<Option<usize>, Halt> {
        Ok(self.attribute(name, AttributeType::Strings)?.map(|a| a.strings.len()))
    }

    pub(super) fn tensor_attribute(&mut self, name: &str) -> Result<Option<Constant>, Halt> {
        let Some(attribute) = self.attribute(name, AttributeType::Tensor)? else {
            return Ok(None);
        };
        let empty = TensorProto::default();
        // Copied because decoding borrows the external data of the site.
        let tensor = attribute.t.clone().unwrap_or(empty);
        let before = self.external.used();
        let decoded = Constant::decode(&tensor, self.external).map_err(|source| {
            ImportError::Tensor { name: format!("{}/{name}", self.node.name), source }
        })?;
        self.budget.extend(usize::try_from(self.external.used() - before).unwrap_or(0));
        Ok(Some(decoded))
    }
}
