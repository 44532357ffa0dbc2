//! The official ONNX backend suite (onnx 1.22.0): one test for each case.
//!
//! `cases.zip` holds the cases of up to 16 kB, `fetch.py` packs all of them: run with
//! `ZKML_ONNX_SUITE=FILE`. The lists say what becomes of each case; a test fails when it is
//! anything else, also when it is better. `ZKML_BLESS=1` writes the lists anew.

mod case;
mod lists;
mod parameters;
mod verdict;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{case::Case, lists::Lists, verdict::Verdict};

fn main() -> ExitCode {
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx_suite/cases.zip");
    let whole = std::env::var_os("ZKML_ONNX_SUITE").map(PathBuf::from);
    let cases = case::read(whole.as_deref().unwrap_or(checked_in.as_ref()));
    let ops: BTreeMap<String, String> =
        cases.iter().map(|case| (case.name.clone(), case.op().to_owned())).collect();
    let lists = Arc::new(Lists::read());
    if std::env::var_os("ZKML_BLESS").is_some() {
        return bless(&cases, &ops, &lists);
    }

    let mut trials = Vec::new();
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    for case in cases {
        let (op, lists) = (case.family(&ops), lists.clone());
        trials.push(Trial::test(case.name.clone(), move || {
            lists.check(&case.name, &verdict::of(&case, &op)).map_err(Failed::from)
        }));
    }
    if whole.is_none() {
        trials.push(Trial::test("lists_name_cases_only", move || {
            match lists.names().find(|listed| !names.iter().any(|name| name == listed)) {
                Some(stale) => Err(format!("{stale} is listed, but no case").into()),
                None => Ok(()),
            }
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn bless(cases: &[Case], ops: &BTreeMap<String, String>, lists: &Lists) -> ExitCode {
    let (mut verdicts, mut wrong) = (BTreeMap::new(), false);
    for case in cases {
        let op = case.family(ops);
        let verdict = catch_unwind(AssertUnwindSafe(|| verdict::of(case, &op)))
            .unwrap_or_else(|_| Verdict::Wrong("panic".into()));
        if let Verdict::Wrong(what) = &verdict {
            eprintln!("WRONG {}: {what}", case.name);
            wrong = true;
        }
        verdicts.insert(case.name.clone(), verdict);
    }
    lists.write(&verdicts);
    if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
