//! Scales and zero points, and where they hold: on the whole tensor, at positions of an axis, or on
//! blocks of an axis.

use crate::{
    lower::{
        index::broadcast_map,
        plane::new_shape,
        site::{Halt, Site},
    },
    onnx::Elements,
    tensor::{Shape, Tensor},
};

type Result<T> = std::result::Result<T, Halt>;

/// Scales and zero points of a tensor.
#[derive(Debug)]
pub(super) struct Grid {
    /// By parameter.
    scales: Vec<f32>,
    /// By parameter.
    zeros: Vec<i64>,
    /// What broadcasts to the tensor.
    shape: Shape,
    /// The parameter of each element of `shape`.
    map: Vec<u32>,
    /// The axis that parameters lie along, if there is one for each of its positions.
    pub(super) axis: Option<usize>,
    /// No elements of the type of the zero points, if there are any.
    pub(super) like: Option<Elements>,
}

impl Grid {
    /// Of a tensor of this shape, from operands `scale` and `zero` and the attributes `axis`, since
    /// 13, and `block_size`, since 21.
    pub(super) fn of(
        site: &mut Site<'_>,
        of: &Shape,
        scale: (usize, &str),
        zero: (usize, &str),
    ) -> Result<Self> {
        site.not_before("axis", 13)?;
        site.not_before("block_size", 21)?;
        let block = site.int_attribute("block_size")?.unwrap_or(0);
        let block = usize::try_from(block)
            .map_err(|_| site.invalid(format!("`block_size` is {block}, expected 0 or more")))?;
        let (scales, given) = scales(site, scale)?;
        let (zeros, like) = zeros(site, zero, (&given, scales.len()))?;
        let grid = |shape, map, axis| Self { scales, zeros, shape, map, axis, like };
        if block == 0 && given.len() == 1 && given.rank() <= 1 {
            return Ok(grid(Shape::scalar(), vec![0], None));
        }
        if site.since < 13 {
            let reason = format!("`{}` has shape {given}, expected a scalar before 13", scale.1);
            return Err(site.invalid(reason));
        }
        let axis = site.int_attribute("axis")?.unwrap_or(1);
        let axis = site.axis(axis, of.rank(), true)?;
        let size = of.dims()[axis];
        let fail = |site: &Site<'_>, expected: String| {
            let name = scale.1;
            site.invalid(format!("`{name}` has shape {given} for {of}, expected {expected}"))
        };
        if block == 0 {
            if given.dims() != [size] {
                return Err(fail(site, format!("[{size}]")));
            }
            let mut dims = vec![1; of.rank() - axis];
            dims[0] = size;
            site.spend(size)?;
            // Sizes of shapes are below 2^28.
            return Ok(grid(new_shape(site, dims)?, (0..size as u32).collect(), Some(axis)));
        }
        let mut dims = of.dims().to_vec();
        dims[axis] = size.div_ceil(block);
        if given.dims() != dims {
            return Err(fail(site, format!("{dims:?}")));
        }
        site.spend(of.len())?;
        let inner: usize = of.dims()[axis + 1..].iter().product();
        let parameter = |e: usize| {
            let (outer, rest) = (e / (size * inner), e % (size * inner));
            ((outer * dims[axis] + rest / inner / block) * inner + rest % inner) as u32
        };
        Ok(grid(of.clone(), (0..of.len()).map(parameter).collect(), None))
    }

    /// Of a scale and a zero point for all, both operands of one element.
    pub(super) fn whole(
        site: &mut Site<'_>,
        scale: (usize, &str),
        zero: (usize, &str),
    ) -> Result<Self> {
        let (scales, given) = scales(site, scale)?;
        let (zeros, like) = zeros(site, zero, (&given, scales.len()))?;
        if given.len() != 1 {
            let hint = format!("{given} scales are not supported, only one for all");
            return Err(site.unsupported(Some(scale.1), hint));
        }
        Ok(Self { scales, zeros, shape: Shape::scalar(), map: vec![0], axis: None, like })
    }

    /// Whether the whole tensor has one.
    pub(super) fn is_uniform(&self) -> bool {
        self.scales.len() == 1
    }

    /// Parameter number `i`.
    pub(super) fn at(&self, i: usize) -> (f32, i64) {
        (self.scales[i], self.zeros[i])
    }

    /// The parameters of each element of a tensor of shape `of`.
    pub(super) fn spread(&self, site: &mut Site<'_>, of: &Shape) -> Result<Vec<(f32, i64)>> {
        let map = broadcast_map(site, &self.shape, of)?;
        Ok(map.iter().map(|at| self.at(self.map[*at as usize] as usize)).collect())
    }

    /// Scales, so that they broadcast to the tensor.
    pub(super) fn scale_tensor(&self, site: &Site<'_>) -> Result<Tensor<f32>> {
        let data = self.map.iter().map(|at| self.scales[*at as usize]).collect();
        site.valid(Tensor::new(self.shape.clone(), data))
    }

    /// Zero points, so that they broadcast to the tensor; none if all are 0.
    pub(super) fn zero_tensor(&self, site: &Site<'_>) -> Result<Option<Tensor<f32>>> {
        if self.zeros.iter().all(|zero| *zero == 0) {
            return Ok(None);
        }
        let data = self.map.iter().map(|at| self.zeros[*at as usize] as f32).collect();
        site.valid(Tensor::new(self.shape.clone(), data)).map(Some)
    }
}

/// Scales, above 0, and the shape that they are given in.
pub(super) fn scales(site: &mut Site<'_>, (i, name): (usize, &str)) -> Result<(Vec<f32>, Shape)> {
    let scales = site.floats(i, name)?;
    site.spend(scales.shape().len())?;
    if let Some(scale) = scales.data().iter().find(|scale| **scale <= 0.0) {
        return Err(site.invalid(format!("`{name}` has {scale}, expected more than 0")));
    }
    let shape = scales.shape().clone();
    Ok((scales.into_data(), shape))
}

/// Zero points in the shape of the scales, 0 if absent, and their type.
fn zeros(
    site: &mut Site<'_>,
    (i, name): (usize, &str),
    (shape, count): (&Shape, usize),
) -> Result<(Vec<i64>, Option<Elements>)> {
    if !site.has(i) {
        return Ok((vec![0; count], None));
    }
    let given = site.constant(i, name)?;
    let alike = given.shape == *shape || (given.shape.len() == 1 && shape.len() == 1);
    if !alike {
        let got = &given.shape;
        return Err(site.invalid(format!("`{name}` has shape {got}, but the scale {shape}")));
    }
    site.spend(count)?;
    let zeros = whole_numbers(site, name, &given.elements)?;
    Ok((zeros, Some(given.elements.pick(&[]))))
}

/// Elements of an integer type of at most 32 bits.
pub(super) fn whole_numbers(site: &Site<'_>, name: &str, elements: &Elements) -> Result<Vec<i64>> {
    let narrow = !matches!(elements, Elements::I64(_) | Elements::Bool(_));
    elements.to_i64().filter(|_| narrow).ok_or_else(|| {
        let got = elements.dtype();
        site.invalid(format!("`{name}` is {got}, expected an integer type of at most 32 bits"))
    })
}
