//! A constraint system as a verifier sees it, free of halo2 types.
//!
//! One [`Protocol`] per profile. The light verifier interprets it, the Solidity generator compiles
//! it, the verifying key's digest binds it. Its order of queries and gates is halo2-axiom's, so
//! that a proof reads the same to all three verifiers.

use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Any, ConstraintSystem, Expression},
};
use serde::{Deserialize, Serialize};

/// Kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColumnKind {
    /// Committed by the prover.
    Advice,
    /// Committed in the verifying key.
    Fixed,
    /// Public.
    Instance,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Kind.
    pub kind: ColumnKind,
    /// Index among the columns of its kind.
    pub index: usize,
}

/// A column opened at `x * omega^rotation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Query {
    /// Index of the column among those of its kind.
    pub column: usize,
    /// Rotation in rows.
    pub rotation: i32,
}

/// A gate polynomial. Leaves are indices into the protocol's query lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A constant.
    Constant(Fr),
    /// Evaluation of `fixed_queries[.0]`.
    Fixed(usize),
    /// Evaluation of `advice_queries[.0]`.
    Advice(usize),
    /// Evaluation of `instance_queries[.0]`.
    Instance(usize),
    /// Challenge `.0`.
    Challenge(usize),
    /// `-a`.
    Negated(Box<Expr>),
    /// `a + b`.
    Sum(Box<Expr>, Box<Expr>),
    /// `a * b`.
    Product(Box<Expr>, Box<Expr>),
    /// `a * constant`.
    Scaled(Box<Expr>, Fr),
}

/// A constraint system in verifier's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Phase of each advice column, from 0.
    pub advice_phase: Vec<u8>,
    /// Phase after which each challenge is squeezed.
    pub challenge_phase: Vec<u8>,
    /// Number of fixed columns.
    pub num_fixed: usize,
    /// Number of instance columns, 0 or 1.
    pub num_instance: usize,
    /// Openings of advice columns, in proof order.
    pub advice_queries: Vec<Query>,
    /// Openings of fixed columns, in proof order.
    pub fixed_queries: Vec<Query>,
    /// Evaluations of the instance column the verifier computes; all at rotation 0.
    pub instance_queries: Vec<Query>,
    /// Gate polynomials in order.
    pub gates: Vec<Expr>,
    /// Columns of the permutation argument, in order.
    pub permutation: Vec<Column>,
    /// Degree of the constraint system; it has `degree - 1` quotient pieces and permutation
    /// chunks of `degree - 2` columns.
    pub degree: usize,
    /// halo2's count of blinding rows less the last: rows `n - blinding - 1 ..` are unusable.
    pub blinding: usize,
}

/// A constraint system outside what the prover and the verifiers support.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Uses halo2's own lookup argument; ours are gates.
    #[error("native lookups are not supported")]
    NativeLookup,
    /// More than one instance column, or one read at another row.
    #[error("at most one instance column, read at rotation 0")]
    Instance,
    /// A selector is left in a gate.
    #[error("gates must use fixed columns, not selectors")]
    Selector,
    /// Some gate has a higher degree than the system, whose quotient would be truncated.
    #[error("gate {gate} has degree {got}, the constraint system {expected}")]
    Degree {
        /// Index of the gate polynomial.
        gate: usize,
        /// Degree of the system.
        expected: usize,
        /// Degree of the gate.
        got: usize,
    },
    /// A gate reads a cell that is in no query list.
    #[error("column {column} at rotation {rotation} is not among the queries")]
    UnknownQuery {
        /// Index of the column.
        column: usize,
        /// Rotation.
        rotation: i32,
    },
    /// The permutation argument does not fit.
    #[error("the degree of the constraint system must be at least 3, got {got}")]
    DegreeTooSmall {
        /// Degree of the system.
        got: usize,
    },
    /// Two queries open the same column at the same point.
    #[error("column {column} is queried twice at rotation {rotation}")]
    DuplicateQuery {
        /// Index of the column.
        column: usize,
        /// Rotation.
        rotation: i32,
    },
}

