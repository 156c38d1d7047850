//! Verdicts of runs that their own results may stop: gates, and rules such as `--until decided`.

use crate::made_journal::{Made, alone};
use crate::util::Place;
use crashrate_model::{Mode, Outcome, RunInfo, StopReason, Stopping};

#[test]
fn runs_stopped_by_their_data_have_intervals_that_hold() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"a\"\nrounds = 20\ncommand = [\"sh\", \"-c\", \"[ $CRASHRATE_ROUND != 3 ] || kill -SEGV $$\"]\n",
    );
    for args in [
        &["--fail-fast"][..],
        &["--max-failures", "1"],
        &["--until", "first-crash"],
        &["--for", "1h"],
    ] {
        let done = place.crashrate(&[&["run", "suite.toml"], args].concat());
        let json = place.json();
        let rate = &json["chapters"][0]["crash_rate"];
        assert_eq!(rate["method"], "confidence-sequence", "{args:?}: {rate}");
        let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let stopped = !args.contains(&"--for");
        assert_eq!(
            said.contains("too high on average"),
            stopped,
            "{args:?}: {said}"
        );
    }
    place.crashrate(&["run", "suite.toml"]).expect(100);
    assert_eq!(
        place.json()["chapters"][0]["crash_rate"]["method"],
        "wilson"
    );
}

#[test]
fn a_gate_without_enough_rounds_is_warned_about() {
    let place = Place::new();
    let run = ["run", "--gate", "bad < 1%", "--rounds", "20"];
    let done = place
        .crashrate(&[&run[..], &["--", "true"]].concat())
        .expect(121);
    assert!(
        done.stderr
            .contains("it needs at least 328 rounds without a bad one"),
        "{}",
        done.stderr
    );
    let done = place
        .crashrate(&[&run[..], &["--strict", "--", "true"]].concat())
        .expect(96);
    assert!(
        done.stderr.contains("it needs at least 328"),
        "{}",
        done.stderr
    );
}

#[test]
fn clusters_have_no_verdict_from_a_gate() {
    let gate = crashrate_model::Gate {
        name: "a".into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        limit: "bad < 10%".parse().unwrap(),
    };
    let mut made = Made::of(RunInfo {
        units: vec![alone("a", "default", 200)],
        stopping: Stopping::Gates(vec![gate]),
        ..RunInfo::default()
    });
    for round in 1..=200 {
        let bad = (100..130).contains(&round);
        made.end(
            0,
            round,
            if bad {
                Outcome::Crashed
            } else {
                Outcome::Passed
            },
        );
    }
    made.close(StopReason::Done);
    let (report, words) = made.reported(&Place::new());
    let gate = &report["gates"][0];
    if gate["verdict"] != "below" {
        assert_eq!(gate["clustered"], true, "{gate}");
    }
    assert!(words.contains("bad rounds come in clusters"), "{words}");
    assert_eq!(report["judgement"], "undecided");
}

#[test]
fn a_run_also_stops_when_the_second_side_is_no_worse() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[[variant]]\nid = \"new\"\nenv = { NEW = \"1\" }\n",
    );
    let run = [
        "run",
        "suite.toml",
        "--variant",
        "default",
        "--variant",
        "new",
        "--until",
        "decided",
        "--not-worse-by",
        "5%",
    ];
    let done = place.crashrate(&run).expect(0);
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("; shown: new is no worse by 5% or more"),
        "{said}"
    );
    let json = place.json();
    assert_eq!(json["run"]["stopped"], "decided");
    let one = &json["comparisons"][0]["comparisons"][0];
    assert_eq!(
        (&one["differs"], &one["no_worse"]),
        (&false.into(), &true.into())
    );
}
