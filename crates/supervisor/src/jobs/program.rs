//! Runs the programs of engines.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::JobError;

/// What to do if a program of an engine fails with this problem.
fn advice(program: &str, problem: &str) -> &'static str {
    match program {
        "sbatch" if problem.contains("job array") => {
            "The indices of an array job must be below the cluster's MaxArraySize: `scontrol show \
             config | grep MaxArraySize` shows it. Use fewer --shards."
        }
        // What no machine can run is refused when it is released.
        "sbatch" | "scontrol" if !problem.contains("Unable to contact") => {
            "Slurm refused the job. `sinfo` lists partitions and their limits; set --partition, \
             --account, --time, --memory, --cpus, --gpus or other options with --sbatch=OPTION. \
             --dry-run prints the scripts."
        }
        "kubectl" => {
            "Check the cluster with `kubectl cluster-info`, and your rights with `kubectl auth can-i \
             create jobs`; choose another namespace with --namespace. --dry-run prints the manifests."
        }
        _ => "Check that Slurm answers: `sinfo`. `squeue --me` lists your jobs.",
    }
}

/// Runs a program of an engine and returns what it prints.
///
/// # Errors
/// It is not installed, or it fails.
pub(super) fn call(
    engine: &'static str,
    program: &'static str,
    directory: &Path,
    arguments: &[&str],
) -> Result<String, JobError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        // Ctrl-C on the terminal would leave it unknown whether the engine has a job.
        .process_group(0)
        .stdin(Stdio::null());
    let refused = |problem: String| JobError::Refused {
        command: format!("{program} {}", arguments.join(" ")),
        advice: advice(program, &problem),
        problem,
    };
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(JobError::NoProgram { program, engine })
        }
        Err(error) => Err(refused(error.to_string())),
        Ok(done) if done.status.success() => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        Ok(done) => {
            let printed = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            Err(refused(match printed.is_empty() {
                true => done.status.to_string(),
                false => printed,
            }))
        }
    }
}
