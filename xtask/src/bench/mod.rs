//! The benchmark: crashrate, bare loops that do the least possible, and other runners, measured in
//! turn.
//!
//! | file | subject |
//! |---|---|
//! | `groups.toml`, `groups.rs` | the cases; the programs that they run |
//! | `measure.rs` | the cost of one call |
//! | `table.rs` | medians, spread, tables |
//! | `machine.rs` | the machine and versions |
//! | `evidence/` | rate and cost of the evidence modes |

mod evidence;
mod groups;
mod machine;
mod measure;
pub(crate) mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::groups::{Case, Group, Shell, groups};
use self::measure::{Cost, measure};
use self::table::Measured;
use crate::libtorch;
use crate::workspace::Workspace;

const SAMPLES: usize = 5;
/// Rounds of the short call. Its time is subtracted from that of the long call.
const SHORT: u64 = 2;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Measure only this group: tiny, libtest, failing, flood, libtorch or story; may be repeated
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
    /// A second `crashrate` program: measure both side by side, in alternating pairs, and nothing
    /// else
    ///
    /// Its worker is the `crashrate-worker` in the same folder.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Write the tables to `fixtures/measured/speed.md`, too
    #[arg(long)]
    save: bool,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Measure rate and cost of racy programs under each evidence mode, and write
    /// `fixtures/measured/evidence.md`
    Evidence(evidence::Arguments),
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if let Some(Other::Evidence(arguments)) = &arguments.other {
        return evidence::run(workspace, arguments);
    }
    let against = arguments.against.as_ref().map(fs::canonicalize).transpose();
    let against = against.context("--against cannot be found")?;
    let mut groups = groups(&arguments.only)?;
    let wants_worker = groups.iter().any(|group| group.needs_worker);
    let with_worker = wants_worker && libtorch::is_in_place(&workspace.libtorch())?;
    groups.retain(|group| with_worker || !group.needs_worker);

    let folder = workspace.target()?.join("bench");
    fs::create_dir_all(&folder).context("the folder for the figures cannot be made")?;
    let scratch = tempfile::tempdir_in(&folder).context("no temporary folder")?;
    if with_worker {
        workspace.build()?;
    } else {
        workspace.build_packages(&["crashrate", "crashrate-testkit"])?;
    }
    let shell = Shell {
        root: workspace.root(),
        release: &workspace.binaries()?,
        scratch: scratch.path(),
    };
    let load = machine::load();
    let mut tables = String::new();
    for group in groups {
        let measured = take(&shell, group, against.as_deref())?;
        tables += &format!("\n{}", measured.markdown());
    }
    if wants_worker && !with_worker {
        tables += "\nMeasured without libtorch: the groups of the worker are left out.\n";
    }
    let text = head(workspace, against.is_some(), &load) + &tables;
    say!("\n{text}");
    save(&folder.join("speed.md"), &text)?;
    if arguments.save {
        save(&workspace.root().join("fixtures/measured/speed.md"), &text)?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    say!("written: {}", path.display());
    Ok(())
}

/// Takes the samples of a group. Each sample starts with another case, and every second one goes
/// backwards, so that a drift of the machine affects all cases, and both programs of a pair, alike.
fn take(shell: &Shell, mut group: Group, against: Option<&Path>) -> Result<Measured> {
    (group.cases).retain(|case| against.is_none() || case.runs_crashrate());
    shell.prepare(&group)?;
    let cases = group.cases.len();
    let (mut samples, mut other) = (vec![Vec::new(); cases], vec![Vec::new(); cases]);
    for number in 0..SAMPLES {
        say!("{}: sample {} of {SAMPLES}", group.key, number + 1);
        let backwards = number % 2 == 1;
        for turn in 0..cases {
            let index = match backwards {
                true => cases - 1 - turn,
                false => (number + turn) % cases,
            };
            let case = &group.cases[index];
            let mut calls = vec![(None, &mut samples[index])];
            if against.is_some() {
                calls.push((against, &mut other[index]));
            }
            if backwards {
                calls.reverse();
            }
            for (program, samples) in calls {
                let sample = sample(shell, case, program);
                samples.push(sample.with_context(|| format!("{}: {}", group.key, case.name))?);
            }
        }
    }
    Ok(Measured {
        group,
        samples,
        other,
    })
}

/// The cost of one round.
fn sample(shell: &Shell, case: &Case, program: Option<&Path>) -> Result<Cost> {
    let call = |rounds| -> Result<_> {
        let cost = measure(&mut shell.case(case, rounds, program))?;
        // The runs of a whole benchmark would fill the disk.
        let _ = fs::remove_dir_all(shell.scratch.join("runs"));
        Ok((rounds, cost))
    };
    Cost::between(call(SHORT)?, call(case.rounds)?).context(
        "more rounds took less time: the machine is too busy\nwhat to do: measure again when it is \
         idle",
    )
}

fn head(workspace: &Workspace, side_by_side: bool, load: &str) -> String {
    let reference = match side_by_side {
        true => {
            "Each pair runs both programs one after the other; the ratio is this one to the other, \
             pair by pair."
        }
        false => "A ratio is to the case with ratio 1, sample by sample.",
    };
    format!(
        "## Speed\n\n`{}`, {}, on {} (load {load} before, {} after). {}.\n\n{SAMPLES} samples of \
         each case: median (least..greatest). {reference} Each sample calls the program twice, \
         with {SHORT} rounds and with many, and divides the difference of the times by that of \
         the rounds; the cost of start and end is in no figure. Own CPU is the program's own \
         processor time, without its children. The peak is the kernel's `VmHWM` of the program, \
         the greatest of all samples, read every 10 ms.\n",
        machine::command(),
        machine::date(),
        machine::machine(),
        machine::load(),
        machine::versions(workspace),
    )
}
