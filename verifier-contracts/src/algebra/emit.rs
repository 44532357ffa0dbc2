//! Writes a list of polynomials as Yul statements that fold them with a challenge.

use super::{
    code::{Code, Op, literal_bytes},
    dag::{Dag, Id, Linear, Node, is_negative},
    factor,
};
use crate::layout::WORD;
use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use std::collections::{BTreeMap, HashMap};

/// Deepest nested expression; deeper ones go through a slot. The EVM reaches 16 words, of which the
/// function's own variables and the return address take some.
const MAX_DEPTH: usize = 9;

/// Straight-line code.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Yul statements; `y` and `r` name the challenge and the modulus, `acc` the result.
    pub(crate) lines: Vec<String>,
    /// Memory slots used.
    pub(crate) slots: usize,
    /// Gas of the statements.
    pub(crate) gas: u64,
    /// Multiplications.
    pub(crate) multiplications: usize,
}

/// Statements computing `acc = sum_i y^(m-1-i) roots_i` with slots from `slots` on.
pub(crate) fn compile(dag: &mut Dag, roots: Vec<Linear>, slots: usize) -> Program {
    let roots: Vec<Linear> = roots.into_iter().map(|r| factor::common_factors(dag, r)).collect();
    factor::common_pairs(dag, &live(dag, &roots));
    let mut emitter = Emitter {
        dag,
        uses: HashMap::new(),
        values: HashMap::new(),
        statements: Vec::new(),
        next_slot: 0,
    };
    roots.iter().for_each(|r| emitter.count(r));
    for (i, root) in roots.iter().enumerate() {
        let value = emitter.linear(root);
        let value = emitter.shallow(value);
        emitter.statements.push(Statement { target: Target::Fold { first: i == 0 }, value });
    }
    let statements = pool_constants(emitter.statements, &mut emitter.next_slot);
    write(statements, slots)
}

/// Nodes reachable from the roots, ascending.
fn live(dag: &Dag, roots: &[Linear]) -> Vec<Id> {
    let mut seen = vec![false; dag.nodes.len()];
    let mut stack: Vec<Id> = roots.iter().flat_map(|r| r.terms.keys().copied()).collect();
    while let Some(id) = stack.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        match &dag.nodes[id] {
            Node::Leaf(_) => {}
            Node::Sum(_, terms) => stack.extend(terms.iter().map(|(id, _)| *id)),
            Node::Product(factors) => stack.extend(factors),
        }
    }
    seen.iter().enumerate().filter(|(_, s)| **s).map(|(id, _)| id).collect()
}

enum Target {
    Slot(usize),
    Fold { first: bool },
}

struct Statement {
    target: Target,
    value: Code,
}

struct Emitter<'a> {
    dag: &'a Dag,
    uses: HashMap<Id, usize>,
    /// Slot and bound of nodes already computed.
    values: HashMap<Id, Code>,
    statements: Vec<Statement>,
    next_slot: usize,
}

impl Emitter<'_> {
    fn count(&mut self, linear: &Linear) {
        for id in linear.terms.keys() {
            self.count_node(*id);
        }
    }

    fn count_node(&mut self, id: Id) {
        let uses = self.uses.entry(id).or_default();
        *uses += 1;
        if *uses > 1 {
            return;
        }
        match &self.dag.nodes[id] {
            Node::Leaf(_) => {}
            Node::Sum(_, terms) => terms.iter().for_each(|(id, _)| self.count_node(*id)),
            Node::Product(factors) => factors.iter().for_each(|id| self.count_node(*id)),
        }
    }

    fn node(&mut self, id: Id) -> Code {
        if let Some(code) = self.values.get(&id) {
            return code.clone();
        }
        let dag = self.dag;
        let code = match &dag.nodes[id] {
            Node::Leaf(address) => return Code::load(*address),
            Node::Sum(constant, terms) => self.sum(*constant, terms.iter().copied()),
            Node::Product(factors) => {
                let mut codes: Vec<Code> = factors.iter().map(|f| self.node(*f)).collect();
                codes.sort_by_key(|c| std::cmp::Reverse(c.depth()));
                let mut codes = codes.into_iter();
                let first = codes.next().unwrap_or_else(|| Code::constant(Fr::ONE));
                codes.fold(first, |product, factor| {
                    let product = self.shallow(product);
                    let factor = self.shallow(factor);
                    product.mul(factor)
                })
            }
        };
        if self.uses.get(&id).copied().unwrap_or(0) > 1 {
            let code = self.store(code);
            self.values.insert(id, code.clone());
            code
        } else {
            code
        }
    }

    fn linear(&mut self, linear: &Linear) -> Code {
        self.sum(linear.constant, linear.terms.iter().map(|(id, c)| (*id, *c)))
    }

    fn sum(&mut self, constant: Fr, terms: impl Iterator<Item = (Id, Fr)>) -> Code {
        let mut codes: Vec<Code> = terms.map(|(id, c)| self.term(id, c)).collect();
        // The deepest term is evaluated first and the others are added to it one by one.
        codes.sort_by_key(|c| std::cmp::Reverse(c.depth()));
        if constant != Fr::ZERO {
            let short = literal_bytes(-constant) < literal_bytes(constant);
            codes.push(if short {
                Code::constant(-constant).negate()
            } else {
                Code::constant(constant)
            });
        }
        let mut codes = codes.into_iter();
        let first = codes.next().unwrap_or_else(|| Code::constant(Fr::ZERO));
        codes.fold(first, |sum, code| self.shallow(sum).add(code))
    }

    fn term(&mut self, id: Id, coefficient: Fr) -> Code {
        let value = self.node(id);
        let value = self.shallow(value);
        let negative = is_negative(coefficient);
        let magnitude = if negative { -coefficient } else { coefficient };
        let scaled = if magnitude == Fr::ONE {
            value
        } else {
            match small(magnitude).map_or(Err(value.clone()), |c| value.small_multiple(c)) {
                Ok(code) => code,
                // A modular product: its constant may as well carry the sign.
                Err(value) if literal_bytes(magnitude) > 20 => {
                    return value.mul(Code::constant(coefficient));
                }
                Err(value) => value.mul(Code::constant(magnitude)),
            }
        };
        if negative { scaled.negate() } else { scaled }
    }

    fn shallow(&mut self, code: Code) -> Code {
        if code.depth() < MAX_DEPTH { code } else { self.store(code) }
    }

    fn store(&mut self, value: Code) -> Code {
        let slot = self.next_slot;
        self.next_slot += 1;
        let bound = value.bound;
        self.statements.push(Statement { target: Target::Slot(slot), value });
        Code { op: Op::Slot(slot), bound }
    }
}

