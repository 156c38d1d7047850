//! Starts a child by `posix_spawn`, which every system has.

use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::LazyLock;

use nix::spawn::{self, PosixSpawnAttr, PosixSpawnFileActions};

/// Copied once, so that no round pays for it.
static ENVIRONMENT: LazyLock<Vec<CString>> = LazyLock::new(|| {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
        })
        .collect()
});

/// Starts a program with these standard outputs.
pub(crate) fn posix_spawn(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let mut actions = PosixSpawnFileActions::init()?;
    for (from, to) in outputs.into_iter().zip(1..) {
        actions.add_dup2(from, to)?;
    }
    let attributes = PosixSpawnAttr::init()?;
    let program = words[0].as_c_str();
    Ok(spawn::posix_spawn(program, &actions, &attributes, words, &ENVIRONMENT)?.as_raw())
}
