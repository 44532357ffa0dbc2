//! Selection and joining of features: ArrayFeatureExtractor, FeatureVectorizer, OneHotEncoder; ZipMap.

use super::{Lowered, Result, Site, features};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::{
        along,
        kind::Kind,
        plane::{filled, new_shape},
        view,
    },
};

/// `X[.., Y]` along the last axis; of a constant X, by indices that may depend on the input.
pub(super) fn array_feature_extractor(site: &mut Site<'_>) -> Result {
    let (x, shape) = (site.input(0)?, site.shape(0)?);
    let Some(&size) = shape.dims().last() else { return Err(site.invalid("X is a scalar")) };
    if let (Lowered::Constant(table), Lowered::Activation(ids)) = (&x, site.input(1)?) {
        if size != shape.len() {
            let hint = "indices that depend on the input need one row of constants";
            return Err(site.unsupported(Some("X"), hint));
        }
        site.expect_kind(1, "Y", Kind::Int)?;
        let kind = site.kind(0)?;
        let table = site.number_tensor(table)?;
        let table = filled(site, vec![size, 1], |i| table.data()[i])?;
        let table = site.own_constant("table", table)?;
        let count = site.shape(1)?.len();
        let found = site.push(Op::Embed, vec![ids, table], "found")?;
        let result = site.reshape(found, vec![1, count], "")?;
        return Ok(site.holds(result, kind));
    }
    let indices = site.ints(1, "Y")?;
    if indices.is_empty() {
        return Err(site.invalid("Y is empty"));
    }
    let at = indices.iter().map(|index| site.below("Y", *index, size));
    let at = at.collect::<Result<Vec<_>>>()?;
    // A vector is one row.
    let dims = if shape.rank() == 1 { vec![1, size] } else { shape.dims().to_vec() };
    let axis = dims.len() - 1;
    let x = view::reshaped_part(site, x, dims, "row")?;
    along::take(site, x, (axis, &at), "")
}

/// All operands side by side, as floats.
pub(super) fn feature_vectorizer(site: &mut Site<'_>) -> Result {
    let count = site.inputs.len();
    let widths = site.ints_of("inputdimensions", count)?;
    let mut parts = Vec::with_capacity(count);
    for (i, width) in widths.into_iter().enumerate() {
        let x = site.number(i)?;
        let dims = match *site.dims(x) {
            [features] => vec![1, features],
            [rows, features] => vec![rows, features],
            _ => return Err(site.invalid(format!("input {i} is not rows of features"))),
        };
        if usize::try_from(width) != Ok(dims[1]) {
            let hint = format!("input {i} has {} features, not {width}", dims[1]);
            return Err(site.unsupported(Some("inputdimensions"), hint));
        }
        let rows = site.arranged(x, dims, &format!("rows{i}"))?;
        parts.push(site.as_floats(rows, &format!("numbers{i}"))?);
    }
    Ok(Lowered::Activation(match parts.as_slice() {
        [only] => *only,
        _ => site.push(Op::Concat { axis: 1 }, parts, "")?,
    }))
}

/// One column for each category, on a last axis: 1 where it is that one.
pub(super) fn one_hot_encoder(site: &mut Site<'_>) -> Result {
    if site.strings_count("cats_strings")?.is_some_and(|count| count > 0) {
        let hint = "categories that are strings are not supported; encode them before";
        return Err(site.unsupported(Some("cats_strings"), hint));
    }
    if !site.flag("zeros", true)? {
        let hint = "0, an error for what is no category, is not supported; a row of zeros is (1)";
        return Err(site.unsupported(Some("zeros"), hint));
    }
    let categories = site.ints_attribute("cats_int64s")?.unwrap_or_default();
    if categories.is_empty() {
        return Err(site.invalid("`cats_int64s` is missing"));
    }
    let Lowered::Activation(x) = site.input(0)? else {
        return Err(site.unsupported(Some("X"), "supported only where it depends on the input"));
    };
    if site.canvas.kind(x) != Kind::Int {
        let hint =
            "categories of floats are cut to whole numbers, which is not supported; use int64";
        return Err(site.unsupported(Some("X"), hint));
    }
    let found = equal(site, x, &categories.iter().map(|v| *v as f64).collect::<Vec<_>>())?;
    let found = site.result(found);
    Ok(site.holds(found, Kind::Float))
}

/// 1 where `x` is the number, for each of them on a last axis.
pub(super) fn equal(site: &mut Site<'_>, x: ValueId, numbers: &[f64]) -> Result<ValueId> {
    let numbers = site.finite("keys", numbers)?;
    let dims = [site.dims(x), vec![1]].concat();
    let column = site.reshape(x, dims, "column")?;
    let numbers = filled(site, vec![numbers.len()], |i| numbers[i])?;
    let numbers = site.own_constant("keys", numbers)?;
    let distance = site.push(Op::Sub, vec![column, numbers], "distance")?;
    site.apply(Activation::IsZero, distance, "found")
}

/// Names beside probabilities prove nothing: the probabilities.
pub(super) fn zip_map(site: &mut Site<'_>) -> Result {
    let numbers = site.ints_attribute("classlabels_int64s")?.map(|list| list.len());
    let strings = site.strings_count("classlabels_strings")?;
    let (_, [rows, columns]) = features(site)?;
    let count = numbers.filter(|count| *count > 0).or(strings).unwrap_or(0);
    site.expect_count("classlabels", count, columns)?;
    let x = site.number(0)?;
    let shape = new_shape(site, vec![rows, columns])?;
    Ok(Lowered::Activation(site.push(Op::Reshape(shape), vec![x], "")?))
}
