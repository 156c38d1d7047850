//! Which rounds a verdict counts, tested on runs whose true answer is known. The tests write
//! synthetic journals for long runs.

use crashrate_model::{Mode, Outcome, StopReason, Unit};
use serde_json::Value;

use crate::made_journal::{Made, alone, sequence, unit};
use crate::util::Place;

/// The comparisons of a report along one axis.
fn compared<'a>(report: &'a Value, by: &str) -> &'a Vec<Value> {
    let sets = report["comparisons"].as_array().unwrap();
    let set = sets.iter().find(|set| set["by"] == by).unwrap();
    set["comparisons"].as_array().unwrap()
}

fn of_chapter<'a>(all: &'a [Value], chapter: &str) -> &'a Value {
    all.iter().find(|one| one["chapter"] == chapter).unwrap()
}

fn whole(all: &[Value]) -> &Value {
    all.iter().find(|one| one["chapter"].is_null()).unwrap()
}

#[test]
fn hangs_do_not_vanish_behind_fast_rounds() {
    for jobs in ["1", "8"] {
        let place = Place::new();
        let hangs = "[ $((CRASHRATE_ROUND % 33)) = 20 ] && exec sleep 60; exit 0";
        let done = place.crashrate(&[
            "run",
            "--jobs",
            jobs,
            "--timeout",
            "1s",
            "--gate",
            "bad < 1%",
            "--rounds",
            "700",
            "--evidence=none",
            "--",
            "sh",
            "-c",
            hangs,
        ]);
        let gate = &place.json()["gates"][0];
        assert_ne!(gate["verdict"], "below", "{jobs} jobs: {gate}");
        assert_ne!(done.code(), 0);
        // A gate counts a prefix of the rounds, in which rounds 20, 53, 86 and so on hang.
        let (bad, n) = (gate["bad"].as_u64().unwrap(), gate["n"].as_u64().unwrap());
        assert_eq!(bad, (n + 13) / 33, "{jobs} jobs: {gate}");
    }
}

/// A run in which the seed of a block decides everything: chapter `a` crashes in one of three
/// blocks, and `b` in one of four.
fn seed_decides(rounds: u32) -> Made {
    use Outcome::{Crashed, Passed, Unreached};
    let mut made = Made::new(vec![
        alone("a", "default", rounds),
        alone("b", "default", rounds),
        sequence(&["a", "b"], rounds),
    ]);
    for round in 1..=rounds {
        let (a, b) = (
            round % 3 == 0,
            round % 12 == 0 || round % 12 == 3 || round % 12 == 6,
        );
        let end = |crashes| if crashes { Crashed } else { Passed };
        made.end(0, round, end(a));
        made.end(1, round, end(b));
        let ends = match a {
            true => [Crashed, Unreached],
            false => [Passed, end(b)],
        };
        made.end_of(2, round, end(a || b), 1.0, &ends);
    }
    made.close(StopReason::Done);
    made
}

#[test]
fn a_crash_that_the_seed_decides_is_no_difference() {
    for rounds in [60, 200] {
        let (report, words) = seed_decides(rounds).reported(&Place::new());
        let all = compared(&report, "mode");
        for one in all {
            assert_eq!(one["differs"], false, "{one}");
        }
        let b = of_chapter(all, "b");
        assert_eq!(
            (&b["test"], &b["p"]),
            (&"mcnemar".into(), &1.0.into()),
            "{b}"
        );
        // Without matching, this would be a difference: only healthy rounds reach the later
        // chapters.
        assert!(b["sides"][0]["bad"].as_u64() > b["sides"][1]["bad"].as_u64());
        assert!(words.contains("may be healthier"), "{words}");
    }
}

