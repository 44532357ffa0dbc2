//! The contract's text around the generated statements.

use super::{CONTRACT, Parts, VERSION, indent, indent_by, lagrange, opening, transcript, words};
use crate::{
    algebra::{Program, literal},
    layout::{KeyLayout, WORD},
};
use ff::{Field, PrimeField};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fr, G2Affine},
};

/// The whole source.
pub(super) fn render(parts: &Parts<'_>, program: &Program) -> String {
    let (layout, memory) = (parts.layout, parts.memory);
    let segment = memory.slots + program.slots * WORD;
    let blinding = parts.protocol.blinding;
    let constants: Vec<(&str, String, &str)> = vec![
        ("R", modulus(), "Modulus of the scalar field."),
        ("Q", base_modulus(), "Modulus of the curve's base field."),
        ("PROOF_LENGTH", layout.proof.length.to_string(), "Bytes of a proof."),
        (
            "POINTS_LENGTH",
            layout.proof.first_eval().to_string(),
            "Bytes of the proof's leading points.",
        ),
        ("KEY_LENGTH", (layout.key.words * WORD).to_string(), "Bytes of the verifying key."),
        ("MIN_K", layout.min_k(parts.protocol).to_string(), "Smallest domain, log2."),
        ("BLINDING", blinding.to_string(), "Blinding rows; one more row is unusable."),
        (
            "FIRST_WORD",
            hex(0x84 + layout.proof.length),
            "Calldata offset of the first public word.",
        ),
        ("KEY", hex(memory.key), "Memory: the verifying key."),
        ("PROOF", hex(memory.proof), "Memory: the proof."),
        ("INVERSES", hex(memory.inverses.start), "Memory: values to invert."),
        ("INVERSES_END", hex(memory.inverses.end), "Memory: their end."),
        ("PREFIXES", hex(memory.prefixes), "Memory: prefix products of the batch inversion."),
        (
            "ACCUMULATOR",
            hex(memory.accumulator),
            "Memory: input and output of precompiles, 0x180 bytes.",
        ),
        ("SEGMENT", hex(segment), "Memory: what the first challenge hashes; nothing is behind it."),
    ];
    let constants: String = constants
        .iter()
        .map(|(name, value, doc)| {
            format!("    /// @dev {doc}\n    uint256 private constant {name} = {value};\n")
        })
        .collect();
    let word = |i: usize| hex(memory.key_word(i));
    let inverses = &memory.inverses;
    let lagrange_last = if parts.protocol.permutation.is_empty() {
        // Nothing reads the boundary polynomials; ones keep the batch inversion uniform.
        [inverses.first, inverses.last, inverses.blind]
            .map(|a| format!("mstore({a:#x}, 1)"))
            .to_vec()
    } else {
        Vec::new()
    };
    let minus_g2 = negated_generator();
    let replacements: Vec<(&str, String)> = vec![
        ("CONTRACT", CONTRACT.to_owned()),
        ("VERSION", VERSION.to_owned()),
        ("CONSTANTS", constants),
        ("MAP", map(parts)),
        ("DIGEST", word(KeyLayout::DIGEST)),
        ("REPRESENTATION", word(KeyLayout::REPRESENTATION)),
        ("K", word(KeyLayout::K)),
        ("COUNT", word(KeyLayout::COUNT)),
        ("STRIDE", word(KeyLayout::STRIDE)),
        ("ROW_STEP", word(KeyLayout::ROW_STEP)),
        ("STRIDE_STEP", word(KeyLayout::STRIDE_STEP)),
        ("N_INVERSE", word(KeyLayout::N_INVERSE)),
        ("LAST_STEP", word(KeyLayout::LAST_STEP)),
        ("POINTS", word(layout.key.points)),
        ("CHALLENGES", indent(&transcript::challenges(parts))),
        ("TURN", hex(words::TURN * WORD)),
        ("COPY_WORDS", indent_by(5, &words::copy())),
        (
            "CHECK_SCALARS",
            indent_by(
                4,
                &words::check(
                    memory.proof + layout.proof.first_eval(),
                    memory.proof + layout.proof.opening_h,
                ),
            ),
        ),
        ("EVALUATE_WORDS", indent_by(4, &words::evaluate())),
        ("SET_PRODUCTS", indent(&lagrange::set_products(parts))),
        ("SET_WEIGHTS", indent(&lagrange::set_weights(parts))),
        ("UNUSED_BOUNDARY", indent(&lagrange_last)),
        ("CONSTRAINTS", indent(&program.lines)),
        ("FOLD", indent(&opening::fold(parts))),
        ("Y", hex(memory.y)),
        ("X", hex(memory.x)),
        ("X_N", hex(memory.x_n)),
        ("OPEN_Y", hex(memory.open_y)),
        ("OPEN_U", hex(memory.open_u)),
        ("INSTANCE", hex(memory.instance)),
        ("L_FIRST", hex(memory.l_first)),
        ("L_LAST", hex(memory.l_last)),
        ("L_ACTIVE", hex(memory.l_active)),
        ("QUOTIENT", hex(memory.quotient)),
        ("I_X", hex(inverses.x)),
        ("I_VANISHING", hex(inverses.vanishing)),
        ("I_INSTANCE", hex(inverses.instance)),
        ("I_FIRST", hex(inverses.first)),
        ("I_LAST", hex(inverses.last)),
        ("I_BLIND", hex(inverses.blind)),
        ("ROTATIONS_END", hex(inverses.x)),
        ("Z_FIRST", hex(memory.vanishing[0])),
        ("W", hex(memory.proof + layout.proof.opening_w)),
        ("H", hex(memory.proof + layout.proof.opening_h)),
        ("A_POINT", hex(memory.accumulator + 0x40)),
        ("A_SCALAR", hex(memory.accumulator + 0x80)),
        ("A_60", hex(memory.accumulator + 0x60)),
        ("A_A0", hex(memory.accumulator + 0xa0)),
        ("A_C0", hex(memory.accumulator + 0xc0)),
        ("A_20", hex(memory.accumulator + 0x20)),
        ("A_100", hex(memory.accumulator + 0x100)),
        ("A_120", hex(memory.accumulator + 0x120)),
        ("A_140", hex(memory.accumulator + 0x140)),
        ("A_160", hex(memory.accumulator + 0x160)),
        ("G2_0", minus_g2[0].clone()),
        ("G2_1", minus_g2[1].clone()),
        ("G2_2", minus_g2[2].clone()),
        ("G2_3", minus_g2[3].clone()),
    ];
    fill(include_str!("ZkmlVerifier.sol.in"), &replacements)
}

