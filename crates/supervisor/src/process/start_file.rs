//! Starting the process of an attempt outside of a run, for `crashrate debug`.
//!
//! A debugger starts programs in its own way: through a shell, with variables for its terminal, and
//! with its own standard input. So the debugger starts crashrate, which sets everything up from a
//! folder and then executes the program.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crashrate_protocol::env::{CHAPTER, EVENTS_FD, SEQUENCE};
use crashrate_zygote::{Rlimits, set_core_limit, take_number};
use serde::{Deserialize, Serialize};

use super::child_io::EVENTS;
use super::{jobserver, limits};
use crate::plan::AttemptSpec;
use crate::suite::{word_of_text, word_to_text};

const START: &str = "start.json";
const INPUT: &str = "input";
const EVENTS_FILE: &str = "events";
const PID: &str = "pid";
const FRESH: &str = "work";

/// What the process of an attempt is started with. Words are in the encoding of
/// [`word_to_text`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartFile {
    directory: String,
    /// Whether an empty directory replaces `directory`.
    fresh_directory: bool,
    /// The whole environment.
    env: Vec<(String, String)>,
    has_input: bool,
    rlimits: Rlimits,
    #[serde(skip)]
    input: Vec<u8>,
}

impl StartFile {
    pub(crate) fn of(spec: &AttemptSpec) -> StartFile {
        let own: Vec<(&str, &str)> = spec.all_env().collect();
        let is_inherited = |(name, _): &(OsString, OsString)| {
            // One of the two could be inherited from an outer crashrate.
            name != CHAPTER
                && name != SEQUENCE
                && !own.iter().any(|(own, _)| name == own)
                && !spec.unit.unset.iter().any(|own| name == own.as_str())
        };
        let inherited = std::env::vars_os()
            .map(jobserver::cleaned)
            .filter(is_inherited);
        let mut env: Vec<_> = inherited
            .map(|(name, value)| (word_to_text(&name), word_to_text(&value)))
            .collect();
        env.extend(own.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())));
        env.push((EVENTS_FD.to_owned(), EVENTS.to_string()));
        StartFile {
            directory: word_to_text(spec.unit.directory.as_os_str()),
            fresh_directory: spec.unit.process.fresh_directory,
            env,
            has_input: spec.input.is_some(),
            rlimits: limits::rlimits(&spec.unit.limits),
            input: spec.input.clone().unwrap_or_default(),
        }
    }

    /// Leaves the resource limits out: tools such as valgrind need more than the program alone.
    #[must_use]
    pub fn without_limits(self) -> StartFile {
        StartFile {
            rlimits: Rlimits::default(),
            ..self
        }
    }

    /// Writes the files for the next start into a folder, and removes those of the last one.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for old in [PID, EVENTS_FILE] {
            match fs::remove_file(folder.join(old)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let fresh = folder.join(FRESH);
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir(&fresh)?;
        fs::write(folder.join(INPUT), &self.input)?;
        fs::write(
            folder.join(START),
            serde_json::to_vec(self).map_err(io::Error::other)?,
        )
    }

    /// Replaces this process by the program. Returns only if that fails.
    pub fn exec(folder: &Path, command: &[OsString]) -> io::Error {
        match prepared(folder, command) {
            Ok(mut command) => command.exec(),
            Err(error) => error,
        }
    }
}

/// What the process reported on its events descriptor, as far as it came.
pub fn events(folder: &Path) -> Vec<u8> {
    fs::read(folder.join(EVENTS_FILE)).unwrap_or_default()
}

fn prepared(folder: &Path, words: &[OsString]) -> io::Result<Command> {
    let start: StartFile = serde_json::from_slice(&fs::read(folder.join(START))?)?;
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::other("no command"))?;
    let directory = match start.fresh_directory {
        true => folder.join(FRESH),
        false => PathBuf::from(word_of_text(&start.directory)),
    };
    open_events(folder)?;
    let input = match start.has_input {
        true => File::open(folder.join(INPUT))?.into(),
        false => Stdio::null(),
    };
    // The pid stays the same when the program is executed.
    fs::write(folder.join(PID), std::process::id().to_string())?;
    set_core_limit(0)?;
    let env = start.env.iter();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(env.map(|(name, value)| (word_of_text(name), word_of_text(value))))
        .current_dir(directory)
        .stdin(input);
    start.rlimits.set()?;
    Ok(command)
}

/// Opens the events descriptor. Comes before other files, which could take its number.
fn open_events(folder: &Path) -> io::Result<()> {
    let path = folder.join(EVENTS_FILE);
    let events = File::options().create(true).append(true).open(path)?;
    take_number(events.as_raw_fd(), EVENTS)?;
    if events.as_raw_fd() == EVENTS {
        // Stays open on purpose.
        std::mem::forget(events);
    }
    Ok(())
}

/// Asks a debugger to end, which kills the program that it started.
pub fn terminate(debugger: &std::process::Child) {
    let pid = nix::unistd::Pid::from_raw(debugger.id().cast_signed());
    // The child is not reaped yet, so that the pid is still its own.
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
}
