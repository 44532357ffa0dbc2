//! SHPLONK's multi-scalar multiplication, set by set.
//!
//! Commitment `c` of set `i` has the scalar `s = v^i y^c Z_0(u) / Z_i(u)`; its evaluations add
//! `s sum_j weight_j eval_j` to `e`. The very first scalar is 1. Stretches of commitments whose
//! places advance evenly become loops.

use super::{Parts, lagrange};
use crate::layout::{Eval, Member, POINT, RotationSet, WORD};
use zkml_circuits::plonk::Poly;

/// Shortest stretch worth a loop.
const LOOP: usize = 4;
/// Most factors of one expression: each takes a slot of the 16 of the EVM's stack within reach.
const FACTORS: usize = 6;

/// Statements that fold all commitments. Expects `r`, `y`, `v` (a power of the challenge, 1), `s`,
/// `e`, `ok` and the functions `fold(point, scalar) -> ok` and `fold_key`.
pub(super) fn fold(parts: &Parts<'_>) -> Vec<String> {
    let memory = parts.memory;
    let mut lines = Vec::new();
    for (i, set) in parts.layout.opening.sets.iter().enumerate() {
        let rotations: Vec<String> = set.rotations.iter().map(ToString::to_string).collect();
        lines.push(format!("// opened at rotations {}", rotations.join(", ")));
        let mut members = set.members.as_slice();
        if i == 0 {
            lines.push("s := 1".to_owned());
            if let Some((first, rest)) = members.split_first() {
                lines.push(format!("mcopy(ACCUMULATOR, {:#x}, 0x40)", point(parts, first)));
                lines.push(format!("e := {}", combination(parts, i, &addresses(parts, first))));
                lines.push("s := y".to_owned());
                members = rest;
            }
        } else {
            lines.push(format!("v := mulmod(v, mload({:#x}), r)", memory.open_v));
            let (first, chunks) = (memory.vanishing[0], set.rotations.chunks(FACTORS));
            for (j, rotations) in chunks.enumerate() {
                let inverse = lagrange::product(parts, rotations);
                lines.push(match j {
                    0 => format!("s := mulmod(mulmod({inverse}, mload({first:#x}), r), v, r)"),
                    _ => format!("s := mulmod(s, {inverse}, r)"),
                });
            }
        }
        while let Some((first, _)) = members.split_first() {
            let run = run_length(parts, members);
            if run >= LOOP {
                lines.extend(looped(parts, i, &members[..run]));
                members = &members[run..];
            } else {
                lines.extend(single(parts, i, first));
                members = &members[1..];
            }
        }
    }
    lines
}

fn single(parts: &Parts<'_>, set: usize, member: &Member) -> Vec<String> {
    let value = combination(parts, set, &addresses(parts, member));
    let mut lines = vec![format!("e := addmod(e, mulmod(s, {value}, r), r)")];
    if member.commitment == Poly::Quotient {
        lines.push("p := s".to_owned());
        for (i, offset) in parts.layout.proof.quotient.iter().enumerate() {
            if i > 0 {
                lines.push(format!("p := mulmod(p, mload({:#x}), r)", parts.memory.x_n));
            }
            let address = parts.memory.proof + offset;
            lines.push(format!("ok := and(fold({address:#x}, p), ok)"));
        }
    } else {
        let fold = folder(member);
        lines.push(format!("ok := and({fold}({:#x}, s), ok)", point(parts, member)));
    }
    lines.push("s := mulmod(s, y, r)".to_owned());
    lines
}

/// The function that adds a commitment. Those of the key may be the identity (an empty column's),
/// which is skipped; those of the proof are not.
fn folder(member: &Member) -> &'static str {
    match member.commitment {
        Poly::Fixed(_) | Poly::Sigma(_) => "fold_key",
        _ => "fold",
    }
}

