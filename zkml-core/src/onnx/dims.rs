//! Values for the open dimensions of inputs.
//!
//! A proof is about one shape, so every dimension must be a number before import. Nothing is
//! guessed: a dynamic batch axis has no default.

use std::{collections::BTreeMap, str::FromStr};

/// Values for open dimensions: by name (`N`), or by place for anonymous ones (`input:axis`).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DimBindings(BTreeMap<String, usize>);

/// Why a binding is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimBindingError {
    /// Not of the form `KEY=VALUE` with a whole number of at least 1.
    #[error("`{text}`: expected NAME=VALUE or INPUT:AXIS=VALUE, VALUE a whole number from 1")]
    Syntax {
        /// What was given.
        text: String,
    },
    /// One key is bound to two values.
    #[error("dimension `{key}` is bound to {first} and to {second}")]
    Conflict {
        /// The key.
        key: String,
        /// First value.
        first: usize,
        /// Second value.
        second: usize,
    },
}

impl DimBindings {
    /// No bindings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds the dimension `key`: its name, or `input:axis` when it has none.
    ///
    /// # Errors
    /// A value of 0, or a key bound to another value before.
    pub fn bind(&mut self, key: impl Into<String>, value: usize) -> Result<(), DimBindingError> {
        let key = key.into();
        if value == 0 || key.is_empty() {
            return Err(DimBindingError::Syntax { text: format!("{key}={value}") });
        }
        match self.0.insert(key.clone(), value) {
            Some(first) if first != value => {
                Err(DimBindingError::Conflict { key, first, second: value })
            }
            _ => Ok(()),
        }
    }

    /// Adds a binding written `KEY=VALUE`.
    ///
    /// # Errors
    /// Bad syntax, or a key bound to another value before.
    pub fn parse(&mut self, text: &str) -> Result<(), DimBindingError> {
        let syntax = || DimBindingError::Syntax { text: text.to_owned() };
        let (key, value) = text.rsplit_once('=').ok_or_else(syntax)?;
        let value = usize::from_str(value.trim()).map_err(|_| syntax())?;
        self.bind(key.trim(), value)
    }

    /// Value of the dimension at `axis` of `input`, whose name, if it has one, comes first.
    pub fn get(&self, name: Option<&str>, input: &str, axis: usize) -> Option<usize> {
        let by_name = name.and_then(|name| self.0.get(name));
        by_name.or_else(|| self.0.get(&Self::place(input, axis))).copied()
    }

    /// Keys bound, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Key of an anonymous dimension.
    pub(crate) fn place(input: &str, axis: usize) -> String {
        format!("{input}:{axis}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places() {
        let mut dims = DimBindings::new();
        dims.parse("N=3").expect("valid");
        dims.parse("onnx::Gemm_0:1=64").expect("valid");
        assert_eq!(dims.get(Some("N"), "x", 0), Some(3));
        assert_eq!(dims.get(None, "onnx::Gemm_0", 1), Some(64));
        assert_eq!(dims.get(Some("other"), "onnx::Gemm_0", 1), Some(64));
        assert_eq!(dims.get(None, "x", 0), None);
    }

    #[test]
    fn bad_bindings_are_refused() {
        let mut dims = DimBindings::new();
        for text in ["", "N", "N=", "N=0", "=3", "N=-1", "N=1.5", "N=99999999999999999999999"] {
            assert!(dims.parse(text).is_err(), "{text}");
        }
        dims.parse("N=3").expect("valid");
        dims.parse("N=3").expect("the same value again");
        assert!(matches!(dims.parse("N=4"), Err(DimBindingError::Conflict { .. })));
    }
}
