//! `crashrate compare` and `crashrate plan`, for runs whose number of rounds was fixed in advance.

use serde_json::Value;

use crate::util::{Done, Place};

/// Makes a run of ten rounds whose first `crashes` rounds crash.
fn ten_rounds(place: &Place, crashes: u32) {
    place.suite(&format!(
        r#"
        [[chapter]]
        id = "a"
        rounds = 10
        command = ["sh", "-c", "[ $CRASHRATE_ROUND -gt {crashes} ] || kill -SEGV $$"]
        "#
    ));
    place
        .crashrate(&["run", "suite.toml", "--report-only"])
        .expect(0);
}

#[test]
fn nine_of_ten_and_ten_of_ten_are_no_verdict() {
    for [one, two] in [[9, 10], [1, 0]] {
        let place = Place::new();
        ten_rounds(&place, one);
        ten_rounds(&place, two);
        let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
        let said = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "too few rounds to tell (about 92 each would do for 90% v 99%); p = 0.82, ",
            "First attempts",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

#[test]
fn four_of_ten_and_ten_of_ten_are_a_verdict() {
    let place = Place::new();
    ten_rounds(&place, 6);
    ten_rounds(&place, 0);
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "latest"]).expect(0);
    let said = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let verdict = "N=2 crashes less often: 0/10 v 6/10: -60 points (95%: -83..-20), p = 0.0035";
    assert!(said.contains(verdict), "{said}");
    let done = place
        .crashrate(&["compare", "1", "2", "--format", "json"])
        .expect(0);
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    let one = &json["comparisons"][0];
    let near = |value: &Value, is: f64| (value.as_f64().unwrap() - is).abs() < 5e-4;
    assert!(near(&one["p"], 0.0035), "{one}");
    assert!(near(&one["difference_interval"]["lo"], -0.832), "{one}");
    assert!(near(&one["difference_interval"]["hi"], -0.201), "{one}");
    let done = place
        .crashrate(&["compare", "1", "2", "--format", "markdown"])
        .expect(0);
    assert!(done.stdout.contains(verdict), "{}", done.stdout);
}

#[test]
fn a_run_stopped_by_its_data_is_not_tested_across_runs() {
    let place = Place::new();
    ten_rounds(&place, 6);
    place
        .crashrate(&["run", "suite.toml", "--until", "first-crash"])
        .expect(100);
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
    let said = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Warning: N=2 could be stopped by its data"),
        "{said}"
    );
    assert!(said.contains("1/1 = 100% (95%: "), "{said}");
    assert!(said.contains("no verdict: the data decided"), "{said}");
    assert!(!said.contains("p = "), "{said}");
}

#[test]
fn differences_between_runs_are_reported() {
    let place = Place::new();
    ten_rounds(&place, 0);
    place
        .crashrate(&["run", "suite.toml", "--jobs", "2"])
        .expect(0);
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
    assert!(
        stdout.contains("Warning: jobs differs: 1 in N=1, 2 in N=2."),
        "{stdout}"
    );
}

