//! What does multi-scalar multiplications: the environment says (`ZKML_MSM` and others, see [`MsmOptions`]).

use crate::{cache, exit::CliError, output::Output};
use zkml::{AutoMsm, MsmOptions};

/// The backend. Compiled kernels are kept beside what else is cached, unless `ZKML_CUDA_CACHE` says where.
pub(crate) fn backend(output: &Output) -> Result<AutoMsm, CliError> {
    let mut options = MsmOptions::from_env()?;
    options.cache = options.cache.or_else(cache::directory);
    let output = output.clone();
    Ok(AutoMsm::new(options, move |line| output.note(line))?)
}
