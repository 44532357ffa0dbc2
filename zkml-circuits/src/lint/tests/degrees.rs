//! Polynomials of a degree near the size of the field: equal at many points, and not equal.

use super::*;
use crate::{
    machine::Unit,
    plan::{Carry, Group, UnitRef, VectorRow},
};
use ff::PrimeField;

/// `source^((r - 1) / 2)` by vector rows: 1 at half of all points and -1 at the others.
fn quadratic_character(plan: &mut Plan, source: Source) -> Source {
    let mut times = |a: Source, b: Source| {
        plan.rows.vector.push(VectorRow {
            a: Some(a),
            b: Some(b),
            product: true,
            ..VectorRow::default()
        });
        Source::Z(plan.rows.vector.len() - 1)
    };
    // Bits of `r - 1` but the lowest, which is 0.
    let order = (-Fr::from(1)).to_repr();
    let bits = (1..256).map(|i| order.as_ref()[i / 8] >> (i % 8) & 1 == 1);
    let mut power = source;
    let mut product: Option<Source> = None;
    for bit in bits {
        if bit {
            product = Some(product.map_or(power, |product| times(product, power)));
        }
        power = times(power, power);
    }
    product.expect("the order is not 0")
}

/// An equation `left = right` becomes `left + (c - 1) right = right` with `c` the quadratic character of
/// `rho` or of a scalar. At every second sample that is the same; in a proof it is `left = 2 right`
/// whenever the prover likes.
#[test]
fn an_equation_that_is_true_of_half_the_field_is_refused() {
    let mut found = Vec::new();
    for of_rho in [true, false] {
        for attempt in 0..8 {
            let program = mlp(1, 7);
            let mut plan =
                Plan::new(&program, Profile::standard()[2], Visibility::Public).expect("fits");
            // Another weight that nobody reads is another sample.
            let group = plan.rows.groups.len();
            let with = |weights| Group { weights, ..Group::default() };
            plan.rows.groups.extend([with(vec![0, 1]), with(vec![attempt])]);
            plan.rows.k += 3;
            let source = match of_rho {
                true => Source::Unit(UnitRef::new(Unit::Feature, group)),
                false => Source::Unit(UnitRef::new(Unit::Operand, plan.scalars[0].group)),
            };
            lint(&program, &plan).expect("rows that nobody reads");
            let character = quadratic_character(&mut plan, source);
            let step = |claim: &Claim| matches!(claim, Claim::Step { .. });
            let equation = plan.claims.iter().position(step).expect("a step");
            let (left, right) = plan.rows.equations[equation];
            let first = plan.rows.vector.len();
            let row = |a| VectorRow { carry: Carry::One, a: Some(a), ..VectorRow::default() };
            plan.rows.vector.extend([
                VectorRow { b: Some(character), product: true, ..row(right) },
                VectorRow { linear: -1, ..row(right) },
                VectorRow { carry: Carry::None, linear: 1, ..row(left) },
            ]);
            plan.rows.equations[equation].0 = Source::Z(first);
            found.push(lint(&program, &plan));
        }
    }
    // Without a bound of degrees, about half of them would be accepted.
    assert!(found.iter().all(|got| *got == Err(LintError::Overflow)), "{found:#?}");
}
