//! Misuses descriptors: floods them, writes garbage, or closes them.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crashrate_protocol::env;

use super::{Done, Problem, number};

/// `[BYTES=2000000000]`: writes this much to standard output.
pub(super) fn flood_stdout(args: &[String]) -> Done {
    let bytes = number(args, 0, Some(2_000_000_000))?;
    let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
    let stdout = open(1)?;
    repeat(stdout, line, bytes)
}

/// `[BYTES=1000000000]`: writes this much without a newline to each of its descriptors.
pub(super) fn flood_all(args: &[String]) -> Done {
    let bytes = number(args, 0, Some(1_000_000_000))?;
    let events = std::env::var(env::EVENTS_FD).ok();
    let events = events.and_then(|fd| fd.parse().ok()).filter(|fd| *fd >= 16);
    // A supervisor provides no descriptors above these.
    for fd in (0..16).chain(events) {
        let Ok(mut file) = open(fd) else { continue };
        // Skip descriptors that are read-only.
        if let Ok(to) = file.try_clone() {
            let _ = repeat(to, b"x", bytes);
        }
        // End the line, so that later output is readable.
        let _ = file.write_all(b"\n");
    }
    Ok(0)
}

pub(super) fn garbage_events(_: &[String]) -> Done {
    let pieces: [&[u8]; 9] = [
        b"hello, supervisor\n",
        b"\xff\xfe\x00\x01\x80\n",
        b"{\"v\":1,\"event\":\n",
        b"{\"v\":1,\"event\":\"chapter-passed\"}\n",
        b"{\"v\":1,\"event\":\"measure\",\"name\":\"x\",\"value\":NaN}\n",
        b"{\"v\":99,\"event\":\"note\",\"text\":\"from the future\"}\n",
        b"{\"v\":1,\"event\":\"applause\",\"from\":\"a newer worker\"}\n",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n\n\n\r\n",
        b"{\"v\":1,\"event\":\"chapter-started\",\"chapter\":\"no-such-chapter\"}\n",
    ];
    let mut events = events()?;
    for piece in pieces {
        events.write_all(piece)?;
    }
    Ok(0)
}

pub(super) fn half_line(_: &[String]) -> Done {
    events()?.write_all(b"{\"v\":1,\"event\":\"chapter-pas")?;
    std::process::exit(0)
}

/// `[BYTES=1000000000]`: writes one line of that length to the events descriptor.
pub(super) fn long_line(args: &[String]) -> Done {
    let bytes = number(args, 0, Some(1_000_000_000))?;
    let mut events = events()?;
    events.write_all(b"{\"v\":1,\"event\":\"note\",\"text\":\"")?;
    repeat(events.try_clone()?, b"x", bytes)?;
    events.write_all(b"\"}\n")?;
    Ok(0)
}

/// `[N=10000000]`: sends this many events.
pub(super) fn many_events(args: &[String]) -> Done {
    let count = number(args, 0, Some(10_000_000))?;
    let mut events = events()?;
    // Many lines a write, which the protocol discourages, for speed.
    let mut lines = String::with_capacity(80_000);
    for i in 1..=count {
        lines += &event(i, count);
        if lines.len() > 65_536 || i == count {
            events.write_all(lines.as_bytes())?;
            lines.clear();
        }
    }
    Ok(0)
}

/// The line of an event: progress, a measure or a note in turn.
fn event(i: u64, count: u64) -> String {
    let event = match i % 3 {
        1 => format!(r#"{{"v":1,"event":"progress","done":{i},"total":{count},"unit":"events"}}"#),
        2 => format!(
            r#"{{"v":1,"event":"measure","name":"event","value":{i},"unit":"1","label":"i={i}"}}"#
        ),
        _ => format!(r#"{{"v":1,"event":"note","text":"event {i}"}}"#),
    };
    event + "\n"
}

pub(super) fn close_all(_: &[String]) -> Done {
    let open: Vec<i32> = std::fs::read_dir("/dev/fd")
        .map_err(|e| format!("/dev/fd: {e}"))?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open {
        // SAFETY: closes descriptors that are owned elsewhere, on purpose. Nothing runs after this
        // except the exit below, and closing a closed number is harmless.
        unsafe { libc::close(fd) };
    }
    std::thread::sleep(Duration::from_millis(300));
    std::process::exit(0)
}

/// Opens the events descriptor without the helper. If no supervisor listens, discards the events.
fn events() -> Result<File, Problem> {
    match std::env::var(env::EVENTS_FD) {
        Ok(fd) => Ok(open(fd.parse()?)?),
        Err(_) => Ok(File::options().write(true).open("/dev/null")?),
    }
}

/// Duplicates a descriptor, without the buffers and locks of `stdout`.
fn open(fd: i32) -> io::Result<File> {
    if fd < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: borrowed for this call only; a closed number gives an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned().map(File::from)
}

/// Writes `piece` repeatedly until this many bytes are written, as fast as possible.
fn repeat(mut to: File, piece: &[u8], bytes: u64) -> Done {
    let block = piece.repeat(65_536 / piece.len());
    let mut left = bytes;
    while left > 0 {
        let now = block
            .len()
            .min(usize::try_from(left).unwrap_or(block.len()));
        to.write_all(&block[..now])?;
        left -= now as u64;
    }
    Ok(0)
}
