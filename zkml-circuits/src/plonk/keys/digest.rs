//! The digest that names a verifying key and starts every transcript.
//!
//! `keccak256` of a prefix-free encoding: a domain tag, then every field of the key in a fixed
//! order. Integers are 8 bytes big-endian, lists are preceded by their length, field elements are
//! 32 bytes, points 64 (zeros for infinity), expressions are written in prefix order with one tag
//! byte a node. Two keys that differ in anything a verifier uses have different encodings.

use halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};

use super::codec::{commitment_to_bytes, g2_to_bytes};
use super::verifying::VerifyingKey;
use crate::plonk::protocol::{ColumnKind, Expr, Protocol, Query};
use crate::plonk::transcript::scalar_to_bytes;

const TAG: &[u8] = b"zkml-vk-v1";

/// Digest of everything in the key but the digest.
pub(super) fn digest(key: &VerifyingKey) -> [u8; 32] {
    let mut to = Encoder(Keccak256::new());
    to.bytes(TAG);
    to.protocol(key.protocol());
    to.integer(u64::from(key.k()));
    to.scalar(&key.transcript_repr());
    for commitments in [key.fixed_commitments(), key.permutation_commitments()] {
        to.length(commitments.len());
        for point in commitments {
            to.0.update(commitment_to_bytes(point));
        }
    }
    to.length(key.instance_layout().words);
    to.length(key.instance_layout().stride);
    to.0.update(g2_to_bytes(&key.g2()));
    to.0.update(g2_to_bytes(&key.s_g2()));
    to.0.update(key.binding());
    to.0.finalize().into()
}

struct Encoder(Keccak256);

impl Encoder {
    fn integer(&mut self, value: u64) {
        self.0.update(value.to_be_bytes());
    }

    fn length(&mut self, value: usize) {
        self.integer(value as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.update(bytes);
    }

    fn scalar(&mut self, scalar: &Fr) {
        self.0.update(scalar_to_bytes(scalar));
    }

    fn protocol(&mut self, protocol: &Protocol) {
        self.bytes(&protocol.advice_phase);
        self.bytes(&protocol.challenge_phase);
        self.length(protocol.num_fixed);
        self.length(protocol.num_instance);
        self.queries(&protocol.advice_queries);
        self.queries(&protocol.fixed_queries);
        self.queries(&protocol.instance_queries);
        self.length(protocol.gates.len());
        for gate in &protocol.gates {
            self.expression(gate);
        }
        self.length(protocol.permutation.len());
        for column in &protocol.permutation {
            self.0.update([match column.kind {
                ColumnKind::Advice => 0,
                ColumnKind::Fixed => 1,
                ColumnKind::Instance => 2,
            }]);
            self.length(column.index);
        }
        self.length(protocol.degree);
        self.length(protocol.blinding);
    }

    fn queries(&mut self, queries: &[Query]) {
        self.length(queries.len());
        for query in queries {
            self.length(query.column);
            self.0.update(query.rotation.to_be_bytes());
        }
    }

    /// Prefix order, with a stack of our own: gates may be deep.
    fn expression(&mut self, root: &Expr) {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            match node {
                Expr::Constant(value) => {
                    self.0.update([0]);
                    self.scalar(value);
                }
                Expr::Fixed(i) => self.leaf(1, *i),
                Expr::Advice(i) => self.leaf(2, *i),
                Expr::Instance(i) => self.leaf(3, *i),
                Expr::Challenge(i) => self.leaf(4, *i),
                Expr::Negated(a) => {
                    self.0.update([5]);
                    stack.push(a);
                }
                Expr::Sum(a, b) => {
                    self.0.update([6]);
                    stack.extend([&**b, &**a]);
                }
                Expr::Product(a, b) => {
                    self.0.update([7]);
                    stack.extend([&**b, &**a]);
                }
                Expr::Scaled(a, value) => {
                    self.0.update([8]);
                    self.scalar(value);
                    stack.push(a);
                }
            }
        }
    }

    fn leaf(&mut self, tag: u8, index: usize) {
        self.0.update([tag]);
        self.length(index);
    }
}