/// A loop over members whose points and evaluations advance evenly.
fn looped(parts: &Parts<'_>, set: usize, members: &[Member]) -> Vec<String> {
    let starts = addresses(parts, &members[0]);
    let first = starts[0];
    let step = addresses(parts, &members[1])[0] - first;
    let start = point(parts, &members[0]);
    let end = start + members.len() * POINT;
    let loads: Vec<String> = starts
        .iter()
        .map(|a| {
            if *a == first {
                "mload(q)".to_owned()
            } else {
                format!("mload(add(q, {:#x}))", a - first)
            }
        })
        .collect();
    let value = weighted(parts, set, &loads);
    vec![
        format!("q := {first:#x}"),
        format!("for {{ p := {start:#x} }} lt(p, {end:#x}) {{ p := add(p, 0x40) }} {{"),
        format!("    e := addmod(e, mulmod(s, {value}, r), r)"),
        format!("    ok := and({}(p, s), ok)", folder(&members[0])),
        "    s := mulmod(s, y, r)".to_owned(),
        format!("    q := add(q, {step:#x})"),
        "}".to_owned(),
    ]
}

/// How many members from the front advance evenly, upwards.
fn run_length(parts: &Parts<'_>, members: &[Member]) -> usize {
    let regular = |m: &Member| {
        m.commitment != Poly::Quotient
            && folder(m) == folder(&members[0])
            && addresses(parts, m).windows(2).all(|w| w[0] <= w[1])
    };
    let mut step = None;
    let mut length = usize::from(members.first().is_some_and(regular));
    if length == 0 {
        return 0;
    }
    for pair in members.windows(2) {
        let [a, b] = pair else { break };
        if !regular(b) || point(parts, b) != point(parts, a) + POINT {
            break;
        }
        let (from, to) = (addresses(parts, a), addresses(parts, b));
        let mut steps = from.iter().zip(&to).map(|(f, t)| t.checked_sub(*f));
        let Some(Some(own)) = steps.next() else { break };
        if steps.any(|s| s != Some(own)) || step.is_some_and(|s| s != own) {
            break;
        }
        step = Some(own);
        length += 1;
    }
    length
}

fn combination(parts: &Parts<'_>, set: usize, addresses: &[usize]) -> String {
    let loads: Vec<String> = addresses.iter().map(|a| format!("mload({a:#x})")).collect();
    weighted(parts, set, &loads)
}

/// `sum_j weight_j load_j`, the load itself for sets of one point. The sum is reduced every four
/// terms.
fn weighted(parts: &Parts<'_>, set: usize, loads: &[String]) -> String {
    let Some(Some(weights)) = parts.memory.weights.get(set) else {
        return loads[0].clone();
    };
    let mut sum = String::new();
    for (j, load) in loads.iter().enumerate() {
        let term = format!("mulmod({load}, mload({:#x}), r)", weights + j * WORD);
        sum = match j {
            0 => term,
            _ if j % 4 == 0 => format!("addmod({term}, {sum}, r)"),
            _ => format!("add({term}, {sum})"),
        };
    }
    sum
}

fn addresses(parts: &Parts<'_>, member: &Member) -> Vec<usize> {
    let address = |eval: &Eval| match eval {
        Eval::Proof(offset) => parts.memory.proof + offset,
        Eval::Quotient => parts.memory.quotient,
    };
    member.evals.iter().map(address).collect()
}

/// Address of a commitment; the quotient's is that of its first piece.
fn point(parts: &Parts<'_>, member: &Member) -> usize {
    let (proof, key) = (&parts.layout.proof, &parts.layout.key);
    let from_proof = |offsets: &[usize], i: usize| parts.memory.proof + offsets[i];
    match member.commitment {
        Poly::Advice(i) => from_proof(&proof.advice, i),
        Poly::Product(i) => from_proof(&proof.products, i),
        Poly::Fixed(i) => parts.memory.key_word(key.fixed + 2 * i),
        Poly::Sigma(i) => parts.memory.key_word(key.sigmas + 2 * i),
        Poly::Quotient => from_proof(&proof.quotient, 0),
        Poly::Random => parts.memory.proof + proof.random,
    }
}

/// Number of scalar multiplications of the whole opening.
pub(crate) fn scalar_multiplications(sets: &[RotationSet], quotient_pieces: usize) -> usize {
    let commitments: usize = sets.iter().map(|s| s.members.len()).sum();
    // The first is free, the quotient counts its pieces; then the generator and two opening points.
    commitments - 1 + quotient_pieces - 1 + 3
}
