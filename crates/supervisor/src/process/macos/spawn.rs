//! Starting a child with the standard library. Not run by its authors yet.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::unistd::{Pid, setsid};

use crate::process::exec::Launch;
use crate::process::jobserver;
use crate::suite::word_of_text;

/// Starts children.
pub(in crate::process) struct Spawner {
    without: Vec<String>,
}

impl Spawner {
    /// Children inherit this program's environment except the variables `without`.
    pub(in crate::process) fn new(without: &[&str]) -> Spawner {
        Spawner {
            without: without.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Starts a child in a new session and process group. The child calls `at_first` first and
    /// `before_exec` last. Both must be safe between fork and exec.
    pub(in crate::process) fn spawn(
        &self,
        launch: &Launch<'_>,
        at_first: impl Fn() -> io::Result<()> + Send + Sync + 'static,
        before_exec: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Pid> {
        let mut command = Command::new(launch.program);
        command
            .args(launch.arguments.iter().map(|word| word_of_text(word)))
            .current_dir(launch.directory);
        command.envs(std::env::vars_os().map(jobserver::cleaned));
        for name in self.without.iter().chain(launch.unset) {
            command.env_remove(name);
        }
        command.envs(launch.env.iter().copied());
        let copy = |fd: std::os::fd::BorrowedFd<'_>| -> io::Result<Stdio> {
            let fd: OwnedFd = fd.try_clone_to_owned()?;
            Ok(fd.into())
        };
        let [stdin, stdout, stderr] = launch.stdio;
        command
            .stdin(copy(stdin)?)
            .stdout(copy(stdout)?)
            .stderr(copy(stderr)?);
        // SAFETY: the closures are safe between fork and exec, as this function requires.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(at_first);
            command.pre_exec(|| Ok(setsid().map(drop)?));
            command.pre_exec(before_exec);
        }
        Ok(Pid::from_raw(command.spawn()?.id().cast_signed()))
    }
}
