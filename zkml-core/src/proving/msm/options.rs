//! Which backend, and how: options and the environment variables that set them.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

/// Which backend is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MsmChoice {
    /// A GPU when there is one and it works, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, or an error.
    Cuda,
}

impl FromStr for MsmChoice {
    type Err = MsmOptionsError;

    fn from_str(text: &str) -> Result<Self, MsmOptionsError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            _ => Err(MsmOptionsError {
                variable: "ZKML_MSM",
                value: text.to_owned(),
                expected: "auto, cpu or cuda",
            }),
        }
    }
}

/// An environment variable holds something else than it may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: `{value}` is not {expected}")]
pub struct MsmOptionsError {
    variable: &'static str,
    value: String,
    expected: &'static str,
}

/// How [`AutoMsm`](super::AutoMsm) and `CudaMsm` work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MsmOptions {
    /// The backend (`ZKML_MSM`).
    pub choice: MsmChoice,
    /// Columns of fewer than `2^min_log2` scalars stay on the CPU, whatever the choice (`ZKML_MSM_MIN_LOG2`; 14). The default is
    /// an estimate from the time of launches and copies.
    pub min_log2: u32,
    /// Position of the GPU among those that CUDA shows (`ZKML_CUDA_DEVICE`; 0).
    pub device: usize,
    /// Compiled kernels to use instead of the cache and NVRTC (`ZKML_CUDA_CUBIN`).
    pub cubin: Option<PathBuf>,
    /// Directory that keeps compiled kernels between runs (`ZKML_CUDA_CACHE`). Its files are code that runs on the GPU with the user's
    /// rights: a directory that others can write to is none for it. Without one, kernels are compiled by each process, which takes seconds.
    pub cache: Option<PathBuf>,
    /// Whether every sum of the GPU is computed by the CPU too and compared (`ZKML_MSM_VERIFY=1`).
    pub verify: bool,
}

impl Default for MsmOptions {
    fn default() -> Self {
        Self {
            choice: MsmChoice::Auto,
            min_log2: 14,
            device: 0,
            cubin: None,
            cache: None,
            verify: false,
        }
    }
}

impl MsmOptions {
    /// What the environment says. Variables that are empty count as not set.
    ///
    /// # Errors
    /// A variable with a value that it cannot have.
    pub fn from_env() -> Result<Self, MsmOptionsError> {
        Self::from_variables(std::env::var_os::<&str>)
    }

    fn from_variables(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, MsmOptionsError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let number = |name: &'static str, most: usize, expected: &'static str| match text(name) {
            None => Ok(None),
            Some(value) => match value.parse::<usize>() {
                Ok(number) if number <= most => Ok(Some(number)),
                _ => Err(MsmOptionsError { variable: name, value, expected }),
            },
        };
        let default = Self::default();
        let min_log2 = number("ZKML_MSM_MIN_LOG2", 63, "a number from 0 to 63")?;
        let device = number("ZKML_CUDA_DEVICE", 1 << 16, "the number of a GPU")?;
        let verify = number("ZKML_MSM_VERIFY", 1, "0 or 1")?;
        Ok(Self {
            choice: text("ZKML_MSM").map_or(Ok(default.choice), |value| value.parse())?,
            min_log2: min_log2.map_or(default.min_log2, |number| number as u32),
            device: device.unwrap_or(default.device),
            cubin: variable("ZKML_CUDA_CUBIN").map(PathBuf::from),
            cache: variable("ZKML_CUDA_CACHE").map(PathBuf::from),
            verify: verify == Some(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<MsmOptions, MsmOptionsError> {
        let find = |name| variables.iter().find(|(other, _)| *other == name);
        MsmOptions::from_variables(|name| find(name).map(|(_, value)| value.into()))
    }

    #[test]
    fn variables_set_the_options() {
        assert_eq!(of(&[]), Ok(MsmOptions::default()));
        assert_eq!(of(&[("ZKML_MSM", ""), ("ZKML_CUDA_CUBIN", "")]), Ok(MsmOptions::default()));
        let all = of(&[
            ("ZKML_MSM", "cuda"),
            ("ZKML_MSM_MIN_LOG2", "0"),
            ("ZKML_CUDA_DEVICE", "3"),
            ("ZKML_CUDA_CUBIN", "a.cubin"),
            ("ZKML_CUDA_CACHE", "/c"),
            ("ZKML_MSM_VERIFY", "1"),
        ]);
        let expected = MsmOptions {
            choice: MsmChoice::Cuda,
            min_log2: 0,
            device: 3,
            cubin: Some("a.cubin".into()),
            cache: Some("/c".into()),
            verify: true,
        };
        assert_eq!(all, Ok(expected));
        assert_eq!(of(&[("ZKML_MSM", "cpu")]).unwrap().choice, MsmChoice::Cpu);
        assert_eq!(of(&[("ZKML_MSM", "auto")]).unwrap().choice, MsmChoice::Auto);
    }

    #[test]
    fn other_values_are_errors_that_name_the_variable_and_what_it_may_hold() {
        for (name, value, text) in [
            ("ZKML_MSM", "gpu", "ZKML_MSM: `gpu` is not auto, cpu or cuda"),
            ("ZKML_MSM", "CPU", "ZKML_MSM: `CPU` is not auto, cpu or cuda"),
            ("ZKML_MSM_MIN_LOG2", "64", "ZKML_MSM_MIN_LOG2: `64` is not a number from 0 to 63"),
            ("ZKML_CUDA_DEVICE", "-1", "ZKML_CUDA_DEVICE: `-1` is not the number of a GPU"),
            ("ZKML_MSM_VERIFY", "yes", "ZKML_MSM_VERIFY: `yes` is not 0 or 1"),
        ] {
            assert_eq!(of(&[(name, value)]).unwrap_err().to_string(), text);
        }
    }
}
