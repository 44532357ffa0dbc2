//! Routing and falling back, with a device that fails as it is told to.

use std::sync::Arc;

use halo2curves::bn256::Fr;

use super::*;

/// The CPU under another name, failing when there is a fault.
#[derive(Clone, Default)]
struct Fake {
    fault: Arc<Mutex<Option<DeviceFault>>>,
    calls: Arc<AtomicU64>,
    /// Answers twice the sum.
    wrong: bool,
}

impl MsmBackend for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        self.calls.fetch_add(1, Relaxed);
        if let Some(fault) = self.fault.lock().unwrap().clone() {
            return Err(MsmError::Device { backend: "fake".into(), fault });
        }
        let sums = CpuMsm.msm(bases, columns)?;
        Ok(if self.wrong { sums.iter().map(|sum| sum + sum).collect() } else { sums })
    }
}

struct Setting {
    fake: Fake,
    lines: Arc<Mutex<Vec<String>>>,
    auto: AutoMsm,
}

impl Setting {
    fn new(options: MsmOptions, fake: Fake) -> Self {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (device, to) = (fake.clone(), lines.clone());
        let open = move |_: &MsmOptions| Ok(Box::new(device.clone()) as Device);
        let notice = move |line: &str| to.lock().unwrap().push(line.to_owned());
        Self { fake, lines, auto: AutoMsm::with_device(options, open, notice).unwrap() }
    }

    fn fail_with(&self, fault: Option<DeviceFault>) {
        *self.fake.fault.lock().unwrap() = fault;
    }

    /// Sums of a long, a short and a long column, which are those of the CPU.
    fn check(&self) {
        let (bases, scalars) = bases_and_scalars();
        let columns = columns(&scalars);
        assert_eq!(self.auto.msm(&bases, &columns), CpuMsm.msm(&bases, &columns));
    }

    fn counts(&self) -> (u64, u64, u64, usize) {
        let report = self.auto.report();
        let lines = self.lines.lock().unwrap().len();
        let calls = self.fake.calls.load(Relaxed);
        (calls, report.device_columns, report.cpu_columns, lines)
    }
}

fn options(choice: MsmChoice) -> MsmOptions {
    MsmOptions { choice, min_log2: 3, ..MsmOptions::default() }
}

fn bases_and_scalars() -> (Vec<G1Affine>, Vec<Fr>) {
    let generator = G1Affine::generator();
    let bases = (0..9u64).map(|i| (generator * Fr::from(i * i + 5)).into()).collect();
    (bases, (0..9).map(|i| Fr::from(1000 + 77 * i)).collect())
}

fn columns(scalars: &[Fr]) -> [Scalars<'_>; 3] {
    [
        Scalars::Full(&scalars[..8]),
        Scalars::Full(&scalars[2..9]),
        Scalars::Small { values: &[1, -2, 3, -4, 5], tail: &scalars[..4] },
    ]
}

#[test]
fn columns_go_where_their_length_says() {
    let setting = Setting::new(options(MsmChoice::Auto), Fake::default());
    assert_eq!((setting.counts(), setting.auto.name()), ((0, 0, 0, 0), "cpu"));
    setting.check();
    assert_eq!((setting.counts(), setting.auto.name()), ((1, 2, 1, 0), "fake"));
    let text = "fake: 2 of 3 columns, the others on the CPU";
    assert_eq!(setting.auto.report().to_string(), text);

    let cpu = Setting::new(options(MsmChoice::Cpu), Fake::default());
    cpu.check();
    assert_eq!(cpu.counts(), (0, 0, 3, 0));
    assert_eq!(cpu.auto.report().to_string(), "cpu");

    let short = MsmOptions { min_log2: 4, ..options(MsmChoice::Cuda) };
    let short = Setting::new(short, Fake::default());
    short.check();
    assert_eq!(short.counts(), (0, 0, 3, 0));
    let all = Setting::new(MsmOptions { min_log2: 0, ..options(MsmChoice::Auto) }, Fake::default());
    all.check();
    assert_eq!(all.counts(), (1, 3, 0, 0));
    assert_eq!(all.auto.report().to_string(), "fake");
}

#[test]
fn memory_that_runs_out_is_told_once_and_tried_again() {
    let setting = Setting::new(options(MsmChoice::Auto), Fake::default());
    setting.fail_with(Some(DeviceFault::OutOfMemory));
    setting.check();
    setting.check();
    assert_eq!(setting.counts(), (2, 0, 6, 1));
    let text = "MSM backend `fake`: the device has too little free memory; the CPU takes over";
    assert_eq!(*setting.lines.lock().unwrap(), [text]);
    setting.fail_with(None);
    setting.check();
    assert_eq!(setting.counts(), (3, 2, 7, 1));
}

