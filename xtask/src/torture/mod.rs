//! Kills the supervisor of a run at random moments and checks that nothing is lost or left behind.

mod processes;
mod record;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::workspace::Workspace;

const SUITE: &str = include_str!("suite.toml");
const JOBS: &str = "4";
/// The kinds of evidence. Each gets a quarter of the kills.
const EVIDENCE: [&[&str]; 4] = [
    &["--evidence=auto"],
    &["--evidence=trace"],
    &["--evidence=none"],
    // On most machines, core dumps need a directory that crashrate creates.
    &["--evidence=core", "--fresh-directory"],
];
/// The longest time between the start of a supervisor and its kill. Most rounds take longer, so
/// that 200 rounds last for all kills.
const LONGEST_LIFE_MILLIS: u64 = 900;
/// A killed supervisor ends at once; a run that is not killed any more takes about a minute.
const HANG: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seed of the moments of the kills [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Total number of kills; a quarter of them under each kind of evidence
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// A `crashrate` program [default: a release build]
    #[arg(long)]
    program: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let program = match &arguments.program {
        Some(program) => std::path::absolute(program)?,
        None => workspace.build_crashrate()?,
    };
    let seed = arguments
        .seed
        .unwrap_or_else(|| u64::from(std::process::id()));
    say!(
        "seed {seed}: kill -9 of the supervisor {} times, in runs of 200 rounds with --jobs {JOBS}",
        arguments.kills
    );
    if !processes::can_be_seen() {
        say!("warning: no /proc here; processes left behind are not found");
    }
    for (place, evidence) in (0..).zip(EVIDENCE) {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        say!("{}:", evidence.join(" "));
        let torture = Torture {
            program: program.clone(),
            folder: folder.path().to_owned(),
            random: ChaCha8Rng::seed_from_u64(seed + place),
            kills_left: arguments.kills.div_ceil(EVIDENCE.len() as u32),
            evidence,
        };
        let done = torture.run();
        if done.is_err() {
            say!("the files are in {}", folder.keep().display());
        }
        done.with_context(|| format!("the torture run of seed {seed} failed"))?;
    }
    Ok(())
}

struct Torture {
    program: PathBuf,
    folder: PathBuf,
    random: ChaCha8Rng,
    kills_left: u32,
    evidence: &'static [&'static str],
}

impl Torture {
    /// Starts runs until all kills are done. One is enough unless the machine is faster than
    /// expected.
    fn run(mut self) -> Result<()> {
        fs::write(self.folder.join("suite.toml"), SUITE)?;
        for number in 1.. {
            let (begun, kills_before) = (Instant::now(), self.kills_left);
            let run = self.one_run(number)?;
            let id = id_of(&run)?;
            processes::must_go(processes::of_run(id), "a complete run left")?;
            processes::must_go(processes::guardians(id), "a complete run left guardians:")?;
            let counts = record::check_journal(&run)?;
            record::check_report(&self.report(id)?)?;
            say!(
                "run {number}: {} kills, {} supervisors opened the journal, {} attempts were lost \
                 and repeated; all 200 rounds are recorded once, and no process is left ({:.0} s)",
                kills_before - self.kills_left,
                counts.opened,
                counts.lost,
                begun.elapsed().as_secs_f64()
            );
            if self.kills_left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// One run, from its first supervisor to the one that completes it.
    fn one_run(&mut self, number: u32) -> Result<PathBuf> {
        let mut supervisor = {
            let run = ["run", "suite.toml", "--jobs", JOBS, "--seed", "7"];
            self.start(&[&run, self.evidence].concat())?
        };
        // A supervisor that is killed before it has created its run leaves nothing to resume.
        let run = self.wait_for_journal(&mut supervisor, number)?;
        let id = id_of(&run)?.to_owned();
        let mut earlier = Vec::new();
        loop {
            if self.kills_left == 0 {
                wait(&mut supervisor)?;
                return Ok(run);
            }
            let life = Duration::from_millis(self.random.next_u64() % LONGEST_LIFE_MILLIS);
            // Half of the resumptions start while the guardian of the killed supervisor is still
            // working.
            let overlaps = self.random.next_u32().is_multiple_of(2);
            std::thread::sleep(life);
            if supervisor.try_wait()?.is_some() {
                return Ok(run);
            }
            supervisor.kill()?;
            wait(&mut supervisor)?;
            self.kills_left -= 1;
            processes::must_go(earlier, "an earlier supervisor left")?;
            earlier = processes::of_run(&id);
            if !overlaps {
                processes::must_go(std::mem::take(&mut earlier), "a killed supervisor left")?;
            }
            supervisor = self.start(&["run", "--resume", &id, "--jobs", JOBS])?;
        }
    }

    fn start(&self, arguments: &[&str]) -> Result<Child> {
        let path = self.folder.join("output");
        let output = File::options().append(true).create(true).open(path)?;
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let started = command.spawn();
        started.with_context(|| format!("{} could not be started", self.program.display()))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CRASHRATE_") {
                command.env_remove(name);
            }
        }
        command.env("CRASHRATE_RUNS_DIR", self.folder.join("runs"));
        command.current_dir(&self.folder).args(arguments);
        command
    }

    fn report(&self, id: &str) -> Result<serde_json::Value> {
        let done = self.command(&["report", id, "--format", "json"]).output()?;
        ensure!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        serde_json::from_slice(&done.stdout).context("the report is not JSON")
    }

    fn wait_for_journal(&self, supervisor: &mut Child, number: u32) -> Result<PathBuf> {
        let prefix = format!("{number}-");
        poll("crashrate creates no run", || {
            let runs = fs::read_dir(self.folder.join("runs")).into_iter().flatten();
            let mut runs = runs.flatten().map(|run| run.path());
            let found = runs.find(|run| {
                let has_records =
                    fs::metadata(run.join("journal.jsonl")).is_ok_and(|file| file.len() > 0);
                has_records && id_of(run).is_ok_and(|id| id.starts_with(&prefix))
            });
            if found.is_none()
                && let Some(status) = supervisor.try_wait()?
            {
                bail!("crashrate ended ({status}) before it created a run");
            }
            Ok(found)
        })
    }
}

fn id_of(run: &Path) -> Result<&str> {
    let name = run.file_name().and_then(|name| name.to_str());
    name.context("the folder of a run has no name")
}

fn wait(child: &mut Child) -> Result<()> {
    let ended = poll("the supervisor hangs", || Ok(child.try_wait()?.map(drop)));
    if ended.is_err() {
        let _ = child.kill();
    }
    ended
}

/// Asks again until there is a result, or [`HANG`] is over.
fn poll<T>(problem: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < HANG {
        if let Some(result) = ask()? {
            return Ok(result);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("{problem}: waited for {} s", HANG.as_secs())
}
