//! The socket between crashrate and a zygote. Packets can carry descriptors.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr,
    recvmsg, sendmsg, socketpair,
};
use nix::sys::stat::Mode;
use nix::unistd::dup2_stdin;

use super::DESCRIPTORS;
use crate::wire::Reply;

/// The longest packet, in bytes: an environment plus some room. The default socket buffer allows no
/// longer one.
const LONGEST: usize = 256 * 1024;
/// Keeps the zygote's end away from the small numbers that programs and attempts use.
const OUT_OF_THE_WAY: RawFd = 100;

/// One end of the socket between crashrate and a zygote.
#[derive(Debug)]
pub struct Control(OwnedFd);

pub(super) fn buffer() -> Vec<u8> {
    vec![0; LONGEST]
}

impl Control {
    /// Returns crashrate's end and the end that becomes the zygote's standard input.
    ///
    /// # Errors
    /// The system call failed.
    pub fn pair() -> io::Result<(Control, OwnedFd)> {
        let (own, other) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        Ok((Control(own), other))
    }

    /// Takes over the zygote's end from standard input, which is not read any more.
    pub(super) fn of_zygote() -> io::Result<Control> {
        let stdin = io::stdin();
        let number = fcntl(stdin.as_fd(), FcntlArg::F_DUPFD_CLOEXEC(OUT_OF_THE_WAY))?;
        // SAFETY: the number is new and nobody else's.
        let control = unsafe { OwnedFd::from_raw_fd(number) };
        dup2_stdin(open("/dev/null", OFlag::O_RDONLY, Mode::empty())?)?;
        Ok(Control(control))
    }

    pub(super) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Sends a packet with descriptors.
    ///
    /// # Errors
    /// The other end is closed, or the packet is too long.
    pub fn send(&self, packet: &[u8], descriptors: &[RawFd]) -> io::Result<()> {
        let rights = [ControlMessage::ScmRights(descriptors)];
        sendmsg::<UnixAddr>(
            self.number(),
            &[IoSlice::new(packet)],
            if descriptors.is_empty() { &[] } else { &rights },
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }

    /// Receives the next answer.
    ///
    /// # Errors
    /// The other end is closed, the packet is not an answer, or none came in time.
    pub fn reply(&self, within: Duration) -> io::Result<Reply> {
        let millis = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
        let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut fds, timeout) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => break,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut buffer = [0; 4096];
        match self.receive(&mut buffer)? {
            None => Err(io::ErrorKind::UnexpectedEof.into()),
            Some((length, _)) => Ok(serde_json::from_slice(&buffer[..length])?),
        }
    }

    pub(super) fn answer(&self, reply: &Reply) -> io::Result<()> {
        let packet = serde_json::to_vec(reply)?;
        match self.send(&packet, &[]) {
            // The other end is closed: the next `receive` reports that.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            sent => sent,
        }
    }

    /// Receives the next packet with its descriptors; `None` when the other end is closed.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
        let mut room = cmsg_space!([RawFd; DESCRIPTORS]);
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = loop {
            match recvmsg::<UnixAddr>(self.number(), &mut parts, Some(&mut room), flags) {
                Err(Errno::EINTR) => {}
                // ECONNRESET: the other end closed before it had read everything.
                Err(Errno::ECONNRESET) => return Ok(None),
                other => break other?,
            }
        };
        let mut descriptors = Vec::new();
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = part {
                // SAFETY: the kernel has just created these descriptors for this process; nothing
                // else owns them.
                let owned = numbers
                    .into_iter()
                    .map(|n| unsafe { OwnedFd::from_raw_fd(n) });
                descriptors.extend(owned);
            }
        }
        Ok((message.bytes > 0).then_some((message.bytes, descriptors)))
    }
}
