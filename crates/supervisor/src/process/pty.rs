//! A pseudo-terminal for the children of chapters that ask for one.
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{grantpt, posix_openpt, unlockpt};

use super::platform;

/// The size that the terminal reports, rows and columns.
const SIZE: (u16, u16) = (24, 80);

/// The two ends of a pseudo-terminal.
pub(super) struct Terminal {
    /// The supervisor's end.
    pub(super) own: OwnedFd,
    /// The child's end.
    pub(super) child: OwnedFd,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Terminal> {
        let own = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY)?;
        fcntl(&own, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        grantpt(&own)?;
        unlockpt(&own)?;
        let child = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(platform::terminal_name(&own)?)?;
        let size = libc::winsize {
            ws_row: SIZE.0,
            ws_col: SIZE.1,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: the pointer is to a local of the right type that outlives the call.
        if unsafe { libc::ioctl(own.as_raw_fd(), libc::TIOCSWINSZ, &size) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is open, and `into_raw_fd` has given up its ownership.
        let own = unsafe { OwnedFd::from_raw_fd(own.into_raw_fd()) };
        Ok(Terminal {
            own,
            child: child.into(),
        })
    }
}

/// Makes standard input the controlling terminal. For a child between fork and exec that leads its
/// session.
pub(super) fn take_control() -> io::Result<()> {
    // SAFETY: a plain system call on a descriptor and a number. The request's type differs between
    // platforms.
    match unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
