//! Attributes that are lists of numbers, or tensors of them.

use super::{Result, Site};
use crate::onnx::Elements;

impl Site<'_> {
    /// Numbers that are not NaN: attribute `name` or, since version 3, `name_as_tensor`, whose
    /// elements may be doubles. None if neither is given, or both are empty.
    pub(super) fn numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>> {
        let list = self.floats_attribute(name)?;
        let list = list.filter(|list| !list.is_empty());
        let tensor =
            self.number_list(&format!("{name}_as_tensor"))?.filter(|list| !list.is_empty());
        let numbers = match (list, tensor) {
            (Some(_), Some(_)) => {
                return Err(self.invalid(format!("`{name}` is given as list and as tensor")));
            }
            (Some(list), None) => list.into_iter().map(f64::from).collect(),
            (None, Some(tensor)) => tensor,
            (None, None) => return Ok(None),
        };
        self.no_nan(name, &numbers)?;
        Ok(Some(numbers))
    }

    /// Numbers that are finite in `f32`; none if the attribute is not there.
    pub(super) fn finite_numbers(&mut self, name: &str) -> Result<Vec<f32>> {
        let list = self.numbers(name)?.unwrap_or_default();
        self.finite(name, &list)
    }

    /// The elements of a tensor of floats or doubles.
    pub(super) fn number_list(&mut self, name: &str) -> Result<Option<Vec<f64>>> {
        let Some(tensor) = self.tensor_attribute(name)? else { return Ok(None) };
        self.spend(tensor.shape.len())?;
        match &tensor.elements {
            Elements::F32(_) | Elements::F64(_) => Ok(Some(tensor.elements.to_f64())),
            other => {
                Err(self
                    .invalid(format!("`{name}` is {}, expected float32 or float64", other.dtype())))
            }
        }
    }

    pub(super) fn no_nan(&self, name: &str, numbers: &[f64]) -> Result<()> {
        match numbers.iter().position(|v| v.is_nan()) {
            Some(i) => Err(self.invalid(format!("`{name}` is NaN at {i}"))),
            None => Ok(()),
        }
    }

    /// Numbers that are finite in `f32`.
    pub(super) fn finite(&self, name: &str, numbers: &[f64]) -> Result<Vec<f32>> {
        let rounded: Vec<f32> = numbers.iter().map(|v| *v as f32).collect();
        match rounded.iter().position(|v| !v.is_finite()) {
            Some(i) => Err(self.invalid(format!("`{name}` is {} at {i}", numbers[i]))),
            None => Ok(rounded),
        }
    }

    /// Whole numbers, `count` of them.
    pub(super) fn ints_of(&self, name: &str, count: usize) -> Result<Vec<i64>> {
        let list = self.ints_attribute(name)?.unwrap_or_default();
        self.expect_count(name, list.len(), count)?;
        Ok(list)
    }

    pub(super) fn expect_count(&self, name: &str, got: usize, expected: usize) -> Result<()> {
        if got == expected {
            return Ok(());
        }
        Err(self.invalid(format!("`{name}` has {got} elements, expected {expected}")))
    }

    /// `value`, below `count`.
    pub(super) fn below(&self, name: &str, value: i64, count: usize) -> Result<usize> {
        usize::try_from(value).ok().filter(|v| *v < count).ok_or_else(|| {
            self.invalid(format!("`{name}` has {value}, expected 0 to {}", count.saturating_sub(1)))
        })
    }
}
