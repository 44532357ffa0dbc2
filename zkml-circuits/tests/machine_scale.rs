//! A row program that fills its machine, with time and memory of each stage printed.
//!
//! `ZKML_SCALE_K=16 cargo test -p zkml-circuits --test machine_scale -- --nocapture` is the size of
//! a transformer of a million parameters: 60,000 groups of 16 lanes, as many vector rows.

mod counting;
mod machine_common;
mod plonk_common;
mod processor;

use counting::peak;
use halo2curves::bn256::Fr;
use machine_common::recount;
use processor::cpu_seconds;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::{sync::Mutex, time::Instant};
use zkml_circuits::{
    machine::{MachineCircuit, Profile, Unit},
    plan::{
        Base, Carry, CostModel, Geometry, Group, LaneRead, OperandRead, RowProgram, Source,
        TableRow, UnitRef, VectorRow,
    },
    plonk::{
        InstanceLayout, KeyOptions, PhaseWitness, ProverObjective, ProvingKey, generate_keys,
        prove, verify,
    },
    testing::Dice,
    witness::{FirstPhase, Witness},
};
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, Srs, vectorised},
};

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Groups of a segment: 64 positions.
const SEGMENT: usize = 4;
const SHIFT: u8 = 8;
const RANGE: u32 = 1;
const FUNCTION: u32 = 2;

/// Rows of all kinds in as many groups as there are, but for a few: products of activations in
/// every second segment, weights in the others.
fn full(profile: Profile, k: u32) -> RowProgram {
    let geometry = Geometry::new(profile, k);
    let mut dice = Dice::new(41);
    let count = geometry.groups() * 15 / 16 / SEGMENT * SEGMENT;
    let groups = (0..count)
        .map(|index| {
            let next = index % SEGMENT + 1 < SEGMENT;
            let weights = (index / SEGMENT).is_multiple_of(2);
            Group {
                mask: u32::MAX >> (32 - profile.lanes()),
                output: Some(Base::Lambda),
                output_next: next,
                shift: SHIFT,
                operand: Some(OperandRead::Y),
                operand_next: next,
                feature: (!weights).then_some(LaneRead::Y),
                feature_next: next,
                weights: match weights {
                    true => (0..profile.weight_lanes()).map(|_| signed(&mut dice, 9)).collect(),
                    false => Vec::new(),
                },
                tag_r: RANGE,
                tag_f: FUNCTION,
                ..Group::default()
            }
        })
        .collect();
    // Dot products of 64 fingerprints with 64 others.
    let unit = |unit, group| Some(Source::Unit(UnitRef::new(unit, group / SEGMENT * SEGMENT)));
    let vector: Vec<VectorRow> = (0..geometry.rows() * 15 / 16)
        .map(|row| VectorRow {
            carry: if row % 64 == 63 { Carry::None } else { Carry::One },
            a: unit(Unit::Operand, row % count),
            b: unit(Unit::Feature, (row * 7) % count),
            product: true,
            ..VectorRow::default()
        })
        .collect();
    // Each dot product twice.
    let half_of_them = vector.chunks_exact(64).take(vector.len() / 128);
    let vector: Vec<_> = half_of_them.flat_map(|run| [run, run].concat()).collect();
    let equations = (0..vector.len() / 128).map(|e| (Source::Z(128 * e), Source::Z(128 * e + 64)));
    let mut tables = vec![TableRow { tag: 0, input: 0, output: 0 }];
    tables.extend((0..1 << SHIFT).map(|input| TableRow { tag: RANGE, input, output: 0 }));
    let half = half(k);
    tables.extend((-half..half).map(|input| TableRow { tag: FUNCTION, input, output: f(input) }));
    RowProgram { profile, k, groups, vector, tables, equations: equations.collect(), words: 0 }
}

/// Half the domain of the function: the tables fit the rows.
fn half(k: u32) -> i32 {
    1 << (k.min(17) - 2)
}

fn f(x: i32) -> i32 {
    x.max(0)
}

fn signed(dice: &mut Dice, bits: u32) -> i64 {
    dice.below(1 << bits) as i64 - (1 << (bits - 1))
}

fn first(rows: &RowProgram, geometry: Geometry) -> FirstPhase {
    let lanes = rows.profile.lanes();
    let mut dice = Dice::new(43);
    let mut values: [Vec<i64>; 3] = Default::default();
    for _ in 0..rows.groups.len() * lanes {
        let x = dice.below(2 * half(rows.k) as usize) as i32 - half(rows.k);
        let cells = [x.into(), dice.below(1 << SHIFT) as i64, f(x).into()];
        values.iter_mut().zip(cells).for_each(|(role, cell)| role.push(cell));
    }
    values.iter_mut().for_each(|role| role.resize(geometry.groups() * lanes, 0));
    let mut first =
        FirstPhase { lanes: values, p: vec![0; geometry.groups()], m: Vec::new(), j: Vec::new() };
    recount(rows, geometry, &mut first);
    first
}

