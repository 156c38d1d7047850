//! How far the shards of a job are, from their journals. No lock is taken: the shards may be
//! running.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crashrate_model::{Outcome, OutcomeSet, Record, Shard, StopReason};

use super::shard::{ShardProgress, ShardState};
use super::task::{Queue, TaskState};
use super::{Engine, Job, JobError, JobFolder, Pods, kubernetes, slurm};
use crate::journal::{self, JOURNAL, Position};
use crate::plan_file::PlanFile;

/// How far a job is. Later updates read only new records.
#[derive(Debug)]
pub struct JobProgress {
    folder: JobFolder,
    job: Job,
    runs: BTreeMap<PathBuf, RunSoFar>,
    /// The rounds of each unit of the plan, if the plan is in the folder.
    planned: Option<Vec<u32>>,
    /// What the engine had of the job at the last update, if it answered.
    queue: Option<Queue>,
    unasked: Option<String>,
    pods: Option<Pods>,
}

impl JobProgress {
    /// The progress of a job, without any records yet.
    ///
    /// # Errors
    /// The folder has no readable `job.toml`.
    pub fn new(folder: JobFolder) -> Result<JobProgress, JobError> {
        // Without a readable plan, the rounds are those that the shards have on record.
        let plan = PlanFile::read(&folder.plan()).ok();
        let units = plan.map(|file| file.request.plan.units);
        Ok(JobProgress {
            planned: units.map(|units| units.iter().map(|unit| unit.rounds).collect()),
            queue: None,
            job: folder.job()?,
            folder,
            runs: BTreeMap::new(),
            unasked: None,
            pods: None,
        })
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The job's folder.
    pub fn folder(&self) -> &JobFolder {
        &self.folder
    }

    /// Why the engine could not be asked at the last update: the states are then those of the journals
    /// alone.
    pub fn unasked(&self) -> Option<&str> {
        self.unasked.as_deref()
    }

    /// What the job that merges the shards does, if the engine still has it.
    pub fn merge(&self) -> Option<TaskState> {
        let merge = self.queue.as_ref()?.merge.as_ref()?;
        Some(merge.state)
    }

    /// Whether the job that cancels the shards when they decide the stopping rule has ended.
    pub fn has_watch_ended(&self) -> bool {
        let is_gone = |queue: &Queue| queue.watch.is_none();
        self.job.ids.watch.is_some() && self.queue.as_ref().is_some_and(is_gone)
    }

    /// The pods of Kubernetes at the last update, if it answered.
    pub fn pods(&self) -> Option<Pods> {
        self.pods
    }

    /// Where the records of the shards may be that are not in the job's folder, and how to see them.
    pub fn elsewhere(&self) -> Option<String> {
        let volume = self.job.volume.as_ref()?;
        // The first shard that runs writes the plan.
        let is_here = !self.runs.is_empty() || self.folder.plan().exists();
        let is_waiting = match self.pods {
            Some(pods) => !pods.have_run(),
            None => !self.job.is_started,
        };
        (!is_here && !is_waiting).then(|| {
            format!(
                "no shard has written to {}: they write to the folder `{}` of the volume claim `{}`. \
                 If this is not that folder, mount the volume, copy job.toml and shards.yaml into \
                 that folder, and give its path to `crashrate status`",
                self.folder.path().display(),
                volume.folder,
                volume.claim,
            )
        })
    }

    /// Reads what the shards have written since the last time.
    ///
    /// # Errors
    /// The folder of the runs cannot be read. Journals that cannot be read are reported with their
    /// shard.
    pub fn update(&mut self) -> Result<Vec<ShardProgress>, JobError> {
        for folder in journal::list(&self.folder.runs())? {
            let run = self.runs.entry(folder.clone()).or_default();
            run.update(&folder);
        }
        let queue = match self.job.engine {
            Engine::Slurm if !self.job.ids.all().is_empty() => Some(slurm::queue(&self.job.ids)),
            Engine::Kubernetes => {
                let pods = kubernetes::pods(&self.job);
                self.pods = pods.as_ref().ok().copied();
                Some(pods.map(|pods| pods.queue(self.job.shards)))
            }
            _ => None,
        };
        (self.queue, self.unasked) = match queue {
            Some(Ok(queue)) => (Some(queue), None),
            Some(Err(error)) => (None, Some(reason(&error))),
            None => (None, None),
        };
        let indices = 1..=self.job.shards;
        let shards = indices.map(|index| self.shard(index));
        Ok(shards.collect())
    }

    /// The rounds that the plan has for a shard; `None` if the plan is not here.
    fn planned(&self, index: u32) -> Option<u64> {
        let shard = Shard {
            index,
            count: self.job.shards,
        };
        let rounds = self.planned.as_ref()?.iter();
        Some(
            rounds
                .map(|rounds| u64::from(shard.rounds_of(*rounds)))
                .sum(),
        )
    }

    fn shard(&self, index: u32) -> ShardProgress {
        let is_own = |run: &&RunSoFar| run.shard.is_some_and(|shard| shard.index == index);
        let runs: Vec<&RunSoFar> = self.runs.values().filter(is_own).collect();
        let task = self.queue.as_ref().map(|queue| queue.shards.get(&index));
        let waits_for = task.flatten().and_then(|task| task.reason.clone());
        let is_held = task.flatten().is_some_and(|task| task.is_held);
        let queued = task.map(|task| task.map(|task| task.state));
        // A complete run counts, whatever was begun beside it.
        let best = runs
            .iter()
            .max_by_key(|run| (run.is_complete(), run.is_live, run.written));
        let Some(best) = best else {
            let state = match queued {
                _ if self.elsewhere().is_some() => ShardState::Unknown,
                Some(None) => ShardState::Missing,
                _ => ShardState::Waiting,
            };
            return ShardProgress {
                index,
                has_ended: queued == Some(None),
                state,
                planned: self.planned(index),
                waits_for,
                is_held,
                ..ShardProgress::default()
            };
        };
        let mut rounds: HashSet<(u32, u32)> = HashSet::new();
        runs.iter().for_each(|run| rounds.extend(&run.rounds));
        let mut bad: HashSet<(u32, u32)> = HashSet::new();
        runs.iter().for_each(|run| bad.extend(&run.bad_rounds));
        let written = best.written;
        let state = best.state(queued);
        ShardProgress {
            index,
            state,
            has_ended: !is_held && has_ended(state, queued),
            host: best.host.clone(),
            rounds: rounds.len() as u64,
            planned: Some(best.planned),
            bad: bad.len() as u64,
            lost: runs.iter().map(|run| run.lost()).sum(),
            written: runs.iter().filter_map(|run| run.written).max(),
            silent: written.and_then(|time| SystemTime::now().duration_since(time).ok()),
            problem: best.problem.clone(),
            end: best.end,
            waits_for,
            is_held,
        }
    }
}

/// Whether a shard in this state runs no more rounds. `queued` is the engine's state, if the engine
/// is known here.
fn has_ended(state: ShardState, queued: Option<Option<TaskState>>) -> bool {
    match state {
        ShardState::Complete | ShardState::Missing => true,
        // A task that was started again writes nothing while it waits, for example for a device.
        ShardState::Stopped => !matches!(queued, Some(Some(_))),
        ShardState::Lost => queued == Some(None),
        ShardState::Waiting | ShardState::Running | ShardState::Unknown => false,
    }
}

/// Why an engine does not answer, in one line.
fn reason(error: &JobError) -> String {
    match error {
        JobError::NoProgram { program, .. } => format!("{program} is not installed here"),
        // kubectl logs each try before it says what is wrong.
        JobError::Refused { problem, .. } => problem.lines().last().unwrap_or_default().to_owned(),
        error => error.to_string(),
    }
}

/// What the journal of a shard's run has so far.
#[derive(Debug, Default)]
struct RunSoFar {
    position: Position,
    shard: Option<Shard>,
    host: String,
    planned: u64,
    bad: OutcomeSet,
    rounds: HashSet<(u32, u32)>,
    bad_rounds: HashSet<(u32, u32)>,
    /// Attempts that have started and not ended.
    open: HashSet<(u32, u32, u32)>,
    /// Lost attempts that a later supervisor recorded.
    recorded_lost: u64,
    end: Option<StopReason>,
    is_live: bool,
    written: Option<SystemTime>,
    problem: Option<String>,
}

impl RunSoFar {
    fn update(&mut self, folder: &Path) {
        // A run that ends while its journal is read is complete then.
        self.is_live = journal::is_live(folder);
        let path = folder.join(JOURNAL);
        let Ok(file) = path.metadata() else {
            return;
        };
        self.written = file.modified().ok();
        self.problem = self.read(&path).err().map(|error| error.to_string());
    }

