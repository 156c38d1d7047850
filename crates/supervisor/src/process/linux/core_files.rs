//! Core dumps as evidence: where the kernel writes them (core(5)), which of them are an attempt's, and what they say.
//!
//! A file of the user is never touched. Dumps are asked for only where their names hold the process's number, or where the
//! attempt has a directory of its own; and only a dump that says of itself that its process, or its process's session, is
//! the attempt's is read and removed.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crashrate_postmortem::linux::{Images, core};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{AccessFlags, Pid, access};

use crate::process::{CoreEvidence, DescendantCrash};

/// How many bytes of core dumps a run writes at most, as they lie on the disk.
const BUDGET: u64 = 10_000_000_000;
/// The most dumps of one attempt that are looked at.
const MAX_DUMPS: usize = 64;

impl std::fmt::Debug for CoreFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreFiles")
            .field("folder", &self.folder)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Where the kernel writes core dumps, and what is done with them.
pub struct CoreFiles {
    /// Nothing: in the directory in which the process runs.
    folder: Option<PathBuf>,
    name: Vec<Part>,
    /// How many bytes may still be written.
    left: AtomicU64,
    kept: Mutex<Vec<String>>,
    images: Images,
}

/// A piece of the pattern of a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// The number of the process.
    Pid,
    /// Something that is not known beforehand.
    Any,
}

impl CoreFiles {
    /// By the kernel's pattern. `fresh`: every attempt has an empty directory of its own.
    ///
    /// # Errors
    /// Dumps are not written, cannot be found, or might overwrite a file of the user: a plain sentence.
    pub fn find(fresh: bool) -> Result<CoreFiles, String> {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE).map_err(|error| error.to_string())?;
        if hard == 0 {
            return Err("the hard limit on core dumps is 0 (ulimit -H -c)".to_owned());
        }
        let pattern = fs::read("/proc/sys/kernel/core_pattern")
            .map_err(|error| format!("/proc/sys/kernel/core_pattern cannot be read: {error}"))?;
        let uses_pid = fs::read("/proc/sys/kernel/core_uses_pid").unwrap_or_default();
        let (folder, name) = parse(pattern.trim_ascii_end(), uses_pid.starts_with(b"1"))?;
        let has_pid = name.contains(&Part::Pid);
        match &folder {
            None if !fresh && !has_pid => {
                return Err(format!(
                    "core dumps are named `{}`, which could overwrite a file of yours: put %p into /proc/sys/kernel/core_pattern, \
                     or give attempts a directory of their own (fresh_directory, --fresh-directory)",
                    String::from_utf8_lossy(pattern.trim_ascii_end())
                ));
            }
            Some(folder) if !has_pid => {
                return Err(format!(
                    "core dumps in {} have no %p in their name: one would overwrite another",
                    folder.display()
                ));
            }
            Some(folder) => {
                access(folder, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|error| {
                    format!("core dumps go to {}: {}", folder.display(), error.desc())
                })?
            }
            None => {}
        }
        Ok(CoreFiles {
            folder,
            name,
            left: AtomicU64::new(BUDGET),
            kept: Mutex::default(),
            images: Images::default(),
        })
    }

    /// Whether a dump lies where it is expected even if the process changes its directory.
    pub fn is_absolute(&self) -> bool {
        self.folder.is_some()
    }

    /// How large the next dump may be, bytes.
    pub(in crate::process) fn limit(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// The dumps that an attempt, which is gone, left since it began in this directory. They are removed.
    /// One of each signature is copied into the folder `keep`.
    pub(in crate::process) fn collect(
        &self,
        pid: Pid,
        directory: &Path,
        since: SystemTime,
        keep: Option<&Path>,
    ) -> CoreEvidence {
        let mut found = CoreEvidence::default();
        if self.limit() == 0 {
            let note = "no core dump: the run has written as much of them as it may";
            found.notes.push(note.to_owned());
            return found;
        }
        let folder = self.folder.as_deref().unwrap_or(directory);
        for path in self.dumps(folder, since) {
            match self.take(&path, pid, keep, &mut found) {
                Ok(()) => {}
                Err(problem) => found
                    .notes
                    .push(format!("core dump {}: {problem}", path.display())),
            }
        }
        found
    }

    /// The files in a folder that were written since then and have the name of a dump.
    fn dumps(&self, folder: &Path, since: SystemTime) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let fits = entries.filter(|entry| fits(&self.name, entry.file_name().as_bytes()));
        // A file system may keep times in whole seconds.
        let since = since - std::time::Duration::from_secs(2);
        let is_new = |entry: &fs::DirEntry| {
            let data = entry.metadata().ok();
            data.is_some_and(|data| data.is_file() && data.modified().is_ok_and(|at| at >= since))
        };
        let new = fits.filter(is_new).map(|entry| entry.path());
        new.take(MAX_DUMPS).collect()
    }

    fn take(
        &self,
        path: &Path,
        pid: Pid,
        keep: Option<&Path>,
        found: &mut CoreEvidence,
    ) -> Result<(), String> {
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)
            .map_err(|error| error.to_string())?;
        let again = || file.try_clone().map_err(|error| error.to_string());
        let process = match core::process(again()?) {
            Ok(process) => process,
            // Somebody else's file of that name.
            Err(_) => return Ok(()),
        };
        let is_own = process.pid == pid.as_raw();
        if !is_own && process.session != pid.as_raw() {
            return Ok(());
        }
        let written = file.metadata().map_or(0, |data| data.blocks() * 512);
        let left = self.left.load(Ordering::Relaxed).saturating_sub(written);
        self.left.store(left, Ordering::Relaxed);
        let read =
            core::read_file(again()?, process.pid, &self.images).map_err(|error| error.to_string());
        if let Ok(crash) = &read
            && let Some(folder) = keep
            && let Err(error) = self.keep(&file, &crash.signature, folder)
        {
            found
                .notes
                .push(format!("its core dump could not be kept: {error}"));
        }
        let removed = fs::remove_file(path);
        match read? {
            crash if is_own => found.own = Some(crash),
            crash => found.descendants.push(DescendantCrash {
                program: process.program,
                crash,
            }),
        }
        removed.map_err(|error| format!("cannot be removed: {error}"))
    }

    /// Keeps the first dump of a signature. What is a hole in the file stays one.
    fn keep(&self, file: &File, signature: &str, folder: &Path) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().any(|other| other == signature) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.core", kept.len() + 1));
        let copy = File::create_new(&path)?;
        copy_sparse(file, &copy).inspect_err(|_| drop(fs::remove_file(&path)))?;
        kept.push(signature.to_owned());
        Ok(())
    }
}

