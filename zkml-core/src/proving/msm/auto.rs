//! A device where it helps, the CPU elsewhere.
//!
//! Each column goes to the device or to the CPU by its length. When the device fails, the CPU computes what the device did not, so that
//! callers get the same points; unless the device was asked for by name: then they get the error.

use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use halo2curves::bn256::{G1, G1Affine};

use super::{CpuMsm, DeviceFault, MsmBackend, MsmChoice, MsmError, MsmOptions, Scalars};

type Device = Box<dyn MsmBackend + Send + Sync>;
type Open = Box<dyn Fn(&MsmOptions) -> Result<Device, MsmError> + Send + Sync>;
type Notice = Box<dyn Fn(&str) + Send + Sync>;

/// The backend that programs use: an NVIDIA GPU for long columns if there is one (with the feature `cuda`), else [`CpuMsm`].
///
/// The points are the same, so proofs do not depend on what computed them.
pub struct AutoMsm {
    options: MsmOptions,
    open: Open,
    notice: Notice,
    /// Opened by the first column that is long enough; `None` when that failed.
    device: OnceLock<Option<Device>>,
    /// After a fault that is not transient.
    lost: AtomicBool,
    /// Kinds of faults that were told.
    told: Mutex<Vec<Discriminant<DeviceFault>>>,
    device_columns: AtomicU64,
    cpu_columns: AtomicU64,
}

/// What computed the columns so far.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MsmReport {
    /// Name of the device if it did any of them, else `cpu`.
    pub backend: String,
    /// Columns that the device computed.
    pub device_columns: u64,
    /// Columns that the CPU computed: short ones, and those that the device failed at.
    pub cpu_columns: u64,
}

impl std::fmt::Display for MsmReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.backend)?;
        if self.device_columns > 0 && self.cpu_columns > 0 {
            let columns = self.device_columns + self.cpu_columns;
            write!(f, ": {} of {columns} columns, the others on the CPU", self.device_columns)?;
        }
        Ok(())
    }
}

