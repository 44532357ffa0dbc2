//! The polynomials a verifier folds with `y`: gates, then the permutation argument.

use super::dag::{Dag, Linear};
use crate::{
    error::ContractError,
    layout::{Layout, Memory, WORD},
};
use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use zkml_circuits::plonk::{Column, ColumnKind, Expr, Protocol};

/// All constraints, in halo2's order, over values in the contract's memory.
pub(crate) fn constraints(
    protocol: &Protocol,
    layout: &Layout,
    memory: &Memory,
) -> Result<(Dag, Vec<Linear>), ContractError> {
    let mut system = System { dag: Dag::default(), protocol, layout, memory };
    let mut roots = Vec::new();
    for gate in &protocol.gates {
        roots.push(system.expression(gate)?);
    }
    roots.extend(system.permutation()?);
    Ok((system.dag, roots))
}

struct System<'a> {
    dag: Dag,
    protocol: &'a Protocol,
    layout: &'a Layout,
    memory: &'a Memory,
}

impl System<'_> {
    fn expression(&mut self, e: &Expr) -> Result<Linear, ContractError> {
        Ok(match e {
            Expr::Constant(c) => Linear::constant(*c),
            Expr::Fixed(i) => self.eval(&self.layout.proof.fixed_evals, *i)?,
            Expr::Advice(i) => self.eval(&self.layout.proof.advice_evals, *i)?,
            Expr::Instance(i) if *i < self.protocol.instance_queries.len() => {
                self.dag.leaf(self.memory.instance)
            }
            Expr::Challenge(i) if *i < self.protocol.challenge_phase.len() => {
                self.dag.leaf(self.memory.challenges + i * WORD)
            }
            Expr::Instance(_) | Expr::Challenge(_) => {
                return Err(ContractError::Protocol(format!("a gate reads unknown {e:?}")));
            }
            Expr::Negated(a) => self.expression(a)?.scale(-Fr::ONE),
            Expr::Sum(a, b) => {
                let a = self.expression(a)?;
                a.add(self.expression(b)?)
            }
            Expr::Product(a, b) => {
                let a = self.expression(a)?;
                let b = self.expression(b)?;
                self.dag.mul(a, b)
            }
            Expr::Scaled(a, c) => self.expression(a)?.scale(*c),
        })
    }

    fn eval(&mut self, evals: &[usize], query: usize) -> Result<Linear, ContractError> {
        let offset = evals.get(query).ok_or_else(|| {
            ContractError::Protocol(format!("a gate reads unknown query {query}"))
        })?;
        Ok(self.dag.leaf(self.memory.proof + offset))
    }

    /// ```text
    /// l_0 (1 - z_0)            l_last (z_m^2 - z_m)            l_0 (z_i - z_(i-1)(omega^last x))
    /// (1 - l_last - l_blind) (z_i(omega x) prod (p + beta s + gamma) - z_i prod (p + delta^j beta x + gamma))
    /// ```
    fn permutation(&mut self) -> Result<Vec<Linear>, ContractError> {
        let products = &self.layout.proof.product_evals;
        let (Some(first), Some(end)) = (products.first(), products.last()) else {
            return Ok(Vec::new());
        };
        let [l_first, l_last, l_active] =
            [self.memory.l_first, self.memory.l_last, self.memory.l_active]
                .map(|a| self.dag.leaf(a));
        let mut roots = Vec::new();

        let z = self.proof_word(first.0);
        roots.push(self.dag.mul(l_first.clone(), Linear::constant(Fr::ONE).sub(z)));
        let z = self.proof_word(end.0);
        let square = self.dag.mul(z.clone(), z.clone());
        roots.push(self.dag.mul(l_last, square.sub(z)));
        for pair in products.windows(2) {
            if let [(_, _, Some(at_last)), (here, ..)] = pair {
                let (here, at_last) = (self.proof_word(*here), self.proof_word(*at_last));
                roots.push(self.dag.mul(l_first.clone(), here.sub(at_last)));
            }
        }

        let [beta, gamma, x] =
            [self.memory.beta, self.memory.gamma, self.memory.x].map(|a| self.dag.leaf(a));
        let beta_x = self.dag.mul(beta.clone(), x);
        let mut delta = Fr::ONE;
        let chunk = self.protocol.degree - 2;
        let columns = self.protocol.permutation.chunks(chunk);
        let sigmas = self.layout.proof.sigma_evals.chunks(chunk);
        for ((columns, sigmas), (here, next, _)) in columns.zip(sigmas).zip(products) {
            let mut left = self.proof_word(*next);
            let mut right = self.proof_word(*here);
            for (column, sigma) in columns.iter().zip(sigmas) {
                let value = self.column(*column)?.add(gamma.clone());
                let sigma = self.proof_word(*sigma);
                let permuted = self.dag.mul(beta.clone(), sigma);
                left = self.dag.mul(left, value.clone().add(permuted));
                right = self.dag.mul(right, value.add(beta_x.clone().scale(delta)));
                delta *= Fr::DELTA;
            }
            roots.push(self.dag.mul(l_active.clone(), left.sub(right)));
        }
        Ok(roots)
    }

    fn proof_word(&mut self, offset: usize) -> Linear {
        self.dag.leaf(self.memory.proof + offset)
    }

    /// A permuted column at rotation 0.
    fn column(&mut self, column: Column) -> Result<Linear, ContractError> {
        let find = |queries: &[zkml_circuits::plonk::Query]| {
            queries.iter().position(|q| q.column == column.index && q.rotation == 0).ok_or_else(
                || ContractError::Protocol(format!("permuted {column:?} is not opened at its row")),
            )
        };
        match column.kind {
            ColumnKind::Advice => {
                let query = find(&self.protocol.advice_queries)?;
                self.eval(&self.layout.proof.advice_evals, query)
            }
            ColumnKind::Fixed => {
                let query = find(&self.protocol.fixed_queries)?;
                self.eval(&self.layout.proof.fixed_evals, query)
            }
            ColumnKind::Instance => {
                find(&self.protocol.instance_queries)?;
                Ok(self.dag.leaf(self.memory.instance))
            }
        }
    }
}