/// Replaces every `{{NAME}}`.
fn fill(template: &str, replacements: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() * 4);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").expect("the template's braces are balanced");
        let value = replacements.iter().find(|(n, _)| *n == name);
        out.push_str(before);
        out.push_str(&value.expect("the template uses known names only").1);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A comment that says which evaluation is where, for readers of the constraints.
fn map(parts: &Parts<'_>) -> String {
    let (protocol, layout, memory) = (parts.protocol, parts.layout, parts.memory);
    let mut lines = Vec::new();
    let mut say =
        |address: usize, what: String| lines.push(format!("    //   {address:#06x} {what}\n"));
    for i in 0..protocol.challenge_phase.len() {
        say(memory.challenges + i * WORD, format!("challenge {i}"));
    }
    say(memory.beta, "beta".to_owned());
    say(memory.gamma, "gamma".to_owned());
    say(memory.y, "y".to_owned());
    say(memory.x, "x".to_owned());
    say(memory.instance, "instance column at x".to_owned());
    say(memory.l_first, "l_0(x)".to_owned());
    say(memory.l_last, "l_last(x)".to_owned());
    say(memory.l_active, "1 - l_last(x) - l_blind(x)".to_owned());
    let proof = &layout.proof;
    for (query, offset) in protocol.advice_queries.iter().zip(&proof.advice_evals) {
        say(
            memory.proof + offset,
            format!("advice {} at rotation {}", query.column, query.rotation),
        );
    }
    for (query, offset) in protocol.fixed_queries.iter().zip(&proof.fixed_evals) {
        say(
            memory.proof + offset,
            format!("fixed {} at rotation {}", query.column, query.rotation),
        );
    }
    for (i, offset) in proof.sigma_evals.iter().enumerate() {
        say(memory.proof + offset, format!("permutation {i}"));
    }
    for (i, (here, next, last)) in proof.product_evals.iter().enumerate() {
        say(memory.proof + here, format!("product {i} at rotation 0"));
        say(memory.proof + next, format!("product {i} at rotation 1"));
        if let Some(last) = last {
            say(memory.proof + last, format!("product {i} at the last usable row"));
        }
    }
    say(memory.slots, "intermediate values".to_owned());
    lines.concat()
}

fn hex(address: usize) -> String {
    format!("{address:#x}")
}

fn modulus() -> String {
    increment(&literal(-Fr::ONE))
}

fn base_modulus() -> String {
    increment(&base_literal(-Fq::ONE))
}

/// `p` from the literal of `p - 1`, which is even.
fn increment(literal: &str) -> String {
    let (head, digit) = literal.split_at(literal.len() - 1);
    let digit = u8::from_str_radix(digit, 16).map_or(0, |d| d + 1);
    format!("{head}{digit:x}")
}

fn base_literal(c: Fq) -> String {
    let mut bytes = c.to_repr();
    bytes.as_mut().reverse();
    format!("0x{}", ::hex::encode(bytes))
}

/// `-[1]_2` in the order of the pairing precompile: imaginary parts first.
fn negated_generator() -> [String; 4] {
    let point = -G2Affine::generator();
    let coordinates = point.coordinates();
    let coordinates = coordinates.expect("the generator is not the identity");
    let (x, y) = (coordinates.x(), coordinates.y());
    [x.c1, x.c0, y.c1, y.c0].map(base_literal)
}