#[test]
fn the_whole_sequence_has_the_full_error() {
    use Outcome::{Crashed, Passed, Unreached};
    let names: Vec<String> = (1..=12).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut units: Vec<Unit> = names.iter().map(|name| alone(name, "default", 4)).collect();
    units.push(sequence(&names, 4));
    let mut made = Made::new(units);
    for round in 1..=4 {
        (0..12).for_each(|unit| made.end(unit, round, Passed));
        let mut ends = vec![Passed; 12];
        (ends[3], ends[4]) = (Crashed, Unreached);
        ends[5..].fill(Unreached);
        made.end_of(12, round, Crashed, 1.0, &ends);
    }
    made.close(StopReason::Done);
    let (report, words) = made.reported(&Place::new());
    let whole = whole(compared(&report, "mode"));
    assert_eq!(whole["differs"], true, "{whole}");
    let p = whole["p_adjusted"].as_f64().unwrap();
    assert!((p - 0.0078).abs() < 1e-4, "{p}");
    assert!(
        words.contains("sequential crashes more often: 4/4 v 0/4"),
        "{words}"
    );
}

/// Twenty rounds. Four of them were lost when the machine died; if `resumed`, they were run again.
fn four_lost(resumed: bool) -> Made {
    let mut made = Made::new(vec![alone("a", "default", 20)]);
    for round in 1..=20 {
        made.start(0, round);
        if round % 5 == 0 {
            made.end(0, round, Outcome::Lost);
            made.open();
            if !resumed {
                continue;
            }
            made.start(0, round);
        }
        made.end(0, round, Outcome::Passed);
    }
    made.close(StopReason::Done);
    made
}

#[test]
fn lost_rounds_stay_in_the_bounds_in_every_format() {
    for resumed in [true, false] {
        let place = Place::new();
        let (report, words) = four_lost(resumed).reported(&place);
        let bounds = &report["chapters"][0]["bounds"];
        assert_eq!(bounds["missing"], 4, "{bounds}");
        assert_eq!(bounds["best"]["bad"], 0);
        assert_eq!(
            (&bounds["worst"]["bad"], &bounds["worst"]["n"]),
            (&4.into(), &20.into())
        );
        assert!(
            words.contains("the crash rate is between 0/20 and 4/20"),
            "{words}"
        );
        for (format, said) in [
            ("markdown", "is between 0/20 and 4/20"),
            ("html", "is between 0/20 and 4/20"),
            ("junit", r#"name="bad-if-all-missing-were" value="4/20""#),
            ("csv", "lost,false,false,true"),
        ] {
            let done = place.crashrate(&["report", "1-made", "--format", format]);
            let text = done.expect(0).stdout;
            assert!(text.contains(said), "{format}: {text}");
        }
    }
}

#[test]
fn a_rerun_does_not_make_a_lost_round_a_success() {
    // The third round kills the supervisor, but only the first time that it runs.
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "a"
        rounds = 6
        command = ["sh", "-c", '''
        if [ "$CRASHRATE_ROUND" = 3 ] && [ ! -e done ]; then touch done; kill -9 $PPID; sleep 5; fi
        ''']
        "#,
    );
    let _ = place
        .start(&mut place.command(&["run", "suite.toml"]))
        .wait();
    let done = place.crashrate(&["run", "--resume", "latest"]).expect(106);
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("is between 0/6 and 1/6"), "{said}");
    let again = "6 of 6 rounds passed; 1 run again, because the first attempt has no result.";
    assert!(said.contains(again), "{said}");
}

#[test]
fn a_verdict_holds_in_the_worst_case_or_says_unless() {
    use Outcome::{Crashed, Lost, NotStarted, Passed};
    let made = |missing: u32, how: Outcome| {
        let mut made = Made::new(vec![alone("a", "default", 20), alone("a", "new", 20)]);
        for round in 1..=20 {
            made.end(0, round, if round % 2 == 0 { Crashed } else { Passed });
            made.end(1, round, if round <= missing { how } else { Passed });
        }
        made.close(StopReason::Done);
        made
    };
    let (report, _) = made(0, Lost).reported(&Place::new());
    assert_eq!(compared(&report, "variant")[0]["differs"], true);
    for how in [Lost, NotStarted] {
        let (report, words) = made(6, how).reported(&Place::new());
        let one = &compared(&report, "variant")[0];
        assert_eq!(one["differs"], false, "{one}");
        assert!(words.contains("the sides differ in that"), "{words}");
    }
    // Fixed rounds, complete after a resume: the lost rounds still count against the verdict.
    let mut rerun = made(6, Lost);
    rerun.records.pop();
    rerun.open();
    (1..=6).for_each(|round| rerun.end(1, round, Passed));
    rerun.close(StopReason::Done);
    let (report, words) = rerun.reported(&Place::new());
    let one = &compared(&report, "variant")[0];
    assert_eq!(
        (&one["differs"], &one["prevented_by_missing"]),
        (&false.into(), &true.into())
    );
    assert!(
        words.contains("would be shown, unless 6 missing rounds of new ended badly"),
        "{words}"
    );
}

