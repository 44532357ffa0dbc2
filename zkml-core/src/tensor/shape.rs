//! Shapes: dimensions, strides, broadcasting and the index maps of views.

use std::fmt;

/// Dimensions of a tensor, outermost first. A scalar has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<usize>")]
pub struct Shape(Vec<usize>);

impl TryFrom<Vec<usize>> for Shape {
    type Error = ShapeError;

    fn try_from(dims: Vec<usize>) -> Result<Self, ShapeError> {
        Self::new(dims)
    }
}

/// Why shapes do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The number of elements is not the product of the dimensions.
    #[error("shape {shape} has {expected} elements, got {got}")]
    Length {
        /// The shape.
        shape: Shape,
        /// Its number of elements.
        expected: usize,
        /// The number given.
        got: usize,
    },
    /// Two shapes do not broadcast together by ONNX (numpy) rules.
    #[error("shapes {left} and {right} do not broadcast together")]
    Broadcast {
        /// First shape.
        left: Shape,
        /// Second shape.
        right: Shape,
    },
    /// A product of dimensions is too large to hold.
    #[error("dimensions {dims:?} have more elements than the limit of {limit}")]
    TooLarge {
        /// The dimensions.
        dims: Vec<usize>,
        /// Largest number of elements accepted.
        limit: usize,
    },
    /// A permutation of axes is not one.
    #[error("{perm:?} is not a permutation of {rank} axes")]
    Permutation {
        /// The permutation given.
        perm: Vec<usize>,
        /// The rank of the tensor.
        rank: usize,
    },
}

impl Shape {
    /// Largest number of elements of any tensor: 2^28 (1 GiB of `f32`).
    pub const MAX_ELEMENTS: usize = 1 << 28;

    /// A shape of these dimensions.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`] above [`Self::MAX_ELEMENTS`] elements, so that a shape read from
    /// untrusted input can be allocated.
    pub fn new(dims: Vec<usize>) -> Result<Self, ShapeError> {
        // Empty axes count as one, so that no stride overflows either.
        let product = dims.iter().try_fold(1usize, |n, d| n.checked_mul((*d).max(1)));
        match product {
            Some(n) if n <= Self::MAX_ELEMENTS => Ok(Self(dims)),
            _ => Err(ShapeError::TooLarge { dims, limit: Self::MAX_ELEMENTS }),
        }
    }

    /// The shape of a scalar.
    pub fn scalar() -> Self {
        Self(Vec::new())
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements (1 for a scalar).
    #[allow(clippy::len_without_is_empty, reason = "a scalar shape is not an empty collection")]
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Row-major strides.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self.0[axis];
        }
        strides
    }

    /// The shape both broadcast to, by ONNX (numpy) rules.
    ///
    /// # Errors
    /// [`ShapeError::Broadcast`] when some axis differs and neither side is 1.
    pub fn broadcast(&self, other: &Self) -> Result<Self, ShapeError> {
        let rank = self.rank().max(other.rank());
        let mut dims = vec![1; rank];
        for (back, dim) in dims.iter_mut().rev().enumerate() {
            let (a, b) = (self.dim_from_back(back), other.dim_from_back(back));
            *dim = match (a, b) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => {
                    return Err(ShapeError::Broadcast { left: self.clone(), right: other.clone() });
                }
            };
        }
        Self::new(dims)
    }

    /// Whether this broadcasts to `target` and not to anything larger.
    pub fn broadcasts_to(&self, target: &Self) -> bool {
        self.broadcast(target).as_ref() == Ok(target)
    }

    /// For each element of `target`, the index of the element of `self` that broadcasts to it.
    ///
    /// # Errors
    /// [`ShapeError::Broadcast`] when `self` does not broadcast to `target`.
    pub fn broadcast_map(&self, target: &Self) -> Result<Vec<u32>, ShapeError> {
        if !self.broadcasts_to(target) {
            return Err(ShapeError::Broadcast { left: self.clone(), right: target.clone() });
        }
        let own = self.strides();
        let offset = target.rank() - self.rank();
        let strides: Vec<usize> =
            (0..target.rank())
                .map(|axis| {
                    if axis < offset || self.0[axis - offset] == 1 { 0 } else { own[axis - offset] }
                })
                .collect();
        Ok(strided_map(target.dims(), &strides))
    }

    /// The transposed shape and, for each of its elements, the index of the element of `self`.
    ///
    /// # Errors
    /// [`ShapeError::Permutation`] when `perm` is not a permutation of the axes.
    pub fn transpose_map(&self, perm: &[usize]) -> Result<(Self, Vec<u32>), ShapeError> {
        let shape = self.transpose(perm)?;
        let own = self.strides();
        let strides: Vec<usize> = perm.iter().map(|&axis| own[axis]).collect();
        let map = strided_map(shape.dims(), &strides);
        Ok((shape, map))
    }

    /// The transposed shape: axis `i` of it is axis `perm[i]` of `self`.
    ///
    /// # Errors
    /// [`ShapeError::Permutation`] when `perm` is not a permutation of the axes.
    pub fn transpose(&self, perm: &[usize]) -> Result<Self, ShapeError> {
        let mut seen = vec![false; self.rank()];
        let valid = perm.len() == self.rank()
            && perm
                .iter()
                .all(|&axis| seen.get_mut(axis).is_some_and(|seen| !std::mem::replace(seen, true)));
        if !valid {
            return Err(ShapeError::Permutation { perm: perm.to_vec(), rank: self.rank() });
        }
        Ok(Self(perm.iter().map(|&axis| self.0[axis]).collect()))
    }

    fn dim_from_back(&self, back: usize) -> usize {
        self.rank().checked_sub(back + 1).map_or(1, |axis| self.0[axis])
    }
}