    fn read(&mut self, path: &Path) -> Result<(), journal::JournalError> {
        let mut records = journal::read_on(path, self.position)?;
        while let Some(record) = records.next() {
            self.push(&record?);
            self.position = records.position();
        }
        Ok(())
    }

    fn push(&mut self, record: &Record) {
        match record {
            Record::Opened(opened) => {
                let run = &opened.run;
                self.shard = run.shard;
                self.host = run.machine.get("host").cloned().unwrap_or_default();
                let of_unit = |rounds| match run.shard {
                    Some(shard) => u64::from(shard.rounds_of(rounds)),
                    None => u64::from(rounds),
                };
                self.planned = run.units.iter().map(|unit| of_unit(unit.rounds)).sum();
                self.bad = run.bad.clone();
                self.end = None;
            }
            Record::Started(started) => {
                let attempt = (started.unit, started.round, started.attempt);
                self.open.insert(attempt);
            }
            Record::Ended(ended) => {
                self.open.remove(&(ended.unit, ended.round, ended.attempt));
                let round = (ended.unit, ended.round);
                match ended.outcome {
                    Outcome::Lost => self.recorded_lost += 1,
                    Outcome::Interrupted | Outcome::NotStarted => {}
                    _ => {
                        self.rounds.insert(round);
                        if ended.is_bad_measurement(&self.bad) {
                            self.bad_rounds.insert(round);
                        }
                    }
                }
            }
            Record::Closed(closed) => self.end = Some(closed.why),
            _ => {}
        }
    }

