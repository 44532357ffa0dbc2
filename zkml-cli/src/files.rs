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
    if is_standard(path) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        // The path `-` would be called stdin.
        return written.map_err(|e| CliError::io(Path::new("stdout"), &e));
    }
    Staged::new(path, bytes, output)?.commit(output.force())
}

/// [`write()`] for files that belong together: none is written when one would be refused, or when
/// the disk has no room for all of them. What goes to stdout follows the files.
pub(crate) fn write_all<P: AsRef<Path>, B: AsRef<[u8]>>(
    files: &[(P, B)],
    output: &Output,
) -> Result<(), CliError> {
    let files = files.iter().map(|(path, bytes)| (path.as_ref(), bytes.as_ref()));
    let (streams, files): (Vec<_>, Vec<_>) = files.partition(|(path, _)| is_standard(path));
    for (path, bytes) in &files {
        if !holds(path, bytes) {
            check_absent(path, output)?;
        }
    }
    let staged: Vec<Staged<'_>> = files
        .iter()
        .map(|(path, bytes)| Staged::new(path, bytes, output))
        .collect::<Result<_, _>>()?;
    staged.into_iter().try_for_each(|file| file.commit(output.force()))?;
    streams.into_iter().try_for_each(|(path, bytes)| write(path, bytes, output))
}

/// A file that is complete on disk under another name.
struct Staged<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// None if the file is there already.
    temporary: Option<(tempfile::NamedTempFile, Unfinished)>,
}

impl<'a> Staged<'a> {
    fn new(path: &'a Path, bytes: &'a [u8], output: &Output) -> Result<Self, CliError> {
        if holds(path, bytes) {
            return Ok(Self { path, bytes, temporary: None });
        }
        check_absent(path, output)?;
        let temporary = temporary(path, bytes).map_err(|e| CliError::io(path, &e))?;
        Ok(Self { path, bytes, temporary: Some(temporary) })
    }

    /// Gives the file its name.
    fn commit(self, force: bool) -> Result<(), CliError> {
        let Self { path, bytes, temporary } = self;
        let Some((file, _guard)) = temporary else { return Ok(()) };
        let persisted = if force { file.persist(path) } else { file.persist_noclobber(path) };
        match persisted {
            Ok(_) => Ok(()),
            // Somebody made the file meanwhile: the same command run twice at once makes one file.
            Err(e) if !force && e.error.kind() == io::ErrorKind::AlreadyExists => {
                if holds(path, bytes) { Ok(()) } else { Err(exists(path)) }
            }
            Err(e) => Err(CliError::io(path, &e.error)),
        }
    }
}

/// A temporary file in the directory of `path`, written and synchronised.
fn temporary(path: &Path, bytes: &[u8]) -> io::Result<(tempfile::NamedTempFile, Unfinished)> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zkml-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What a plain `File::create` asks for: the umask decides the rest.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory)?;
    let guard = Unfinished::new(file.path());
    file.write_all(bytes).and_then(|()| file.as_file().sync_all())?;
    Ok((file, guard))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes that both found nothing there: the second one to give its file the name.
    #[test]
    fn a_file_made_meanwhile_is_kept_and_accepted_only_if_it_is_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        let stage = || {
            let temporary = Some(temporary(&path, b"key").expect("room for three bytes"));
            Staged { path: &path, bytes: b"key", temporary }
        };
        for (theirs, code) in [(&b"key"[..], None), (b"other", Some(crate::exit::USAGE))] {
            let ours = stage();
            fs::write(&path, theirs).expect("written");
            assert_eq!(ours.commit(false).err().map(|e| e.code()), code);
            assert_eq!(fs::read(&path).expect("there"), theirs);
            assert_eq!(fs::read_dir(directory.path()).expect("there").count(), 1, "litter");
        }
        stage().commit(true).expect("forced");
        assert_eq!(fs::read(&path).expect("there"), b"key");
    }
}
