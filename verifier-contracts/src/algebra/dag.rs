//! Hash-consed polynomials.

use super::factor;
use ff::Field;
use halo2curves::bn256::Fr;
use std::collections::{BTreeMap, HashMap};

/// Index of a node. Nodes are numbered in the order they are made, so all is deterministic.
pub(super) type Id = usize;

/// A polynomial that is not a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// The word at a memory address, reduced.
    Leaf(usize),
    /// `constant + sum of coefficient * node`; at least two summands; terms ascend by id.
    Sum(Fr, Vec<(Id, Fr)>),
    /// Product of two nodes or more, ascending by id; none is itself a product when it is made.
    Product(Vec<Id>),
}

/// `constant + sum of coefficient * node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(super) constant: Fr,
    pub(super) terms: BTreeMap<Id, Fr>,
}

impl Linear {
    pub(super) fn constant(constant: Fr) -> Self {
        Self { constant, terms: BTreeMap::new() }
    }

    pub(super) fn node(id: Id) -> Self {
        Self { constant: Fr::ZERO, terms: BTreeMap::from([(id, Fr::ONE)]) }
    }

    pub(super) fn scale(mut self, by: Fr) -> Self {
        if by == Fr::ZERO {
            return Self::default();
        }
        self.constant *= by;
        self.terms.values_mut().for_each(|c| *c *= by);
        self
    }

    pub(super) fn add(mut self, other: Self) -> Self {
        self.constant += other.constant;
        for (id, coefficient) in other.terms {
            let sum = self.terms.entry(id).or_insert(Fr::ZERO);
            *sum += coefficient;
            if *sum == Fr::ZERO {
                self.terms.remove(&id);
            }
        }
        self
    }

    pub(super) fn sub(self, other: Self) -> Self {
        self.add(other.scale(-Fr::ONE))
    }
}

/// All nodes.
#[derive(Debug, Default)]
pub(crate) struct Dag {
    pub(super) nodes: Vec<Node>,
    index: HashMap<Node, Id>,
}

impl Dag {
    pub(super) fn intern(&mut self, node: Node) -> Id {
        if let Some(id) = self.index.get(&node) {
            return *id;
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        id
    }

    /// The word at `address`.
    pub(super) fn leaf(&mut self, address: usize) -> Linear {
        Linear::node(self.intern(Node::Leaf(address)))
    }

    /// `a b`. Products of sums are not multiplied out.
    pub(super) fn mul(&mut self, a: Linear, b: Linear) -> Linear {
        let ((ca, a), (cb, b)) = (self.atom(a), self.atom(b));
        let coefficient = ca * cb;
        match (a, b) {
            (None, None) => Linear::constant(coefficient),
            (Some(id), None) | (None, Some(id)) => Linear::node(id).scale(coefficient),
            (Some(a), Some(b)) => {
                let mut factors = self.factors(a);
                factors.extend(self.factors(b));
                Linear::node(self.product(factors)).scale(coefficient)
            }
        }
    }

    /// Writes `linear` as `coefficient * node`, or as a constant.
    pub(super) fn atom(&mut self, linear: Linear) -> (Fr, Option<Id>) {
        if linear.terms.is_empty() {
            return (linear.constant, None);
        }
        let linear = factor::common_factors(self, linear);
        match linear.terms.first_key_value() {
            Some((id, c)) if linear.terms.len() == 1 && linear.constant == Fr::ZERO => {
                (*c, Some(*id))
            }
            _ => {
                // One sign for a sum and its negative, so that they share a node.
                let lead = linear.terms.values().next().copied().unwrap_or(Fr::ONE);
                let sign = if is_negative(lead) { -Fr::ONE } else { Fr::ONE };
                let linear = linear.scale(sign);
                let node = Node::Sum(linear.constant, linear.terms.into_iter().collect());
                (sign, Some(self.intern(node)))
            }
        }
    }

    /// The factors of a product, or the node itself.
    pub(super) fn factors(&self, id: Id) -> Vec<Id> {
        match &self.nodes[id] {
            Node::Product(factors) => factors.clone(),
            _ => vec![id],
        }
    }

    /// The product of `factors`; at least one.
    pub(super) fn product(&mut self, mut factors: Vec<Id>) -> Id {
        factors.sort_unstable();
        if factors.len() == 1 { factors[0] } else { self.intern(Node::Product(factors)) }
    }
}

/// Whether `-c` is shorter to write than `c`.
pub(super) fn is_negative(c: Fr) -> bool {
    -c < c
}