#[test]
fn a_device_that_failed_is_not_used_again() {
    for fault in [DeviceFault::Failed("launch: 700".into()), DeviceFault::Wrong("a sum")] {
        let setting = Setting::new(options(MsmChoice::Auto), Fake::default());
        setting.fail_with(Some(fault));
        setting.check();
        setting.fail_with(None);
        setting.check();
        assert_eq!(setting.counts(), (1, 0, 6, 1));
        assert_eq!(setting.auto.name(), "cpu");
    }
}

#[test]
fn asked_for_by_name_a_fault_is_an_error() {
    let setting = Setting::new(options(MsmChoice::Cuda), Fake::default());
    setting.check();
    let fault = DeviceFault::Failed("launch: 700".into());
    setting.fail_with(Some(fault.clone()));
    let (bases, scalars) = bases_and_scalars();
    let error = MsmError::Device { backend: "fake".into(), fault };
    assert_eq!(setting.auto.msm(&bases, &columns(&scalars)), Err(error));
    assert_eq!(setting.counts(), (2, 2, 1, 0));
}

#[test]
fn a_device_that_cannot_be_opened() {
    let fault = DeviceFault::Unavailable("no driver".into());
    let error = MsmError::Device { backend: "fake".into(), fault };
    let open = {
        let error = error.clone();
        move |_: &MsmOptions| -> Result<Device, MsmError> { Err(error.clone()) }
    };
    let named = AutoMsm::with_device(options(MsmChoice::Cuda), open.clone(), |_| {});
    assert_eq!(named.unwrap_err(), error);
    let lines = Arc::new(AtomicU64::new(0));
    let counter = lines.clone();
    let notice = move |_: &str| _ = counter.fetch_add(1, Relaxed);
    let auto = AutoMsm::with_device(options(MsmChoice::Auto), open, notice).unwrap();
    let (bases, scalars) = bases_and_scalars();
    for _ in 0..2 {
        let columns = columns(&scalars);
        assert_eq!(auto.msm(&bases, &columns), CpuMsm.msm(&bases, &columns));
    }
    assert_eq!(lines.load(Relaxed), 1);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn without_the_feature_there_is_the_cpu_and_no_line() {
    let error = AutoMsm::new(options(MsmChoice::Cuda), |_| {}).unwrap_err();
    let text = "MSM backend `cuda`: built without the feature `cuda`: build with `--features cuda`";
    assert_eq!(error.to_string(), text);
    let notice = |line: &str| panic!("{line}");
    let auto = AutoMsm::new(options(MsmChoice::Auto), notice).unwrap();
    let (bases, scalars) = bases_and_scalars();
    let columns = columns(&scalars);
    assert_eq!(auto.msm(&bases, &columns), CpuMsm.msm(&bases, &columns));
    assert_eq!(auto.report().backend, "cpu");
}

#[test]
fn verification_finds_wrong_sums() {
    let wrong = Fake { wrong: true, ..Fake::default() };
    let trusting = Setting::new(options(MsmChoice::Auto), wrong.clone());
    let (bases, scalars) = bases_and_scalars();
    let columns = columns(&scalars);
    assert_ne!(trusting.auto.msm(&bases, &columns), CpuMsm.msm(&bases, &columns));
    let verify = MsmOptions { verify: true, ..options(MsmChoice::Auto) };
    let checking = Setting::new(verify.clone(), wrong);
    checking.check();
    checking.check();
    // Calls are those of both: the device was asked once by each.
    assert_eq!(checking.counts(), (2, 0, 6, 1));
    let right = Setting::new(verify, Fake::default());
    right.check();
    assert_eq!(right.counts(), (1, 2, 1, 0));
}

#[test]
fn errors_of_the_caller_are_errors_and_name_the_callers_column() {
    let setting = Setting::new(options(MsmChoice::Auto), Fake::default());
    let (bases, scalars) = bases_and_scalars();
    let short = Scalars::Full(&scalars[..2]);
    let bad = Scalars::Small { values: &[0, 1, 2, 3, 4, 5, 6, i64::MIN], tail: &[] };
    let long = Scalars::Full(&scalars[..8]);
    let out_of_range = |column, row| Err(MsmError::ValueOutOfRange { column, row });
    assert_eq!(setting.auto.msm(&bases, &[short, long, bad]), out_of_range(2, 7));
    let bad = Scalars::Small { values: &[i64::MAX], tail: &[] };
    assert_eq!(setting.auto.msm(&bases, &[long, short, bad]), out_of_range(2, 0));
    let too_few = Err(MsmError::TooFewBases { scalars: 8, bases: 7 });
    assert_eq!(setting.auto.msm(&bases[..7], &[short, long]), too_few);
    assert_eq!(setting.counts().3, 0);
}
