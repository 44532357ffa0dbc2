//! Bytes to a structured reference string: what is accepted is written as it was read, and is no larger than
//! its file.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::proving::Srs;
use zkml_core_fuzz::{
    bytes::mutate_with,
    dice::Dice,
    memory::bounded,
    seeds,
    srs::{change, file, load, string},
};

fuzz_target!(init: begin(), |data: &[u8]| {
    let Some(srs) = bounded(64 * data.len() + (8 << 20), || load(data)) else { return };
    assert_eq!(file(&srs), data);
    assert!(!srs.is_insecure() || matches!(srs.provenance(), zkml_core::proving::Provenance::Insecure(_)));
    for k in 1..srs.k() {
        let smaller = srs.truncate(k).expect("a size it can serve");
        assert_eq!(load(&file(&smaller)), Some(smaller));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_with(data, size, max_size, |bytes| change(bytes, &mut Dice::new(seed)))
});

fn begin() {
    for k in 1..=4 {
        seeds::write(&format!("own-{k}"), &file(&string(k)));
        let development = Srs::development(k).expect("a small k");
        let bytes = file(&development);
        assert_eq!(load(&bytes), Some(development));
        seeds::write(&format!("development-{k}"), &bytes);
    }
}
