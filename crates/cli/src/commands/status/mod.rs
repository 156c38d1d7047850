//! `crashrate status`: how far a job is, and its end when the answer is in.

mod answer;
mod ended;
mod table;

use std::path::Path;
use std::thread;
use std::time::Duration;

use clap::Args;
use crashrate_supervisor::jobs::{self, JobProgress, ShardProgress};

use crate::error::{Exit, Failure};
use crate::output::{note, print};
use crate::values::duration;
use answer::{Answer, answer};
use ended::ended;
use table::table;

/// How often in a row a watch may fail to read the job: a shared disk may be away for a while.
const MOST_FAILURES: u32 = 60;

#[derive(Args, Debug)]
#[command(after_help = "\
The rounds are counted in the journals of the shards, in the job's folder. With --stop, the exit \
code is 0 if the results decide, and 121 if they do not.

States of shards:
  waiting   it has not started, or is about to start again
  running   it runs
  complete  it has run all that it has to
  stopped   it ended before that
  lost      its process died
  missing   it never started, and the engine no longer has it
  unknown   it writes to a volume that is not mounted here

Examples:
  crashrate status                     the latest job
  crashrate status 3 --watch           until all shards have ended
  crashrate status 3 --watch --stop    cancel the shards once their results decide")]
pub(crate) struct StatusArguments {
    /// A job's folder or number, or `latest`
    #[arg(default_value = "latest")]
    job: String,

    /// Repeat until all shards have ended
    #[arg(long)]
    watch: bool,

    /// Cancel the other shards when the results so far decide the run's stopping rule
    #[arg(long)]
    stop: bool,

    /// With --watch: the time between two looks
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        value_parser = duration,
        requires = "watch"
    )]
    every: Duration,
}

pub(crate) fn status(runs: &Path, arguments: &StatusArguments) -> Result<Exit, Failure> {
    let folder = jobs::find(&jobs::jobs_folder(runs), &arguments.job)?;
    let mut progress = JobProgress::new(folder)?;
    let mut before = Vec::new();
    let mut notes = Notes::default();
    let mut ask_again = false;
    let mut failures = 0;
    loop {
        let shards = match progress.update() {
            Ok(shards) => shards,
            Err(error) if arguments.watch && failures < MOST_FAILURES => {
                failures += 1;
                notes.say(error.to_string());
                thread::sleep(arguments.every);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        failures = 0;
        notes.say_unasked(&progress);
        let is_over = shards.iter().all(|shard| shard.has_ended);
        let is_news = counts(&shards) != counts(&before);
        if !arguments.watch || is_news || is_over {
            print(&table(&progress, &shards))?;
        }
        if is_over {
            print(&ended(&progress, &shards))?;
        }
        if arguments.stop && (is_news || ask_again || is_over || !arguments.watch) {
            ask_again = false;
            match answer(&progress) {
                Ok(Answer::In(what)) if is_over => {
                    note(what);
                    return Ok(Exit::Passed);
                }
                Ok(Answer::In(what)) => return stop(&progress, &what),
                Ok(Answer::NotIn(why)) if !arguments.watch || is_over => {
                    note(why);
                    return Ok(Exit::Undecided);
                }
                Ok(Answer::NotIn(_)) => {}
                // A shard may have been writing: the next look reads its journal again.
                Err(failure) if arguments.watch && !is_over => {
                    notes.say(failure.message);
                    ask_again = true;
                }
                Err(failure) => return Err(failure),
            }
        }
        if !arguments.watch || is_over {
            return Ok(Exit::Passed);
        }
        before = shards;
        thread::sleep(arguments.every);
    }
}

/// The notes of a watch. None is printed twice in a row.
#[derive(Default)]
struct Notes {
    last: Option<String>,
    unasked: Option<String>,
}

impl Notes {
    fn say(&mut self, text: String) {
        if self.last.as_ref() != Some(&text) {
            note(&text);
            self.last = Some(text);
        }
    }

    /// Says that the engine does not answer: a shard that it cancelled looks as if it waited.
    fn say_unasked(&mut self, progress: &JobProgress) {
        let why = progress.unasked().map(str::to_owned);
        if let Some(why) = why.as_ref().filter(|_| why != self.unasked) {
            note(format_args!(
                "warning: {} could not be asked ({why}): the states are from the journals alone, so \
                 a cancelled shard is shown as waiting or lost",
                progress.job().engine.title()
            ));
        }
        self.unasked = why;
    }
}

/// What a watch prints again when it changes.
fn counts(shards: &[ShardProgress]) -> Vec<(&'static str, [u64; 3], bool)> {
    let count = |shard: &ShardProgress| {
        let counts = [shard.rounds, shard.bad, shard.lost];
        (shard.state.word(), counts, shard.is_held)
    };
    shards.iter().map(count).collect()
}

/// Cancels the shards that have not ended.
fn stop(progress: &JobProgress, answer: &str) -> Result<Exit, Failure> {
    jobs::cancel(progress.folder(), progress.job())?;
    note(format_args!("{answer}; the other shards are cancelled"));
    Ok(Exit::Passed)
}
