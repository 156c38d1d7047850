//! The processes of a build: no attempts, but they end with the run as attempts do.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::group;
use super::guardian::Guardian;

/// How long a killed process may take to disappear.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a process with a time limit is looked at.
const STEP: Duration = Duration::from_millis(5);
/// The output, in bytes, that a process with a time limit may have on the disk.
const MOST_OUTPUT: u64 = 16 << 20;

/// A process of a build.
pub(crate) struct BuildProcess(Child);

/// The group of such a process and its descendants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildGroup(Pid);

impl BuildProcess {
    /// Starts a command whose output goes to a file. `env` has variables to set and to remove. Its
    /// group takes the place of the slot's attempt at the guardian.
    pub(crate) fn start(
        argv: &[OsString],
        directory: &Path,
        (env, unset): (&BTreeMap<String, String>, &[&str]),
        output: &File,
        (guardian, slot): (&Guardian, u32),
    ) -> io::Result<BuildProcess> {
        let (program, arguments) = argv
            .split_first()
            .ok_or_else(|| io::Error::other("no program"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(directory)
            .envs(env)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .process_group(0);
        for name in unset {
            command.env_remove(name);
        }
        let child = command.spawn()?;
        guardian.registration(slot).send(child.id())?;
        Ok(BuildProcess(child))
    }

    pub(crate) fn group(&self) -> BuildGroup {
        BuildGroup(Pid::from_raw(self.0.id().cast_signed()))
    }

    /// Waits for its end. Nothing of its group is left.
    pub(crate) fn wait(mut self, guardian: &Guardian, slot: u32) -> io::Result<ExitStatus> {
        let BuildGroup(group) = self.group();
        let status = self.0.wait();
        group::kill_rest(group);
        group::await_gone(group);
        guardian.clear(slot);
        status
    }
}

impl BuildProcess {
    /// Waits for its end, at most for a time, and keeps its output from filling the disk. `None` if
    /// it had to be killed.
    ///
    /// # Errors
    /// It cannot be killed: it waits in the kernel.
    pub(crate) fn wait_for(
        mut self,
        limit: Duration,
        output: &File,
        guardian: &Guardian,
        slot: u32,
    ) -> io::Result<Option<ExitStatus>> {
        if self.ends_within(limit, output)? {
            return self.wait(guardian, slot).map(Some);
        }
        self.group().kill();
        match self.ends_within(PATIENCE, output)? {
            true => self.wait(guardian, slot).map(|_| None),
            false => Err(io::Error::other("did not end and cannot be killed")),
        }
    }

    /// Whether it ends. It is reaped then.
    fn ends_within(&mut self, limit: Duration, output: &File) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            if self.0.try_wait()?.is_some() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            bound(output);
            thread::sleep(STEP);
        }
    }
}

/// Frees the disk of an output that is too long. The process writes on behind a hole, so the end of
/// the output stays at the end of the file.
fn bound(output: &File) {
    /// The unit of `st_blocks`, from stat(2).
    const BLOCK: u64 = 512;
    let is_long = |file: Metadata| file.blocks() * BLOCK > MOST_OUTPUT;
    if output.metadata().is_ok_and(is_long) {
        // It fails only on a file that is not open for writing.
        let _ = output.set_len(0);
    }
}

impl BuildGroup {
    /// Kills all of it.
    pub(crate) fn kill(self) {
        group::kill_rest(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_disk_of_a_long_output_is_freed() {
        let mut output = tempfile::tempfile().unwrap();
        output.write_all(b"short").unwrap();
        bound(&output);
        assert_eq!(output.metadata().unwrap().len(), 5);
        output
            .write_all(&vec![1; MOST_OUTPUT as usize + 1])
            .unwrap();
        bound(&output);
        output.write_all(b"end").unwrap();
        let file = output.metadata().unwrap();
        assert_eq!(file.len(), 5 + MOST_OUTPUT + 1 + 3);
        assert!(file.blocks() < 1000, "{}", file.blocks());
    }
}
