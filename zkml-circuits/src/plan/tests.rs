//! Plans apart from halo2: layouts, tables, statement, sizes, search.

use super::*;
use crate::testing::{mlp, random_program};
use ff::Field;
use halo2curves::bn256::Fr;
use std::collections::BTreeSet;

fn profile(lanes: usize, fold: usize) -> Profile {
    Profile::new(lanes, fold, 8 * fold, 1).expect("a machine")
}

#[test]
fn one_row_is_packed_and_many_rows_are_stored_by_what_reads_them() {
    let plan = Plan::new(&mlp(1, 1), profile(4, 1), Visibility::Private).expect("fits");
    let segments = |t: usize| plan.layouts[t].segments.iter().map(|s| s.slots.len()).collect();
    let shapes: Vec<Vec<usize>> = (0..3).map(segments).collect();
    assert_eq!(shapes, [vec![6], vec![9], vec![3]]);
    // Six inputs and nine hidden values are read one by one.
    assert_eq!(plan.scalars.len(), 15);

    let plan = Plan::new(&mlp(5, 1), profile(4, 1), Visibility::Private).expect("fits");
    let segments = |t: usize| plan.layouts[t].segments.iter().map(|s| s.slots.len()).collect();
    let shapes: Vec<Vec<usize>> = (0..3).map(segments).collect();
    // By feature where a layer contracts features, by sample where nobody reads on.
    assert_eq!(shapes, [vec![5; 6], vec![5; 9], vec![3; 5]]);
    assert!(plan.scalars.is_empty());
}

#[test]
fn every_element_has_one_lane_and_public_ones_come_first() {
    for seed in 0..20 {
        let program = random_program(seed, 4);
        for machine in [profile(4, 2), profile(12, 1)] {
            let plan = Plan::new(&program, machine, Visibility::Public).expect("fits");
            let mut lanes = BTreeSet::new();
            for (tensor, layout) in program.tensors.iter().zip(&plan.layouts) {
                let cells: Vec<_> = layout.cells(machine.lanes()).collect();
                assert_eq!(cells.len(), tensor.shape.len());
                assert!(cells.iter().all(|(_, group, lane)| lanes.insert((*group, *lane))));
            }
            let public = plan.rows.groups.iter().take_while(|g| g.public.is_some()).count();
            assert_eq!(public, plan.rows.words);
            assert_eq!(plan.rows.words, plan.io.words());
        }
    }
}

#[test]
fn words_pack_and_unpack_and_nothing_else_is_a_statement() {
    let plan = Plan::new(&mlp(1, 1), profile(12, 1), Visibility::Public).expect("fits");
    let (inputs, outputs) = ([-32i64, 31, 0, -1, 5, 7], [-512i64, 511, 0]);
    let words = plan.io.pack(&[&inputs, &outputs]).expect("in range");
    assert_eq!(words.len(), 2);
    assert_eq!(plan.io.unpack(&words), Ok(vec![inputs.to_vec(), outputs.to_vec()]));

    assert!(matches!(plan.io.pack(&[&inputs]), Err(StatementError::Count { .. })));
    assert!(matches!(plan.io.pack(&[&inputs[1..], &outputs]), Err(StatementError::Length { .. })));
    let over = [32i64, 0, 0, 0, 0, 0];
    assert!(matches!(plan.io.pack(&[&over, &outputs]), Err(StatementError::Range { .. })));

    assert!(matches!(plan.io.unpack(&words[1..]), Err(StatementError::Count { .. })));
    let digit = |l: u32| (0..l).fold(Fr::ONE, |acc, _| acc * Fr::from(1 << 16));
    // One more in each digit of the first word: the first is at its largest only in digit 1; dead
    // digits and everything above must be 0.
    for l in [1, 6, 7, 8, 12] {
        let mut forged = words.clone();
        forged[0] += digit(l);
        assert!(
            matches!(plan.io.unpack(&forged), Err(StatementError::Word { word: 0, .. })),
            "{l}"
        );
    }
    let mut forged = words.clone();
    forged[1] = -Fr::ONE;
    assert!(matches!(plan.io.unpack(&forged), Err(StatementError::Word { word: 1, .. })));
}

