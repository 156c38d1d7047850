//! The steps of the workflows of GitHub and the pipelines of Buildkite, run here.

use std::path::Path;

use crashrate_model::Outcome;

use crate::engines::{submit, validator};
use crate::util::{Journal, Place};

/// The fourth round, which belongs to the first of three shards, is bad until that shard is run
/// again.
const BAD_AT_FIRST: &str = r#"
bad = ["failed"]

[[chapter]]
id = "x"
command = ["sh", "-c", "exit $((CRASHRATE_ROUND == 4 && ATTEMPT == 1))"]
"#;

/// Runs the jobs one after another, and some of them twice.
#[track_caller]
fn assert_steps_work(place: &Place, file: &Path) {
    let Some(python) = validator("python") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/steps.py");
    let crashrate = Path::new(env!("CARGO_BIN_EXE_crashrate")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", crashrate.display());
    let mut command = place.command_of(python.to_str().unwrap(), &[]);
    command.arg(script).arg(file).env("PATH", path);
    let done = place.start(&mut command).wait();
    // One of ten rounds failed, although it passed when its shard was run again.
    assert_eq!(done.code(), 100, "{}{}", done.stdout, done.stderr);
    let merged = Journal::read(&place.path().join("merged"));
    let outcomes: Vec<_> = merged.ended.iter().map(|end| end.outcome).collect();
    assert_eq!(outcomes.len(), 10, "{}", done.stdout);
    let is_failed = |outcome: &&Outcome| **outcome == Outcome::Failed;
    assert_eq!(outcomes.iter().filter(is_failed).count(), 1, "{outcomes:?}");
}

#[test]
fn the_first_result_of_each_round_counts() {
    for engine in ["github --install true", "buildkite"] {
        let place = Place::new();
        place.suite(BAD_AT_FIRST);
        let line = format!("--on {engine} --shards 3 -n 10 --dry-run");
        let text = submit(&place, &line).expect(0).stdout;
        let file = place.write("ci.yml", text);
        assert_steps_work(&place, &file);
    }
}
