//! The machine and the versions that figures belong to.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;

use crate::workspace::Workspace;

const UNKNOWN: &str = "unknown";

/// The load average of the last minute.
pub(super) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_once(' ')
        .map_or(UNKNOWN, |(load, _)| load)
        .to_owned()
}

/// The processor, its cores and the kernel.
pub(super) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = first_line(Command::new("uname").arg("-sr")).unwrap_or_else(|| UNKNOWN.to_owned());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores, {kernel}", model(&info))
}

fn model(cpuinfo: &str) -> &str {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim())
}

pub(super) fn date() -> String {
    first_line(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The versions of the measured programs that are installed.
pub(super) fn versions(workspace: &Workspace) -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12"])
        .current_dir(workspace.root());
    let crashrate = first_line(&mut git).map(|commit| format!("crashrate {commit}"));
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let all = [
        crashrate,
        first_line(Command::new(rustc).arg("--version")),
        first_line(Command::new("cargo-nextest").args(["nextest", "--version"])),
        first_line(Command::new("hyperfine").arg("--version")),
        first_line(Command::new("xargs").arg("--version")),
    ];
    Vec::from_iter(all.into_iter().flatten()).join("; ")
}

/// The command line of this call.
pub(super) fn command() -> String {
    env::args()
        .skip(1)
        .fold("cargo xtask".to_owned(), |line, word| line + " " + &word)
}

/// The first line that a program prints, if it succeeds.
pub(super) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_model_is_read_once() {
        let info = "processor\t: 0\nmodel name\t: A Processor @ 2 GHz\nmodel name\t: A Processor \
                    @ 2 GHz\n";
        assert_eq!(model(info), "A Processor @ 2 GHz");
        assert_eq!(model(""), "unknown processor");
    }
}
