//! Bytes to a ceremony's powers: what is imported is imported for every smaller size, too, as a part of it,
//! and is read again from our own file.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::proving::{Srs, import_ptau};
use zkml_core_fuzz::{
    bytes::mutate_with,
    dice::Dice,
    memory::bounded,
    seeds,
    srs::{change_ptau, file, load, ptau},
};

/// The largest size asked for.
const MOST: u32 = 5;

fuzz_target!(init: begin(), |data: &[u8]| {
    let mut larger: Option<Srs> = None;
    for k in (0..=MOST).rev() {
        let import = || import_ptau(data, "fuzz.ptau", k);
        let imported = bounded(64 * data.len() + (8 << 20), import).map_err(|e| e.to_string());
        if let Some(larger) = &larger {
            assert_eq!(imported.as_ref().ok(), larger.truncate(k).ok().as_ref(), "{imported:?}");
        }
        if let (Ok(srs), true) = (&imported, larger.is_none()) {
            assert!(!srs.is_insecure());
            assert_eq!(load(&file(srs)).as_ref(), Some(srs));
        }
        larger = imported.ok().or(larger);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_with(data, size, max_size, |bytes| change_ptau(bytes, &mut Dice::new(seed)))
});

fn begin() {
    for k in 1..=3 {
        let bytes = ptau(k);
        import_ptau(&*bytes, "fuzz.ptau", k).expect("powers of one secret");
        seeds::write(&format!("own-{k}"), &bytes);
    }
    for (name, bytes) in [
        ("snarkjs-4", &include_bytes!("../../tests/data/ptau/power4.ptau")[..]),
        ("snarkjs-4-prepared", include_bytes!("../../tests/data/ptau/power4-prepared.ptau")),
    ] {
        seeds::write(name, bytes);
    }
}