/// The permutation that undoes `perm`, a permutation of axes.
#[cfg(feature = "prover")]
pub(crate) fn inverse_permutation(perm: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; perm.len()];
    for (to, from) in perm.iter().enumerate() {
        inverse[*from] = to;
    }
    inverse
}

/// Walks `dims` in row-major order and sums `index * stride`.
fn strided_map(dims: &[usize], strides: &[usize]) -> Vec<u32> {
    let len: usize = dims.iter().product();
    let mut map = Vec::with_capacity(len);
    let mut index = vec![0usize; dims.len()];
    let mut at = 0usize;
    for _ in 0..len {
        // Shape::MAX_ELEMENTS is far below 2^32.
        map.push(at as u32);
        for axis in (0..dims.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < dims[axis] {
                break;
            }
            at -= strides[axis] * dims[axis];
            index[axis] = 0;
        }
    }
    map
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[")?;
        for (i, dim) in self.0.iter().enumerate() {
            if i > 0 {
                write!(f, ", ")?;
            }
            write!(f, "{dim}")?;
        }
        write!(f, "]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(dims: &[usize]) -> Shape {
        Shape::new(dims.to_vec()).expect("small")
    }

    #[test]
    fn broadcast_follows_numpy() {
        assert_eq!(shape(&[4, 1, 3]).broadcast(&shape(&[5, 1])), Ok(shape(&[4, 5, 3])));
        assert!(shape(&[2]).broadcast(&shape(&[3])).is_err());
        let map = shape(&[2, 1]).broadcast_map(&shape(&[2, 3])).expect("broadcasts");
        assert_eq!(map, [0, 0, 0, 1, 1, 1]);
        assert!(shape(&[2, 3]).broadcast_map(&shape(&[3])).is_err());
    }

    #[test]
    fn transpose_reorders() {
        let (to, map) = shape(&[2, 3]).transpose_map(&[1, 0]).expect("permutation");
        assert_eq!(to, shape(&[3, 2]));
        assert_eq!(map, [0, 3, 1, 4, 2, 5]);
        assert!(shape(&[2, 3]).transpose_map(&[0, 0]).is_err());
        assert!(shape(&[2, 3]).transpose_map(&[0, 2]).is_err());
    }

    #[test]
    fn huge_shapes_are_refused() {
        assert!(Shape::new(vec![usize::MAX, 2]).is_err());
        assert!(Shape::new(vec![1 << 29]).is_err());
        assert!(Shape::new(vec![0, 1 << 40, 1 << 40]).is_err());
        assert!(serde_json::from_str::<Shape>("[536870912]").is_err());
        assert_eq!(serde_json::from_str::<Shape>("[2,3]").ok(), Some(shape(&[2, 3])));
    }
}
