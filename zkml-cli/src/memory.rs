//! Whether there is memory for what is about to begin: an error at once instead of a process that
//! the system kills after minutes.
//!
//! On Linux the memory there is is the least of `MemAvailable` and what the limits of the process's
//! control groups (v1 and v2) leave, file pages that can be dropped not counted as used. Elsewhere
//! nothing is checked unless `--memory` says what there is.

use crate::exit::CliError;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

/// What `--memory` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// So many bytes.
    Bytes(u64),
    /// Begin in any case.
    Any,
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "any" {
            return Ok(Self::Any);
        }
        let (digits, shift) = match text.char_indices().last() {
            Some((at, 'K' | 'k')) => (&text[..at], 10),
            Some((at, 'M' | 'm')) => (&text[..at], 20),
            Some((at, 'G' | 'g')) => (&text[..at], 30),
            _ => (text, 0),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift));
        bytes
            .map(Self::Bytes)
            .ok_or_else(|| "expected bytes, a number with K, M or G, or `any`".into())
    }
}

/// Fails if `what` needs more memory than there is: what `given` says, or else what the system does.
pub(crate) fn require(what: &str, need: u64, given: Option<Memory>) -> Result<(), CliError> {
    let there = match given {
        Some(Memory::Any) => None,
        Some(Memory::Bytes(bytes)) => Some(bytes),
        None => available(Path::new("/")),
    };
    match there {
        Some(there) if there < need => Err(CliError::resource(format!(
            "not enough memory: {what} needs about {}, there are {}",
            Megabytes(need),
            Megabytes(there)
        ))
        .help(
            "free some, compile the model with --objective memory, or try all the same with \
             --memory any",
        )),
        _ => Ok(()),
    }
}

struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0.div_ceil(1 << 20))
    }
}

/// Memory this process may still take, by the files below `root`, in bytes; `None` where there are
/// none of Linux's.
fn available(root: &Path) -> Option<u64> {
    let system = fs::read_to_string(root.join("proc/meminfo")).ok();
    let system = system.and_then(|text| field(&text, "MemAvailable:")).map(|kb| kb << 10);
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let left = groups.lines().flat_map(|line| {
        // `number:controllers:path`; version 2 has no controllers.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or("/"));
        let version = match controllers {
            "" => Some(&VERSION_2),
            list => list.split(',').any(|c| c == "memory").then_some(&VERSION_1),
        };
        version.into_iter().flat_map(|version| version.left(root, path)).collect::<Vec<_>>()
    });
    left.chain(system).min()
}

/// Where a version of control groups keeps its numbers.
struct Version {
    mount: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// Field of `memory.stat`: pages of files, dropped when memory is short.
    droppable: &'static str,
}

const VERSION_1: Version = Version {
    mount: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    droppable: "total_inactive_file",
};

const VERSION_2: Version = Version {
    mount: "sys/fs/cgroup",
    limit: "memory.max",
    usage: "memory.current",
    droppable: "inactive_file",
};

impl Version {
    /// What the limits of a group and of those around it leave. Within a container the path may not
    /// exist below the mount: then only the outermost is seen, which is the container's.
    fn left(&self, root: &Path, path: &str) -> Vec<u64> {
        let mount = root.join(self.mount);
        let mut group: PathBuf = mount.join(path.trim_start_matches('/'));
        let mut left = Vec::new();
        loop {
            left.extend(self.left_in(&group));
            if group == mount || !group.pop() || !group.starts_with(&mount) {
                return left;
            }
        }
    }

    fn left_in(&self, group: &Path) -> Option<u64> {
        let number = |name| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
        // No limit is the word `max` in version 2.
        let (limit, usage) = (number(self.limit)?, number(self.usage)?);
        let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let droppable = field(&statistics, self.droppable).unwrap_or(0);
        Some(limit.saturating_sub(usage.saturating_sub(droppable)))
    }
}

/// The number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system of these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    4000 kB\n");

    #[test]
    fn sizes() {
        let parsed = |text: &str| text.parse::<Memory>().ok();
        assert_eq!(parsed("any"), Some(Memory::Any));
        assert_eq!(parsed("12"), Some(Memory::Bytes(12)));
        assert_eq!(parsed("3k"), Some(Memory::Bytes(3 << 10)));
        assert_eq!(parsed("3M"), Some(Memory::Bytes(3 << 20)));
        assert_eq!(parsed("2G"), Some(Memory::Bytes(2 << 30)));
        for bad in ["", "G", "-1", "1.5G", "1T", "99999999999G", "ANY", "1 G", "1ö"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_system_without_groups() {
        assert_eq!(available(system(&[MEMINFO]).path()), Some(4000 << 10));
        assert_eq!(available(system(&[]).path()), None);
        assert_eq!(available(system(&[("proc/meminfo", "MemAvailable: many kB")]).path()), None);
    }

    #[test]
    fn the_tightest_group_of_version_2() {
        let root = system(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/user/job\n"),
            ("sys/fs/cgroup/user/job/memory.max", "max\n"),
            ("sys/fs/cgroup/user/job/memory.current", "5\n"),
            ("sys/fs/cgroup/user/memory.max", "1000000\n"),
            ("sys/fs/cgroup/user/memory.current", "700000\n"),
            ("sys/fs/cgroup/user/memory.stat", "anon 600000\ninactive_file 100000\n"),
        ]);
        assert_eq!(available(root.path()), Some(400_000));
    }

    #[test]
    fn a_group_of_version_1_in_a_container() {
        let root = system(&[
            MEMINFO,
            ("proc/self/cgroup", "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "2900000\n"),
            ("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 50000\n"),
        ]);
        assert_eq!(available(root.path()), Some(150_000));
    }

    #[test]
    fn more_used_than_allowed_leaves_nothing() {
        let root = system(&[
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "10\n"),
            ("sys/fs/cgroup/memory.current", "20\n"),
        ]);
        assert_eq!(available(root.path()), Some(0));
    }

    #[test]
    fn what_is_needed_and_what_there_is() {
        let there = Some(Memory::Bytes(5 << 20));
        assert!(require("proving", 5 << 20, there).is_ok());
        assert!(require("proving", u64::MAX, Some(Memory::Any)).is_ok());
        let error = require("proving", (7 << 20) - 1, there).unwrap_err();
        assert_eq!(error.code(), crate::exit::RESOURCE);
        assert_eq!(error.message(), "not enough memory: proving needs about 7 MB, there are 5 MB");
        assert!(error.help_text().unwrap().contains("--memory any"));
    }
}
