//! Core dumps as evidence: finds those of an attempt where the kernel writes them (core(5)), reads
//! and removes them.
//!
//! Never touches a file of the user. Dumps are enabled only if their names contain the pid or the
//! attempt has a fresh directory. And only a dump whose notes name the attempt's process or session
//! is read and removed.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crashrate_postmortem::linux::core;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{AccessFlags, Pid, access};
use rustix::fs::seek;

use super::tracer::IMAGES;
use crate::crashes;
use crate::process::context::lock;
use crate::process::{DescendantCrash, Watched};

/// The most bytes of core dumps that a run writes to the disk.
const BUDGET: u64 = 10_000_000_000;
/// The most dumps of one attempt that are read.
const MAX_DUMPS: usize = 64;

/// Where the kernel writes core dumps.
#[derive(Debug)]
pub struct CoreFiles {
    /// `None`: the working directory of the process.
    folder: Option<PathBuf>,
    name: Vec<Part>,
    /// How many bytes of dumps may still be written.
    left: AtomicU64,
    /// The signatures of which a dump is kept.
    kept: Mutex<Vec<String>>,
}

/// A part of a file name pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    /// The pid.
    Pid,
    /// Any text.
    Any,
}

impl CoreFiles {
    /// Reads the kernel's pattern. `fresh`: every attempt runs in a fresh, empty directory.
    ///
    /// # Errors
    /// Dumps are not written, cannot be found, or might overwrite a file of the user; says why.
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
                    "core dumps are named `{}`, which could overwrite a file of yours: \
                     put %p into /proc/sys/kernel/core_pattern, \
                     or run attempts in fresh directories (fresh_directory, --fresh-directory)",
                    String::from_utf8_lossy(pattern.trim_ascii_end())
                ));
            }
            Some(folder) if !has_pid => {
                return Err(format!(
                    "the names of core dumps in {} have no %p: one would overwrite another",
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
        })
    }

    /// Whether a dump is found even if the process changes its working directory.
    pub fn is_absolute(&self) -> bool {
        self.folder.is_some()
    }

    /// The most bytes of the next dump.
    pub(in crate::process) fn limit(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Reads and removes the dumps of an attempt that has ended. It ran in `directory` and began at
    /// `since`. Copies one dump of each signature into the run's folder `keep`.
    pub(in crate::process) fn collect(
        &self,
        pid: Pid,
        directory: &Path,
        since: SystemTime,
        keep: Option<&Path>,
    ) -> Watched {
        let mut found = Watched::default();
        if self.limit() == 0 {
            let note = "no core dump: the run has used up its disk space for core dumps";
            found.notes.push(note.to_owned());
            return found;
        }
        let folder = self.folder.as_deref().unwrap_or(directory);
        for path in self.dumps(folder, since) {
            if let Err(problem) = self.take(&path, pid, keep, &mut found) {
                let note = format!("core dump {}: {problem}", path.display());
                found.notes.push(note);
            }
        }
        found
    }

    /// The files in a folder that have been written since and are named like a dump.
    fn dumps(&self, folder: &Path, since: SystemTime) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let fits = entries.filter(|entry| fits(&self.name, entry.file_name().as_bytes()));
        // Some file systems store times in whole seconds.
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
        found: &mut Watched,
    ) -> Result<(), String> {
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)
            .map_err(|error| error.to_string())?;
        let again = || file.try_clone().map_err(|error| error.to_string());
        let process = match core::process(again()?) {
            Ok(process) => process,
            // A file of the user with that name.
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
            core::read_file(again()?, process.pid, &IMAGES).map_err(|error| error.to_string());
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
            crash if is_own => found.crash = Some(Box::new(crash)),
            crash => found.descendants.push(DescendantCrash {
                program: process.program,
                crash,
            }),
        }
        removed.map_err(|error| format!("cannot be removed: {error}"))
    }

    /// Copies the dump into the run's folder if it is the first of its signature.
    fn keep(&self, file: &File, signature: &str, run: &Path) -> io::Result<()> {
        let mut kept = lock(&self.kept);
        if kept.iter().any(|other| other == signature) {
            return Ok(());
        }
        let path = run.join(crashes::core_file(signature));
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        match File::create_new(&path) {
            Ok(copy) => {
                copy_sparse(file, &copy).inspect_err(|_| drop(fs::remove_file(&path)))?;
            }
            // An earlier supervisor of the run has kept it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        kept.push(signature.to_owned());
        Ok(())
    }
}

/// Copies a file's data but not its holes (SEEK_DATA in lseek(2)).
fn copy_sparse(mut from: &File, mut to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at = 0;
    while at < length {
        at = match seek(from, rustix::fs::SeekFrom::Data(at)) {
            Ok(at) => at,
            // The rest is a hole.
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(from, rustix::fs::SeekFrom::Hole(at))?;
        from.seek(SeekFrom::Start(at))?;
        to.seek(SeekFrom::Start(at))?;
        io::copy(&mut io::Read::take(from, end - at), &mut to)?;
        at = end;
    }
    Ok(())
}

/// Splits a core pattern (core(5)) into its folder and the parts of the file name.
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
                    "core dumps go to `{text}`, a folder whose path varies"
                ));
            }
            (
                Some(PathBuf::from(std::ffi::OsString::from_vec(folder.to_vec()))),
                name,
            )
        }
        None => (None, pattern),
    };
    Ok((folder, name_parts(name, uses_pid)))
}

/// Splits the pattern of a file name. With `uses_pid` the kernel appends the pid if there is no
/// `%p`.
fn name_parts(name: &[u8], uses_pid: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, bytes.as_slice().first()) {
            (b'%', None) => break,
            (b'%', Some(b'%')) => parts.push(Part::Byte(b'%')),
            // Not %P: the pid in the initial PID namespace may be another.
            (b'%', Some(b'p')) => parts.push(Part::Pid),
            (b'%', Some(_)) => parts.push(Part::Any),
            (other, _) => {
                parts.push(Part::Byte(other));
                continue;
            }
        }
        bytes.next();
    }
    if uses_pid && !parts.contains(&Part::Pid) {
        parts.extend([Part::Byte(b'.'), Part::Pid]);
    }
    parts
}

/// Whether a name matches the pattern.
fn fits(parts: &[Part], name: &[u8]) -> bool {
    match parts.split_first() {
        None => name.is_empty(),
        Some((Part::Byte(byte), rest)) => name
            .split_first()
            .is_some_and(|(first, name)| first == byte && fits(rest, name)),
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
    fn core_patterns_give_folder_and_name() {
        let of = |pattern: &str, uses_pid| parse(pattern.as_bytes(), uses_pid).unwrap();
        let text = |text: &str| text.bytes().map(Part::Byte).collect::<Vec<_>>();
        assert_eq!(of("core", false), (None, text("core")));
        assert_eq!(
            of("core", true),
            (None, [text("core."), vec![Part::Pid]].concat())
        );
        let parts = [vec![Part::Any], text("."), vec![Part::Pid], text(".%x")];
        assert_eq!(
            of("/var/cores/%e.%p.%%x", true),
            (Some("/var/cores".into()), parts.concat())
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
    fn file_names_match_the_pattern() {
        let parts = parse(b"/c/%e-%p.core", false).unwrap().1;
        assert!(fits(&parts, b"my-prog-4711.core"));
        assert!(!fits(&parts, b"my-prog-.core"));
        assert!(!fits(&parts, b"my-prog-4711.core.gz"));
    }
}