fn keys(rows: &RowProgram, srs: &Srs) -> ProvingKey {
    let options = KeyOptions { instance: InstanceLayout { words: 0, stride: 1 }, binding: [3; 32] };
    let circuit = MachineCircuit::new(rows);
    generate_keys(&circuit, srs, &CpuMsm, &options, &NoProgress).expect("keys")
}

/// Prints what each stage costs.
struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    fn stage(&mut self, what: &str) {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu);
        eprintln!("{what:24} {wall:8.2} s {cpu:8.2} CPU s, peak {} MB", peak_megabytes());
        *self = Self::start();
    }
}

#[test]
fn a_full_machine_proves_and_verifies() {
    let _alone = ALONE.lock();
    let k = std::env::var("ZKML_SCALE_K").map_or(10, |k| k.parse().expect("a number"));
    let profile = Profile::new(16, 1, 64, 1).expect("a machine");
    let mut clock = Clock::start();
    let rows = full(profile, k);
    let geometry = Geometry::check(&rows).expect("fits");
    eprintln!("k = {k}: {} groups, {} vector rows", rows.groups.len(), rows.vector.len());
    clock.stage("row program");
    let srs = Srs::development(k).expect("a small k");
    clock.stage("srs");
    let key = keys(&rows, &srs);
    clock.stage("keys");
    let first = first(&rows, geometry);
    clock.stage("first phase");
    let mut witness = Witness::new(&rows, geometry, first);
    let challenges: Vec<Fr> = (5u64..9).map(Fr::from).collect();
    for phase in 0..3 {
        let columns = witness.phase(phase, &challenges[..[0, 1, 4][usize::from(phase)]]);
        assert!(!columns.expect("fits").is_empty());
        clock.stage(["phase 1 columns", "phase 2 columns", "phase 3 columns"][usize::from(phase)]);
    }
    let mut rng = ChaCha20Rng::seed_from_u64(17);
    let proof = prove(&key, &srs, &CpuMsm, &[], &mut witness, &mut rng, &NoProgress);
    let proof = proof.expect("a proof");
    clock.stage("prove");
    verify(key.verifying_key(), &[], &proof).expect("an honest proof");
    clock.stage("verify");
}

/// Above keys and reference string, in machines of few columns and of many, of which nearly every
/// row is used. Each thread after the first has a column to transform and points to add.
#[test]
fn a_proof_takes_fewer_than_40_bytes_a_cell() {
    let _alone = ALONE.lock();
    for ((lanes, fold, weights, tables), k) in
        [((8, 8, 16, 1), 14), ((8, 8, 32, 1), 14), ((8, 1, 32, 2), 13)]
    {
        let profile = Profile::new(lanes, fold, weights, tables).expect("a machine");
        let rows = full(profile, k);
        let geometry = Geometry::check(&rows).expect("fits");
        let (small, full) = CostModel::default().predict_rows(&rows).cells();
        let cells = small + full;
        let srs = Srs::development(k).expect("a small k");
        let taken = |objective: ProverObjective, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool").install(|| {
                let key = keys(&rows, &srs).with_objective(objective);
                let (proof, taken) = peak(|| {
                    let mut witness = Witness::new(&rows, geometry, first(&rows, geometry));
                    let mut rng = ChaCha20Rng::seed_from_u64(17);
                    prove(&key, &srs, &CpuMsm, &[], &mut witness, &mut rng, &NoProgress)
                });
                verify(key.verifying_key(), &[], &proof.expect("a proof")).expect("honest");
                eprintln!(
                    "{profile}, {objective:?}, {threads}: {} bytes a cell",
                    taken as u64 / cells
                );
                taken as u64
            })
        };
        let (column, buffers) = (32 << k, 1 << 19);
        // Where there are no vectors, transforms have tables of their powers.
        let table = if vectorised() { 0 } else { column };
        for (threads, more) in [(1, table), (2, table + column + buffers)] {
            let time = taken(ProverObjective::Time, threads);
            assert!(time < 40 * cells + more, "{profile}, {threads} threads: {time} bytes");
            // Nothing is counted that is not held: columns alone take more.
            assert!(time > 16 * cells, "{profile}: {time} bytes");
            let least = taken(ProverObjective::Memory, threads);
            assert!(least < time + time / 16, "{profile}: {least} bytes to save memory");
        }
    }
}

/// Peak resident memory, where Linux tells; 0 elsewhere.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()).and_then(|v| v.parse().ok());
    kilobytes.map_or(0, |kb: u64| kb / 1024)
}
