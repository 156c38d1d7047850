//! `crashrate doctor --self-test`: every row is as expected on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::util::{Done, Place, skip};

/// Runs the self-test under a command that prepares its environment. Returns `None` if that command
/// does not work here.
#[track_caller]
fn under(place: &Place, before: &[&str], args: &[&str]) -> Option<Done> {
    let mut trial = Command::new(before[0]);
    trial.args(&before[1..]).arg("true");
    trial.stdout(Stdio::null()).stderr(Stdio::null());
    if !trial.status().is_ok_and(|status| status.success()) {
        skip(&format!("`{}` does not work here", before.join(" ")));
        return None;
    }
    // An ordinary user can read neither the build folder nor a temporary folder of root.
    fs::set_permissions(place.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let program = place.path().join("crashrate");
    fs::copy(env!("CARGO_BIN_EXE_crashrate"), &program).unwrap();
    let mut command = Command::new(before[0]);
    command
        .args(&before[1..])
        .arg(&program)
        .args(["doctor", "--self-test"]);
    command.args(args).current_dir(place.path());
    command.envs(
        place
            .command(&[])
            .get_envs()
            .filter_map(|(k, v)| Some((k, v?))),
    );
    command.env("TMPDIR", place.path());
    Some(place.start(&mut command).wait())
}

/// Checks the rows, and that nothing is left in the temporary folder.
#[track_caller]
fn all_as_expected(place: &Place, done: Option<Done>) {
    let Some(done) = done else {
        return;
    };
    let done = done.expect(0);
    assert!(!done.stdout.contains("WRONG"), "{}", done.stdout);
    for words in ["crashrate ", "user     uid ", " outcomes as expected"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert!(done.stdout.lines().all(|line| !line.ends_with(' ')));
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().flatten().collect();
    let is_left = |name: &str| name.starts_with(".tmp") || name.starts_with("core");
    let left = left
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| is_left(name));
    assert_eq!(left.count(), 0, "{:?}", place.path());
}

#[test]
fn as_the_current_user() {
    let place = Place::new();
    let done = under(&place, &["env"], &[]);
    all_as_expected(&place, done);
    assert!(place.runs().is_empty(), "the self-test leaves no run");
}

#[test]
fn as_an_ordinary_user() {
    let place = Place::new();
    let before = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let done = under(&place, &before, &[]);
    all_as_expected(&place, done);
}

#[test]
fn in_a_pid_namespace() {
    let place = Place::new();
    let done = under(&place, &["unshare", "--fork", "--pid", "--mount-proc"], &[]);
    all_as_expected(&place, done);
}

#[test]
fn in_a_mount_namespace() {
    let place = Place::new();
    let done = under(&place, &["unshare", "-m"], &[]);
    all_as_expected(&place, done);
}

#[test]
fn as_json() {
    let place = Place::new();
    let done = under(&place, &["env"], &["--format", "json"]).unwrap();
    let report: Value = serde_json::from_str(&done.expect(0).stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["as_expected"], true);
    let modes = report["modes"].as_array().unwrap();
    let names: Vec<_> = modes.iter().map(|mode| &mode["mode"]).collect();
    assert_eq!(names, ["core", "trace", "none"]);
    for mode in modes.iter().filter(|mode| mode["possible"] == true) {
        let cases = mode["cases"].as_array().unwrap();
        assert!(cases.len() >= 17, "{mode}");
        assert!(cases.iter().all(|case| case["as_expected"] == true));
    }
    let none = modes[2]["cases"].as_array().unwrap();
    let descendant = none.iter().find(|case| case["case"] == "descendant");
    let descendant = descendant.unwrap();
    assert_eq!(descendant["outcome"], "failed");
    assert!(descendant["exception"].is_string());
}

#[test]
fn an_unavailable_mode_gives_its_reason() {
    let place = Place::new();
    let shell = ["bash", "-c", "ulimit -c 0; exec \"$0\" \"$@\""];
    let Some(done) = under(&place, &shell, &[]) else {
        return;
    };
    let done = done.expect(0);
    assert!(
        done.stdout.contains("core: not possible here: "),
        "{}",
        done.stdout
    );
}
