//! Completions load in real shells, and the real `man` accepts the manual pages.

use std::fs;
use std::process::Command;

use crate::util::{Place, skip};

fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        skip(&format!("{program} is not installed"));
    }
    is_there
}

/// What a shell prints that loads the completions.
fn loaded(shell: &str, options: &[&str], script: &str) -> String {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_crashrate");
    let script = script.replace("CRASHRATE", program);
    let mut command = place.command_of(shell, options);
    // zsh keeps a cache of completions there.
    command.env("HOME", place.path()).args(["-c", &script]);
    let done = place.start(&mut command).wait().expect(0);
    assert_eq!(done.stderr, "", "{shell}");
    done.stdout
}

#[test]
fn bash_completes() {
    if !has("bash") {
        return;
    }
    let script = "source <(CRASHRATE completions bash); complete -p crashrate
        COMP_WORDS=(crashrate comp) COMP_CWORD=1
        _crashrate crashrate comp crashrate; echo \"${COMPREPLY[@]}\"";
    let said = loaded("bash", &["--norc"], script);
    assert!(said.contains("-F _crashrate"), "{said}");
    assert!(said.contains("compare completions"), "{said}");
}

#[test]
fn zsh_loads_completions() {
    if !has("zsh") {
        return;
    }
    let script = "autoload -U compinit; compinit -u
        source <(CRASHRATE completions zsh); print ${_comps[crashrate]}";
    assert_eq!(loaded("zsh", &["-f"], script), "_crashrate\n");
}

#[test]
fn completions_leave_hidden_subcommands_out() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let done = place.crashrate(&["completions", shell]).expect(0);
        assert!(done.stdout.contains("calibrate"), "{shell}");
        assert!(done.stdout.contains("evidence"), "{shell}");
        for hidden in ["guardian", "misbehave"] {
            assert!(!done.stdout.contains(hidden), "{shell}: {hidden}");
        }
    }
}

#[test]
fn manual_pages_have_no_warnings() {
    let place = Place::new();
    let done = place.crashrate(&["man", "pages/man1"]).expect(0);
    let folder = place.path().join("pages/man1");
    let names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        done.stdout,
        format!("{} pages in pages/man1\n", names.len())
    );
    for name in ["crashrate.1", "crashrate-run.1", "crashrate-runs-prune.1"] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("guardian")));
    let main = place.crashrate(&["man"]).expect(0).stdout;
    assert_eq!(
        main,
        fs::read_to_string(folder.join("crashrate.1")).unwrap()
    );
    if !has("man") {
        return;
    }
    for name in names {
        let path = folder.join(&name);
        let args = ["--warnings", "-E", "UTF-8", "-l", path.to_str().unwrap()];
        let mut man = place.command_of("man", &args);
        man.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8");
        let done = place.start(&mut man).wait().expect(0);
        assert_eq!(done.stderr, "", "{name}");
        assert!(done.stdout.contains("SYNOPSIS"), "{name}: {}", done.stdout);
        // Lines of examples are not joined.
        let lines = done.stdout.lines().map(str::trim);
        let examples = lines.filter(|line| line.starts_with("crashrate "));
        assert!(examples.count() > 0, "{name}: {}", done.stdout);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let place = Place::new();
    place.write("file", "");
    let done = place.crashrate(&["man", "file/man1"]).expect(96);
    assert!(done.stderr.contains("file/man1: "), "{}", done.stderr);
}
