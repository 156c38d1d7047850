//! Runs that stop by themselves. Whether a round crashes is a hash of seed, variant, round and
//! chapter, so each run has a known answer.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::util::{Done, Place, until};

/// Writes a suite of chapters that crash in `$RATE` percent of their rounds. The rate is 60 by
/// default and `other` under the variant `other`.
fn suite(place: &Place, chapters: usize, other: u32) {
    let mut body = format!(
        "[defaults]\nenv = {{ RATE = \"60\" }}\n[[variant]]\nid = \"other\"\nenv = {{ RATE = \"{other}\" }}\n"
    );
    for number in 1..=chapters {
        body += &format!(
            r#"
            [[chapter]]
            id = "c{number}"
            command = ["sh", "-c", '''
            key=$CRASHRATE_SEED/$CRASHRATE_VARIANT/$CRASHRATE_ROUND/$CRASHRATE_CHAPTER
            [ $(($(printf %s "$key" | cksum | cut -d " " -f 1) % 100)) -ge $RATE ] || kill -SEGV $$
            ''']
            "#
        );
    }
    place.suite(&body);
}

const BOTH: [&str; 10] = [
    "run",
    "suite.toml",
    "--variant",
    "default",
    "--variant",
    "other",
    "--until",
    "decided",
    "--seed",
    "5",
];

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BOTH, more].concat()
}

/// The standard output as one line with single spaces.
fn said(done: &Done) -> String {
    done.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The full report of the last run as one line with single spaces.
fn whole(place: &Place) -> String {
    place
        .full()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The comparisons by variant of the last run.
fn compared(place: &Place) -> Vec<Value> {
    let json = place.json();
    assert_eq!(json["comparisons"][0]["by"], "variant");
    assert_eq!(json["comparisons"][0]["method"], "pairs");
    json["comparisons"][0]["comparisons"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn different_rates_stop_early_with_the_right_verdict() {
    let place = Place::new();
    suite(&place, 1, 10);
    let done = place.crashrate(&run(&[])).expect(100);
    assert!(
        said(&done).contains(
            "other crashes less often: 0/10 v 7/10; evidence 27:1 for a difference (20 needed)"
        ),
        "{}",
        done.stdout
    );
    assert!(said(&done).contains("Decided after "), "{}", done.stdout);
    let full = place
        .full()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        full.contains("intervals are confidence sequences"),
        "{full}"
    );
    assert!(!full.contains("not started"), "{full}");
    let json = place.json();
    assert_eq!(json["run"]["stopped"], "decided");
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["judgement"], "shown");
    let [one] = &compared(&place)[..] else {
        panic!("expected one comparison");
    };
    assert_eq!(one["differs"], true);
    assert!(one["pairs"].as_u64().unwrap() < 100, "{one}");
    assert!(one["sides"][0]["bad"].as_u64() > one["sides"][1]["bad"].as_u64());
    // `compare` gives the same result.
    let again = place
        .crashrate(&["compare", "--by", "variant", "--format", "json"])
        .expect(0);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["comparisons"][0], *one);
}

#[test]
fn equal_rates_stay_undecided() {
    let place = Place::new();
    suite(&place, 1, 60);
    place.crashrate(&run(&["--rounds", "30"])).expect(121);
    assert!(
        whole(&place).contains("no verdict yet: evidence "),
        "{}",
        whole(&place)
    );
    assert!(
        whole(&place).contains("for a difference (20 needed) after 30 blocks"),
        "{}",
        whole(&place)
    );
    assert!(
        whole(&place).contains("too few rounds to tell (about 92 each would do for 90% v 99%)"),
        "{}",
        whole(&place)
    );
    assert_eq!(place.json()["judgement"], "undecided");
    place
        .crashrate(&run(&["--rounds", "10", "--report-only"]))
        .expect(0);
}

#[test]
fn equal_rates_stay_undecided_in_five_chapters() {
    let place = Place::new();
    suite(&place, 5, 60);
    place.crashrate(&run(&["--rounds", "12"])).expect(121);
    assert!(whole(&place).contains("(100 needed)"), "{}", whole(&place));
    let all = compared(&place);
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|one| one["differs"] == false), "{all:?}");
}

