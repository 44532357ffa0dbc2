//! The loops over words of calldata and proof, several words a turn: a turn's own cost is that of half a word.
//!
//! Of the loops over the public words, the last turn may run past the last word. Calldata behind its end reads as zero; the rows it is copied to
//! are zero already, and it adds nothing to the instance column's value.

use crate::layout::WORD;

/// Words a turn.
pub(super) const TURN: usize = 8;

/// Statements of a turn that lays words out `step` bytes apart at `to`, and gathers their bits in `all`.
/// Uses `word`; `from` is the first word's place in the calldata.
pub(super) fn copy() -> Vec<String> {
    let turn = |i| {
        [
            format!("word := {}", load(i)),
            "all := or(all, word)".to_owned(),
            "mstore(to, word)".to_owned(),
            "to := add(to, step)".to_owned(),
        ]
    };
    (0..TURN).flat_map(turn).collect()
}

/// Statements of a turn that adds `word / t` to `num / den` and moves `t`, which is `p - 1`, on to
/// `p step - 1`. Expects `r` and `shift`, which is `step - 1`.
pub(super) fn evaluate() -> Vec<String> {
    let turn = |i| {
        [
            format!("num := add(mulmod(num, t, r), mulmod({}, den, r))", load(i)),
            "den := mulmod(den, t, r)".to_owned(),
            "t := add(mulmod(t, step, r), shift)".to_owned(),
        ]
    };
    (0..TURN).flat_map(turn).collect()
}

/// Statements that clear `good` unless all words of the memory from `start` to `end` are below `r`.
pub(super) fn check(start: usize, end: usize) -> Vec<String> {
    let good = |address: String| format!("good := and(good, lt(mload({address}), r))");
    let whole = start + (end - start) / (TURN * WORD) * (TURN * WORD);
    let mut lines = vec![format!(
        "for {{ let p := {start:#x} }} lt(p, {whole:#x}) {{ p := add(p, {:#x}) }} {{",
        TURN * WORD
    )];
    let turn = (0..TURN).map(|i| match i {
        0 => good("p".to_owned()),
        _ => good(format!("add(p, {:#x})", i * WORD)),
    });
    lines.extend(turn.map(|line| format!("    {line}")));
    lines.push("}".to_owned());
    lines.extend((whole..end).step_by(WORD).map(|address| good(format!("{address:#x}"))));
    lines
}

fn load(word: usize) -> String {
    match word * WORD {
        0 => "calldataload(from)".to_owned(),
        offset => format!("calldataload(add(from, {offset:#x}))"),
    }
}
