//! Jobs: the shards of a run on the machines of an engine, such as Slurm.
//!
//! The engine places the shards, queues them and starts them again. This module writes its scripts
//! or manifests, calls its commands, and reads the journals of the shards.

mod engine;
mod error;
mod folder;
mod kubernetes;
mod program;
mod progress;
mod shard;
mod slurm;
mod submission;
mod task;
mod template;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

pub use engine::{Engine, Overrides, Resources};
pub use error::JobError;
pub use folder::{Job, JobFolder, JobIds, JobVolume, find, jobs_folder};
pub use kubernetes::Pods;
pub use progress::JobProgress;
pub use shard::{ShardProgress, ShardState};
pub use submission::{JobFile, Submission};
pub use task::TaskState;
pub use template::{TemplateError, Templates};

/// Checks that a job can be given to its engine from here. Without `kubectl`, the user applies the
/// manifests elsewhere.
///
/// # Errors
/// Slurm's commands are not here.
pub fn check_program(engine: Engine) -> Result<(), JobError> {
    match engine {
        Engine::Slurm if which::which("sbatch").is_err() => Err(JobError::NoProgram {
            program: "sbatch",
            engine: "Slurm",
        }),
        _ => Ok(()),
    }
}

/// Submits the files in a job's folder and writes `job.toml`. Once `stop` is set, the job is taken
/// back.
///
/// # Errors
/// The engine's program is not here or refuses, the file cannot be written, or it was stopped. Nothing
/// is left in the engine's queue then, unless the error is [`JobError::Left`].
pub fn submit(folder: &JobFolder, mut job: Job, stop: &AtomicBool) -> Result<Job, JobError> {
    match job.engine {
        Engine::Slurm => {
            job.folder = Some(canonical(folder)?);
            submit_to_slurm(folder, &mut job, &slurm::Chosen::default(), stop)?;
        }
        Engine::Kubernetes => {
            job.ids.shards = Some(job.name.clone());
            job.is_started = which::which("kubectl").is_ok();
            // Started last: after an error there is no job without a folder.
            folder.write_job(&job)?;
            if job.is_started {
                kubernetes::start(folder, stop)?;
            }
        }
        // They start when the file is pushed.
        Engine::GitHub | Engine::Buildkite => folder.write_job(&job)?,
    }
    Ok(job)
}

/// Submits shards of a job again, with the files that are in its folder. They resume their runs.
/// Kubernetes starts all shards; the complete ones end at once. Only Slurm takes `overrides`, and
/// only there the shards are taken back once `stop` is set.
///
/// # Errors
/// The engine's program is not here or refuses, the engine has no such program, the folder was moved
/// or copied ([`JobError::Moved`]), or it was stopped. `job.toml` is as before then, unless the error
/// is [`JobError::Left`].
pub fn resume(
    folder: &JobFolder,
    mut job: Job,
    shards: &[u32],
    overrides: &Overrides,
    stop: &AtomicBool,
) -> Result<Job, JobError> {
    match job.engine {
        Engine::Slurm => {
            submission::sbatch::check(&overrides.sbatch)?;
            let here = canonical(folder)?;
            if let Some(submitted) = job.folder.take_if(|submitted| *submitted != here) {
                return Err(JobError::Moved {
                    folder: here,
                    submitted,
                });
            }
            let chosen = slurm::Chosen::again(shards, overrides);
            let before = job.clone();
            match submit_to_slurm(folder, &mut job, &chosen, stop) {
                Err(error) if !matches!(error, JobError::Left { .. }) => {
                    folder.write_job(&before)?;
                    return Err(error);
                }
                submitted => submitted?,
            }
        }
        Engine::Kubernetes => {
            kubernetes::start_again(folder)?;
            job.is_started = true;
            folder.write_job(&job)?;
        }
        Engine::GitHub | Engine::Buildkite => {
            return Err(JobError::ByHand {
                engine: job.engine.title(),
                action: "start",
            });
        }
    }
    Ok(job)
}

fn canonical(folder: &JobFolder) -> Result<PathBuf, JobError> {
    let path = folder.path();
    path.canonicalize().map_err(JobError::unreadable(path))
}

fn submit_to_slurm(
    folder: &JobFolder,
    job: &mut Job,
    chosen: &slurm::Chosen,
    stop: &AtomicBool,
) -> Result<(), JobError> {
    slurm::submit(folder, chosen, stop, |ids| {
        job.ids = ids.clone();
        job.is_started = true;
        folder.write_job(job)
    })
}

/// Cancels the shards of a job that have not ended. The merge starts as after any end.
///
/// # Errors
/// The engine's program is not here or refuses, or the engine has no such program.
pub fn cancel(folder: &JobFolder, job: &Job) -> Result<(), JobError> {
    match (job.engine, &job.ids.shards) {
        (Engine::Slurm, Some(id)) => slurm::stop(&job.ids, id),
        // The submission was killed before its shards were known.
        (Engine::Slurm, None) if !job.ids.all().is_empty() => slurm::remove(&job.ids),
        (Engine::Kubernetes, Some(_)) => kubernetes::delete(folder, job),
        (Engine::Slurm | Engine::Kubernetes, None) => Err(JobError::NotSubmitted {
            path: folder.path().to_owned(),
        }),
        (Engine::GitHub | Engine::Buildkite, _) => Err(JobError::ByHand {
            engine: job.engine.title(),
            action: "cancel",
        }),
    }
}

/// The time now as a part of a name.
pub fn time_stamp() -> String {
    jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string()
}

/// The time now, for [`Job::submitted`].
pub fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
