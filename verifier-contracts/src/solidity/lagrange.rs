//! Per-set statements around the batch inversion.

use super::Parts;
use crate::layout::WORD;

/// Before the inversion: `prod (u - x omega^r)` of every rotation set. Expects `r`.
pub(super) fn set_products(parts: &Parts<'_>) -> Vec<String> {
    let sets = parts.layout.opening.sets.iter().zip(&parts.memory.vanishing);
    sets.map(|(set, at)| format!("mstore({at:#x}, {})", product(parts, &set.rotations))).collect()
}

/// After the inversion: Lagrange weights at `u` of every set of two points or more,
/// `Z(u) / (u - p_j) * weight_j / x^(m - 1)`. Expects `r`; uses `t` and `p`.
pub(super) fn set_weights(parts: &Parts<'_>) -> Vec<String> {
    let memory = parts.memory;
    let mut lines = Vec::new();
    for (i, set) in parts.layout.opening.sets.iter().enumerate() {
        let (Some(Some(key)), Some(Some(weights)), Some(vanishing)) =
            (parts.layout.key.weights.get(i), memory.weights.get(i), memory.vanishing.get(i))
        else {
            continue;
        };
        lines.push(format!("p := mload({:#x})", memory.inverses.x));
        lines.push(format!("t := mload({vanishing:#x})"));
        lines.extend((1..set.rotations.len()).map(|_| "t := mulmod(t, p, r)".to_owned()));
        for (j, rotation) in set.rotations.iter().enumerate() {
            lines.push(format!(
                "mstore({:#x}, mulmod(mload({:#x}), mulmod(mload({:#x}), t, r), r))",
                weights + j * WORD,
                inverse(parts, *rotation),
                memory.key_word(key + j),
            ));
        }
    }
    lines
}

/// `1 / prod (u - x omega^r)` once inverted, the product itself before.
pub(super) fn product(parts: &Parts<'_>, rotations: &[i32]) -> String {
    let mut loads = rotations.iter().map(|r| format!("mload({:#x})", inverse(parts, *r)));
    let first = loads.next().expect("a rotation set has a rotation");
    loads.fold(first, |product, load| format!("mulmod({load}, {product}, r)"))
}

fn inverse(parts: &Parts<'_>, rotation: i32) -> usize {
    let index = parts.layout.opening.index_of(rotation);
    parts.memory.inverses.start + index * WORD
}
