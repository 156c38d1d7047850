//! Runs processes that list or build tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crashrate_adapters::{Invocation, Output};

/// Runs processes that do not depend on each other, as many at the same time as there are cores.
/// The outputs are in their order.
pub(super) fn run_all(
    processes: &[Invocation],
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Vec<Output>, String> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(process) = processes.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((process, run(process, directory, env)));
        }
        done
    };
    let mut outputs: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(processes.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let joined = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default());
        joined.collect()
    });
    outputs.sort_by_key(|(process, _)| std::ptr::from_ref::<Invocation>(process));
    outputs.into_iter().map(|(_, output)| output).collect()
}

fn run(
    process: &Invocation,
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Output, String> {
    let (program, arguments) = process.command.split_first().ok_or("no program")?;
    let own = process.directory.as_deref().unwrap_or(Path::new(""));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory.join(own))
        .envs(env)
        .envs(&process.env)
        .stdin(Stdio::null());
    for name in &process.unset {
        command.env_remove(name);
    }
    let output = command
        .output()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    Ok(Output {
        stdout: output.stdout,
        stderr: output.stderr,
        exit: output.status.code(),
    })
}