#[test]
fn runs_that_cannot_be_compared_give_one_message() {
    let place = Place::new();
    ten_rounds(&place, 0);
    place.crashrate(&["run", "--", "true"]).expect(0);
    for args in [
        &["compare", "1"][..],
        &["compare", "1", "--by", "mode"],
        &["compare", "1", "--by", "variant"],
        &["compare", "1", "2"],
        &["compare", "1", "77"],
    ] {
        let Done { stderr, .. } = place.crashrate(args).expect(96);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn plans() {
    let place = Place::new();
    ten_rounds(&place, 0);
    let said = |args: &[&str]| {
        place
            .crashrate(&[&["plan"], args].concat())
            .expect(0)
            .stdout
    };
    let below = said(&["--below", "1%"]);
    assert!(
        below.contains("299 rounds") && below.contains("328 rounds"),
        "{below}"
    );
    assert_eq!(below, said(&["--below", "0.01"]));
    let exact = said(&["--detect", "40%:90%", "--power", "80%"]);
    assert!(
        exact.contains("13 rounds a side") && exact.contains("(exact; one comparison, error 5%)"),
        "{exact}"
    );
    assert!(
        exact.contains("run --until decided takes 17 blocks on average"),
        "{exact}"
    );
    let shared = said(&["--detect", "90%:99%", "--comparisons", "5"]);
    assert!(
        shared.contains("138 rounds a side") && shared.contains("one of 5 comparisons"),
        "{shared}"
    );
    let beyond = said(&["--detect", "99%:99.9%"]);
    assert!(beyond.contains("(normal approximation;"), "{beyond}");
    let one = said(&["--see-one", "30%", "--from", "latest"]);
    assert!(
        one.contains("9 rounds") && one.contains("a (isolated): "),
        "{one}"
    );
    for args in [
        &["plan"][..],
        &["plan", "--below", "0"],
        &["plan", "--below", "x"],
        &["plan", "--detect", "90%"],
        &["plan", "--detect", "90%:90%"],
        &["plan", "--detect", "90%:99%", "--power", "1"],
        &["plan", "--see-one", "101%"],
        &["plan", "--see-one", "10%", "--from", "77"],
    ] {
        let Done { stderr, .. } = place.crashrate(args).expect(96);
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
}

#[test]
fn help_explains_verdicts_and_commands() {
    let place = Place::new();
    let page = place.crashrate(&["help", "statistics"]).expect(0).stdout;
    for words in ["MISSING ROUNDS", "evidence 27:1", "crates/stats/README.md"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 100));
    let of_run = place.crashrate(&["help", "run"]).expect(0).stdout;
    assert_eq!(of_run, place.crashrate(&["run", "-h"]).expect(0).stdout);
    let unknown = place.crashrate(&["help", "nothing"]).expect(96);
    assert!(
        unknown.stderr.contains("there is no help on `nothing`"),
        "{}",
        unknown.stderr
    );
}

/// Makes a run under two variants. `crashes` says how many of the first rounds crash under each.
fn two_variants(place: &Place, rounds: u32, crashes: [u32; 2]) {
    let [one, two] = crashes;
    place.suite(&format!(
        r#"
        [defaults]
        rounds = {rounds}
        env = {{ CRASHES = "{one}" }}
        [[chapter]]
        id = "a"
        command = ["sh", "-c", "[ $CRASHRATE_ROUND -gt $CRASHES ] || kill -SEGV $$"]
        [[variant]]
        id = "fix"
        env = {{ CRASHES = "{two}" }}
        "#
    ));
    let run = [
        "run",
        "suite.toml",
        "--variant",
        "default",
        "--variant",
        "fix",
        "--evidence=none",
    ];
    place
        .crashrate(&[&run[..], &["--report-only"]].concat())
        .expect(0);
}

#[test]
fn runs_are_strata() {
    // One run alone shows no difference; four runs together do.
    let place = Place::new();
    for _ in 0..4 {
        two_variants(&place, 8, [4, 1]);
    }
    let compare = |runs: &[&str]| {
        let args = [&["compare"], runs, &["--by", "variant", "--format", "json"]].concat();
        let done = place.crashrate(&args).expect(0);
        serde_json::from_str::<Value>(&done.stdout).unwrap()["comparisons"][0].clone()
    };
    assert_eq!(compare(&["1"])["differs"], false);
    let all = compare(&["1", "2", "3", "4"]);
    assert_eq!(all["differs"], true, "{all}");
    assert_eq!(all["runs"].as_array().unwrap().len(), 4);
    let text = place
        .crashrate(&["compare", "1", "2", "3", "4", "--by", "variant"])
        .expect(0)
        .stdout;
    assert!(
        text.contains("fix ends badly less often than default"),
        "{text}"
    );
    place.crashrate(&["compare", "1", "2", "3"]).expect(96);
}

#[test]
fn strata_with_different_rates_have_one_difference() {
    let place = Place::new();
    two_variants(&place, 40, [36, 28]);
    two_variants(&place, 40, [12, 4]);
    let done = place.crashrate(&["compare", "1", "2", "--by", "variant", "--format", "json"]);
    let json: Value = serde_json::from_str(&done.expect(0).stdout).unwrap();
    let one = &json["comparisons"][0];
    let difference = one["difference"].as_f64().unwrap();
    assert!((difference + 0.2).abs() < 1e-9, "{one}");
    assert_eq!(one["differs"], true, "{one}");
}

#[test]
fn a_pilot_run_plans_with_its_uncertainty() {
    let place = Place::new();
    two_variants(&place, 20, [8, 2]);
    let text = place
        .crashrate(&["plan", "--pilot", "latest"])
        .expect(0)
        .stdout;
    for words in [
        "a (isolated): 8/20 bad (95%: 22% to 61%)",
        "a (isolated, fix): 2/20 bad",
        "expected to halve it",
        "default v fix",
        "the pilot's difference is uncertain itself",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    place.crashrate(&["run", "--", "true"]).expect(0);
    let text = place
        .crashrate(&["plan", "--pilot", "latest", "--below", "1%"])
        .expect(0)
        .stdout;
    assert!(text.contains("none of 10 bad"), "{text}");
    assert!(text.contains("299 rounds without a bad one"), "{text}");
}