#[test]
fn fewer_crashes_that_became_failures_are_reported() {
    let mut made = Made::new(vec![alone("a", "default", 12), alone("a", "new", 12)]);
    for round in 1..=12 {
        made.end(0, round, Outcome::Crashed);
        made.end(1, round, Outcome::Failed);
    }
    made.close(StopReason::Done);
    let (_, words) = made.reported(&Place::new());
    assert!(
        words.contains("new crashes less often: 0/12 v 12/12; but new passes no more often"),
        "{words}"
    );
}

#[test]
fn no_difference_shown_and_shown_to_be_no_worse_are_different() {
    let made = |rounds: u32| {
        let mut made = Made::new(vec![
            alone("a", "default", rounds),
            alone("a", "new", rounds),
        ]);
        for round in 1..=rounds {
            made.end(0, round, Outcome::Passed);
            made.end(1, round, Outcome::Passed);
        }
        made.close(StopReason::Done);
        made
    };
    for (rounds, shown) in [(20, false), (400, true)] {
        let place = Place::new();
        made(rounds).reported(&place);
        let args = [
            "compare",
            "1-made",
            "--by",
            "variant",
            "--not-worse-by",
            "2%",
        ];
        let done = place
            .crashrate(&[&args[..], &["--format", "json"]].concat())
            .expect(0);
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(json["comparisons"][0]["no_worse"], shown, "{json}");
        let said = place.crashrate(&args).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = match shown {
            true => "; shown: new is no worse by 2% or more",
            false => "; not shown that new is no worse by 2% or more",
        };
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn many_units_share_the_error_of_independence_tests() {
    let units: Vec<Unit> = (1..=20)
        .map(|n| alone(&format!("c{n}"), "default", 40))
        .collect();
    let mut made = Made::new(units);
    for unit in 0..20 {
        for round in 1..=40 {
            // Eleven runs where 19.2 are expected: p is about 0.008. That is significant for a
            // single test but not for one of twenty.
            let bad = (round / 4) % 2 == 1;
            made.end(
                unit,
                round,
                if bad && unit == 0 || unit > 0 && round % 2 == 1 && round % 3 != 0 {
                    Outcome::Crashed
                } else {
                    Outcome::Passed
                },
            );
        }
    }
    made.close(StopReason::Done);
    let (report, _) = made.reported(&Place::new());
    let tested = &report["chapters"][0]["independence"];
    assert!(tested["runs_p"].as_f64().unwrap() < 0.025, "{tested}");
    assert_eq!(tested["pattern"], "independent", "{tested}");
}

#[test]
fn rounds_that_differ_in_length_have_rates_by_time() {
    use Outcome::{Crashed, Passed};
    let mut made = Made::new(vec![alone("a", "default", 20)]);
    for round in 1..=20 {
        let (outcome, secs) = if round % 5 == 0 {
            (Crashed, 600.0)
        } else {
            (Passed, 60.0)
        };
        made.end_of(0, round, outcome, secs, &[]);
    }
    made.close(StopReason::Done);
    let (_, words) = made.reported(&Place::new());
    // 4 bad rounds in 16 * 60 s + 4 * 600 s = 56 min. Garwood's interval for 4 events is 1.0899 to
    // 10.2416.
    assert!(
        words
            .contains("4 bad rounds in 56 min 00 s of run time: 4.29 (95%: 1.17 to 11.0) per hour"),
        "{words}"
    );
}

#[test]
fn the_axes_of_a_run_share_the_error() {
    use Outcome::{Crashed, Passed};
    let in_sequence = |variant: &str| unit("s", Mode::Sequential, variant, &["a"], 4);
    let mut made = Made::new(vec![
        alone("a", "default", 4),
        in_sequence("default"),
        alone("a", "new", 4),
        in_sequence("new"),
    ]);
    for round in 1..=4 {
        for (unit, outcome) in [(0, Passed), (1, Crashed), (2, Passed), (3, Passed)] {
            let ends = [outcome];
            let ends = if unit % 2 == 1 { &ends[..] } else { &[] };
            made.end_of(unit, round, outcome, 1.0, ends);
        }
    }
    made.close(StopReason::Done);
    let (report, _) = made.reported(&Place::new());
    let alphas: Vec<f64> = (report["comparisons"].as_array().unwrap().iter())
        .map(|set| set["alpha"].as_f64().unwrap())
        .collect();
    assert_eq!(alphas, [0.025, 0.025]);
}

/// Makes 25 real runs for each rate and number of jobs: `cargo xtask verify real-campaigns`.
#[test]
#[ignore = "takes some minutes"]
fn real_campaigns() {
    for (percent, jobs) in [(1, "1"), (1, "16"), (3, "1"), (3, "16")] {
        let below = (0..25).filter(|seed| {
            let place = Place::new();
            let hangs = format!("[ $((CRASHRATE_SEED % 100)) -ge {percent} ] || exec sleep 60");
            let seed = format!("{}", 1000 + seed);
            place.crashrate(&[
                "run",
                "--jobs",
                jobs,
                "--timeout",
                "600ms",
                "--gate",
                "bad < 1%",
                "--rounds",
                "2000",
                "--evidence=none",
                "--seed",
                &seed,
                "--",
                "sh",
                "-c",
                &hangs,
            ]);
            place.json()["gates"][0]["verdict"] == "below"
        });
        let below = below.count();
        println!("true rate {percent} %, {jobs} jobs: below in {below} of 25");
        // If each of 25 runs errs with a probability of 5 %, the probability that 7 or more err is
        // below 0.001.
        assert!(below < 7, "true rate {percent} %, {jobs} jobs: {below}");
    }
}

#[test]
fn two_runs_have_no_verdict_where_their_rounds_cannot_be_tested() {
    use Outcome::{Crashed, Passed, Unreached};
    // In the second run the first chapter never crashes, so frail rounds reach the second chapter.
    let of = |fixed: bool| {
        let mut made = Made::new(vec![sequence(&["a", "b"], 60)]);
        for round in 1..=60 {
            match round % 2 == 0 {
                true if !fixed => made.end_of(0, round, Crashed, 1.0, &[Crashed, Unreached]),
                true => made.end_of(0, round, Crashed, 1.0, &[Passed, Crashed]),
                false => made.end_of(0, round, Passed, 1.0, &[Passed, Passed]),
            }
        }
        made.close(StopReason::Done);
        made
    };
    let place = Place::new();
    of(false).put(&place, 1);
    of(true).put(&place, 2);
    let compare = |place: &Place| {
        let done = place.crashrate(&["compare", "1", "2", "--format", "json"]);
        serde_json::from_str::<Value>(&done.expect(0).stdout).unwrap()["comparisons"].clone()
    };
    let all = compare(&place);
    let b = of_chapter(all.as_array().unwrap(), "b");
    assert_eq!(b["differs"], false, "{b}");
    assert!(
        b["verdict"].to_string().contains("cannot be matched"),
        "{b}"
    );

    // Thirty crashes in one cluster are not thirty independent crashes.
    let clustered = |from: u32| {
        let mut made = Made::new(vec![alone("a", "default", 200)]);
        for round in 1..=200 {
            let bad = (from..from + 30).contains(&round);
            made.end(0, round, if bad { Crashed } else { Passed });
        }
        made.close(StopReason::Done);
        made
    };
    let place = Place::new();
    clustered(300).put(&place, 1);
    clustered(100).put(&place, 2);
    let all = compare(&place);
    assert_eq!(all[0]["differs"], false, "{all}");
    assert!(
        all[0]["verdict"]
            .to_string()
            .contains("bad rounds of N=2 come in clusters"),
        "{all}"
    );
}
