//! Time limits: the run ends whatever its children do.

use std::fs;

use crashrate_model::{DiedIn, Exit, Outcome};
use crashrate_testkit::programs;
use serde_json::json;

use crate::util::{Place, row};

#[test]
fn a_chapter_that_always_hangs() {
    let place = Place::new();
    let program = &programs().misbehave;
    place.suite(&format!(
        r#"
        [defaults]
        rounds = 3
        timeout = "200ms"

        [[chapter]]
        id = "hang"
        command = [{program:?}, "hang"]

        [[chapter]]
        id = "shell"
        command = ["sh", "-c", "sleep 300 & sleep 300"]

        [[chapter]]
        id = "groups"
        command = ["sh", "-mc", "sleep 300 & sleep 300"]
        "#
    ));
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let json = place.json();
    for chapter in ["hang", "shell", "groups"] {
        let row = row(&json["chapters"], "chapter", chapter);
        assert_eq!(row["outcomes"], json!({"timed-out": 3}));
        assert_eq!(row["first_attempt"], json!({"bad": 3, "n": 3}));
        // crashrate sent the signal, so it is not listed.
        assert_eq!(row["signals"], json!({}));
    }
    assert_eq!(json["run"]["complete"], true);
}

#[test]
fn a_child_that_ignores_sigterm_has_its_grace_period() {
    let place = Place::new();
    let program = &programs().misbehave;
    place.suite(&format!(
        r#"
        [[chapter]]
        id = "deaf"
        rounds = 1
        timeout = "4s"
        grace = "700ms"
        command = [{program:?}, "hang-ignoring-sigterm"]
        "#
    ));
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    let ended = &journal.ended[0];
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert_eq!(ended.exit, Some(Exit::Signal("SIGKILL".into())));
    assert!(ended.secs >= Some(4.7), "{ended:?}");
}

#[test]
fn a_clean_exit_in_the_grace_period_is_still_a_timeout() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "polite"
        rounds = 1
        timeout = "4s"
        grace = "10m"
        command = ["sh", "-c", "trap 'echo good bye; exit 0' TERM; while true; do sleep 0.05; done"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    let ended = &journal.ended[0];
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert_eq!(ended.exit(), Some(&Exit::Code(0)));
    let output = place.run().join(ended.output.as_ref().unwrap());
    assert!(fs::read_to_string(output).unwrap().contains("good bye"));
}

/// The chapters together take longer than the time limit of each.
#[test]
fn each_chapter_of_a_sequence_has_its_own_time_limit() {
    let place = Place::new();
    let suite: String = ["a", "b", "c"]
        .map(|id| {
            format!("[[chapter]]\nid = \"{id}\"\nworker = \"act\"\nparams = {{ secs = 1.5 }}\n")
        })
        .concat();
    let sequence = "[[sequence]]\nid = \"s\"\nchapters = [\"a\", \"b\", \"c\"]\n";
    let defaults = "[defaults]\nrounds = 1\ntimeout = \"4s\"\n";
    place.worker_suite(
        &programs().sequence_runner,
        &[defaults, &suite, sequence].concat(),
    );
    let run = ["run", "suite.toml", "--mode", "sequential"];
    place.crashrate(&run).expect(0);
    let journal = place.journal();
    let ended = &journal.ended[0];
    assert!(ended.secs > Some(4.0), "{ended:?}");
    // The time of a chapter starts when the supervisor reads its event, which may be a little late.
    assert!(ended.chapters.iter().all(|chapter| chapter.secs.is_some()));
}

#[test]
fn a_hanging_chapter_of_a_sequence() {
    let place = Place::new();
    place.worker_suite(
        &programs().sequence_runner,
        r#"
        [defaults]
        rounds = 1
        timeout = "5m"

        [[chapter]]
        id = "a"
        worker = "act"

        [[chapter]]
        id = "b"
        worker = "act"
        params = { act = "hang" }
        timeout = "300ms"

        [[chapter]]
        id = "c"
        worker = "act"

        [[sequence]]
        id = "s"
        chapters = ["a", "b", "c"]
        "#,
    );
    let run = ["run", "suite.toml", "--mode", "sequential"];
    place.crashrate(&run).expect(100);
    let journal = place.journal();
    let ended = &journal.ended[0];
    let ends: Vec<_> = ended.chapters.iter().map(|c| c.outcome).collect();
    let expected = [Outcome::Passed, Outcome::TimedOut, Outcome::Unreached];
    assert_eq!(ends, expected);
    assert_eq!(ended.died_in, Some(DiedIn::Chapter("b".into())));
    let reason = ended.chapters[1].reason.as_deref();
    assert_eq!(reason, Some("killed after its time limit of 300ms"));
    let died_in = &place.json()["sequences"][0]["died_in"];
    let expected = json!({"b": 1, "between": 0, "exit": 0});
    assert_eq!(died_in, &expected);
}

/// A daemon with an empty environment in another session. crashrate can find it only by its
/// ancestry.
#[cfg(target_os = "linux")]
#[test]
fn a_hidden_daemon_does_not_outlive_the_run() {
    use crashrate_testkit::processes::processes_with_argument;

    for jobs in ["1", "3"] {
        let place = Place::new();
        let program = &programs().misbehave;
        // The test finds the process by this argument.
        let seconds = format!("30{}{jobs}", std::process::id());
        place.suite(&format!(
            r#"
            [[chapter]]
            id = "daemon"
            rounds = 4
            command = ["env", "-i", {program:?}, "hold-pipe-setsid", "{seconds}"]
            "#
        ));
        let run = ["run", "suite.toml", "--jobs", jobs];
        place.crashrate(&run).expect(0);
        assert_eq!(processes_with_argument(&seconds), [0; 0]);
    }
}
