//! Attention: for each head, with `D` features,
//!
//! ```text
//! y = softmax(softcap tanh(scale q k' / softcap) + mask) v,       scale = 1 / sqrt(D)
//! ```
//!
//! Queries, keys and values are `[B, H, T, D]`, or `[B, T, H D]` with the numbers of heads as
//! attributes. With fewer heads of keys than of queries each serves several in turn. What a mask of
//! truth values, minus infinity in a constant mask, causality or a window hides is not kept by the
//! softmax; other masks are added.
//!
//! The cache (`past_key`, `past_value`, `nonpad_kv_seqlen`, `present_key` and `present_value`) is not
//! supported. `softmax_precision` is the type of what here are real numbers.

use super::{
    kind::Kind,
    plane::filled,
    site::{Halt, Lowered, Site},
    softmax,
};
use crate::{
    exec::float,
    ir::{Activation, Op, ValueId},
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The second output that is supported besides the result is `qk_matmul_output`, the fourth.
pub(super) fn attention(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    for (i, role) in [(4, "past_key"), (5, "past_value"), (6, "nonpad_kv_seqlen")] {
        if site.has(i) {
            return Err(site.unsupported(Some(role), "a cache of keys and values is not supported"));
        }
    }
    for (i, role) in ["Q", "K", "V"].into_iter().enumerate() {
        site.expect_kind(i, role, Kind::Float)?;
    }
    let q = heads(site, 0, "q")?;
    let (k, v) = (heads(site, 1, "k")?, heads(site, 2, "v")?);
    let sizes = Sizes::of(site, [q, k, v])?;
    let (k, v) = (sizes.repeated(site, k, "k")?, sizes.repeated(site, v, "v")?);

    let scale = match site.any_float_attribute("scale")? {
        Some(scale) if scale.is_finite() && scale != 0.0 => scale,
        Some(scale) => return Err(site.invalid(format!("`scale` is {scale}"))),
        None => (1.0 / (sizes.features as f64).sqrt()) as f32,
    };
    let q = site.times(q, scale, "q_scaled")?;
    let keys = site.permute(k, &[0, 1, 3, 2], "k_transposed")?;
    let raw = site.push(Op::MatMul, vec![q, keys], "scores")?;
    let capped = capped(site, raw)?;
    let (scores, keep) = masked(site, capped, &sizes)?;
    let weights = softmax::normalised(site, (scores, keep), 3, "weights")?;
    let steps = Steps { raw, capped, scores, kept: keep.is_none(), weights };
    let shown = steps.shown(site)?;
    let y = weighted(site, weights, v)?;
    Ok([vec![y], shown].concat().into_iter().map(Lowered::Activation).collect())
}

/// The weights times the values, its heads beside each other if they came so.
fn weighted(site: &mut Site<'_>, weights: ValueId, v: ValueId) -> Result<ValueId> {
    let three = site.shape(0)?.rank() == 3;
    let y = site.push(Op::MatMul, vec![weights, v], if three { "heads" } else { "" })?;
    if !three {
        return Ok(y);
    }
    let y = site.permute(y, &[0, 2, 1, 3], "features")?;
    let dims = site.dims(y);
    site.reshape(y, vec![dims[0], dims[1], dims[2] * dims[3]], "")
}

/// What `qk_matmul_output` may show.
struct Steps {
    raw: ValueId,
    capped: ValueId,
    /// Capped and with the mask added.
    scores: ValueId,
    /// Nothing is hidden, so the scores are numbers.
    kept: bool,
    weights: ValueId,
}

impl Steps {
    /// The outputs after the first, if the node names the fourth. Versions differ in whether the cap or
    /// the mask comes first: with both, the steps between are refused.
    fn shown(&self, site: &Site<'_>) -> Result<Vec<ValueId>> {
        let named = |i: usize| site.node.outputs.get(i).is_some_and(|name| !name.is_empty());
        if let Some(i) = [1, 2].into_iter().find(|i| named(*i)) {
            let role = ["present_key", "present_value"][i - 1];
            return Err(site.unsupported(Some(role), "a cache of keys and values is not supported"));
        }
        if !named(3) {
            return Ok(Vec::new());
        }
        let (masks, caps) = (self.scores != self.capped || !self.kept, self.capped != self.raw);
        let shown = match site.int_attribute("qk_matmul_output_mode")?.unwrap_or(0) {
            0 => self.raw,
            1 if self.kept && !caps => self.scores,
            2 if !masks => self.capped,
            3 => self.weights,
            mode @ 1..=2 => {
                let hint = format!("{mode} is not supported with this mask or with `softcap`");
                return Err(site.unsupported(Some("qk_matmul_output_mode"), hint));
            }
            mode => {
                let what = format!("`qk_matmul_output_mode` is {mode}, expected 0 to 3");
                return Err(site.invalid(what));
            }
        };
        // The outputs between have no names.
        Ok(vec![shown; 3])
    }
}

/// Operand `i` as `[B, H, T, D]`.
fn heads(site: &mut Site<'_>, i: usize, part: &str) -> Result<ValueId> {
    let shape = site.shape(i)?;
    let name = if i == 0 { "q_num_heads" } else { "kv_num_heads" };
    let given = site.int_attribute(name)?;
    if shape.rank() != site.shape(0)?.rank() {
        return Err(site.invalid(format!("input {i} has shape {shape}, other than input 0")));
    }
    match *shape.dims() {
        [_, heads, _, _] => {
            if given.is_some_and(|given| usize::try_from(given).ok() != Some(heads)) {
                return Err(site.invalid(format!("`{name}` is not the {heads} heads there are")));
            }
            site.operand(i)
        }
        [batch, sequence, hidden] => {
            let given = given.ok_or_else(|| site.invalid(format!("`{name}` is missing")))?;
            let count = usize::try_from(given)
                .ok()
                .filter(|heads| *heads > 0 && hidden.is_multiple_of(*heads))
                .ok_or_else(|| {
                    site.invalid(format!("`{name}` is {given}, which does not divide {hidden}"))
                })?;
            let x = site.operand(i)?;
            let dims = vec![batch, sequence, count, hidden / count];
            let x = site.reshape(x, dims, &format!("{part}_features"))?;
            site.permute(x, &[0, 2, 1, 3], &format!("{part}_heads"))
        }
        _ => Err(site.invalid(format!("input {i} has shape {shape}, expected 3 or 4 axes"))),
    }
}

/// Axes of queries `[B, H, T, D]` and keys `[B, G, S, D]`.
struct Sizes {
    batch: usize,
    heads: usize,
    groups: usize,
    queries: usize,
    keys: usize,
    features: usize,
}

impl Sizes {
    fn of(site: &Site<'_>, [q, k, v]: [ValueId; 3]) -> Result<Self> {
        let (q, k, v) = (site.dims(q), site.dims(k), site.dims(v));
        let fits = k[0] == q[0] && v[..3] == k[..3] && k[3] == q[3] && q[1].is_multiple_of(k[1]);
        if !fits {
            return Err(site.invalid(format!(
                "queries {q:?}, keys {k:?} and values {v:?} by head do not fit"
            )));
        }
        Ok(Self {
            batch: q[0],
            heads: q[1],
            groups: k[1],
            queries: q[2],
            keys: k[2],
            features: q[3],
        })
    }

    /// Keys or values, once for every head of queries.
    fn repeated(&self, site: &mut Site<'_>, x: ValueId, part: &str) -> Result<ValueId> {
        if self.groups == self.heads {
            return Ok(x);
        }
        let each = self.heads / self.groups;
        let heads = (0..self.heads).map(|head| head / each);
        site.take(x, 1, heads, &format!("{part}_repeated"))
    }

    /// Whether key `j` is in the window of query `i`, and not after it if `causal`.
    fn reach(&self, site: &Site<'_>) -> Result<Option<impl Fn(usize, usize) -> bool + use<>>> {
        let causal = site.flag("is_causal", false)?;
        let side = |name: &str| match site.int_attribute(name)? {
            None | Some(-1) => Ok(None),
            Some(size) if size >= 0 => Ok(Some(size)),
            Some(size) => Err(site.invalid(format!("`{name}` is {size}, expected -1 or more"))),
        };
        site.not_before("left_window_size", 25)?;
        site.not_before("right_window_size", 25)?;
        let (left, right) = (side("left_window_size")?, side("right_window_size")?);
        if !causal && left.is_none() && right.is_none() {
            return Ok(None);
        }
        Ok(Some(move |i: usize, j: usize| {
            let ahead = j as i64 - i as i64; // positions below 2^28
            (!causal || ahead <= 0)
                && left.is_none_or(|size| -ahead <= size)
                && right.is_none_or(|size| ahead <= size)
        }))
    }
}

fn capped(site: &mut Site<'_>, scores: ValueId) -> Result<ValueId> {
    let cap = site.float_attribute("softcap", 0.0)?;
    if cap < 0.0 {
        return Err(site.invalid(format!("`softcap` is {cap}, expected 0 or more")));
    }
    if cap == 0.0 {
        return Ok(scores);
    }
    let small = site.times(scores, 1.0 / cap, "uncapped")?;
    let tanh = site.apply(Activation::Tanh, small, "tanh")?;
    site.times(tanh, cap, "capped")
}

/// The scores with the mask added, and which of them are kept, if not all.
fn masked(
    site: &mut Site<'_>,
    scores: ValueId,
    sizes: &Sizes,
) -> Result<(ValueId, Option<ValueId>)> {
    let reach = match sizes.reach(site)? {
        Some(reach) => Some(filled(site, vec![sizes.queries, sizes.keys], |at| {
            f32::from(reach(at / sizes.keys, at % sizes.keys))
        })?),
        None => None,
    };
    let mask = if site.has(3) { Some(site.input(3)?) } else { None };
    match mask {
        None => Ok((scores, placed(site, reach)?)),
        Some(Lowered::Constant(constant)) => {
            let truth = site.kind(3)? == Kind::Bool;
            let mask = site.number_tensor(&constant)?;
            let hidden = if truth { 0.0 } else { f32::NEG_INFINITY };
            let mask = sizes.padded(site, mask, hidden)?;
            sizes.check_mask(site, mask.shape())?;
            let keep = Some(mask.map(|v| f32::from(*v != hidden)))
                .filter(|keep| keep.data().contains(&0.0));
            let keep = both(site, reach, keep)?;
            let added = mask.map(|v| if v.is_infinite() { 0.0 } else { *v });
            let scores = if truth || added.data().iter().all(|v| *v == 0.0) {
                scores
            } else {
                let added = site.own_constant("mask", added)?;
                site.push(Op::Add, vec![scores, added], "masked")?
            };
            Ok((scores, placed(site, keep)?))
        }
        Some(value) => {
            let shape = site.shape_of(&value);
            sizes.check_mask(site, &shape)?;
            let mask = site.value(value, "mask")?;
            match site.kind(3)? {
                Kind::Float => {
                    let scores = site.push(Op::Add, vec![scores, mask], "masked")?;
                    Ok((scores, placed(site, reach)?))
                }
                Kind::Bool => {
                    let keep = match placed(site, reach)? {
                        Some(reach) => site.push(Op::Mul, vec![mask, reach], "kept")?,
                        None => mask,
                    };
                    Ok((scores, Some(keep)))
                }
                Kind::Int => Err(site.invalid("`attn_mask` holds whole numbers")),
            }
        }
    }
}

impl Sizes {
    /// A mask of fewer keys hides the others.
    fn padded(&self, site: &mut Site<'_>, mask: Tensor<f32>, hidden: f32) -> Result<Tensor<f32>> {
        let mut dims = mask.shape().dims().to_vec();
        let Some(last) = dims.last_mut() else { return Ok(mask) };
        let from = *last;
        if from == 1 || from >= self.keys {
            return Ok(mask);
        }
        if site.since < 24 {
            return Err(site.invalid(format!("`attn_mask` is for {from} of {} keys", self.keys)));
        }
        *last = self.keys;
        let data = mask.data();
        filled(site, dims, |at| {
            let (row, key) = (at / self.keys, at % self.keys);
            if key < from { data[row * from + key] } else { hidden }
        })
    }

    fn check_mask(&self, site: &Site<'_>, mask: &Shape) -> Result<()> {
        let scores =
            site.valid(Shape::new(vec![self.batch, self.heads, self.queries, self.keys]))?;
        site.expect_broadcast("`attn_mask`", mask, &scores)
    }
}

fn both(
    site: &mut Site<'_>,
    a: Option<Tensor<f32>>,
    b: Option<Tensor<f32>>,
) -> Result<Option<Tensor<f32>>> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let shape = site.valid(a.shape().broadcast(b.shape()))?;
            site.spend(shape.len())?;
            let product = site.valid(float::apply(&Op::Mul, &[&a, &b]))?;
            Ok(Some(product))
        }
        (a, b) => Ok(a.or(b)),
    }
}

fn placed(site: &mut Site<'_>, keep: Option<Tensor<f32>>) -> Result<Option<ValueId>> {
    keep.map(|keep| site.own_constant("keep", keep)).transpose()
}
