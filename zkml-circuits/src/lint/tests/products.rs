//! Products of two activations: honest plans, and programs that differ in one.

use super::*;
use crate::testing::{attention, random_products};
use zkml_core::{
    program::{Step, Table, TensorId, View},
    tensor::Tensor,
};

#[test]
fn plans_of_random_products_mean_them() {
    means_by_any_policy(240, |seed| random_products(seed, 1 + seed as usize % 4));
}

const X: usize = 0;
const SCORES: usize = 2;
const MIX: usize = 3;
const OUT: usize = 4;

/// Two heads of two features over two tokens, asked by `queries` others: scores through a table of
/// its own domain, mixed values beside a contraction, one number a query times its features.
pub(super) fn heads(queries: usize) -> Program {
    let mut dice = Dice::new(5);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[2, 4]), encoding("x", 4));
    let q = b.input("q", shape(&[queries, 4]), encoding("q", 4));
    let exp = b.table(Table::tabulate("Exp", -9..=12, |x| (x + 9) * (x + 9)));
    let view = |tensor: TensorId, tokens: usize, axes: [usize; 3]| {
        let dims = shape(&[tokens, 2, 2]);
        let (shape, index) = dims.transpose_map(&axes).expect("three axes");
        View { tensor, shape, index: Some(index) }
    };
    let (left, right) = (view(q, queries, [1, 0, 2]), view(x, 2, [1, 2, 0]));
    let scores = Affine::new(vec![Term::Product { left, right, factor: -3 }]);
    let scores = scores.shift(5).table(exp);
    let s = b.affine(shape(&[2, queries, 2]), encoding("scores", 5), scores);
    let mix = Affine::new(vec![
        Term::Product { left: b.whole(s), right: view(x, 2, [1, 0, 2]), factor: 1 },
        Term::Contract {
            view: View { shape: shape(&[2 * queries, 2]), ..view(q, queries, [1, 0, 2]) },
            weight: random(&mut dice, &[2, 2], 3),
        },
    ]);
    let mix = mix.bias(random(&mut dice, &[2, queries, 2], 9)).shift(8);
    let m = b.affine(shape(&[2, queries, 2]), encoding("mix", 6), mix);
    // Back to [token, (head, feature)].
    let (_, index) = shape(&[2, queries, 2]).transpose_map(&[1, 0, 2]).expect("three axes");
    let first = (0..queries as u32).map(|i| 4 * i).collect();
    let left = View { tensor: q, shape: shape(&[queries, 1, 1]), index: Some(first) };
    let right = View { tensor: m, shape: shape(&[queries, 1, 4]), index: Some(index) };
    let out = Affine::new(vec![
        Term::Product { left, right, factor: 1 },
        Term::Scale { view: b.whole(q), factor: Tensor::scalar(2) },
    ]);
    let y = b.affine(shape(&[queries, 4]), encoding("y", 6), out.shift(4));
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

fn product(program: &mut Program, tensor: usize) -> (&mut View, &mut View, &mut i32) {
    let Step::Affine(affine) = &mut program.tensors[tensor].step else { panic!("computed") };
    let Term::Product { left, right, factor } = &mut affine.terms[0] else { panic!("a product") };
    (left, right, factor)
}

/// The elements a view reads, to be changed.
fn index(view: &mut View) -> &mut Vec<u32> {
    let length = view.shape.len() as u32;
    view.index.get_or_insert_with(|| (0..length).collect())
}

