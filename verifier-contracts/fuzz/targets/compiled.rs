//! Bytes to a compiled model: a `.zkc` file, or a program that is compiled. What is accepted is planned and
//! linted, and a second time the same.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled},
    plan::Visibility,
    testing::{attention, mlp, random_program, random_windows},
};
use zkml_core_fuzz::{
    bytes::{change_words, mutate_with, raw, summed},
    dice::Dice,
    memory::bounded,
    program::{cost, program},
    seeds,
};

const MAGIC: &[u8] = b"zkml-zkc\x03";

/// Elements and products of a program that is compiled: more only takes longer.
const LIMIT: usize = 1 << 14;

fuzz_target!(init: begin(), |data: &[u8]| {
    if data.starts_with(MAGIC) {
        read(data);
    } else {
        let _ = compile(&mut Unstructured::new(data));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_with(data, size, max_size, |bytes| change(bytes, &mut Dice::new(seed)))
});

fn read(data: &[u8]) {
    let compiled = bounded(4096 * data.len() + (256 << 20), || Compiled::from_bytes(data));
    if let Ok(compiled) = compiled.map_err(|e| e.to_string()) {
        check(&compiled);
    }
}

fn compile(source: &mut Unstructured) -> arbitrary::Result<()> {
    let Some(program) = program(source)? else { return Ok(()) };
    if cost(&program) > LIMIT {
        return Ok(());
    }
    let standard = Profile::standard();
    let profile = match source.int_in_range(0..=5)? {
        at if at < standard.len() => standard[at],
        _ => {
            let mut size = |sizes: &[usize]| source.choose(sizes).copied();
            let shape =
                [size(&[1, 2, 8, 32])?, size(&[1, 2, 8])?, size(&[2, 8, 256])?, size(&[1, 4])?];
            let Ok(profile) = Profile::new(shape[0], shape[1], shape[2], shape[3]) else {
                return Ok(());
            };
            profile
        }
    };
    let input_visibility = *source.choose(&[Visibility::Public, Visibility::Private])?;
    let config =
        CompileConfig { profile: Some(profile), input_visibility, ..CompileConfig::default() };
    if let Ok(compiled) = Compiled::new(program.clone(), &config).map_err(|e| e.to_string()) {
        assert_eq!(*compiled.program(), program);
        check(&compiled);
    }
    Ok(())
}

/// Written and read it is the same.
fn check(compiled: &Compiled) {
    let bytes = compiled.to_bytes();
    let again = Compiled::from_bytes(&bytes).expect("as written");
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.digest(), compiled.digest());
    assert_eq!(again.plan(), compiled.plan());
    assert!(again.plan().io.check().is_ok());
}

fn change(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if !bytes.starts_with(MAGIC) {
        return raw(bytes);
    }
    for _ in 0..=dice.below(3) {
        match dice.below(4) {
            0 => bytes = raw(bytes),
            // Nearly all numbers of the body are of one byte or two.
            1 => {
                let at = MAGIC.len() + dice.below(bytes.len().saturating_sub(MAGIC.len() + 32));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.number(i64::from(*byte)) as u8;
                }
            }
            _ => change_words(&mut bytes, MAGIC.len(), dice),
        }
    }
    if dice.below(16) == 0 { bytes } else { summed(bytes) }
}

fn begin() {
    let mut programs = vec![mlp(1, 1)];
    programs.extend((0..8).map(|seed| random_program(seed, 3)));
    programs.extend((0..4).map(|seed| random_windows(seed, 2)));
    programs.push(attention(1, 1, 2, 2));
    for (i, program) in programs.into_iter().enumerate() {
        let config =
            CompileConfig { profile: Some(Profile::standard()[i % 4]), ..CompileConfig::default() };
        if let Ok(compiled) = Compiled::new(program, &config) {
            let bytes = compiled.to_bytes();
            let again = Compiled::from_bytes(&bytes).expect("as written");
            assert_eq!(again.to_bytes(), bytes);
            seeds::write(&format!("program-{i}"), &bytes);
        }
    }
}