#[test]
fn schemas_from_files_hold_each_element_once() {
    let plan = Plan::new(&mlp(2, 1), profile(4, 1), Visibility::Public).expect("fits");
    assert_eq!(plan.io.check(), Ok(()));
    let mut forged = plan.io.clone();
    forged.outputs[0].digits[0][0] = forged.outputs[0].digits[0][1];
    assert!(forged.check().is_err());
    let mut forged = plan.io.clone();
    forged.inputs[0].digits.pop();
    assert!(forged.check().is_err());
    let mut forged = plan.io.clone();
    forged.inputs[0].digits[0] = vec![None; 9];
    assert!(forged.check().is_err());
}

#[test]
fn a_plan_takes_the_smallest_machine_that_holds_it() {
    for machine in [profile(4, 1), profile(4, 4)] {
        let mut plan = Plan::new(&mlp(1, 1), machine, Visibility::Public).expect("fits");
        assert!(Geometry::check(&plan.rows).is_ok());
        plan.rows.k -= 1;
        assert!(Geometry::check(&plan.rows).is_err());
    }
}

#[test]
fn objectives_choose_their_cheapest_machine() {
    let program = mlp(1, 1);
    let all = Profile::standard();
    let plans: Vec<Cost> = all
        .iter()
        .map(|p| {
            let plan = Plan::new(&program, *p, Visibility::Public).expect("fits");
            CostModel::default().predict(&plan)
        })
        .collect();
    let least = |key: &dyn Fn(&Cost) -> f64| plans.iter().map(key).fold(f64::INFINITY, f64::min);
    let chosen = |objective| {
        let model = CostModel::default();
        search(&program, &all, Visibility::Public, objective, &model).expect("fits").1
    };
    let fastest = least(&|c| c.prove_seconds);
    let near = plans.iter().filter(|c| c.prove_seconds <= Objective::NEAR * fastest);
    assert_eq!(Some(chosen(Objective::Prover).gas), near.map(|c| c.gas).min());
    assert!(chosen(Objective::Prover).prove_seconds <= Objective::NEAR * fastest);
    assert_eq!(chosen(Objective::Memory).least_memory as f64, least(&|c| c.least_memory as f64));
    let gas = chosen(Objective::Gas);
    assert!(gas.prove_seconds <= Objective::SLOWER * fastest);
    assert!(gas.gas <= chosen(Objective::Prover).gas);
}

#[test]
fn plans_are_data_and_deterministic() {
    let program = random_program(3, 5);
    let plan = Plan::new(&program, profile(4, 2), Visibility::Public).expect("fits");
    assert_eq!(Plan::new(&program, profile(4, 2), Visibility::Public).as_ref(), Ok(&plan));
    let bytes = postcard::to_allocvec(&plan).expect("encodes");
    assert_eq!(postcard::from_bytes::<Plan>(&bytes).as_ref(), Ok(&plan));
    let text = plan.to_string();
    assert!(text.contains("machine w4-r2-g16-t1") && text.contains("tensor 0:"), "{text}");
}

/// No vector row is computed for nobody.
#[test]
fn every_run_is_read() {
    for seed in 0..40 {
        for program in [random_program(seed, 3), crate::testing::random_windows(seed, 2)] {
            let plan = Plan::new(&program, profile(8, 1), Visibility::Private).expect("fits");
            let mut read = BTreeSet::new();
            for row in &plan.rows.vector {
                read.extend([row.a, row.b].into_iter().flatten());
            }
            for (left, right) in &plan.rows.equations {
                read.extend([*left, *right]);
            }
            let mut first = true;
            for (index, row) in plan.rows.vector.iter().enumerate() {
                assert!(
                    !first || read.contains(&Source::Z(index)),
                    "seed {seed}: row {index} {row:?}"
                );
                first = row.carry == Carry::None;
            }
        }
    }
}
