//! `crashrate compare` and `crashrate plan`: what is said of rounds that were fixed in advance.

use serde_json::Value;

use crate::util::{Done, Place};

/// A run of ten rounds of which the first few crash.
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
            "no verdict (p = 0.82;",
            "90% v 100%",
            "1.3% of the time",
            "plan 66 a side, which detect it in 80 of 100 cases (exact)",
            "First attempts",
            "given that it was reached",
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
    let verdict = "N=2 crashes less: -60 points (95%: -83..-20), p = 0.0035";
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
fn a_run_that_its_data_stopped_is_not_tested_across_runs() {
    let place = Place::new();
    ten_rounds(&place, 6);
    place
        .crashrate(&["run", "suite.toml", "--until", "first-crash"])
        .expect(100);
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
    let said = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("warning: N=2 was stopped by its data"),
        "{said}"
    );
    assert!(said.contains("1/1 = 100% (95% peek-safe: "), "{said}");
    assert!(said.contains("no verdict: the data decided"), "{said}");
    assert!(!said.contains("p = "), "{said}");
}

#[test]
fn what_differs_between_the_runs_is_told() {
    let place = Place::new();
    ten_rounds(&place, 0);
    place
        .crashrate(&["run", "suite.toml", "--jobs", "2"])
        .expect(0);
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
    assert!(
        stdout.contains("warning: jobs differs: 1 in N=1, 2 in N=2."),
        "{stdout}"
    );
}

#[test]
fn what_cannot_be_compared_is_one_message() {
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
        exact.contains("13 rounds a side") && exact.contains("(exact)"),
        "{exact}"
    );
    let beyond = said(&["--detect", "99%:99.9%"]);
    assert!(beyond.contains("(normal approximation)"), "{beyond}");
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
