//! A limit on constant folding.
//!
//! A few bytes can ask for a gigabyte (`ConstantOfShape`, `Expand`, products of outer vectors, or a
//! chain of nodes each of which copies a large weight). Folding may touch a fixed number of
//! elements and then a multiple of the bytes that the model takes: enough for a few dozen rewrites
//! of every weight.

use super::site::Halt;
use crate::{ir::Origin, onnx::ImportError};

/// Elements that any model may fold.
const BASE: usize = 1 << 22;

/// Elements per byte of the model.
const PER_BYTE: usize = 8;

/// Multiplications of a matrix product that cost as much as one element.
const PRODUCTS: usize = 64;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    left: usize,
}

impl Budget {
    /// The budget of a model of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let limit = bytes.saturating_mul(PER_BYTE).saturating_add(BASE);
        Self { limit, left: limit }
    }

    /// Raises the budget by that of `bytes` of external data.
    pub(super) fn extend(&mut self, bytes: usize) {
        let more = bytes.saturating_mul(PER_BYTE);
        self.limit = self.limit.saturating_add(more);
        self.left = self.left.saturating_add(more);
    }

    /// Takes `elements`, before they are allocated.
    pub(super) fn take(&mut self, elements: usize, origin: &Origin) -> Result<(), Halt> {
        match self.left.checked_sub(elements) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Halt::Error(ImportError::FoldingBudget {
                origin: origin.clone(),
                limit: self.limit,
            })),
        }
    }

    /// Takes a matrix product of `outputs` elements over `inner` terms.
    pub(super) fn take_product(
        &mut self,
        outputs: usize,
        inner: usize,
        origin: &Origin,
    ) -> Result<(), Halt> {
        self.take(outputs.saturating_mul(inner) / PRODUCTS + outputs, origin)
    }
}
