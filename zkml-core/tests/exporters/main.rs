//! Models as their exporters write them: PyTorch (both exporters), scikit-learn, XGBoost, LightGBM,
//! and onnxruntime's quantiser. `make_models.py` writes them; the checked-in ones are in `models/`.
//!
//! Each imports, computes in floats what onnxruntime computes, and in integers what is that near,
//! or it fails with the error stated here; one that no longer fails is an error too.

mod fixture;

use std::collections::BTreeSet;

use fixture::{Errors, Fixture, checked_in};

/// What is known of a model.
enum Known {
    /// Imports, and errors are at most these shares of the largest output.
    Runs {
        float: f64,
        integer: f64,
        /// Precision is raised until the integer error is at most `integer`; else it is what suits the
        /// kind of model.
        raised: bool,
    },
    /// Fails with an error that has this text.
    Fails(&'static str),
}
use Known::Fails;

/// Within `integer` at the precision that suits the kind of model.
const fn runs(integer: f64) -> Known {
    Known::Runs { float: 2e-6, integer, raised: false }
}

/// Within `integer` when precision is raised for it.
const fn raised(integer: f64) -> Known {
    Known::Runs { float: 2e-5, integer, raised: true }
}

impl Known {
    /// What precision is raised for.
    fn target(&self) -> Option<f64> {
        match self {
            Self::Runs { integer, raised: true, .. } => Some(*integer),
            _ => None,
        }
    }
}

/// As [`runs`], for a model of QuantizeLinear and DequantizeLinear: onnxruntime multiplies them in integers and
/// rounds some results to the other neighbour.
const fn quantised(integer: f64) -> Known {
    Known::Runs { float: 2e-3, integer, raised: false }
}

fn measure(fixture: &Fixture, target: Option<f64>) -> Result<Errors, String> {
    let model = fixture.import().map_err(|error| error.to_string())?;
    fixture.errors(&model.graph, target)
}

fn check(name: &str, known: &Known) {
    let fixture = Fixture::checked_in(name);
    match (known, measure(&fixture, known.target())) {
        (Known::Runs { float, integer, .. }, Ok(errors)) => {
            assert!(errors.float <= *float, "{name}: {errors:?}");
            assert!(errors.integer <= *integer, "{name}: {errors:?}");
            let pairs = fixture.error_of_pairs().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(pairs.is_some() || !name.contains("open"), "{name} is not open");
            assert!(pairs <= Some(*float), "{name}: {pairs:?} for two samples at a time");
        }
        (Known::Runs { .. }, Err(error)) => panic!("{name}: {error}"),
        (Fails(text), Err(error)) => assert!(error.contains(text), "{name}: {error}"),
        (Fails(_), Ok(errors)) => panic!("{name} does not fail any more, state its {errors:?}"),
    }
}

/// A test for each model, and a list of them.
macro_rules! models {
    ($($name:ident: $known:expr;)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), &$known);
        })*

        const MODELS: &[(&str, Known)] = &[$((stringify!($name), $known)),*];
    };
}

include!("models.rs");

#[test]
fn every_checked_in_model_is_tested() {
    let listed: BTreeSet<String> = MODELS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files = std::fs::read_dir(checked_in()).expect("checked in");
    let stem = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("read").path().file_stem().expect("a name").to_string_lossy().into_owned()
    };
    let there: BTreeSet<String> = files.map(stem).collect();
    assert_eq!(listed, there);
}

/// The comparisons above can fail.
#[test]
fn a_smaller_error_than_there_is_is_noticed() {
    let fixture = Fixture::checked_in("mlp_dynamo20");
    let errors = measure(&fixture, None).expect("runs");
    assert!(errors.float < errors.integer && errors.integer > 1e-4, "{errors:?}");
}

/// Prints the table of `README.md`, of all that `make_models.py` wrote, also what is too large to be
/// checked in.
#[test]
#[ignore = "needs target/exporters, which zkml-core/tests/exporters/make_models.py writes"]
fn all_that_the_script_wrote() {
    let folder = checked_in().join("../../../../target/exporters");
    let entries = std::fs::read_dir(&folder).expect("run make_models.py first");
    let mut folders: Vec<_> = entries.map(|entry| entry.expect("read").path()).collect();
    folders.sort();
    println!("| model | exporter | opset | nodes | float error | integer error | bits |");
    println!("|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for folder in folders {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let fixture = Fixture::made(folder);
        let row = fixture.import().map_err(|error| error.to_string()).and_then(|model| {
            let known = MODELS.iter().find(|(listed, _)| *listed == name);
            // The larger ones are not listed.
            let target = known.map_or(Some(0.05), |(_, known)| known.target());
            let errors = fixture.errors(&model.graph, target)?;
            Ok((model.summary, errors))
        });
        match row {
            Ok((summary, Errors { float, integer, bits })) => {
                let nodes: usize = summary.ops.values().sum();
                let opset = summary.opsets.get("").map_or("none".to_owned(), i64::to_string);
                let producer = &summary.producer;
                println!(
                    "| {name} | {producer} | {opset} | {nodes} | {float:.1e} | {integer:.1e} | {bits} |"
                );
                if float > 2e-3 {
                    failures.push(format!("{name}: {float}"));
                }
            }
            Err(error) => match MODELS.iter().find(|(listed, _)| *listed == name) {
                Some((_, Fails(text))) if error.contains(text) => {}
                _ => failures.push(format!("{name}: {error}")),
            },
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
