//! RotaryEmbedding: pairs of features turned by an angle that depends on the position.
//!
//! ```text
//! y[a] = x[a] cos - x[b] sin,   y[b] = x[b] cos + x[a] sin
//! ```
//!
//! for the pairs `(a, b)` of the first `rotary_embedding_dim` features of each head: neighbours if
//! `interleaved`, else one of each half. With the partner of every feature taken along the last axis
//! this is `y = x C + x' S`; `C = 1`, `S = 0` for the features that are not turned.

use super::{
    embed::looked_up,
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Op, ValueId};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn rotary_embedding(site: &mut Site<'_>) -> Result {
    let layout = Layout::of(site)?;
    let x = site.operand(0)?;
    let shape = site.dims(x);
    let heads = layout.dims(layout.heads);
    let axis = heads.len() - 1;
    let same = heads == shape;
    let x = site.reshape(x, heads, "heads")?;
    let partners = (0..layout.size).map(|f| layout.partner(f));
    let partner = site.take(x, axis, partners, "partner")?;
    let cos = layout.cache(site, 1, "cos_cache", 1.0)?;
    let sin = layout.cache(site, 2, "sin_cache", 0.0)?;
    let straight = site.push(Op::Mul, vec![x, cos], "straight")?;
    let across = site.push(Op::Mul, vec![partner, sin], "across")?;
    let y = site.push(Op::Add, vec![straight, across], if same { "" } else { "turned" })?;
    Ok(Lowered::Activation(site.reshape(y, shape, "")?))
}

/// Where heads and features are.
struct Layout {
    batch: usize,
    sequence: usize,
    heads: usize,
    /// Features of a head.
    size: usize,
    /// How many of them are turned.
    rotary: usize,
    interleaved: bool,
    /// `[B, H, T, D]` and not `[B, T, H, D]`.
    heads_first: bool,
}

impl Layout {
    fn of(site: &Site<'_>) -> Result<Self> {
        let whole = |name: &str| match site.int_attribute(name)? {
            None => Ok(0),
            Some(value) => usize::try_from(value)
                .map_err(|_| site.invalid(format!("`{name}` is {value}, expected 0 or more"))),
        };
        let (heads, rotary) = (whole("num_heads")?, whole("rotary_embedding_dim")?);
        let interleaved = site.flag("interleaved", false)?;
        let shape = site.shape(0)?;
        let (batch, sequence, heads, size, heads_first) = match *shape.dims() {
            [batch, heads, sequence, size] => (batch, sequence, heads, size, true),
            [batch, sequence, hidden] if heads > 0 && hidden.is_multiple_of(heads) => {
                (batch, sequence, heads, hidden / heads, false)
            }
            [_, _, hidden] => {
                return Err(site.invalid(format!(
                    "`num_heads` is {heads}, which does not divide the {hidden} features"
                )));
            }
            _ => {
                return Err(
                    site.invalid(format!("the input has shape {shape}, expected 3 or 4 axes"))
                );
            }
        };
        let rotary = if rotary == 0 { size } else { rotary };
        if rotary > size || !rotary.is_multiple_of(2) {
            return Err(site.invalid(format!(
                "`rotary_embedding_dim` is {rotary}, expected an even number up to {size}"
            )));
        }
        Ok(Self { batch, sequence, heads, size, rotary, interleaved, heads_first })
    }

    /// Dimensions of features of so many heads.
    fn dims(&self, heads: usize) -> Vec<usize> {
        if self.heads_first {
            vec![self.batch, heads, self.sequence, self.size]
        } else {
            vec![self.batch, self.sequence, heads, self.size]
        }
    }

    /// The other feature of the pair of `feature`, which itself is none.
    fn partner(&self, feature: usize) -> usize {
        let half = self.rotary / 2;
        match feature {
            f if f >= self.rotary => f,
            f if self.interleaved => f ^ 1,
            f if f < half => f + half,
            f => f - half,
        }
    }

    /// The pair of `feature`, and whether it is the first of it.
    fn pair(&self, feature: usize) -> (usize, bool) {
        let half = self.rotary / 2;
        if self.interleaved {
            (feature / 2, feature.is_multiple_of(2))
        } else {
            (feature % half, feature < half)
        }
    }

    /// The factors of the features out of a cache of the pairs, with signs for the sine; `rest` is
    /// that of features that are not turned. `[B, T, 1, D]` or `[B, 1, T, D]`.
    fn cache(&self, site: &mut Site<'_>, i: usize, role: &str, rest: f32) -> Result<ValueId> {
        let table = site.floats(i, role)?;
        let half = self.rotary / 2;
        if table.shape().dims().last() != Some(&half) {
            let got = table.shape();
            return Err(site.invalid(format!("`{role}` has shape {got}, expected {half} columns")));
        }
        let sign = |first: bool| if rest == 0.0 && first { -1.0 } else { 1.0 };
        let rows = table.shape().len() / half.max(1);
        // Columns for all features.
        let wide = filled(site, vec![rows, self.size], |at| {
            let (row, feature) = (at / self.size, at % self.size);
            if feature >= self.rotary {
                return rest;
            }
            let (pair, first) = self.pair(feature);
            sign(first) * table.data()[row * half + pair]
        })?;
        let positions = vec![self.batch, self.sequence];
        let found = if site.has(3) {
            if table.shape().rank() != 2 {
                let got = table.shape();
                return Err(site.invalid(format!("`{role}` has shape {got}, expected two axes")));
            }
            if site.shape(3)?.dims() != positions {
                let got = site.shape(3)?;
                return Err(
                    site.invalid(format!("`position_ids` has shape {got}, expected {positions:?}"))
                );
            }
            looked_up(site, wide, 3, role)?
        } else {
            if table.shape().dims() != [self.batch, self.sequence, half] {
                let got = table.shape();
                return Err(site.invalid(format!(
                    "`{role}` has shape {got}, expected [{}, {}, {half}]",
                    self.batch, self.sequence
                )));
            }
            site.own_constant(role, wide)?
        };
        site.arranged(found, self.dims(1), &format!("{role}_rows"))
    }
}