    /// Whether it has run all that its rule asks for. Rounds that could not be started are left.
    fn is_complete(&self) -> bool {
        let has_all = self.rounds.len() as u64 >= self.planned;
        self.end.is_some_and(|end| end.completes(has_all))
    }

    /// Lost attempts, also those that no supervisor has recorded yet.
    fn lost(&self) -> u64 {
        match self.end.is_none() && !self.is_live {
            true => self.recorded_lost + self.open.len() as u64,
            false => self.recorded_lost,
        }
    }

    /// `queued` is the engine's state, if the engine is known here.
    fn state(&self, queued: Option<Option<TaskState>>) -> ShardState {
        match (self.end, self.is_live, queued) {
            (None, true, _) => ShardState::Running,
            (Some(_), _, _) if self.is_complete() => ShardState::Complete,
            (_, _, Some(Some(TaskState::Waiting))) => ShardState::Waiting,
            (Some(_), _, _) => ShardState::Stopped,
            (None, false, _) => ShardState::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use crashrate_model::Ended;

    use super::*;

    #[test]
    fn a_shard_that_died_is_lost_until_it_is_queued_again() {
        let mut run = RunSoFar::default();
        run.open.insert((0, 1, 1));
        assert_eq!(run.state(None), ShardState::Lost);
        assert_eq!(run.state(Some(None)), ShardState::Lost);
        assert_eq!(
            run.state(Some(Some(TaskState::Waiting))),
            ShardState::Waiting
        );
        assert_eq!(run.lost(), 1);
        run.is_live = true;
        assert_eq!((run.state(None), run.lost()), (ShardState::Running, 0));
        run.end = Some(StopReason::Interrupted);
        assert_eq!(run.state(None), ShardState::Stopped);
        run.end = Some(StopReason::Decided);
        assert_eq!(
            run.state(Some(Some(TaskState::Active))),
            ShardState::Complete
        );
        // Its device was unavailable, for example.
        run.end = Some(StopReason::Done);
        run.planned = 2;
        run.rounds.insert((0, 1));
        assert_eq!(run.state(None), ShardState::Stopped);
        run.rounds.insert((0, 2));
        assert_eq!(run.state(None), ShardState::Complete);
    }

    #[test]
    fn a_stopped_shard_has_ended_when_the_engine_has_no_task_for_it() {
        let stopped = |queued| has_ended(ShardState::Stopped, queued);
        assert!(stopped(None));
        assert!(stopped(Some(None)));
        assert!(!stopped(Some(Some(TaskState::Active))));
        assert!(has_ended(
            ShardState::Complete,
            Some(Some(TaskState::Active))
        ));
        assert!(!has_ended(ShardState::Lost, None));
    }

    #[test]
    fn attempts_that_were_started_differently_are_not_bad() {
        let mut run = RunSoFar::default();
        let ended = |round, apart| {
            Record::Ended(Box::new(Ended {
                apart,
                ..Ended::of(0, round, 1, Outcome::Crashed)
            }))
        };
        run.push(&ended(1, true));
        assert_eq!((run.rounds.len(), run.bad_rounds.len()), (1, 0));
        run.push(&ended(2, false));
        assert_eq!((run.rounds.len(), run.bad_rounds.len()), (2, 1));
    }
}
