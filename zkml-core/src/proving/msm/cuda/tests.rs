//! The pipeline on the emulator, against the CPU: what all of it gives ([`sums`]), how much each thread does ([`work`]), and what
//! happens when something fails ([`faults`]).

mod faults;
mod sums;
mod work;

use ff::Field;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::emulator::Emulator;
use super::engine::Engine;
use super::{DeviceFault, MsmBackend, MsmError, Scalars};
use crate::proving::CpuMsm;
use crate::proving::vector::from_integer;

fn engine() -> Engine<Emulator> {
    Engine::new(Emulator::new()).with_everything_on_the_device()
}

fn fault(fault: DeviceFault) -> MsmError {
    MsmError::Device { backend: "emulator".into(), fault }
}

fn msm(
    engine: &Engine<Emulator>,
    bases: &[G1Affine],
    columns: &[Scalars<'_>],
) -> Result<Vec<G1>, MsmError> {
    engine.msm(bases, columns, fault)
}

/// Multiples of the generator.
fn bases(count: usize, seed: u64) -> Vec<G1Affine> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let scalar = Fr::from(rng.next_u64());
    let generator = G1Affine::generator();
    let mut at = generator * scalar;
    let points: Vec<G1> = (0..count)
        .map(|_| {
            at += generator;
            at
        })
        .collect();
    let mut affine = vec![G1Affine::identity(); count];
    group::Curve::batch_normalize(&points, &mut affine);
    affine
}

/// Few different points, their opposites and identities next to each other.
fn awkward_bases(count: usize, seed: u64) -> Vec<G1Affine> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let pool = bases(3, seed);
    let one = |rng: &mut ChaCha20Rng| match (rng.next_u32() % 4, pool[rng.next_u32() as usize % 3])
    {
        (0, base) => -base,
        (1, _) => G1Affine::identity(),
        (_, base) => base,
    };
    (0..count).map(|_| one(&mut rng)).collect()
}

/// How the values of a column are spread; `bits` is the width of the kind.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Zeros,
    Ones,
    Bits,
    Signs,
    Same,
    Two,
    Sparse,
    Random,
    Extremes,
}

const SPREADS: [Spread; 9] = [
    Spread::Zeros,
    Spread::Ones,
    Spread::Bits,
    Spread::Signs,
    Spread::Same,
    Spread::Two,
    Spread::Sparse,
    Spread::Random,
    Spread::Extremes,
];

/// Values between `-2^bits` and `2^bits - 1`.
fn integers(spread: Spread, count: usize, bits: u32, rng: &mut ChaCha20Rng) -> Vec<i64> {
    let limit = 1i64 << bits;
    let same = (limit - 1) / 3 * 2;
    let one = |row: usize| {
        let random = rng.next_u64() as i64;
        match spread {
            Spread::Zeros => 0,
            Spread::Ones => 1,
            Spread::Bits => random & 1,
            Spread::Signs => random % 2 * 2 + 1,
            Spread::Same => same,
            Spread::Two => [same, -same - 1][row % 2],
            Spread::Sparse => {
                if random % 10 == 0 {
                    random >> (63 - bits)
                } else {
                    0
                }
            }
            Spread::Random => random >> (63 - bits),
            Spread::Extremes => [limit - 1, -limit][random as usize & 1],
        }
    };
    (0..count).map(one).collect()
}

fn elements(spread: Spread, count: usize, rng: &mut ChaCha20Rng) -> Vec<Fr> {
    let same = Fr::random(&mut *rng);
    let half = (Fr::ZERO - Fr::ONE) * Fr::from(2).invert().unwrap();
    let one = |row: usize| match spread {
        Spread::Zeros => Fr::ZERO,
        Spread::Ones => Fr::ONE,
        Spread::Bits => Fr::from(rng.next_u64() & 1),
        Spread::Signs => from_integer(rng.next_u64() as i64 % 2 * 2 + 1),
        Spread::Same => same,
        Spread::Two => [same, -same][row % 2],
        Spread::Sparse => from_integer(rng.next_u64() as i8 as i64 / 100),
        Spread::Random => Fr::random(&mut *rng),
        // (p - 1) / 2 is the largest that counts as positive.
        Spread::Extremes => [-Fr::ONE, half, half + Fr::ONE][rng.next_u32() as usize % 3],
    };
    (0..count).map(one).collect()
}

/// Small values of three widths with short tails, and field elements, of `count` rows each.
fn check_all_kinds(engine: &Engine<Emulator>, bases: &[G1Affine], spread: Spread, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let count = bases.len();
    let tail = elements(spread, count.min(3), &mut rng);
    let small = [7, 15, 31, 61].map(|bits| integers(spread, count - tail.len(), bits, &mut rng));
    let full = [spread, Spread::Random].map(|spread| elements(spread, count, &mut rng));
    let mut columns: Vec<Scalars<'_>> = full.iter().map(|full| Scalars::Full(full)).collect();
    columns.extend(small.iter().map(|values| Scalars::Small { values, tail: &tail }));
    columns.push(Scalars::Small { values: &small[1], tail: &[] });
    let got = msm(engine, bases, &columns);
    assert_eq!(got, CpuMsm.msm(bases, &columns), "{spread:?}, {count} rows");
}
