//! Fewer multiplications: common factors of sums, common pairs of products.

use super::dag::{Dag, Id, Linear, Node};
use std::collections::BTreeMap;

/// Takes factors that several terms share out of a sum, the most frequent first:
/// `a b + a c + d` becomes `a (b + c) + d`. Powers of a challenge become Horner's rule.
pub(super) fn common_factors(dag: &mut Dag, mut sum: Linear) -> Linear {
    while let Some(factor) = most_shared(dag, &sum) {
        let mut rest = Linear::constant(sum.constant);
        let mut inner = Linear::default();
        for (id, coefficient) in sum.terms {
            let mut factors = dag.factors(id);
            match factors.iter().position(|f| *f == factor) {
                None => rest = rest.add(Linear::node(id).scale(coefficient)),
                Some(at) => {
                    factors.remove(at);
                    let term = if factors.is_empty() {
                        Linear::constant(coefficient)
                    } else {
                        Linear::node(dag.product(factors)).scale(coefficient)
                    };
                    inner = inner.add(term);
                }
            }
        }
        let product = dag.mul(Linear::node(factor), inner);
        sum = rest.add(product);
    }
    sum
}

/// The factor of most terms, if of two at least; the first among equals.
fn most_shared(dag: &Dag, sum: &Linear) -> Option<Id> {
    let mut count: BTreeMap<Id, usize> = BTreeMap::new();
    for id in sum.terms.keys() {
        let mut factors = dag.factors(*id);
        factors.dedup();
        for factor in factors {
            *count.entry(factor).or_default() += 1;
        }
    }
    let best = count.values().copied().max().filter(|n| *n >= 2)?;
    count.into_iter().find(|(_, n)| *n == best).map(|(id, _)| id)
}

/// Gives every pair of factors that occurs in two products or more a node of its own, the most
/// frequent first. `live` are the nodes that will be written.
pub(super) fn common_pairs(dag: &mut Dag, live: &[Id]) {
    let mut products: Vec<(Id, Vec<Id>)> = live
        .iter()
        .filter_map(|id| match &dag.nodes[*id] {
            Node::Product(factors) => Some((*id, factors.clone())),
            _ => None,
        })
        .collect();
    loop {
        let mut count: BTreeMap<(Id, Id), usize> = BTreeMap::new();
        for (_, factors) in &products {
            let mut pairs: Vec<(Id, Id)> = Vec::new();
            for (i, a) in factors.iter().enumerate() {
                pairs.extend(factors[i + 1..].iter().map(|b| (*a, *b)));
            }
            pairs.sort_unstable();
            pairs.dedup();
            for pair in pairs {
                *count.entry(pair).or_default() += 1;
            }
        }
        let Some(best) = count.values().copied().max().filter(|n| *n >= 2) else { break };
        let Some((a, b)) = count.into_iter().find(|(_, n)| *n == best).map(|(p, _)| p) else {
            break;
        };
        let pair = dag.intern(Node::Product(vec![a, b]));
        if !products.iter().any(|(id, _)| *id == pair) {
            products.push((pair, vec![a, b]));
        }
        for (id, factors) in &mut products {
            if *id == pair {
                continue;
            }
            let Some(at) = factors.iter().position(|f| *f == a) else { continue };
            let rest: Vec<Id> =
                factors.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, f)| *f).collect();
            let Some(other) = rest.iter().position(|f| *f == b) else { continue };
            *factors =
                rest.into_iter().enumerate().filter(|(i, _)| *i != other).map(|(_, f)| f).collect();
            factors.push(pair);
            factors.sort_unstable();
        }
    }
    for (id, factors) in products {
        dag.nodes[id] = Node::Product(factors);
    }
}
