//! The Fiat-Shamir part: which stretch of the proof each challenge follows.

use super::Parts;
use crate::layout::WORD;

/// Statements that derive all challenges. Expects `r`, `end` (end of the instance column) and `h`;
/// memory from `SEGMENT` holds the key's digest, its representation and the instance column.
///
/// A challenge hashes the previous hash and the proof bytes since. The hash is put in front of those
/// bytes, over bytes that are hashed already; the caller copies the proof again afterwards.
pub(super) fn challenges(parts: &Parts<'_>) -> Vec<String> {
    let mut writer = Writer { proof: parts.memory.proof, hashed: None, read: 0, lines: Vec::new() };
    let memory = parts.memory;
    let proof = &parts.layout.proof;
    for (phase, bytes) in proof.phases.iter().enumerate() {
        writer.read = bytes.end;
        for (i, p) in parts.protocol.challenge_phase.iter().enumerate() {
            if usize::from(*p) == phase {
                writer.squeeze(Some(memory.challenges + i * WORD), &format!("challenge {i}"));
            }
        }
    }
    writer.squeeze(None, "theta, which only halo2's lookups use");
    writer.squeeze(Some(memory.beta), "beta");
    writer.squeeze(Some(memory.gamma), "gamma");
    writer.read = proof.quotient.first().copied().unwrap_or(proof.random);
    writer.squeeze(Some(memory.y), "y");
    writer.read = proof.first_eval();
    writer.squeeze(Some(memory.x), "x");
    writer.read = proof.opening_h;
    writer.squeeze(Some(memory.open_y), "opening: y");
    writer.squeeze(Some(memory.open_v), "opening: v");
    writer.read = proof.opening_w;
    writer.squeeze(Some(memory.open_u), "opening: u");
    writer.lines
}

struct Writer {
    proof: usize,
    /// Proof bytes hashed so far; none before the first challenge.
    hashed: Option<usize>,
    /// Proof bytes absorbed so far.
    read: usize,
    lines: Vec<String>,
}

impl Writer {
    fn squeeze(&mut self, store: Option<usize>, name: &str) {
        self.lines.push(format!("// {name}"));
        match self.hashed {
            None => {
                let length = self.read;
                self.lines.push(format!("mcopy(end, PROOF, {length:#x})"));
                self.lines
                    .push(format!("h := keccak256(SEGMENT, sub(add(end, {length:#x}), SEGMENT))"));
            }
            Some(start) if start < self.read => {
                let at = self.proof + start - WORD;
                self.lines.push(format!("mstore({at:#x}, h)"));
                let length = WORD + self.read - start;
                self.lines.push(format!("h := keccak256({at:#x}, {length:#x})"));
            }
            Some(_) => {
                self.lines.push("mstore(0x00, h)".to_owned());
                self.lines.push("h := keccak256(0x00, 0x21)".to_owned());
            }
        }
        self.hashed = Some(self.read);
        if let Some(address) = store {
            self.lines.push(format!("mstore({address:#x}, mod(h, r))"));
        }
    }
}
