//! Gives a complete file its name, unless another machine was faster.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::safe_file;

/// Renames `temporary` to `path` unless that exists. Of several machines that do this at the same
/// time, exactly one succeeds. Returns whether this one did.
pub(super) fn publish(temporary: &Path, path: &Path) -> io::Result<bool> {
    // A link is never made over another file, also on NFS. FUSE and SMB often have no links.
    match unless_there(fs::hard_link(temporary, path)) {
        Err(error) if is_unsupported(&error) => {}
        linked => return linked,
    }
    match unless_there(rename(temporary, path)) {
        Err(error) if is_unsupported(&error) => under_lock(temporary, path),
        renamed => renamed,
    }
}

fn rename(temporary: &Path, path: &Path) -> io::Result<()> {
    let renamed = renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE);
    renamed.map_err(io::Error::from)
}

/// Renames the file while no other machine does. Runs need locks on this file system, too.
fn under_lock(temporary: &Path, path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lock = safe_file::open_or_create(folder, &format!(".{name}.lock"))?;
    lock.lock()?;
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::rename(temporary, path).map(|()| true)
        }
        Err(error) => Err(error),
    }
}

fn unless_there(made: io::Result<()>) -> io::Result<bool> {
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the file system lacks an operation, by the errors of link(2) and rename(2).
fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lacks = [
        Errno::PERM,
        Errno::OPNOTSUPP,
        Errno::NOTSUP,
        Errno::NOSYS,
        Errno::INVAL,
    ];
    Errno::from_io_error(error).is_some_and(|error| lacks.contains(&error))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Publishes from several threads. Exactly one succeeds, and nothing replaces its content.
    fn exactly_one(publish: fn(&Path, &Path) -> io::Result<bool>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let make = |index: usize| {
            let temporary = folder.path().join(format!("temporary-{index}"));
            fs::write(&temporary, index.to_string()).unwrap();
            publish(&temporary, &path).unwrap()
        };
        let made: Vec<bool> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|index| scope.spawn(move || make(index)))
                .collect();
            let made = threads.into_iter().map(|thread| thread.join().unwrap());
            made.collect()
        });
        let winners: Vec<usize> = (0..8).filter(|index| made[*index]).collect();
        let [winner] = winners[..] else {
            panic!("{made:?}");
        };
        assert_eq!(fs::read_to_string(&path).unwrap(), winner.to_string());
    }

    #[test]
    fn one_of_several_machines_publishes() {
        exactly_one(publish);
        exactly_one(|temporary, path| unless_there(rename(temporary, path)));
        exactly_one(under_lock);
    }

    #[test]
    fn a_file_system_without_links_is_recognized() {
        for errno in [libc::EPERM, libc::EOPNOTSUPP, libc::ENOSYS, libc::EINVAL] {
            assert!(is_unsupported(&io::Error::from_raw_os_error(errno)));
        }
        for errno in [libc::ENOSPC, libc::EACCES, libc::EROFS, libc::EEXIST] {
            assert!(!is_unsupported(&io::Error::from_raw_os_error(errno)));
        }
    }
}
