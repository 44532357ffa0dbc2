//! Files: read with a limit, written atomically, never over other content without `--force`.

use crate::{exit::CliError, output::Output};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Largest file read whole: a proving key of a big model.
const MAX_BYTES: u64 = 64 << 30;

/// Temporary files that an interrupt must remove.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Whether a path stands for stdin or stdout.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    read_at_most(path, MAX_BYTES)
}

/// Reads a file, or stdin for `-`, that has at most `limit` bytes.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = if is_standard(path) {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    read.map_err(|e| CliError::io(path, &e))?;
    if bytes.len() as u64 > limit {
        return Err(CliError::invalid(format!("more than {limit} bytes")).about(path));
    }
    Ok(bytes)
}

/// A file to be read piece by piece, with its length; for `-`, all of stdin.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn Read>, u64), CliError> {
    if is_standard(path) {
        let bytes = read(path)?;
        let length = bytes.len() as u64;
        return Ok((Box::new(io::Cursor::new(bytes)), length));
    }
    let file = fs::File::open(path).map_err(|e| CliError::io(path, &e))?;
    let length = file.metadata().map_err(|e| CliError::io(path, &e))?.len();
    Ok((Box::new(file), length))
}

/// Refuses `-` where files are written to a directory.
pub(crate) fn check_directory(path: &Path) -> Result<(), CliError> {
    if is_standard(path) {
        return Err(CliError::usage("expected a directory, got `-`"));
    }
    Ok(())
}

/// Refuses early what [`write()`] would refuse at the end of long work whose result is not known
/// yet.
pub(crate) fn check_absent(path: &Path, output: &Output) -> Result<(), CliError> {
    if !is_standard(path) && !output.force() && path.exists() {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes a file by way of a temporary one in the same directory; `-` is stdout. A file that has
/// the same content already is left alone.
pub(crate) fn write(path: &Path, bytes: &[u8], output: &Output) -> Result<(), CliError> {
    let fail = |e: io::Error| CliError::io(path, &e);
    if is_standard(path) {
        let mut stdout = io::stdout().lock();
        return stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(fail);
    }
    if holds(path, bytes) {
        return Ok(());
    }
    check_absent(path, output)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory).map_err(fail)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zkml-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What a plain `File::create` asks for: the umask decides the rest.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory).map_err(fail)?;
    let guard = Unfinished::new(file.path());
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    let persisted = if output.force() {
        file.persist(path).map_err(|e| fail(e.error))
    } else {
        // Somebody may have made the file meanwhile.
        file.persist_noclobber(path).map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => fail(e.error),
        })
    };
    drop(guard);
    persisted.map(drop)
}

/// [`write()`] for files that belong together: none is written when one would be refused.
pub(crate) fn write_all<P: AsRef<Path>, B: AsRef<[u8]>>(
    files: &[(P, B)],
    output: &Output,
) -> Result<(), CliError> {
    for (path, bytes) in files {
        if !holds(path.as_ref(), bytes.as_ref()) {
            check_absent(path.as_ref(), output)?;
        }
    }
    files.iter().try_for_each(|(path, bytes)| write(path.as_ref(), bytes.as_ref(), output))
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same_length = fs::metadata(path).is_ok_and(|m| m.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|content| content == bytes)
}

fn exists(path: &Path) -> CliError {
    CliError::usage("the file exists with other content")
        .about(path)
        .help("choose another path, or pass --force to overwrite it")
}

/// Registers a temporary file while it is being written.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: &Path) -> Self {
        if let Ok(mut files) = UNFINISHED.lock() {
            files.insert(path.to_owned());
        }
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Ok(mut files) = UNFINISHED.lock() {
            files.remove(&self.0);
        }
    }
}

/// On Ctrl-C: removes temporary files and exits with 130.
pub(crate) fn remove_unfinished_on_interrupt() {
    // Without a handler the process still dies; only a temporary file might stay.
    let _ = ctrlc::set_handler(|| {
        if let Ok(files) = UNFINISHED.lock() {
            for file in files.iter() {
                let _ = fs::remove_file(file);
            }
        }
        std::process::exit(130);
    });
}
