//! `crashrate ab`: two commands, two revisions, two versions of a package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crashrate_testkit::repository::{COMMITS, RacyRepository};
use nix::sys::signal::Signal;

use crate::util::{Done, Place, skip, until};

/// A program that dies of SIGSEGV in `$1` of 10 rounds and of SIGABRT in `$2` of 10. Which rounds
/// those are depends on nothing else.
const DIES: &str = r#"#!/bin/sh
place=$((CRASHRATE_ROUND * 7 % 10))
[ $place -lt "$1" ] && kill -SEGV $$
[ $((9 - place)) -lt "$2" ] && kill -ABRT $$
exit 0
"#;

fn dies() -> Place {
    let place = Place::new();
    place.program("dies", DIES);
    place
}

#[test]
fn two_commands_are_compared_until_they_differ() {
    let place = dies();
    let ab = ["ab", "--evidence", "none", "./dies 5 0", "./dies 0 0"];
    let Done { stdout, .. } = place.crashrate(&ab).expect(0);
    for part in [
        "DECIDED  ./dies 0 0 crashes less often: 0/",
        "risk ratio 0",
        "odds ratio 0 (95%: 0 to 0.",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    let json = place.json();
    let verdict = json["comparisons"][0]["comparisons"][0]["verdict"].as_str();
    assert!(
        verdict
            .unwrap()
            .starts_with("./dies 0 0 crashes less often")
    );
}

#[test]
fn what_is_not_decided_says_what_it_would_take() {
    let place = dies();
    let ab = ["ab", "--evidence", "none", "-n", "10"];
    let same = ["./dies 1 0", "./dies 1 0", "--labels", "old,new"];
    let Done { stdout, .. } = place.crashrate(&[&ab[..], &same].concat()).expect(121);
    assert!(stdout.contains("UNDECIDED"), "{stdout}");
    assert!(stdout.contains("both sides were bad in the same") || stdout.contains("about"));
}

#[test]
fn a_crash_that_moves_is_told_from_one_that_is_gone() {
    let place = dies();
    let sides = ["./dies 4 0", "./dies 0 4"];
    let options = ["--labels", "old,new", "-n", "40", "--evidence", "none"];
    let done = place.crashrate(&[&["ab"], &sides[..], &options].concat());
    let stdout = done.expect(121).stdout;
    assert!(
        stdout.contains("The crash moved: new has another kind than old."),
        "{stdout}"
    );
    assert!(
        stdout.contains("SIGABRT: 0/40 (old) v 16/40 (new)"),
        "{stdout}"
    );
}

#[test]
fn wrong_sides_are_refused() {
    let place = dies();
    for (args, problem) in [
        (&["ab"][..], "nothing to compare"),
        (
            &["ab", "true | cat", "true"],
            "no shell reads `|`; to use one: sh -c",
        ),
        (&["ab", "true '", "true"], "is not a command line"),
        (&["ab", "./missing", "true"], "there is no program"),
        (&["ab", "--rev", "a", "--", "true"], "not a git repository"),
        (
            &["ab", "--pip", "x==1", "--", "true"],
            "two sides are compared, and 1 are given",
        ),
        (
            &["ab", "true", "false", "--labels", "a"],
            "--labels: name both sides",
        ),
        (
            &["ab", "true", "false", "--labels", ",b"],
            "--labels: ``: a label has 1 to 400 bytes",
        ),
        (
            &["ab", "--rev", "-x", "--rev", "b", "--", "true"],
            "begins with a dash: --rev=-x",
        ),
        (&["ab", "--resume", "1"], "there is no run"),
    ] {
        let Done { stderr, .. } = place.crashrate(args).expect(96);
        assert!(stderr.contains(problem), "{args:?}: {stderr}");
    }
}

/// A repository in the place's folder.
fn repository(place: &Place) -> RacyRepository {
    let folder = place.path().join("repository");
    fs::create_dir(&folder).unwrap();
    RacyRepository::make(&folder, 1)
}

/// Starts crashrate in a folder of the place.
fn in_folder(place: &Place, folder: &Path, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.current_dir(folder);
    command
}

#[test]
fn two_revisions_are_built_apart_from_the_users_tree() {
    let place = Place::new();
    let repository = repository(&place);
    repository.git(&["tag", "old", &repository.commits[0]]);
    fs::write(repository.folder.join("window.h"), "my own change").unwrap();
    let revisions = ["--rev", "old", "--rev", "main", "--build", "make"];
    let args = [
        &["ab"],
        &revisions[..],
        &["--evidence", "none", "--", "./race"],
    ]
    .concat();
    let run = || {
        let mut command = in_folder(&place, &repository.folder, &args);
        place.start(&mut command).wait()
    };
    let Done { stdout, stderr, .. } = run().expect(0);
    assert!(stderr.contains("building old: make"), "{stderr}");
    assert!(
        stdout.contains("DECIDED  main crashes more often"),
        "{stdout}"
    );
    // The tree is as it was, and the builds are used again.
    assert_eq!(repository.git(&["status", "--porcelain"]), "M window.h");
    assert!(!repository.folder.join("race").exists());
    let Done { stderr, .. } = run().expect(0);
    assert!(stderr.contains("old is built already"), "{stderr}");
    let Done { stderr, .. } = place.crashrate(&["ab", "--clean"]).expect(0);
    assert!(stderr.contains("removed 2 kept builds"), "{stderr}");
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_build_that_fails_ends_the_run_with_its_last_lines() {
    let place = Place::new();
    let repository = repository(&place);
    let broken = &repository.commits[repository.broken[0]];
    let args = [
        "ab", "--rev", "main", "--rev", broken, "--build", "make", "--", "./race",
    ];
    let mut command = in_folder(&place, &repository.folder, &args);
    let Done { stderr, .. } = place.start(&mut command).wait().expect(106);
    assert!(stderr.contains("#error unfinished"), "{stderr}");
    assert!(stderr.contains("  ran in "), "{stderr}");
    assert!(stderr.contains("build.log)"), "{stderr}");
}

#[test]
fn a_folder_that_a_revision_lacks_is_named() {
    let place = Place::new();
    let repository = repository(&place);
    let folder = repository.folder.join("later");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("Makefile"), "all:\n").unwrap();
    repository.git(&["add", "."]);
    repository.git(&["commit", "-q", "-m", "Add a folder"]);
    let args = ["ab", "--rev", "main~1", "--rev", "main", "--build", "make"];
    let args = [&args[..], &["--", "true"]].concat();
    let mut command = in_folder(&place, &folder, &args);
    let Done { stderr, .. } = place.start(&mut command).wait().expect(106);
    let old = repository.git(&["rev-parse", "main~1"]);
    let missing = format!(
        "`make` cannot run: commit {} has no folder `later/`",
        &old[..10]
    );
    assert!(stderr.contains(&missing), "{missing}\n{stderr}");
}

#[test]
fn a_program_in_the_users_tree_is_no_program_of_a_revision() {
    let place = Place::new();
    let repository = repository(&place);
    let program = repository.folder.canonicalize().unwrap().join("race");
    let args = [
        "ab",
        "--rev",
        "main",
        "--rev",
        "main~1",
        "--",
        program.to_str().unwrap(),
    ];
    let mut command = in_folder(&place, &repository.folder, &args);
    let Done { stderr, .. } = place.start(&mut command).wait().expect(96);
    assert!(stderr.contains("is in your own tree"), "{stderr}");
}

#[test]
fn a_suite_builds_the_revision_of_a_variant() {
    let place = Place::new();
    let repository = repository(&place);
    let suite = format!(
        "[suite]\nname = \"{}\"\n[[chapter]]\nid = \"race\"\ncommand = [\"./race\"]\n\
         [[variant]]\nid = \"old\"\nrevision = \"main~{COMMITS}\"\nbuild = [\"make\"]\n\
         [[variant]]\nid = \"new\"\nrevision = \"main\"\nbuild = [\"make\"]\n",
        place.name
    );
    fs::write(repository.folder.join("suite.toml"), &suite).unwrap();
    let args = [
        "run",
        "suite.toml",
        "--variant",
        "old",
        "--variant",
        "new",
        "-n",
        "3",
    ];
    let mut command = in_folder(&place, &repository.folder, &args);
    let done = place.start(&mut command).wait();
    assert!(done.stderr.contains("built new in"), "{}", done.stderr);
    let builds = place.json()["run"]["builds"].clone();
    assert_eq!(builds.as_array().unwrap().len(), 2, "{builds:#}");

    for (wrong, problem) in [
        ("revision = \"nowhere\"", "there is no revision `nowhere`"),
        ("build = [\"make\"]", "`build` needs a `revision`"),
        (
            "revision = \"main\"\npip = [\"x\"]",
            "both `revision` and `pip`",
        ),
        ("directory = \"nowhere\"", "there is no folder"),
    ] {
        let suite = format!("{suite}[[variant]]\nid = \"wrong\"\n{wrong}\n");
        fs::write(repository.folder.join("wrong.toml"), suite).unwrap();
        let mut command = in_folder(&place, &repository.folder, &["list", "wrong.toml"]);
        let Done { stderr, .. } = place.start(&mut command).wait().expect(96);
        assert!(
            stderr.contains("wrong.toml:") && stderr.contains(problem),
            "{stderr}"
        );
    }
}

#[test]
fn ctrl_c_ends_a_build_and_the_run_is_resumed() {
    let place = Place::new();
    let repository = repository(&place);
    let wait = "sh -c 'touch building; while [ -e ../../../../wait ]; do sleep 0.02; done; make'";
    let flag = place.write("runs/wait", "");
    let args = [
        "ab", "--rev", "main~60", "--rev", "main", "--build", wait, "--", "./race",
    ];
    let live = place.start(&mut in_folder(&place, &repository.folder, &args));
    let builds = place.runs_dir().join(".builds");
    let begun = || {
        let folders = fs::read_dir(&builds).into_iter().flatten().flatten();
        folders
            .map(|folder| folder.path().join("tree/building"))
            .find(|file| file.exists())
    };
    until("the build begins", || begun().is_some());
    live.signal(Signal::SIGINT);
    live.wait().expect(106);
    fs::remove_file(flag).unwrap();
    let mut command = in_folder(&place, &repository.folder, &["ab", "--resume", "latest"]);
    let Done { stdout, .. } = place.start(&mut command).wait().expect(0);
    assert!(
        stdout.contains("DECIDED  main crashes more often"),
        "{stdout}"
    );
}

/// A wheel of a package that crashes in this share of ten calls.
const WHEEL: &str = r#"
import sys, zipfile
version, share = sys.argv[1:]
code = f"""import ctypes, random
def go():
    if random.random() < {share}:
        ctypes.string_at(0)
"""
info = f"wobbly-{version}.dist-info"
with zipfile.ZipFile(f"wobbly-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("wobbly.py", code)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: wobbly\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
"#;

/// A folder with wheels of these versions, each with its share of crashes.
pub(crate) fn wheels(place: &Place, versions: &[(&str, &str)]) -> PathBuf {
    let script = place.write("wheels/wheel.py", WHEEL);
    let folder = script.parent().unwrap().to_owned();
    for (version, share) in versions {
        let made = Command::new("python3")
            .arg(&script)
            .args([version, share])
            .current_dir(&folder)
            .status();
        assert!(made.unwrap().success());
    }
    folder
}

/// Whether Python can make virtual environments here.
pub(crate) fn has_venv() -> bool {
    let asked = Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output();
    asked.is_ok_and(|output| output.status.success())
}

/// A command that finds packages only in this folder.
pub(crate) fn offline(place: &Place, wheels: &Path, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", wheels);
    command
}

#[test]
fn two_versions_of_a_package_are_compared() {
    if !has_venv() {
        return skip("python3 has no venv");
    }
    let place = Place::new();
    let wheels = wheels(&place, &[("1.0", "0.0"), ("1.1", "0.6")]);
    let versions = ["--pip", "wobbly==1.0", "--pip", "wobbly==1.1"];
    let command = [
        "--evidence",
        "none",
        "--",
        "python",
        "-c",
        "import wobbly; wobbly.go()",
    ];
    let args = [&["ab"], &versions[..], &command].concat();
    let Done { stdout, .. } = place
        .start(&mut offline(&place, &wheels, &args))
        .wait()
        .expect(0);
    assert!(
        stdout.contains("DECIDED  wobbly==1.1 crashes more often"),
        "{stdout}"
    );
}

/// Equal commands: at most 5% of runs may end with a verdict.
#[test]
#[ignore = "minutes; run by `cargo xtask verify ab`"]
fn equal_commands_200_times() {
    let place = Place::new();
    let script = "#!/bin/sh\n[ $(od -An -N1 -tu1 /dev/urandom) -ge 77 ] || kill -SEGV $$\n";
    place.program("dies", script);
    let args = [
        "ab",
        "-q",
        "-n",
        "60",
        "--evidence",
        "none",
        "./dies",
        "./dies",
    ];
    let mut verdicts = 0;
    for _ in 0..200 {
        let done = place.crashrate(&args);
        assert!(
            [0, 121].contains(&done.code()),
            "{}{}",
            done.stdout,
            done.stderr
        );
        verdicts += usize::from(done.code() == 0);
    }
    println!("{verdicts} verdicts in 200 runs");
    assert!(verdicts <= 10);
}