/// Copies a file's data and leaves its holes (lseek(2), SEEK_DATA).
fn copy_sparse(mut from: &File, mut to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at = 0;
    while at < length {
        let seek =
            |whence: fn(u64) -> rustix::fs::SeekFrom| rustix::fs::seek(from.as_fd(), whence(at));
        at = match seek(rustix::fs::SeekFrom::Data) {
            Ok(at) => at,
            // Nothing but a hole is left.
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let seek =
            |whence: fn(u64) -> rustix::fs::SeekFrom| rustix::fs::seek(from.as_fd(), whence(at));
        let end = seek(rustix::fs::SeekFrom::Hole)?;
        from.seek(SeekFrom::Start(at))?;
        to.seek(SeekFrom::Start(at))?;
        io::copy(&mut io::Read::take(from, end - at), &mut to)?;
        at = end;
    }
    Ok(())
}

/// The folder and the name that a pattern makes, by core(5).
fn parse(pattern: &[u8], uses_pid: bool) -> Result<(Option<PathBuf>, Vec<Part>), String> {
    if pattern.is_empty() && !uses_pid {
        return Err("the kernel writes no core dumps: its core_pattern is empty".to_owned());
    }
    if pattern.starts_with(b"|") || pattern.starts_with(b"@") {
        let text = String::from_utf8_lossy(&pattern[1..]).into_owned();
        let program = text.split(' ').next().unwrap_or_default().to_owned();
        return Err(format!(
            "core dumps go to {program} (/proc/sys/kernel/core_pattern), and not to files"
        ));
    }
    let (folder, name) = match pattern.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => {
            let (folder, name) = (&pattern[..slash.max(1)], &pattern[slash + 1..]);
            if !folder.starts_with(b"/") || folder.contains(&b'%') {
                let text = String::from_utf8_lossy(pattern).into_owned();
                return Err(format!(
                    "core dumps go to `{text}`, a folder that is not known beforehand"
                ));
            }
            (
                Some(PathBuf::from(std::ffi::OsString::from_vec(folder.to_vec()))),
                name,
            )
        }
        None => (None, pattern),
    };
    let mut parts = Vec::new();
    let mut text = Vec::new();
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let part = match byte {
            b'%' => match bytes.next() {
                None => break,
                Some(b'%') => {
                    text.push(b'%');
                    continue;
                }
                // The number in the initial PID namespace may be another: it says nothing.
                Some(b'p') => Part::Pid,
                Some(_) => Part::Any,
            },
            byte => {
                text.push(byte);
                continue;
            }
        };
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(part);
    }
    if !parts.contains(&Part::Pid) && uses_pid {
        text.push(b'.');
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Pid);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok((folder, parts))
}

/// Whether a name can be one that the pattern makes.
fn fits(parts: &[Part], name: &[u8]) -> bool {
    match parts.split_first() {
        None => name.is_empty(),
        Some((Part::Text(text), rest)) => name
            .strip_prefix(text.as_slice())
            .is_some_and(|name| fits(rest, name)),
        Some((Part::Pid, rest)) => {
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=digits).any(|length| fits(rest, &name[length..]))
        }
        Some((Part::Any, rest)) => (0..=name.len()).any(|length| fits(rest, &name[length..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_where_dumps_lie_and_what_they_are_called() {
        let of = |pattern: &str, uses_pid| parse(pattern.as_bytes(), uses_pid).unwrap();
        let text = |text: &str| Part::Text(text.into());
        assert_eq!(of("core", false), (None, vec![text("core")]));
        assert_eq!(of("core", true), (None, vec![text("core."), Part::Pid]));
        assert_eq!(
            of("/var/cores/%e.%p.%%x", true),
            (
                Some("/var/cores".into()),
                vec![Part::Any, text("."), Part::Pid, text(".%x")]
            )
        );
        for wrong in [
            "|/usr/share/apport/apport %p",
            "/cores/%u/%p",
            "",
            "sub/core.%p",
        ] {
            assert!(parse(wrong.as_bytes(), false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_fit_their_pattern() {
        let parts = parse(b"/c/%e-%p.core", false).unwrap().1;
        assert!(fits(&parts, b"my-prog-4711.core"));
        assert!(!fits(&parts, b"my-prog-.core"));
        assert!(!fits(&parts, b"my-prog-4711.core.gz"));
    }
}
