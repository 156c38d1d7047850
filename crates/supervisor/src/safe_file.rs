//! Files in a run folder, opened without following links and without blocking.
//!
//! A run folder can come from someone else, and measured children can write into it. crashrate
//! reads and writes only regular files there; a link, FIFO, device or socket in their place is an
//! error. Names are relative to the folder. The folder itself may be a link: the user named it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// Opening a FIFO must not wait for its other end.
const REGULAR: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// How the names of temporary files begin.
const TEMPORARY: &str = ".new-";
const NEW_FILE: Mode = Mode::from_bits_truncate(0o666);
const NEW_FOLDER: Mode = Mode::from_bits_truncate(0o777);

/// Opens a file for reading.
///
/// # Errors
/// It is missing, it is not a regular file, or it cannot be opened.
pub fn open(folder: &Path, name: &str) -> io::Result<File> {
    open_with(folder, name, OFlags::RDONLY)
}

/// Opens a file for reading and writing without truncating it; creates it if it is missing.
///
/// # Errors
/// It is not a regular file, or it cannot be opened.
pub(crate) fn open_or_create(folder: &Path, name: &str) -> io::Result<File> {
    open_with(folder, name, OFlags::RDWR | OFlags::CREATE)
}

/// Opens a file that all users share, in a folder that all users may write to; creates it if it is
/// missing. Another user's file is opened for reading only, where it is protected.
///
/// # Errors
/// It is not a regular file, it has several names, or it cannot be opened.
pub(crate) fn open_shared(folder: &Path, name: &str) -> io::Result<File> {
    let create = || {
        let file = open_with(folder, name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        // The umask has taken bits away.
        rustix::fs::fchmod(&file, NEW_FILE)?;
        Ok(file)
    };
    let file = open_with(folder, name, OFlags::RDWR)
        // With O_CREAT the kernel refuses files of others in a sticky folder (protected_regular in
        // proc_sys_fs(5)), so a file is only created if it is missing.
        .or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => create(),
            io::ErrorKind::PermissionDenied => open(folder, name),
            _ => Err(error),
        })
        .or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => open_with(folder, name, OFlags::RDWR),
            _ => Err(error),
        })?;
    // Another name could be that of a file that must not be overwritten.
    match rustix::fs::fstat(&file)?.st_nlink {
        1 => Ok(file),
        _ => Err(io::Error::other("it has several names (hard links)")),
    }
}

