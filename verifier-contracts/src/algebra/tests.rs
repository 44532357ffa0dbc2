//! Runs the printed statements with 256-bit arithmetic and compares with the polynomials themselves.

use super::{compile, constraints};
use crate::{
    layout::{Layout, Memory, WORD},
    profiles::profile_protocol,
};
use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use revm::primitives::U256;
use std::collections::HashMap;
use zkml_circuits::{
    machine::Profile,
    plonk::{Column, ColumnKind, Expr, Protocol},
};

/// A machine for the Yul that [`super::emit`] prints. Overflow is a failure: lazily reduced sums must
/// stay below 2^256.
struct Machine {
    memory: HashMap<usize, U256>,
    y: U256,
    acc: U256,
    modulus: U256,
}

impl Machine {
    fn run(&mut self, line: &str) {
        let mut rest = line;
        if let Some(expression) = line.strip_prefix("acc := ") {
            rest = expression;
            self.acc = self.expression(&mut rest);
        } else {
            rest = rest.strip_prefix("mstore(").unwrap();
            let address = self.expression(&mut rest).to::<usize>();
            rest = rest.strip_prefix(", ").unwrap();
            let value = self.expression(&mut rest);
            self.memory.insert(address, value);
            rest = rest.strip_prefix(")").unwrap();
        }
        assert_eq!(rest, "", "in {line}");
    }

    fn expression(&self, rest: &mut &str) -> U256 {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        match name {
            "r" => return self.modulus,
            "y" => return self.y,
            "acc" => return self.acc,
            _ => {}
        }
        let Some(after) = rest.strip_prefix('(') else {
            let digits = name.strip_prefix("0x");
            return digits.map_or_else(
                || U256::from_str_radix(name, 10).unwrap(),
                |d| U256::from_str_radix(d, 16).unwrap(),
            );
        };
        *rest = after;
        let mut arguments = vec![self.expression(rest)];
        while let Some(after) = rest.strip_prefix(", ") {
            *rest = after;
            arguments.push(self.expression(rest));
        }
        *rest = rest.strip_prefix(')').unwrap();
        match (name, arguments.as_slice()) {
            ("mload", [address]) => self.memory[&address.to::<usize>()],
            ("add", [a, b]) => a.checked_add(*b).expect("a lazily reduced sum overflows"),
            ("mul", [a, b]) => a.checked_mul(*b).expect("a lazily reduced multiple overflows"),
            ("sub", [a, b]) => a.checked_sub(*b).expect("a negation underflows"),
            ("mod", [a, m]) => a % m,
            ("addmod", [a, b, m]) => a.add_mod(*b, *m),
            ("mulmod", [a, b, m]) => a.mul_mod(*b, *m),
            _ => panic!("{name} of {} arguments", arguments.len()),
        }
    }
}

fn word(c: Fr) -> U256 {
    U256::from_le_bytes::<32>(c.to_repr())
}

/// Values of everything a constraint reads.
struct Values<'a> {
    protocol: &'a Protocol,
    layout: &'a Layout,
    memory: &'a Memory,
    at: &'a HashMap<usize, Fr>,
}

impl Values<'_> {
    fn proof(&self, offset: usize) -> Fr {
        self.at[&(self.memory.proof + offset)]
    }

    fn expression(&self, e: &Expr) -> Fr {
        match e {
            Expr::Constant(c) => *c,
            Expr::Fixed(i) => self.proof(self.layout.proof.fixed_evals[*i]),
            Expr::Advice(i) => self.proof(self.layout.proof.advice_evals[*i]),
            Expr::Instance(_) => self.at[&self.memory.instance],
            Expr::Challenge(i) => self.at[&(self.memory.challenges + i * WORD)],
            Expr::Negated(a) => -self.expression(a),
            Expr::Sum(a, b) => self.expression(a) + self.expression(b),
            Expr::Product(a, b) => self.expression(a) * self.expression(b),
            Expr::Scaled(a, c) => self.expression(a) * c,
        }
    }

    fn column(&self, column: Column) -> Fr {
        let here = |queries: &[zkml_circuits::plonk::Query]| {
            queries.iter().position(|q| (q.column, q.rotation) == (column.index, 0)).unwrap()
        };
        match column.kind {
            ColumnKind::Advice => {
                self.proof(self.layout.proof.advice_evals[here(&self.protocol.advice_queries)])
            }
            ColumnKind::Fixed => {
                self.proof(self.layout.proof.fixed_evals[here(&self.protocol.fixed_queries)])
            }
            ColumnKind::Instance => self.at[&self.memory.instance],
        }
    }

    /// The permutation argument as in halo2's verifier, written out once more.
    fn permutation(&self) -> Vec<Fr> {
        let proof = &self.layout.proof;
        let m = self.memory;
        let [l_first, l_last, l_active, beta, gamma, x] =
            [m.l_first, m.l_last, m.l_active, m.beta, m.gamma, m.x].map(|a| self.at[&a]);
        let z: Vec<_> = proof
            .product_evals
            .iter()
            .map(|(here, next, last)| {
                (self.proof(*here), self.proof(*next), last.map(|l| self.proof(l)))
            })
            .collect();
        let end = z.last().unwrap().0;
        let mut all = vec![l_first * (Fr::ONE - z[0].0), l_last * (end * end - end)];
        all.extend((1..z.len()).map(|i| l_first * (z[i].0 - z[i - 1].2.unwrap())));
        let chunk = self.protocol.degree - 2;
        let mut j = 0u64;
        for (i, columns) in self.protocol.permutation.chunks(chunk).enumerate() {
            let (mut left, mut right) = (z[i].1, z[i].0);
            for column in columns {
                let value = self.column(*column) + gamma;
                left *= value + beta * self.proof(proof.sigma_evals[j as usize]);
                right *= value + beta * x * Fr::DELTA.pow_vartime([j]);
                j += 1;
            }
            all.push(l_active * (left - right));
        }
        all
    }
}

#[test]
fn printed_statements_compute_the_constraints() {
    for profile in Profile::standard() {
        let protocol = profile_protocol(profile).unwrap();
        let layout = Layout::new(&protocol).unwrap();
        let memory = Memory::new(&protocol, &layout);
        let (mut dag, roots) = constraints(&protocol, &layout, &memory).unwrap();
        let program = compile(&mut dag, roots, memory.slots);

        // Small, large and ordinary values; large ones would expose a sum that overflows.
        for kind in 0u64..3 {
            let value = |address: usize| match kind {
                0 => Fr::from(address as u64 % 2),
                1 => -Fr::from(1 + address as u64 % 2),
                _ => Fr::from(address as u64 + 7).pow_vartime([11, 3, 5]),
            };
            let words = (0..memory.slots).step_by(WORD);
            let at: HashMap<usize, Fr> = words.map(|a| (a, value(a))).collect();
            let y = at[&memory.y];
            let values = Values { protocol: &protocol, layout: &layout, memory: &memory, at: &at };
            let gates = protocol.gates.iter().map(|g| values.expression(g));
            let expected = gates.chain(values.permutation()).fold(Fr::ZERO, |acc, c| acc * y + c);

            let mut machine = Machine {
                memory: at.iter().map(|(a, v)| (*a, word(*v))).collect(),
                y: word(y),
                acc: U256::ZERO,
                modulus: word(-Fr::ONE) + U256::from(1),
            };
            program.lines.iter().for_each(|line| machine.run(line));
            assert_eq!(machine.acc % machine.modulus, word(expected), "{profile}, values {kind}");
        }
        assert!(program.slots < 200, "{profile}: {} slots", program.slots);
    }
}