impl Protocol {
    /// Reads a configured constraint system.
    ///
    /// # Errors
    /// A [`ProtocolError`] when it is outside what prover and verifiers support.
    pub fn new(cs: &ConstraintSystem<Fr>) -> Result<Self, ProtocolError> {
        if !cs.lookups().is_empty() {
            return Err(ProtocolError::NativeLookup);
        }
        let instance_queries: Vec<Query> =
            cs.instance_queries().iter().map(|(c, r)| query(c.index(), r.0)).collect();
        if cs.num_instance_columns() > 1 || instance_queries.iter().any(|q| q.rotation != 0) {
            return Err(ProtocolError::Instance);
        }
        let advice_queries: Vec<Query> =
            cs.advice_queries().iter().map(|(c, r)| query(c.index(), r.0)).collect();
        let fixed_queries: Vec<Query> =
            cs.fixed_queries().iter().map(|(c, r)| query(c.index(), r.0)).collect();
        reject_duplicates(&advice_queries)?;
        reject_duplicates(&fixed_queries)?;
        let queries =
            Queries { advice: &advice_queries, fixed: &fixed_queries, instance: &instance_queries };
        let degree = cs.degree();
        if degree < 3 {
            return Err(ProtocolError::DegreeTooSmall { got: degree });
        }
        let mut gates = Vec::new();
        for (gate, poly) in cs.gates().iter().flat_map(|g| g.polynomials()).enumerate() {
            if poly.degree() > degree {
                let got = poly.degree();
                return Err(ProtocolError::Degree { gate, expected: degree, got });
            }
            gates.push(queries.convert(poly)?);
        }
        let permutation: Vec<Column> = cs
            .permutation()
            .get_columns()
            .iter()
            .map(|c| Column {
                kind: match c.column_type() {
                    Any::Advice(_) => ColumnKind::Advice,
                    Any::Fixed => ColumnKind::Fixed,
                    Any::Instance => ColumnKind::Instance,
                },
                index: c.index(),
            })
            .collect();
        let protocol = Self {
            advice_phase: cs.advice_column_phase(),
            challenge_phase: cs.challenge_phase(),
            num_fixed: cs.num_fixed_columns(),
            num_instance: cs.num_instance_columns(),
            advice_queries,
            fixed_queries,
            instance_queries,
            gates,
            permutation,
            degree,
            blinding: cs.blinding_factors(),
        };
        // halo2's `enable_equality` makes these queries; the verifiers rely on them.
        match protocol.permutation.iter().find(|c| protocol.permutation_leaf(c).is_none()) {
            Some(c) => Err(ProtocolError::UnknownQuery { column: c.index, rotation: 0 }),
            None => Ok(protocol),
        }
    }
}

fn query(column: usize, rotation: i32) -> Query {
    Query { column, rotation }
}

fn reject_duplicates(queries: &[Query]) -> Result<(), ProtocolError> {
    let mut seen = std::collections::HashSet::new();
    match queries.iter().find(|q| !seen.insert(**q)) {
        Some(&Query { column, rotation }) => {
            Err(ProtocolError::DuplicateQuery { column, rotation })
        }
        None => Ok(()),
    }
}

/// Positions of queries in the protocol's lists.
struct Queries<'a> {
    advice: &'a [Query],
    fixed: &'a [Query],
    instance: &'a [Query],
}

impl Queries<'_> {
    fn convert(&self, e: &Expression<Fr>) -> Result<Expr, ProtocolError> {
        let boxed = |e| self.convert(e).map(Box::new);
        let at = |list: &[Query], column: usize, rotation: i32| {
            list.iter()
                .position(|q| *q == query(column, rotation))
                .ok_or(ProtocolError::UnknownQuery { column, rotation })
        };
        Ok(match e {
            Expression::Constant(c) => Expr::Constant(*c),
            Expression::Selector(_) => return Err(ProtocolError::Selector),
            Expression::Fixed(q) => Expr::Fixed(at(self.fixed, q.column_index(), q.rotation().0)?),
            Expression::Advice(q) => {
                Expr::Advice(at(self.advice, q.column_index(), q.rotation().0)?)
            }
            Expression::Instance(q) => {
                Expr::Instance(at(self.instance, q.column_index(), q.rotation().0)?)
            }
            Expression::Challenge(c) => Expr::Challenge(c.index()),
            Expression::Negated(a) => Expr::Negated(boxed(a)?),
            Expression::Sum(a, b) => Expr::Sum(boxed(a)?, boxed(b)?),
            Expression::Product(a, b) => Expr::Product(boxed(a)?, boxed(b)?),
            Expression::Scaled(a, c) => Expr::Scaled(boxed(a)?, *c),
        })
    }
}