fn small(c: Fr) -> Option<u32> {
    (2..=5).find(|i| Fr::from(u64::from(*i)) == c)
}

/// Puts long constants used three times or more in slots.
fn pool_constants(mut statements: Vec<Statement>, next_slot: &mut usize) -> Vec<Statement> {
    let mut count: BTreeMap<[u8; 32], (Fr, usize)> = BTreeMap::new();
    for statement in &mut statements {
        statement.value.constants_mut(&mut |op| {
            if let Op::Constant(c) = op
                && literal_bytes(*c) > 8
            {
                count.entry(c.to_repr()).or_insert((*c, 0)).1 += 1;
            }
        });
    }
    let mut pooled = Vec::new();
    let mut slot_of: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    for (key, (c, uses)) in count {
        if uses >= 3 {
            slot_of.insert(key, *next_slot);
            pooled.push(Statement { target: Target::Slot(*next_slot), value: Code::constant(c) });
            *next_slot += 1;
        }
    }
    for statement in &mut statements {
        statement.value.constants_mut(&mut |op| {
            if let Op::Constant(c) = op
                && let Some(slot) = slot_of.get(&c.to_repr())
            {
                *op = Op::Slot(*slot);
            }
        });
    }
    pooled.extend(statements);
    pooled
}

/// Allocates addresses to slots, reusing those no longer read, and prints.
fn write(statements: Vec<Statement>, base: usize) -> Program {
    let mut last_read: HashMap<usize, usize> = HashMap::new();
    for (i, statement) in statements.iter().enumerate() {
        statement.value.slots(&mut |slot| {
            last_read.insert(slot, i);
        });
    }
    let mut place: HashMap<usize, usize> = HashMap::new();
    let mut free: Vec<usize> = Vec::new();
    let mut used = 0;
    let mut program = Program { lines: Vec::new(), slots: 0, gas: 0, multiplications: 0 };
    for (i, statement) in statements.iter().enumerate() {
        let address = |slot: usize| base + place.get(&slot).copied().unwrap_or(0) * WORD;
        let value = statement.value.text(&address);
        program.gas += statement.value.gas();
        program.multiplications += value.matches("mulmod(").count();
        // Slots read here for the last time may hold the result.
        let mut done = Vec::new();
        statement.value.slots(&mut |slot| {
            if last_read.get(&slot) == Some(&i) {
                done.push(slot);
            }
        });
        done.sort_unstable();
        done.dedup();
        free.extend(done.iter().filter_map(|slot| place.get(slot).copied()));
        match statement.target {
            Target::Slot(slot) => {
                let at = free.pop().unwrap_or_else(|| {
                    used += 1;
                    used - 1
                });
                place.insert(slot, at);
                program.lines.push(format!("mstore({:#x}, {value})", base + at * WORD));
                program.gas += 6;
            }
            Target::Fold { first: true } => {
                program.lines.push(format!("acc := {value}"));
                program.gas += 5;
            }
            Target::Fold { first: false } => {
                // `acc` holds at most 5 r, which mulmod accepts.
                let sum = if statement.value.bound < super::code::WORD_BOUND {
                    format!("acc := add({value}, mulmod(acc, y, r))")
                } else {
                    format!("acc := addmod({value}, mulmod(acc, y, r), r)")
                };
                program.lines.push(sum);
                program.gas += 28;
                program.multiplications += 1;
            }
        }
    }
    program.slots = used;
    program
}
