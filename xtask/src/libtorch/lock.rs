//! One set-up at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

/// Held while a set-up works. The kernel lets go of it when the process ends, however it ends, so that no
/// lock is left behind.
pub(super) struct Lock {
    _file: File,
    waited: bool,
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self> {
        let cannot = || format!("the lock {} could not be taken", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(cannot)?;
        let waited = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => {
                say!(
                    "another set-up is at work in this checkout; waiting until it is done (lock: {})",
                    path.display()
                );
                file.lock().with_context(cannot)?;
                true
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        };
        Ok(Self {
            _file: file,
            waited,
        })
    }

    pub(super) fn had_to_wait(&self) -> bool {
        self.waited
    }
}