/// Reads a whole file.
///
/// # Errors
/// As for [`open`].
pub fn read(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(folder, name)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a whole file through a temporary file and a rename: the old content is replaced
/// completely or not at all, and a hard link to the old file keeps the old content.
///
/// # Errors
/// Something that is not a regular file has its name, or it cannot be written.
pub fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (parent, name) = parent(folder, name)?;
    match kind(&parent, name) {
        Ok(FileType::RegularFile) => {}
        Ok(kind) => return Err(refusal("it", kind, "a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = format!("{TEMPORARY}{}-{count}", std::process::id());
    // A killed crashrate with the same process id may have left it.
    let _ = rustix::fs::unlinkat(&parent, &temporary, AtFlags::empty());
    let flags = REGULAR | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let file = rustix::fs::openat(&parent, &temporary, flags, NEW_FILE)?;
    let written = File::from(file)
        .write_all(content)
        .and_then(|()| Ok(rustix::fs::renameat(&parent, &temporary, &parent, name)?));
    if written.is_err() {
        let _ = rustix::fs::unlinkat(&parent, &temporary, AtFlags::empty());
    }
    written
}

/// Whether this is the name of a temporary file of [`write`].
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Creates a folder inside the folder, if it does not exist yet.
///
/// # Errors
/// Something that is not a folder has its name, or it cannot be made.
pub(crate) fn make_folder(folder: &Path, name: &str) -> io::Result<()> {
    let (parent, name) = parent(folder, name)?;
    match rustix::fs::mkdirat(&parent, name, NEW_FOLDER) {
        Err(rustix::io::Errno::EXIST) => match kind(&parent, name)? {
            FileType::Directory => Ok(()),
            kind => Err(refusal("it", kind, "a folder")),
        },
        made => Ok(made?),
    }
}

/// Number of entries of a folder inside the folder; 0 if it cannot be read.
pub(crate) fn count(folder: &Path, name: &str) -> usize {
    match parent(folder, name).and_then(|(parent, name)| kind(&parent, name)) {
        Ok(FileType::Directory) => fs::read_dir(folder.join(name)).map_or(0, Iterator::count),
        _ => 0,
    }
}

/// A short file name of letters, digits, `.`, `_` and `-` that resembles this name. Different names
/// may give the same file name.
pub(crate) fn readable_name(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
        _ => '_',
    };
    name.chars().take(80).map(plain).collect()
}

fn open_with(folder: &Path, name: &str, how: OFlags) -> io::Result<File> {
    let (parent, name) = parent(folder, name)?;
    let opened = rustix::fs::openat(&parent, name, REGULAR | how, NEW_FILE);
    // The kernel's errors for a link (ELOOP) or a socket (ENXIO) do not say what it is.
    let found = match &opened {
        Ok(file) => Ok(FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode)),
        Err(_) => kind(&parent, name),
    };
    match found {
        Ok(FileType::RegularFile) | Err(_) => Ok(File::from(opened?)),
        Ok(kind) => Err(refusal("it", kind, "a regular file")),
    }
}

/// Opens the folder that contains a file; returns it with the file's name. Only the first folder
/// may be a link.
fn parent<'n>(folder: &Path, name: &'n str) -> io::Result<(OwnedFd, &'n OsStr)> {
    let outside = || io::Error::other("the name leads out of the run folder");
    let mut parts = Path::new(name).components().map(|part| match part {
        Component::Normal(part) => Ok(part),
        _ => Err(outside()),
    });
    let mut last = parts.next().unwrap_or_else(|| Err(outside()))?;
    let mut parent = rustix::fs::open(folder, FOLDER, Mode::empty())?;
    for part in parts {
        let inside = rustix::fs::openat(&parent, last, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        parent = match (inside, kind(&parent, last)) {
            (Ok(inside), _) => inside,
            (Err(_), Ok(kind)) if kind != FileType::Directory => {
                return Err(refusal(&last.to_string_lossy(), kind, "a folder"));
            }
            (Err(error), _) => return Err(error.into()),
        };
        last = part?;
    }
    Ok((parent, last))
}

fn kind(parent: &OwnedFd, name: &OsStr) -> io::Result<FileType> {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn refusal(name: &str, kind: FileType, expected: &str) -> io::Error {
    let found = match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    };
    io::Error::other(format!("{name} is {found}, not {expected}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// The error of each function that opens a file.
    fn errors(folder: &Path, name: &str) -> Vec<String> {
        let all = [
            open(folder, name).map(drop),
            open_or_create(folder, name).map(drop),
            read(folder, name).map(drop),
            write(folder, name, b"new"),
        ];
        let error = |result: io::Result<()>| result.unwrap_err().to_string();
        all.into_iter().map(error).collect()
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_else_changes() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("run");
        fs::create_dir_all(folder.join("folder")).unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let precious = outside.join("precious");
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, folder.join("link")).unwrap();
        symlink(outside.join("missing"), folder.join("dangling")).unwrap();
        nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(folder.join("socket")).unwrap();
        for (name, what) in [
            ("link", "it is a symbolic link, not a regular file"),
            ("dangling", "it is a symbolic link, not a regular file"),
            ("fifo", "it is a FIFO, not a regular file"),
            ("socket", "it is a socket, not a regular file"),
            ("folder", "it is a folder, not a regular file"),
        ] {
            assert_eq!(errors(&folder, name), [what; 4], "{name}");
        }
        symlink(&outside, folder.join("output")).unwrap();
        let through = "output is a symbolic link, not a folder";
        assert_eq!(errors(&folder, "output/precious"), [through; 4]);
        assert!(make_folder(&folder, "output").is_err());
        assert_eq!(count(&folder, "output"), 0);
        for name in ["../outside/precious", "/etc/passwd", "", "folder/../link"] {
            let out = "the name leads out of the run folder";
            assert_eq!(errors(&folder, name), [out; 4], "{name}");
        }
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn another_hard_link_keeps_its_content() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        write(folder, "a", b"old").unwrap();
        fs::hard_link(folder.join("a"), folder.join("b")).unwrap();
        write(folder, "a", b"new").unwrap();
        assert_eq!(read(folder, "a").unwrap(), b"new");
        assert_eq!(read(folder, "b").unwrap(), b"old");
        make_folder(folder, "inside").unwrap();
        make_folder(folder, "inside").unwrap();
        write(folder, "inside/c", b"c").unwrap();
        assert_eq!(count(folder, "inside"), 1);
        assert_eq!(
            count(folder, "."),
            0,
            "the run folder itself is not counted"
        );
    }
}