#[test]
fn another_product_is_not_what_a_plan_means() {
    type Change = fn(&mut Program);
    let changes: [(&str, Change); 18] = [
        ("another factor", |p| *product(p, SCORES).2 += 1),
        ("the opposite factor", |p| *product(p, SCORES).2 *= -1),
        ("heads of queries swapped", |p| index(product(p, SCORES).0).rotate_left(6)),
        ("heads of keys swapped", |p| index(product(p, SCORES).1).rotate_left(4)),
        ("heads of values swapped", |p| index(product(p, MIX).1).rotate_left(4)),
        ("heads of weights swapped", |p| index(product(p, MIX).0).rotate_left(6)),
        ("keys of the next feature", |p| index(product(p, SCORES).1).rotate_left(2)),
        ("keys of the next token", |p| index(product(p, SCORES).1).rotate_left(1)),
        ("queries of the next token", |p| index(product(p, SCORES).0).rotate_left(2)),
        ("keys that are values", |p| {
            let values = product(p, MIX).1.clone();
            *product(p, SCORES).1 = values;
        }),
        ("values that are keys", |p| {
            let keys = product(p, SCORES).1.clone();
            *product(p, MIX).1 = keys;
        }),
        ("one element of a key twice", |p| index(product(p, SCORES).1)[5] = 0),
        ("no first element of a query", |p| index(product(p, SCORES).0)[0] = View::HOLE),
        ("one value of another tensor", |p| product(p, MIX).1.tensor = TensorId(X + 1)),
        ("one product left out", |p| {
            let Step::Affine(affine) = &mut p.tensors[MIX].step else { panic!("computed") };
            affine.terms.remove(0);
        }),
        ("one product twice", |p| {
            let Step::Affine(affine) = &mut p.tensors[MIX].step else { panic!("computed") };
            affine.terms.push(affine.terms[0].clone());
        }),
        ("the number of another token", |p| index(product(p, OUT).0).rotate_left(1)),
        ("features of the next token", |p| index(product(p, OUT).1).rotate_left(4)),
    ];
    let program = heads(3);
    for profile in profiles() {
        let plan = Plan::new(&program, profile, Visibility::Private).expect("fits");
        lint(&program, &plan).expect("an honest plan");
        for (what, change) in changes {
            let mut other = program.clone();
            change(&mut other);
            other.check().unwrap_or_else(|e| panic!("{what}: {e}"));
            let error = lint(&other, &plan).expect_err(what);
            assert!(matches!(error, LintError::Equation { .. }), "{what}: {error}");
        }
    }
}

#[test]
fn another_domain_or_value_of_a_table_is_not_what_a_plan_looks_up() {
    type Change = fn(&mut Table);
    let changes: [(&str, Change); 6] = [
        ("a domain further left", |t| t.first -= 1),
        ("a domain further right", |t| t.first += 1),
        ("one argument less", |t| _ = t.values.pop()),
        ("one argument more", |t| t.values.push(0)),
        ("another value", |t| t.values[3] += 1),
        ("a value that differs in the upper half", |t| t.values[3] += 1 << 16),
    ];
    let program = heads(3);
    let plan = Plan::new(&program, profiles()[0], Visibility::Public).expect("fits");
    for (what, change) in changes {
        let mut other = program.clone();
        change(&mut other.tables[0]);
        other.check().unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(matches!(lint(&other, &plan), Err(LintError::Table { .. })), "{what}");
    }
    // Public digits have 16 bits, whatever the plan says.
    let mut wide = program.clone();
    let Step::Affine(affine) = &mut wide.tensors[OUT].step else { panic!("computed") };
    wide.tables[0].values[3] = 1 << 15;
    affine.table = Some(zkml_core::program::TableId(0));
    let error = lint(&wide, &plan).expect_err("two words of one output");
    assert!(matches!(&error, LintError::Program(e) if e.what.contains("16 bits")), "{error}");
}

#[test]
fn weights_and_activations_are_not_added_along_rho() {
    let program = attention(1, 2, 3, 2);
    let plan = Plan::new(&program, Profile::standard()[0], Visibility::Public).expect("fits");
    let reads = plan.rows.groups.iter().filter(|group| group.feature.is_some());
    assert!(reads.count() > 0, "a product reads along rho");
    for group in 0..plan.rows.groups.len() {
        let mut changed = plan.clone();
        let rows = &mut changed.rows.groups[group];
        match (rows.feature, rows.weights.is_empty()) {
            (Some(_), _) => rows.weights = vec![0],
            (None, false) => rows.feature = Some(crate::plan::LaneRead::X),
            _ => continue,
        }
        assert_eq!(lint(&program, &changed), Err(LintError::Feature { group }));
    }
}
