//! Cost and effect of the evidence modes: runs small racy programs in interleaved blocks under each
//! mode.

mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use super::machine;
use super::table::Spread;
use crate::workspace::{Workspace, call};

/// The sources in `fixtures/racy`.
const PROGRAMS: [&str; 6] = [
    "vector_growth.cpp",
    "reference_count.c",
    "lost_wakeup.c",
    "exit_statics.cpp",
    "every_tenth.c",
    "handled_signals.c",
];
/// The evidence modes; the others are compared with the first.
const MODES: [&str; 3] = ["none", "core", "trace"];
const COMPILE: [&str; 4] = ["-O1", "-g", "-Wall", "-pthread"];
/// Runs of each program with `--evidence auto`.
const AUTO_RUNS: usize = 5;
/// Of the order of the modes.
const SEED: u64 = 1;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Blocks of each program; each holds all three modes in a shuffled order
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    blocks: u32,
    /// Rounds of each mode in a block
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    rounds: u64,
    bad: u64,
    /// Median time of a round, seconds.
    median: f64,
    /// Time of the whole run, crash processing included, divided by its rounds; seconds.
    whole: f64,
    evidence_rounds: u64,
    /// Time of all evidence rounds; seconds.
    evidence_secs: f64,
    /// Whether an evidence round left evidence of a death.
    seen: bool,
}

/// A program and its blocks. The order of `modes` is that of `MODES`.
#[derive(Default)]
struct Measured {
    program: PathBuf,
    modes: [Vec<Block>; 3],
    auto: Vec<Block>,
}

pub(super) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let crashrate = workspace.build_crashrate()?;
    let scratch = tempfile::tempdir().context("no temporary folder")?;
    let mut measured = compile(workspace.root(), scratch.path())?;
    let date = machine::date();
    let before = machine::load();
    measure(&crashrate, &mut measured, scratch.path(), arguments)?;
    let versions =
        ["gcc", "ldd"].map(|program| machine::first_line(Command::new(program).arg("--version")));
    let conditions = format!(
        "`{}` (seed {SEED}), {date}, on {} (load {before} before, {} after); {}.",
        machine::command(),
        machine::machine(),
        machine::load(),
        Vec::from_iter(versions.into_iter().flatten()).join("; "),
    );
    let text = table::markdown(&measured, &conditions)?;
    say!("\n{text}");
    super::save(
        &workspace.root().join("fixtures/measured/evidence.md"),
        &text,
    )
}

/// Compiles the programs into `folder`.
fn compile(root: &Path, folder: &Path) -> Result<Vec<Measured>> {
    let mut programs = Vec::new();
    for source in PROGRAMS {
        let source = root.join("fixtures/racy").join(source);
        let is_c = source.extension().is_some_and(|extension| extension == "c");
        let compiler = if is_c { "gcc" } else { "g++" };
        let program = folder.join(source.file_stem().unwrap_or_default());
        let mut command = Command::new(compiler);
        command.args(COMPILE).arg("-o").args([&program, &source]);
        call(command, compiler)?;
        programs.push(Measured {
            program,
            ..Measured::default()
        });
    }
    Ok(programs)
}

fn measure(
    crashrate: &Path,
    measured: &mut [Measured],
    scratch: &Path,
    arguments: &Arguments,
) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let take = |mode, program: &Path, seed: u32| {
        block(crashrate, mode, program, arguments.rounds, seed, scratch)
            .with_context(|| format!("{} under {mode}", program.display()))
    };
    for number in 0..arguments.blocks {
        say!("block {} of {}", number + 1, arguments.blocks);
        for Measured { program, modes, .. } in &mut *measured {
            for mode in shuffled(&mut random) {
                modes[mode].push(take(MODES[mode], program, random.next_u32())?);
            }
        }
    }
    for number in 0..AUTO_RUNS {
        say!("auto: run {} of {AUTO_RUNS}", number + 1);
        for Measured { program, auto, .. } in &mut *measured {
            auto.push(take("auto", program, random.next_u32())?);
        }
    }
    Ok(())
}

fn shuffled(random: &mut ChaCha8Rng) -> [usize; 3] {
    let mut order = [0, 1, 2];
    order.swap(2, (random.next_u32() % 3) as usize);
    order.swap(1, (random.next_u32() % 2) as usize);
    order
}