#[test]
fn reaching_the_time_limit_is_not_an_interruption() {
    let place = Place::new();
    suite(&place, 1, 60);
    let done = place.crashrate(&run(&["--for", "300ms"])).expect(121);
    assert!(
        said(&done).contains("Time limit reached after "),
        "{}",
        done.stdout
    );
}

#[test]
fn kill_9_and_resume_leave_one_round_unknown() {
    let undisturbed = Place::new();
    suite(&undisturbed, 1, 10);
    undisturbed.crashrate(&run(&[])).expect(100);
    let place = Place::new();
    suite(&place, 1, 10);
    let live = place.start(&mut place.command(&run(&[])));
    until("a few rounds have ended", || {
        place.journal_so_far().ended.len() >= 8
    });
    live.signal(Signal::SIGKILL);
    live.wait();
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    let [one] = &compared(&place)[..] else {
        panic!("expected one comparison");
    };
    // The lost round counts against the verdict, so the run may need one more block.
    assert_eq!(one["differs"], true, "{one}");
    assert!(one["missing_pairs"].as_u64().unwrap() <= 1, "{one}");
    // The outcomes are the same as in the undisturbed run.
    let cells = |place: &Place| {
        let journal = place.journal();
        let all = journal.ended.iter().filter(|end| end.outcome.counts());
        all.map(|end| ((end.round, end.unit), end.outcome))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (all, more) = (cells(&undisturbed), cells(&place));
    assert!(
        all.iter()
            .all(|(key, outcome)| more.get(key) == Some(outcome))
    );
}

#[test]
fn jobs_change_no_e_value() {
    let [one, four] = ["1", "4"].map(|jobs| {
        let place = Place::new();
        suite(&place, 2, 30);
        place.crashrate(&run(&["--rounds", "12", "--jobs", jobs]));
        compared(&place)
    });
    for (one, four) in one.iter().zip(&four) {
        for key in ["ln_e", "pairs", "bad_alone", "differs"] {
            assert_eq!(one[key], four[key], "{key}");
        }
    }
}

#[test]
fn gates_are_shown_refuted_or_left_open() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "clean"
        command = ["true"]
        [[chapter]]
        id = "always"
        command = ["sh", "-c", "kill -SEGV $$"]
        [[chapter]]
        id = "fails"
        command = ["false"]
        "#,
    );
    let gate = |chapter: &str, more: &[&str], code: i32| {
        let run = [
            "run",
            "suite.toml",
            "--gate",
            "crashed < 20%",
            "--chapter",
            chapter,
        ];
        let done = place.crashrate(&[&run, more].concat()).expect(code);
        let json = place.json();
        (
            done.stdout,
            json["gates"][0]["verdict"].clone(),
            json["judgement"].clone(),
        )
    };
    let (said, verdict, judgement) = gate("clean", &[], 0);
    assert!(
        said.contains("crashed < 20%: below 20% (95%) after "),
        "{said}"
    );
    assert_eq!((verdict, judgement), ("below".into(), "shown".into()));
    let (said, verdict, _) = gate("always", &[], 120);
    assert!(said.contains("above 20% (95%) after "), "{said}");
    assert_eq!(verdict, "above");
    gate("always", &["--report-only"], 0);
    let (said, verdict, _) = gate("clean", &["--rounds", "3"], 121);
    assert!(said.contains("inconclusive after 3 rounds"), "{said}");
    assert_eq!(verdict, "inconclusive");
    // A gate on crashes does not judge other failures, so the exit code is 100.
    gate("fails", &[], 100);
}

#[test]
fn until_first_crash_stops_at_the_first_crash() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "third"
        command = ["sh", "-c", "[ $CRASHRATE_ROUND != 3 ] || kill -SEGV $$"]
        "#,
    );
    let done = place
        .crashrate(&["run", "suite.toml", "--until", "first-crash"])
        .expect(100);
    assert!(
        done.stdout.contains("Decided after 3 rounds"),
        "{}",
        done.stdout
    );
    let done = place.crashrate(&[
        "run",
        "suite.toml",
        "--until",
        "first-crash",
        "--rounds",
        "2",
    ]);
    done.expect(0);
}
