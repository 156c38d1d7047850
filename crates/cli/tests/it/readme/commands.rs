//! Running the commands of a README, or only checking their flags.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::project;
use crate::util::Place;

/// The beginnings of commands that the test does not run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo ", "builds for minutes, and may need the network"),
    ("bash .ci/run", "runs all tests, this one included"),
    ("sudo ", "needs root"),
    ("crashrate-worker ", "needs libtorch"),
    ("crashrate calibrate ", "needs libtorch"),
    ("crashrate run configs/n197", "needs libtorch"),
    ("crashrate run configs/quick.toml", "needs libtorch"),
    ("crashrate run configs/soak.toml", "needs libtorch"),
    ("crashrate run configs/story.toml", "needs libtorch"),
    ("crashrate run story.toml", "needs libtorch"),
    ("crashrate run configs/variants.toml", "needs libtorch"),
    ("crashrate run configs/verification.toml", "needs libtorch"),
    ("crashrate run --from ", "needs the framework"),
    ("crashrate minimize --from ", "needs the framework"),
    ("crashrate minimize configs/n197", "needs libtorch"),
    (
        "crashrate run --rounds 20 -- python3 script.py",
        "needs a script of the reader's",
    ),
    (
        "pip install ",
        "compiles for minutes, and may need the network",
    ),
    ("pytest --crashrate ", "needs pytest"),
    ("crashrate init -- ./math_test", "needs GoogleTest"),
    ("crashrate debug ", "needs a debugger"),
    ("crashrate submit ", "needs an engine"),
    ("crashrate status ", "needs a job"),
    ("crashrate ab --rev ", "needs a repository"),
    ("crashrate ab --pip ", "downloads packages"),
    ("crashrate bisect ", "needs a repository"),
    (
        "crashrate provoke suite.toml",
        "needs a suite of the reader's",
    ),
    ("crashrate serve", "serves until Ctrl-C"),
    ("crashrate submit suite.toml", "needs a cluster"),
    ("crashrate status ", "needs a job"),
    ("crashrate doctor --self-test", "takes half a minute"),
];

/// Exit codes of a valid `crashrate` command: not 96 (usage) and not 4 (nothing to run).
const RIGHT: [i32; 4] = [0, 100, 120, 121];

pub(super) fn not_run(command: &str) -> bool {
    NOT_RUN
        .iter()
        .any(|(beginning, _)| command.starts_with(beginning))
}

pub(super) fn run(place: &Place, command: &str) -> Result<(), String> {
    let mut shell = place.command_of("sh", &["-c", command]);
    let programs = Path::new(env!("CARGO_BIN_EXE_crashrate"))
        .parent()
        .unwrap()
        .display();
    shell.env(
        "PATH",
        format!("{programs}:{}", std::env::var("PATH").unwrap()),
    );
    let begun = Instant::now();
    let done = place.start(&mut shell).wait();
    let took = begun.elapsed();
    println!(
        "$ {command}    [{took:.1?}]\n{}{}",
        done.stdout, done.stderr
    );
    let is_ours = command.starts_with("crashrate ");
    match done.code() {
        0 => Ok(()),
        code if is_ours && RIGHT.contains(&code) => Ok(()),
        code => Err(format!("exit code {code}: {}", done.stderr)),
    }
}

/// Checks a command without running it.
pub(super) fn flags_are_right(command: &str) -> Result<(), String> {
    let command = command.split(" #").next().unwrap();
    let words: Vec<_> = command
        .split_whitespace()
        .take_while(|word| *word != "--")
        .collect();
    match words[..] {
        ["cargo", "xtask", task, ..] => is_a_task(task),
        ["crashrate", "help", topic] => help(&["help", topic]).map(drop),
        ["crashrate", subcommand, ref rest @ ..] => {
            let help = help(&[subcommand, "--help"])?;
            let known: Vec<_> = help
                .split(|c: char| !c.is_alphanumeric() && c != '-')
                .collect();
            for word in rest {
                let flag = word.split('=').next().unwrap();
                if flag.starts_with("--") && !known.contains(&flag) {
                    return Err(format!("`crashrate {subcommand}` has no {flag}"));
                }
                if word.starts_with("configs/") && !project().join(word).is_file() {
                    return Err(format!("exit code 96: there is no {word}"));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn help(arguments: &[&str]) -> Result<String, String> {
    let program = env!("CARGO_BIN_EXE_crashrate");
    let output = Command::new(program).args(arguments).output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(format!(
            "exit code 96: there is no `crashrate {}`",
            arguments.join(" ")
        )),
    }
}

/// Checks that xtask has a task. The tasks are the variants of an enum: `check-macos` is
/// `CheckMacos`.
fn is_a_task(task: &str) -> Result<(), String> {
    let source = fs::read_to_string(project().join("xtask/src/main.rs")).unwrap();
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    let variant: String = task.split('-').map(capitalized).collect();
    let is_there = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&variant))
        .any(|rest| rest.starts_with([',', '(', ' ']));
    is_there
        .then_some(())
        .ok_or(format!("no task `{task}` in xtask/src/main.rs"))
}
