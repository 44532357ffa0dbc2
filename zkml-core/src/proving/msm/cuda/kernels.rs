//! The kernels: their source, and where compiled ones come from.
//!
//! 1. The file that [`MsmOptions::cubin`] names.
//! 2. The cache, if it has them for this source, architecture and compiler. A file holds
//!    `keccak256(name || cubin) || cubin`, so that a damaged or renamed one is noticed and made anew.
//! 3. The compiler. What it makes goes to the cache; a cache that cannot be written is only slower.

use std::ffi::CStr;
use std::io::Write;
use std::path::Path;

use sha3::{Digest, Keccak256};

use super::nvrtc;
use crate::proving::{DeviceFault, MsmOptions, write_atomically};

/// The whole source, see `kernels/words.cu`.
pub(super) const SOURCE: &str = concat!(
    include_str!("kernels/words.cu"),
    include_str!("kernels/field.cu"),
    include_str!("kernels/curve.cu"),
    include_str!("kernels/sort.cu"),
    include_str!("kernels/sum.cu"),
    include_str!("kernels/ceilings.cu"),
);

/// All kernels.
pub(super) const NAMES: [&CStr; 10] = [
    c"zkml_count",
    c"zkml_scan_sums",
    c"zkml_scan_apply",
    c"zkml_scatter",
    c"zkml_accumulate",
    c"zkml_merge",
    c"zkml_weigh",
    c"zkml_fold",
    c"zkml_ceiling_products",
    c"zkml_ceiling_additions",
];

/// Compiled kernels for an architecture such as `sm_90`.
pub(super) fn load(architecture: &str, options: &MsmOptions) -> Result<Vec<u8>, DeviceFault> {
    if let Some(path) = &options.cubin {
        return std::fs::read(path)
            .map_err(|e| DeviceFault::Unavailable(format!("{}: {e}", path.display())));
    }
    let compiler = nvrtc::version();
    let compile = || nvrtc::compile(SOURCE, architecture);
    match (&options.cache, compiler) {
        (Some(directory), Some((major, minor))) => {
            cached(directory, &file_name(architecture, (major, minor)), compile)
        }
        _ => compile(),
    }
}

fn file_name(architecture: &str, (major, minor): (i32, i32)) -> String {
    let source = hex::encode(&Keccak256::digest(SOURCE)[..8]);
    format!("msm-{source}-{architecture}-nvrtc{major}.{minor}.cubin")
}

fn digest(name: &str, cubin: &[u8]) -> [u8; 32] {
    Keccak256::new().chain_update(name).chain_update(cubin).finalize().into()
}

fn cached(
    directory: &Path,
    name: &str,
    compile: impl FnOnce() -> Result<Vec<u8>, DeviceFault>,
) -> Result<Vec<u8>, DeviceFault> {
    let path = directory.join(name);
    if let Ok(file) = std::fs::read(&path)
        && let Some((kept, cubin)) = file.split_first_chunk::<32>()
        && *kept == digest(name, cubin)
    {
        return Ok(cubin.to_vec());
    }
    let cubin = compile()?;
    let _ = std::fs::create_dir_all(directory).and_then(|()| {
        write_atomically(&path, |file| {
            file.write_all(&digest(name, &cubin))?;
            file.write_all(&cubin)
        })
    });
    Ok(cubin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn every_kernel_is_in_the_source_and_nothing_is_included() {
        for name in NAMES {
            let declaration = format!(" {}(", name.to_str().unwrap());
            assert_eq!(SOURCE.matches(&declaration).count(), 1, "{name:?}");
        }
        let kernels = SOURCE.lines().filter(|line| line.starts_with("KERNEL")).count();
        assert_eq!(kernels, NAMES.len());
        assert!(!SOURCE.lines().any(|line| line.trim_start().starts_with("#include")));
        assert!(!SOURCE.contains("__syncthreads") && !SOURCE.contains("__shfl"));
    }

    #[test]
    fn the_cache_serves_what_is_whole_and_makes_the_rest_anew() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("not/there/yet");
        let compiled = Cell::new(0);
        let load = |name: &str| {
            let compile = || {
                compiled.set(compiled.get() + 1);
                Ok(vec![1, 2, 3])
            };
            assert_eq!(cached(&cache, name, compile).unwrap(), [1, 2, 3]);
            compiled.get()
        };
        assert_eq!([load("a"), load("a")], [1, 1]);
        let path = cache.join("a");
        let whole = std::fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(load("a"), 2 + position);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        let so_far = compiled.get();
        for length in [0, 31, 32, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            load("a");
        }
        assert_eq!(compiled.get(), so_far + 4);
        // Another source, architecture or compiler under this name.
        std::fs::write(cache.join("b"), &whole).unwrap();
        assert_eq!(load("b"), so_far + 5);
        let failing = cached(&cache, "c", || Err(DeviceFault::OutOfMemory));
        assert_eq!(failing, Err(DeviceFault::OutOfMemory));
        assert!(!cache.join("c").exists());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_only_slower() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, []).unwrap();
        assert_eq!(cached(&file, "a", || Ok(vec![5])), Ok(vec![5]));
    }

    #[test]
    fn a_named_file_is_taken_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kernels.cubin");
        let options = MsmOptions { cubin: Some(path.clone()), ..MsmOptions::default() };
        let error = load("sm_90", &options).unwrap_err().to_string();
        assert!(error.contains("kernels.cubin"), "{error}");
        std::fs::write(&path, b"anything").unwrap();
        assert_eq!(load("sm_90", &options).unwrap(), b"anything");
    }

    #[test]
    fn names_of_cached_files_tell_what_they_are_for() {
        let name = file_name("sm_90", (13, 0));
        assert!(name.starts_with("msm-") && name.ends_with("-sm_90-nvrtc13.0.cubin"), "{name}");
        assert_ne!(name, file_name("sm_80", (13, 0)));
        assert_ne!(name, file_name("sm_90", (13, 1)));
    }
}
