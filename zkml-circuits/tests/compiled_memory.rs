//! How much memory a compiled model takes to be read: in proportion to its file, whatever it names.

mod counting;

use std::sync::Mutex;

use counting::peak;
use sha3::{Digest, Keccak256};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, CompileError, Compiled},
    plan::{LayoutPolicy, Visibility},
    testing::{encoding, shape},
};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, Program, ProgramBuilder, Table, Term, View},
    tensor::Tensor,
};

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A file as the format has it, but for what a least length asks for.
fn file(program: &Program, profile: Profile, policy: LayoutPolicy) -> Vec<u8> {
    let body = (profile, Visibility::Public, policy, program);
    summed(&postcard::to_extend(&body, b"zkml-zkc\x03".to_vec()).expect("to memory"))
}

fn summed(content: &[u8]) -> Vec<u8> {
    [content, Keccak256::digest(content).as_slice()].concat()
}

fn finish(mut b: ProgramBuilder, dims: &[usize], affine: Affine) -> Program {
    let y = b.affine(shape(dims), encoding("y", 16), affine);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

fn one<T: Clone + Default>(value: T) -> impl Fn(&[usize]) -> Tensor<T> {
    move |dims| {
        Tensor::new(shape(dims), vec![value.clone(); dims.iter().product()]).expect("as many")
    }
}

/// Programs of a few bytes that name about `n` values, of every kind of step and shape.
fn programs(n: usize) -> Vec<(&'static str, Program)> {
    let mut all = Vec::new();
    let input = |dims: &[usize]| {
        let mut b = ProgramBuilder::new();
        let x = b.input("x", shape(dims), encoding("x", 4));
        (b, x)
    };
    let scaled = |view: View| Term::Scale { view, factor: Tensor::scalar(1) };
    for (name, dims) in [
        ("vector", vec![n]),
        ("column", vec![n, 1]),
        ("images", vec![n, 1, 1, 1]),
        ("channels", vec![1, n, 1, 1]),
        ("rows", vec![1, 1, n, 1]),
        ("square", vec![1, 1, 256, n / 256]),
        ("planes", vec![1, 256, 16, n / 4096]),
    ] {
        let (b, x) = input(&dims);
        let affine = Affine::new(vec![scaled(b.whole(x))]);
        all.push((name, finish(b, &dims, affine)));
    }
    let (b, x) = input(&[n]);
    let affine = Affine::new(vec![scaled(b.whole(x)); 16]).shift(3);
    all.push(("16 terms", finish(b, &[n], affine)));
    let (mut b, x) = input(&[n / 4]);
    let relu = b.table(Table::tabulate("Relu", -8..=7, |x| x.max(0)));
    let mut t = x;
    for i in 0..8 {
        let affine = Affine::new(vec![scaled(b.whole(t))]).table(relu);
        t = b.affine(shape(&[n / 4]), encoding(&format!("t{i}"), 4), affine);
    }
    let affine = Affine::new(vec![scaled(b.whole(t))]);
    all.push(("chain of 9", finish(b, &[n / 4], affine)));
    let (b, x) = input(&[n, 1]);
    let affine = Affine::new(vec![Term::Contract { view: b.whole(x), weight: one(1)(&[1, 1]) }]);
    all.push(("contract rows", finish(b, &[n, 1], affine)));
    let (b, x) = input(&[n / 16, 16]);
    let affine = Affine::new(vec![Term::Contract { view: b.whole(x), weight: one(1)(&[16, 16]) }]);
    all.push(("contract", finish(b, &[n / 16, 16], affine)));
    let (b, x) = input(&[n, 1, 1]);
    let affine =
        Affine::new(vec![Term::Product { left: b.whole(x), right: b.whole(x), factor: 1 }]);
    all.push(("products of one", finish(b, &[n, 1, 1], affine)));
    let side = 1 << (n.ilog2() / 2);
    let (b, x) = input(&[1, side, 1]);
    let left = b.whole(x);
    let right = b.reshaped(x, shape(&[1, 1, side]));
    let affine = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
    all.push(("outer product", finish(b, &[1, side, side], affine)));
    for (name, batch, kernel, stride) in [
        ("conv", 1, 3, 1),
        ("conv by 2", 1, 3, 2),
        ("conv by 3", 1, 5, 3),
        ("convs", n / 256, 3, 1),
    ] {
        let side = if batch == 1 { side } else { 16 };
        let (b, x) = input(&[batch, 1, side, side]);
        let out = (side - 1) / stride + 1;
        let axis = Axis::convolution(side, out, kernel, (stride, 1), kernel as i64 / 2);
        let window = Window { height: axis, width: axis };
        let weight = one(1)(&[1, 1, kernel, kernel]);
        let term = Term::Correlate { view: b.whole(x), weight, window, groups: 1 };
        all.push((name, finish(b, &[batch, 1, out, out], Affine::new(vec![term]).shift(2))));
    }
    for (name, dims) in [("tall", [1, 1, n / 8, 4]), ("wide", [1, 1, 4, n / 8])] {
        let (b, x) = input(&dims);
        let axis = |len| Axis::convolution(len, len, 3, (1, 1), 1);
        let window = Window { height: axis(dims[2]), width: axis(dims[3]) };
        let term =
            Term::Correlate { view: b.whole(x), weight: one(1)(&[1, 1, 3, 3]), window, groups: 1 };
        all.push((name, finish(b, &dims, Affine::new(vec![term]).shift(2))));
    }
    all
}

/// Bytes of memory for each value that a program names, and free of charge 2^16 of them.
const PER_VALUE: usize = 4096;
const FREE: usize = 1 << 16;

#[test]
fn a_small_file_takes_memory_in_proportion_to_the_values_that_it_names() {
    let _alone = ALONE.lock();
    let machines = [Profile::standard()[0], Profile::new(1, 1, 1, 1).expect("a machine")];
    let mut worst = 0;
    for ((name, small), (_, large)) in programs(1 << 12).into_iter().zip(programs(1 << 13)) {
        for profile in machines {
            for policy in LayoutPolicy::ALL {
                let [few, many] = [&small, &large].map(|program| {
                    let bytes = file(program, profile, policy);
                    assert!(bytes.len() < 512);
                    let (read, taken) = peak(|| Compiled::from_bytes(&bytes).map(|c| c.k()));
                    read.unwrap_or_else(|e| panic!("{name}, {profile}, {policy:?}: {e}"));
                    let values: usize = program.tensors.iter().map(|t| t.shape.len()).sum();
                    worst = worst.max(taken / values);
                    let what =
                        format!("{name}, {profile}, {policy:?}: {taken} for {values} values");
                    eprintln!("{what}: {}", taken / values);
                    assert!(taken < PER_VALUE * values + (2 << 20), "{what}");
                    taken
                });
                // Twice the values: with their square it would be four times as much.
                assert!(many < 3 * few + (1 << 20), "{name}, {profile}, {policy:?}: {few}, {many}");
            }
        }
    }
    eprintln!("at most {worst} bytes a value");
}

/// Programs of a few bytes that read the same `n` values `times` times.
fn readers(n: usize, times: usize) -> Vec<(&'static str, Program)> {
    let input = |dims: &[usize]| {
        let mut b = ProgramBuilder::new();
        let x = b.input("x", shape(dims), encoding("x", 2));
        (b, x)
    };
    let dot = |b: &ProgramBuilder, x| {
        let (left, right) = (b.reshaped(x, shape(&[1, 1, n])), b.reshaped(x, shape(&[1, n, 1])));
        Term::Product { left, right, factor: 1 }
    };
    let (b, x) = input(&[n]);
    let affine = Affine::new(vec![dot(&b, x); times]).shift(9);
    let terms = finish(b, &[1, 1, 1], affine);
    let (mut b, x) = input(&[n]);
    for step in 1..times {
        let affine = Affine::new(vec![dot(&b, x)]).shift(9);
        b.affine(shape(&[1, 1, 1]), encoding(&format!("{step}"), 16), affine);
    }
    let affine = Affine::new(vec![dot(&b, x)]).shift(9);
    let steps = finish(b, &[1, 1, 1], affine);
    let (b, x) = input(&[n, 1, 1, 1]);
    let scaled = Term::Scale { view: b.whole(x), factor: Tensor::scalar(1) };
    let images = finish(b, &[n, 1, 1, 1], Affine::new(vec![scaled; times]).shift(9));
    // As many output channels of two input channels, each of `n` rows.
    let (b, x) = input(&[1, 2, n, 1]);
    let [height, width] = [n, 1].map(|len| Axis::convolution(len, 1, 1, (1, 1), 0));
    let weights = (0..times as i32).map(|o| o % 50 + 1).collect();
    let weight = Tensor::new(shape(&[times, 1, 1, 1]), weights).expect("as many");
    let window = Window { height, width };
    let term = Term::Correlate { view: b.whole(x), weight, window, groups: 2 };
    let channels = finish(b, &[1, times, 1, 1], Affine::new(vec![term]).shift(9));
    vec![("terms", terms), ("steps", steps), ("images", images), ("channels", channels)]
}

/// A sum of products is a value, and takes memory for each of its products.
#[test]
fn values_that_are_read_again_count() {
    let _alone = ALONE.lock();
    let profile = Profile::standard()[0];
    let (n, times) = (1 << 10, 128);
    let (small, large) = (readers(n, times), readers(8 * n, times));
    for ((name, small), (_, large)) in small.into_iter().zip(large) {
        for policy in LayoutPolicy::ALL {
            let bytes = file(&small, profile, policy);
            let (read, taken) = peak(|| Compiled::from_bytes(&bytes).map(|c| c.k()));
            read.unwrap_or_else(|e| panic!("{name}, {policy:?}: {e}"));
            // An eighth of a value for each that is read, here at least that many.
            let named = n + n * times / 8;
            let what = format!("{name}, {policy:?}: {taken} bytes for {named}");
            assert!(taken < PER_VALUE * named, "{what}");

            let bytes = file(&large, profile, policy);
            let (read, taken) = peak(|| Compiled::from_bytes(&bytes).map(|c| c.k()));
            let got = bytes.len();
            assert!(matches!(read, Err(CompileError::Length { got: g, .. }) if g == got), "{what}");
            assert!(taken < 256 << 10, "{what}: {taken} bytes to refuse {got}");
        }
    }
}

#[test]
fn a_file_is_as_long_as_what_it_names_and_no_honest_one_is_refused() {
    let _alone = ALONE.lock();
    let values = 1 << 17;
    let (name, program) = programs(values / 2).swap_remove(0);
    assert_eq!(name, "vector");
    let config = CompileConfig { profile: Some(Profile::standard()[0]), ..Default::default() };
    let compiled = Compiled::new(program, &config).expect("fits");
    let bytes = compiled.to_bytes();
    // Half of them are read.
    assert_eq!(bytes.len(), values + values / 16 - FREE);
    let again = Compiled::from_bytes(&bytes).expect("as written");
    assert_eq!((again.digest(), again.to_bytes()), (compiled.digest(), bytes.clone()));

    let content = &bytes[..bytes.len() - 32];
    let zeros = content.iter().rev().take_while(|byte| **byte == 0).count();
    assert!(zeros > bytes.len() - 300, "{zeros} zeros");
    for cut in [1, 100, zeros / 2, zeros - 9] {
        let short = summed(&content[..content.len() - cut]);
        let (read, taken) = peak(|| Compiled::from_bytes(&short));
        let is_short = |e| {
            matches!(e, CompileError::Length { got, least }
            if got == short.len() && least == bytes.len())
        };
        assert!(read.is_err_and(is_short), "{cut} bytes less");
        assert!(taken < 64 << 10, "{taken} bytes to refuse {} ", short.len());
    }
    let refused = |content: &[u8]| {
        matches!(Compiled::from_bytes(&summed(content)), Err(CompileError::Format(_)))
    };
    assert!(refused(&[content, &[0]].concat()), "one zero more");
    let mut other = content.to_vec();
    other[content.len() - 5] = 1;
    assert!(refused(&other), "something else than zeros");
}
