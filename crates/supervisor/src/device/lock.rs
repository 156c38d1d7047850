//! Advisory locks on devices: a device is used by one run at a time.
//!
//! A lock is held on a file in a folder that all users of the host share, so that it ends with the
//! process that holds it, however that ends. The file says who holds it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crashrate_model::Device;
use crashrate_protocol::env::RUN_ID;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::journal::RunFolder;
use crate::safe_file;

/// The variable that names another folder for the locks.
pub const LOCKS_VARIABLE: &str = "CRASHRATE_LOCKS";
/// Not the folder for temporary files of this user: all users share the devices.
const FOLDER: &str = "/tmp/crashrate-locks";
/// Every user creates locks, and only their owner can remove them.
const FOLDER_MODE: u32 = 0o1777;
/// The most bytes of a lock file that are read.
const MAX_BYTES: u64 = 4096;

/// Devices that cannot be locked.
#[derive(Debug, Error)]
#[error("the lock of {device} cannot be taken: {}: {source}", path.display())]
pub struct LockError {
    /// The device.
    device: String,
    /// The lock file or its folder.
    path: PathBuf,
    /// Why.
    source: io::Error,
}

/// Who holds the lock of a device, as the lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The name of the user.
    pub user: String,
    /// The number of the run.
    pub run: Option<u32>,
    /// The id of the run.
    pub id: Option<String>,
    /// The folder of the run.
    pub folder: Option<PathBuf>,
    /// The command line.
    pub command: String,
}

impl Holder {
    fn this_process() -> Holder {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        Holder {
            pid: std::process::id(),
            user: user.map_or_else(|| format!("uid {uid}"), |user| user.name),
            command: words.collect::<Vec<_>>().join(" "),
            ..Holder::default()
        }
    }

    fn of(file: &mut File) -> Option<Holder> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Holder { pid, user, run, .. } = self;
        match run {
            Some(run) => write!(f, "crashrate run {run} (pid {pid}, {user})"),
            None => write!(f, "crashrate (pid {pid}, {user})"),
        }
    }
}

/// Locks on devices, held while this value lives.
#[derive(Debug, Default)]
pub struct DeviceLocks {
    files: Vec<File>,
}

impl DeviceLocks {
    /// Locks these devices, one after the other. Calls `waiting` with the name of a device before
    /// it waits for another run to end.
    ///
    /// # Errors
    /// A lock file cannot be used.
    pub fn take(
        devices: &[Device],
        mut waiting: impl FnMut(&str, Option<&Holder>),
    ) -> Result<DeviceLocks, LockError> {
        let folder = std::env::var_os(LOCKS_VARIABLE).map_or_else(|| FOLDER.into(), PathBuf::from);
        let mut named: Vec<(String, &Device)> = devices
            .iter()
            .map(|device| (file_name(device), device))
            .collect();
        // Every run locks in the same order, so that no two wait for each other.
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        named.dedup_by(|(one, _), (other, _)| one == other);
        let mut locks = DeviceLocks::default();
        for (name, device) in named {
            let failed = |source| LockError {
                device: device.name.clone(),
                path: folder.join(&name),
                source,
            };
            make_folder(&folder).map_err(failed)?;
            let file = safe_file::open_shared(&folder, &name).map_err(failed)?;
            let taken = lock(file, |holder| waiting(&device.name, holder)).map_err(failed)?;
            locks.files.extend(taken);
        }
        locks.write(&Holder::this_process());
        Ok(locks)
    }

    /// Names the run that uses the devices.
    pub fn describe(&mut self, folder: &RunFolder) {
        self.write(&Holder {
            run: Some(folder.number()),
            id: Some(folder.id().to_owned()),
            folder: Some(folder.path().to_owned()),
            ..Holder::this_process()
        });
    }

    fn write(&mut self, holder: &Holder) {
        let text = serde_json::to_string(holder).unwrap_or_default();
        for file in &mut self.files {
            // Another user's file may be read-only. The lock is held all the same.
            let _ = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| writeln!(file, "{text}"));
        }
    }
}

fn file_name(device: &Device) -> String {
    let name = match (&device.uuid, &device.visible) {
        (Some(uuid), _) => uuid.clone(),
        (None, Some(visible)) => format!("cuda-{visible}"),
        (None, None) => device.name.clone(),
    };
    safe_file::readable_name(&name)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        // The umask has taken bits away.
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let kind = fs::symlink_metadata(folder)?.file_type();
            match kind.is_dir() {
                true => Ok(()),
                false => Err(io::Error::other("it is not a folder")),
            }
        }
        Err(error) => Err(error),
    }
}

/// Waits for the lock. `None` if the run holds it whose attempt this process is.
fn lock(mut file: File, waiting: impl FnOnce(Option<&Holder>)) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) => {}
    }
    let holder = Holder::of(&mut file);
    let outer = std::env::var(RUN_ID).ok();
    if outer.is_some() && holder.as_ref().and_then(|holder| holder.id.as_ref()) == outer.as_ref() {
        return Ok(None);
    }
    waiting(holder.as_ref());
    loop {
        match file.lock() {
            Ok(()) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_named_by_what_is_known_of_the_device() {
        let mut device = Device {
            name: "cuda:0".into(),
            visible: Some("3".into()),
            ..Device::default()
        };
        assert_eq!(file_name(&device), "cuda-3");
        device.uuid = Some("GPU-8932".into());
        assert_eq!(file_name(&device), "GPU-8932");
        let mps = Device {
            name: "mps".into(),
            ..Device::default()
        };
        assert_eq!(file_name(&mps), "mps");
    }

    #[test]
    fn a_holder_is_named() {
        let mut holder = Holder {
            pid: 4711,
            user: "alice".into(),
            ..Holder::default()
        };
        assert_eq!(holder.to_string(), "crashrate (pid 4711, alice)");
        holder.run = Some(12);
        assert_eq!(holder.to_string(), "crashrate run 12 (pid 4711, alice)");
    }
}