impl AutoMsm {
    /// The backend of these options. `notice` gets one line for each kind of fault after which the CPU takes over; libraries print nothing.
    ///
    /// The device is opened when it is first needed; with [`MsmChoice::Cuda`] at once.
    ///
    /// # Errors
    /// [`MsmError::Device`] when the choice is [`MsmChoice::Cuda`] and there is no device, no driver, no kernels for it, or the program
    /// was built without the feature `cuda`.
    pub fn new(
        options: MsmOptions,
        notice: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, MsmError> {
        Self::with_device(options, open_cuda, notice)
    }

    /// As [`Self::new`], with another device: `open` makes it.
    ///
    /// # Errors
    /// That of `open`, when the choice is [`MsmChoice::Cuda`].
    pub fn with_device(
        options: MsmOptions,
        open: impl Fn(&MsmOptions) -> Result<Device, MsmError> + Send + Sync + 'static,
        notice: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, MsmError> {
        let device = OnceLock::new();
        if options.choice == MsmChoice::Cuda {
            let _ = device.set(Some(open(&options)?));
        }
        Ok(Self {
            options,
            open: Box::new(open),
            notice: Box::new(notice),
            device,
            lost: AtomicBool::new(false),
            told: Mutex::default(),
            device_columns: AtomicU64::new(0),
            cpu_columns: AtomicU64::new(0),
        })
    }

    /// What computed the columns so far.
    pub fn report(&self) -> MsmReport {
        let [device_columns, cpu_columns] =
            [&self.device_columns, &self.cpu_columns].map(|count| count.load(Relaxed));
        let device = self.device.get().and_then(Option::as_ref).filter(|_| device_columns > 0);
        let backend = device.map_or(CpuMsm.name(), |device| device.name()).to_owned();
        MsmReport { backend, device_columns, cpu_columns }
    }

    fn device(&self) -> Option<&Device> {
        let device = self.device.get_or_init(|| match (self.open)(&self.options) {
            Ok(device) => Some(device),
            Err(error) => {
                self.tell(&error);
                None
            }
        });
        device.as_ref().filter(|_| !self.lost.load(Relaxed))
    }

    /// Says that the CPU takes over, once for each kind of fault. A program without the code for a device is no fault to tell.
    fn tell(&self, error: &MsmError) {
        let MsmError::Device { fault, .. } = error else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *fault != DeviceFault::NotBuilt && !told.contains(&discriminant(fault)) {
            told.push(discriminant(fault));
            (self.notice)(&format!("{error}; the CPU takes over"));
        }
    }

    fn on_cpu(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        let sums = CpuMsm.msm(bases, columns)?;
        self.cpu_columns.fetch_add(columns.len() as u64, Relaxed);
        Ok(sums)
    }

    fn on_device(
        &self,
        device: &Device,
        bases: &[G1Affine],
        columns: &[Scalars<'_>],
    ) -> Result<Vec<G1>, MsmError> {
        let sums = device.msm(bases, columns)?;
        if self.options.verify && sums != CpuMsm.msm(bases, columns)? {
            let (backend, fault) = (device.name().to_owned(), DeviceFault::Wrong("a sum differs"));
            return Err(MsmError::Device { backend, fault });
        }
        self.device_columns.fetch_add(columns.len() as u64, Relaxed);
        Ok(sums)
    }
}

impl MsmBackend for AutoMsm {
    /// Of the device once it is open and works, else of the CPU's.
    fn name(&self) -> &str {
        let open = self.device.get().and_then(Option::as_ref);
        let device = open.filter(|_| !self.lost.load(Relaxed));
        device.map_or(CpuMsm.name(), |device| device.name())
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        let long = |column: &Scalars<'_>| column.len() as u64 >> self.options.min_log2 > 0;
        if self.options.choice == MsmChoice::Cpu || !columns.iter().any(long) {
            return self.on_cpu(bases, columns);
        }
        let Some(device) = self.device() else { return self.on_cpu(bases, columns) };
        let (on_device, on_cpu): (Vec<usize>, Vec<usize>) =
            (0..columns.len()).partition(|column| long(&columns[*column]));
        let of = |positions: &[usize]| -> Vec<Scalars<'_>> {
            positions.iter().map(|column| columns[*column]).collect()
        };
        // The long ones first: too few bases are noticed there.
        let sums = self.on_device(device, bases, &of(&on_device));
        let long_sums = match sums.map_err(|error| error.among(&on_device)) {
            Err(error @ MsmError::Device { .. }) if self.options.choice == MsmChoice::Auto => {
                if let MsmError::Device { fault, .. } = &error {
                    self.lost.fetch_or(!fault.is_transient(), Relaxed);
                }
                self.tell(&error);
                return self.on_cpu(bases, columns);
            }
            sums => sums?,
        };
        let short_sums = self.on_cpu(bases, &of(&on_cpu)).map_err(|error| error.among(&on_cpu))?;
        let mut sums = vec![G1::default(); columns.len()];
        let places = on_device.iter().chain(&on_cpu);
        for (column, sum) in places.zip(long_sums.into_iter().chain(short_sums)) {
            sums[*column] = sum;
        }
        Ok(sums)
    }
}

impl MsmError {
    /// The error of a call with some of the columns, as one of a call with all of them.
    fn among(self, positions: &[usize]) -> Self {
        match self {
            Self::ValueOutOfRange { column, row } => {
                Self::ValueOutOfRange { column: positions[column], row }
            }
            other => other,
        }
    }
}

impl std::fmt::Debug for AutoMsm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AutoMsm")
            .field("options", &self.options)
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}

fn open_cuda(options: &MsmOptions) -> Result<Device, MsmError> {
    #[cfg(feature = "cuda")]
    {
        Ok(Box::new(super::CudaMsm::new(options)?))
    }
    #[cfg(not(feature = "cuda"))]
    {
        let _ = options;
        Err(MsmError::Device { backend: "cuda".into(), fault: DeviceFault::NotBuilt })
    }
}

#[cfg(test)]
mod tests;
