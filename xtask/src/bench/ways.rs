//! What is measured: groups of ways to run the same program again and again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::machine::is_installed;
use super::programs::Programs;

/// One way to run a program so many times.
pub(super) struct Way {
    /// For the aims.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) rounds: u64,
    /// The rounds of the short call, whose time is taken off that of the long one.
    pub(super) short: u64,
    pub(super) command: Box<dyn Fn(u64) -> Result<Command>>,
}

/// Ways that are measured by turns.
pub(super) struct Group {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// The key of the way that the ratios are to.
    pub(super) reference: &'static str,
    /// Seconds a round, and ratios of them, in place of rounds a second.
    pub(super) by_time: bool,
    pub(super) ways: Vec<Way>,
    pub(super) note: &'static str,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(super) enum Size {
    Full,
    Quick,
}

/// Makes ways of what was built.
pub(super) struct Maker<'a> {
    pub(super) programs: &'a Programs,
    /// Everything that a call writes is in here.
    pub(super) scratch: &'a Path,
    pub(super) size: Size,
}

impl Maker<'_> {
    pub(super) fn way(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        command: impl Fn(u64) -> Result<Command> + 'static,
    ) -> Way {
        let rounds = match self.size {
            Size::Full => rounds,
            Size::Quick => (rounds / 8).max(4),
        };
        Way {
            key,
            name,
            rounds,
            short: 2,
            command: Box::new(command),
        }
    }

    fn bare(&self, key: &'static str, name: &'static str, rounds: u64, child: &[String]) -> Way {
        let (program, child) = (self.programs.bare_loop.clone(), child.to_vec());
        self.way(key, name, rounds, move |rounds| {
            let mut command = Command::new(&program);
            command.args([key, "2", &rounds.to_string()]).args(&child);
            Ok(command)
        })
    }

    /// A call of `crashrate run` with these arguments; what it runs stands behind `--rounds`.
    pub(super) fn crashrate(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        options: &[&str],
        what: &[String],
    ) -> Way {
        let (program, scratch) = (self.programs.crashrate.clone(), self.scratch.to_owned());
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let what = what.to_vec();
        self.way(key, name, rounds, move |rounds| {
            let mut command = Command::new(&program);
            command
                .current_dir(&scratch)
                .env("CRASHRATE_RUNS_DIR", scratch.join("runs"))
                .args(["run", "--seed", "1", "--rounds", &rounds.to_string()])
                .args(&options)
                .args(&what);
            Ok(command)
        })
    }

    pub(super) fn tiny(&self) -> Result<Group> {
        const ROUNDS: u64 = 8000;
        let child = [text(&self.programs.nothing)];
        let command = ["--".to_owned(), child[0].clone()];
        let forked = self.suite(
            "forked.toml",
            &format!(
                "[suite]\nname = \"forked\"\n\n[[chapter]]\nid = \"pass\"\nspawn = \"fork\"\nzygote = true\n\
                 command = {}\n",
                json!([text(&self.programs.misbehave), "pass"])
            ),
        )?;
        let mut ways = vec![
            self.bare("plain", "bare loop: vfork, no capture", ROUNDS, &child),
            self.bare("pipes", "bare loop: vfork, two pipes", ROUNDS, &child),
            self.bare(
                "memory",
                "bare loop: vfork, a file in memory",
                ROUNDS,
                &child,
            ),
            self.bare("spawn", "bare loop: posix_spawn, two pipes", ROUNDS, &child),
            self.bare("command", "bare loop: std Command::output", ROUNDS, &child),
        ];
        if is_installed("xargs") {
            ways.push(self.xargs(ROUNDS));
        }
        if is_installed("hyperfine") {
            let program = child[0].clone();
            let name = "hyperfine -N, one in flight, no capture";
            ways.push(self.way("hyperfine", name, ROUNDS / 2, move |rounds| {
                let mut command = Command::new("hyperfine");
                command.args(["-N", "--style", "none", "--warmup", "0", "--runs"]);
                command.args([&rounds.to_string(), &program]);
                Ok(command)
            }));
        }
        let traced = ["--jobs", "2", "--evidence=trace"];
        let bare = ["--jobs", "2", "--evidence=none"];
        ways.extend([
            self.crashrate("untraced", "crashrate, untraced", ROUNDS, &bare, &command),
            self.crashrate("traced", "crashrate, traced", ROUNDS, &traced, &command),
            self.crashrate(
                "forked",
                "crashrate, untraced, forked (not the same child: `misbehave pass`)",
                ROUNDS,
                &bare,
                &forked,
            ),
            self.crashrate(
                "forked-traced",
                "crashrate, traced, forked (likewise)",
                ROUNDS,
                &traced,
                &forked,
            ),
        ]);
        Ok(Group {
            key: "tiny",
            title: "A tiny static child, two in flight",
            reference: "pipes",
            by_time: false,
            ways,
            note: "The child's `main` returns 0 and it is linked statically. What forks is a Rust program, warm.",
        })
    }

    fn xargs(&self, rounds: u64) -> Way {
        let (program, lines) = (self.programs.nothing.clone(), self.scratch.join("lines"));
        let name = "xargs -P2 -n1, no capture";
        self.way("xargs", name, rounds, move |rounds| {
            fs::write(&lines, "x\n".repeat(usize::try_from(rounds)?))?;
            let mut command = Command::new("xargs");
            command.args(["-P2", "-n1"]).arg(&program);
            command.stdin(File::open(&lines)?);
            Ok(command)
        })
    }

    pub(super) fn libtest(&self, test: &Path, root: &Path) -> Group {
        const ROUNDS: u64 = 2000;
        let child = [text(test), "passes".into(), "--exact".into()];
        let mut command = vec!["--".to_owned()];
        command.extend(child.clone());
        let mut ways = vec![
            self.bare("pipes", "bare loop: vfork, two pipes", ROUNDS, &child),
            self.crashrate(
                "untraced",
                "crashrate, untraced",
                ROUNDS,
                &["--jobs", "2", "--evidence=none"],
                &command,
            ),
            self.crashrate(
                "traced",
                "crashrate, traced",
                ROUNDS,
                &["--jobs", "2", "--evidence=trace"],
                &command,
            ),
        ];
        if is_installed("cargo-nextest") {
            ways.push(self.nextest("nextest", "nextest, stress", 400, root, None));
            ways.push(self.nextest(
                "nextest-single",
                "nextest, stress, its double spawn off",
                800,
                root,
                Some("0"),
            ));
        }
        Group {
            key: "libtest",
            title: "A Rust test binary with one empty test, two in flight",
            reference: "pipes",
            by_time: false,
            ways,
            note: "nextest runs its stress rounds one after another, so that of one test one is in flight; its check of \
                   the build and its listing are in both of its calls, and thus in no round.",
        }
    }

    fn nextest(
        &self,
        key: &'static str,
        name: &'static str,
        rounds: u64,
        root: &Path,
        double_spawn: Option<&'static str>,
    ) -> Way {
        let root: PathBuf = root.to_owned();
        self.way(key, name, rounds, move |rounds| {
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

    /// Writes a suite, and gives it as the arguments of `crashrate run`.
    pub(super) fn suite(&self, name: &str, toml: &str) -> Result<[String; 1]> {
        let path = self.scratch.join(name);
        fs::write(&path, toml).with_context(|| format!("{name} cannot be written"))?;
        Ok([text(&path)])
    }
}

pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}