/// Runs the program under an evidence mode and reads the run's journal.
fn block(
    crashrate: &Path,
    mode: &str,
    program: &Path,
    rounds: u32,
    seed: u32,
    scratch: &Path,
) -> Result<Block> {
    let runs = scratch.join("runs");
    let status = Command::new(crashrate)
        .args(["run", "--evidence", mode])
        .args(["--fresh-directory", "--report-only"])
        .args(["--timeout", "300ms", "--rounds", &rounds.to_string()])
        .args(["--seed", &seed.to_string(), "--runs-dir"])
        .arg(&runs)
        .arg("--")
        .arg(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("crashrate could not be started")?;
    ensure!(status.success(), "crashrate run ended with {status}");
    let entries = fs::read_dir(&runs).context("the runs folder cannot be read")?;
    let journal = (entries.flatten())
        .map(|entry| entry.path().join("journal.jsonl"))
        .find(|path| path.is_file())
        .context("the run left no journal")?;
    let text = fs::read_to_string(journal).context("the journal cannot be read")?;
    fs::remove_dir_all(&runs).context("the runs folder cannot be removed")?;
    read(&text)
}

fn read(journal: &str) -> Result<Block> {
    let mut block = Block::default();
    let mut secs = Vec::new();
    let mut last = 0.0;
    for line in journal.lines() {
        let line: Value =
            serde_json::from_str(line).context("a line of the journal is not JSON")?;
        let number = |key: &str| line[key].as_f64().unwrap_or_default();
        match line["rec"].as_str() {
            Some("ended") => {
                block.rounds += 1;
                let is_bad = line["outcome"] == "crashed" || line["outcome"] == "timed-out";
                block.bad += u64::from(is_bad);
                secs.push(number("secs"));
                last = number("at");
            }
            Some("evidence") => {
                block.evidence_rounds += 1;
                block.evidence_secs += number("secs");
                block.seen |= !line["crash"].is_null();
            }
            _ => {}
        }
    }
    ensure!(block.rounds > 0, "no round of the run ended");
    block.median = Spread::of(secs).map_or(0.0, |spread| spread.median);
    block.whole = last / block.rounds as f64;
    Ok(block)
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::bench::groups::is_installed;

    #[test]
    fn a_journal_becomes_a_block_and_blocks_a_table() {
        let journal = r#"{"rec":"opened","run":{}}
{"rec":"ended","at":1.0,"secs":0.5,"outcome":"passed","crash":null}
{"rec":"ended","at":2.0,"secs":0.7,"outcome":"crashed","crash":null}
{"rec":"evidence","at":3.0,"secs":0.9,"outcome":"crashed","crash":{"class":"SEGV_NULL"}}
"#;
        let block = read(journal).unwrap();
        assert_eq!((block.rounds, block.bad, block.whole), (2, 1, 1.0));
        assert_eq!((block.evidence_rounds, block.evidence_secs), (1, 0.9));
        assert!(block.seen);
        let measured = Measured {
            program: "example".into(),
            modes: std::array::from_fn(|_| vec![block.clone(); 2]),
            auto: vec![block],
        };
        let text = table::markdown(&[measured], "Here.").unwrap();
        assert!(
            text.contains("| example | 2/4 (50%) | 2/4 (50%) | 2/4 (50%) | 1.00 ("),
            "{text}"
        );
        assert!(
            text.contains("| example | 1 of 1 | 1 | 1 of 1 | 900 |"),
            "{text}"
        );
    }

    #[test]
    fn every_order_has_each_mode_once() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..50 {
            let mut order = shuffled(&mut random);
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2]);
        }
    }

    #[test]
    fn the_programs_compile() {
        if !["gcc", "g++"].into_iter().all(is_installed) {
            let required = std::env::var_os("CRASHRATE_REQUIRE_ALL").is_some_and(|v| v == "1");
            assert!(!required, "CRASHRATE_REQUIRE_ALL=1: there is no gcc or g++");
            println!("SKIPPED: there is no gcc or g++");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(compile(root, folder.path()).unwrap().len(), PROGRAMS.len());
    }
}
