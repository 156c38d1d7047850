//! What is measured: groups of cases. The cases of a group are measured in turn.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::machine::is_installed;
use super::programs::Programs;

/// A program that is run a given number of rounds.
pub(super) struct Case {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) rounds: u64,
    pub(super) command: Box<dyn Fn(u64) -> Result<Command>>,
    /// The same case with the other `crashrate` program.
    pub(super) other: Option<Box<dyn Fn(u64) -> Result<Command>>>,
}

pub(super) struct Group {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// Key of the case that ratios refer to.
    pub(super) reference: &'static str,
    /// Report seconds a round instead of rounds a second.
    pub(super) by_time: bool,
    pub(super) cases: Vec<Case>,
    pub(super) note: &'static str,
}

pub(super) struct Maker<'a> {
    pub(super) programs: &'a Programs,
    /// Holds everything that a call writes.
    pub(super) scratch: &'a Path,
    pub(super) quick: bool,
}

impl Maker<'_> {
    fn case(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        command: impl Fn(u64) -> Result<Command> + 'static,
    ) -> Case {
        Case {
            key,
            name,
            rounds: match self.quick {
                true => (rounds / 8).max(4),
                false => rounds,
            },
            command: Box::new(command),
            other: None,
        }
    }

    fn bare_loop(&self, key: &'static str, name: &'static str, rounds: u64, child: &str) -> Case {
        let program = self.programs.bare_loop.clone();
        let child = child.to_owned();
        self.case(key, name, rounds, move |rounds| {
            let mut command = Command::new(&program);
            command.args([key, "2", &rounds.to_string()]);
            command.args(child.split(' '));
            Ok(command)
        })
    }

    /// `crashrate run --rounds N OPTIONS WHAT`, where WHAT is a suite, or `-- PROGRAM ARGUMENT...`.
    fn crashrate(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        options: &'static str,
        what: &str,
    ) -> Case {
        let command_of = |program: &Path| {
            let (program, scratch) = (program.to_owned(), self.scratch.to_owned());
            let what = what.to_owned();
            move |rounds: u64| -> Result<Command> {
                let mut command = Command::new(&program);
                command
                    .current_dir(&scratch)
                    .env("CRASHRATE_RUNS_DIR", scratch.join("runs"))
                    .args(["run", "--seed", "1", "--rounds", &rounds.to_string()])
                    .args(options.split(' '))
                    .args(what.split(' '));
                Ok(command)
            }
        };
        let mut case = self.case(key, name, rounds, command_of(&self.programs.crashrate));
        if let Some(program) = &self.programs.other {
            case.other = Some(Box::new(command_of(program)));
        }
        case
    }

    pub(super) fn tiny(&self) -> Result<Group> {
        const ROUNDS: u64 = 8000;
        const UNTRACED: &str = "--jobs 2 --evidence=none";
        const TRACED: &str = "--jobs 2 --evidence=trace";
        let child = text(&self.programs.nothing);
        let command = format!("-- {child}");
        let misbehave = json!([text(&self.programs.misbehave), "pass"]);
        let forked = self.suite(
            "forked",
            &format!("spawn = \"fork\"\nzygote = true\ncommand = {misbehave}\n"),
        )?;
        let bare = |key, name| self.bare_loop(key, name, ROUNDS, &child);
        let mut cases = vec![
            bare("plain", "bare loop: vfork, no capture"),
            bare("pipes", "bare loop: vfork, two pipes"),
            bare("memory", "bare loop: vfork, a file in memory"),
            bare("spawn", "bare loop: posix_spawn, two pipes"),
            bare("command", "bare loop: std Command::output"),
        ];
        if is_installed("xargs") {
            cases.push(self.xargs(ROUNDS));
        }
        if is_installed("hyperfine") {
            let name = "hyperfine -N, one in flight, no capture";
            cases.push(self.case("hyperfine", name, ROUNDS / 2, move |rounds| {
                let mut command = Command::new("hyperfine");
                command.args(["-N", "--style", "none", "--warmup", "0", "--runs"]);
                command.args([&rounds.to_string(), &child]);
                Ok(command)
            }));
        }
        let crashrate = |key, name, options, what| self.crashrate(key, name, ROUNDS, options, what);
        cases.extend([
            crashrate("untraced", "crashrate, untraced", UNTRACED, &command),
            crashrate("traced", "crashrate, traced", TRACED, &command),
            crashrate(
                "forked",
                "crashrate, untraced, forked (another child: `misbehave pass`)",
                UNTRACED,
                &forked,
            ),
            crashrate(
                "forked-traced",
                "crashrate, traced, forked (the same)",
                TRACED,
                &forked,
            ),
        ]);
        Ok(Group {
            key: "tiny",
            title: "A tiny static child, two in flight",
            reference: "pipes",
            by_time: false,
            cases,
            note: "The child's `main` returns 0; it is linked statically. The forked program is \
                   warm.",
        })
    }

    fn xargs(&self, rounds: u64) -> Case {
        let (program, lines) = (self.programs.nothing.clone(), self.scratch.join("lines"));
        self.case(
            "xargs",
            "xargs -P2 -n1, no capture",
            rounds,
            move |rounds| {
                fs::write(&lines, "x\n".repeat(usize::try_from(rounds)?))?;
                let mut command = Command::new("xargs");
                command.args(["-P2", "-n1"]).arg(&program);
                command.stdin(File::open(&lines)?);
                Ok(command)
            },
        )
    }

    pub(super) fn libtest(&self, test: &Path, root: &Path) -> Group {
        const ROUNDS: u64 = 2000;
        let child = format!("{} passes --exact", text(test));
        let command = format!("-- {child}");
        let crashrate = |key, name, options| self.crashrate(key, name, ROUNDS, options, &command);
        let mut cases = vec![
            self.bare_loop("pipes", "bare loop: vfork, two pipes", ROUNDS, &child),
            crashrate(
                "untraced",
                "crashrate, untraced",
                "--jobs 2 --evidence=none",
            ),
            crashrate("traced", "crashrate, traced", "--jobs 2 --evidence=trace"),
        ];
        if is_installed("cargo-nextest") {
            cases.push(self.nextest("nextest", "nextest, stress", 400, root, None));
            let name = "nextest, stress, without its double spawn";
            cases.push(self.nextest("nextest-single", name, 800, root, Some("0")));
        }
        Group {
            key: "libtest",
            title: "A Rust test binary with one empty test, two in flight",
            reference: "pipes",
            by_time: false,
            cases,
            note: "nextest runs the stress rounds of a test one after another. Its build check \
                   and its listing are in both of its calls, and so in no round.",
        }
    }

    fn nextest(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        root: &Path,
        double_spawn: Option<&'static str>,
    ) -> Case {
        let root = root.to_owned();
        self.case(key, name, rounds, move |rounds| {
            let mut command = Command::new("cargo-nextest");
            command
                .current_dir(&root)
                .args(["nextest", "run", "--cargo-profile", "release"])
                .args(["-p", "crashrate-testkit", "--test", "one"])
                .args(["--stress-count", &rounds.to_string()])
                .args(["--status-level", "none", "--final-status-level", "none"])
                .args(["--show-progress", "none", "--cargo-quiet"]);
            if let Some(value) = double_spawn {
                command.env("NEXTEST_DOUBLE_SPAWN", value);
            }
            Ok(command)
        })
    }

    pub(super) fn failing(&self) -> Result<Group> {
        const TWO: &str = "--jobs 2 --evidence=none --report-only";
        const ONE: &str = "--jobs 1 --evidence=none --report-only";
        let output = self.scratch.join("output.txt");
        let line = "a line of output that says what failed and where\n";
        fs::write(&output, line.repeat(100_000 / line.len()))?;
        // `cat` fails because the second file does not exist.
        let missing = text(&self.scratch.join("missing"));
        let silent = format!("-- cat {missing}");
        let loud = format!("-- cat {} {missing}", text(&output));
        let cases = vec![
            self.crashrate("silent", "fails, two in flight", 2000, TWO, &silent),
            self.crashrate(
                "loud",
                "prints 100 KB and fails, two in flight",
                2000,
                TWO,
                &loud,
            ),
            self.crashrate("loud-one", "the same, one in flight", 1000, ONE, &loud),
        ];
        Ok(Group {
            key: "failing",
            title: "A child that fails",
            reference: "silent",
            by_time: false,
            cases,
            note: "Untraced. The output of each failed round is written to the run folder.",
        })
    }

    pub(super) fn flood(&self) -> Group {
        const BYTES: &str = "200000000";
        let child = format!("-- {} flood-all {BYTES}", text(&self.programs.misbehave));
        let crashrate = |key, name, options| self.crashrate(key, name, 8, options, &child);
        Group {
            key: "flood",
            title: "Children that write 200 MB to each of their descriptors, two in flight",
            reference: "untraced",
            by_time: true,
            cases: vec![
                crashrate(
                    "untraced",
                    "crashrate, untraced",
                    "--jobs 2 --report-only --evidence=none",
                ),
                crashrate(
                    "traced",
                    "crashrate, traced",
                    "--jobs 2 --report-only --evidence=trace",
                ),
            ],
            note: "The peak of memory is what matters here.",
        }
    }

    pub(super) fn libtorch(&self) -> Result<Group> {
        let suite = self.suite(
            "forward-pass",
            "worker = \"encoder-layer\"\n\
             params = { threads = 1, iterations = 1, d_model = 64, feed_forward = 256 }\n",
        )?;
        let crashrate =
            |key, name, rounds, options| self.crashrate(key, name, rounds, options, &suite);
        Ok(Group {
            key: "libtorch",
            title: "The worker: one small forward pass on the CPU, one in flight",
            reference: "exec",
            by_time: false,
            cases: vec![
                crashrate(
                    "exec",
                    "crashrate, executed",
                    10,
                    "--mode isolated --spawn exec",
                ),
                crashrate(
                    "fork",
                    "crashrate, forked",
                    200,
                    "--mode isolated --spawn fork",
                ),
            ],
            note: "Traced. The start of the forked process is in both calls, and so in no round.",
        })
    }

    pub(super) fn story(&self) -> Group {
        let suite = text(&self.programs.story);
        let crashrate = |key, name, options| self.crashrate(key, name, 4, options, &suite);
        Group {
            key: "story",
            title: "The story on the CPU, all chapters in each round, one in flight",
            reference: "sequential",
            by_time: true,
            cases: vec![
                crashrate(
                    "sequential",
                    "in sequence, executed",
                    "--mode sequential --spawn exec --jobs 1 --device cpu --report-only",
                ),
                crashrate(
                    "sequential-fork",
                    "in sequence, forked",
                    "--mode sequential --spawn fork --jobs 1 --device cpu --report-only",
                ),
                crashrate(
                    "isolated",
                    "isolated, executed",
                    "--mode isolated --spawn exec --jobs 1 --device cpu --report-only",
                ),
                crashrate(
                    "isolated-fork",
                    "isolated, forked",
                    "--mode isolated --spawn fork --jobs 1 --device cpu --report-only",
                ),
            ],
            note: "The ratio is the cost relative to the executed sequence. Traced.",
        }
    }

    /// Writes a suite of one chapter and returns its path.
    fn suite(&self, name: &str, chapter: &str) -> Result<String> {
        let path = self.scratch.join(name).with_extension("toml");
        let toml = format!(
            "[suite]\nname = \"{name}\"\ndevice = \"cpu\"\n\n\
             [[chapter]]\nid = \"{name}\"\n{chapter}"
        );
        fs::write(&path, toml).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(text(&path))
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
