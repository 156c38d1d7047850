use super::*;

/// A call that the state depends on.
#[derive(Clone, Copy)]
enum Call {
    Push(BisectPurpose, usize, BisectRound),
    Built(usize),
}

fn search(commits: usize) -> Bisection {
    Bisection::new(&BisectSettings::new(commits)).unwrap()
}

fn round(is_bad: bool) -> BisectRound {
    match is_bad {
        true => BisectRound::Bad,
        false => BisectRound::Good,
    }
}

/// Takes one step, up to the first result. A round is bad if `is_bad` says so.
fn follow(search: &mut Bisection, mut is_bad: impl FnMut(usize) -> bool) -> Option<Call> {
    let call = match search.next() {
        BisectStep::Answered => return None,
        BisectStep::Build(commit) => Call::Built(commit),
        BisectStep::Run { commit, .. } => {
            Call::Push(BisectPurpose::Search, commit, round(is_bad(commit)))
        }
        BisectStep::Pairs {
            purpose,
            commits,
            rounds: [one, two],
        } => {
            let commit = commits[usize::from(two > one)];
            Call::Push(purpose, commit, round(is_bad(commit)))
        }
    };
    record(search, call);
    Some(call)
}

fn record(search: &mut Bisection, call: Call) {
    match call {
        Call::Push(purpose, commit, round) => search.push(purpose, commit, round).unwrap(),
        Call::Built(commit) => search.built(commit).unwrap(),
    }
}

/// Follows the steps until the phase begins.
fn reach(search: &mut Bisection, phase: BisectPhase, is_bad: impl Fn(usize) -> bool) {
    while search.progress().phase != phase {
        follow(search, &is_bad).expect("the phase comes before the answer");
    }
}

fn found(search: &Bisection) -> BisectFinding {
    match search.answer() {
        Some(BisectAnswer::Found(finding)) => finding,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn a_sure_crash_is_found() {
    let mut bisection = search(60);
    while follow(&mut bisection, |commit| commit >= 23).is_some() {}
    let finding = found(&bisection);
    assert_eq!((finding.suspect.first, finding.suspect.last), (23, 23));
    assert_eq!(finding.certificate.commits, [22, 23]);
    assert_eq!(finding.changes, ChangesShown::AtLeastOne);
    let [before, after] = finding.rates;
    assert_eq!((before.counts.bad(), after.counts.good()), (0, 0));
    assert!(before.interval.hi < after.interval.lo);
    assert!(
        bisection.builds() <= 9 && bisection.runs() < 80,
        "{bisection:?}"
    );
}

#[test]
fn repeating_the_calls_gives_the_same_state() {
    let mut bisection = search(40);
    let mut calls = Vec::new();
    let mut progress = Vec::new();
    let mut n = 0_u32;
    // Every commit crashes in one of ten rounds, and from commit 29 on in one of two.
    let mut is_bad = |commit: usize| {
        n += 1;
        n.is_multiple_of(if commit < 29 { 10 } else { 2 })
    };
    while let Some(call) = follow(&mut bisection, &mut is_bad) {
        assert_eq!(bisection.next(), bisection.next());
        calls.push(call);
        progress.push((bisection.next(), bisection.progress()));
    }
    assert!(bisection.answer().is_some());
    let mut again = search(40);
    for (call, expected) in calls.into_iter().zip(progress) {
        record(&mut again, call);
        assert_eq!((again.next(), again.progress()), expected);
    }
    assert_eq!(again.answer(), bisection.answer());
}

#[test]
fn the_gate_gives_up() {
    let mut settings = BisectSettings::new(10);
    settings.gate_pairs = 12;
    settings.built = vec![0, 10];
    let mut bisection = Bisection::new(&settings).unwrap();
    while follow(&mut bisection, |_| true).is_some() {}
    let answer = bisection.answer();
    assert_eq!(answer, Some(BisectAnswer::GateGaveUp { pairs: 12 }));
    assert_eq!((bisection.runs(), bisection.builds()), (24, 0));
}

#[test]
fn a_bad_end_that_is_better_passes_no_gate() {
    let mut bisection = search(10);
    while follow(&mut bisection, |commit| commit == 0).is_some() {}
    let answer = bisection.answer();
    assert_eq!(answer, Some(BisectAnswer::GateGaveUp { pairs: 200 }));
}

#[test]
fn commits_that_do_not_build_form_a_group() {
    let mut bisection = search(12);
    for commit in 4..9 {
        bisection.build_failed(commit).unwrap();
    }
    while follow(&mut bisection, |commit| commit >= 7).is_some() {}
    let finding = found(&bisection);
    assert_eq!((finding.suspect.first, finding.suspect.last), (4, 9));
    assert_eq!(finding.certificate.commits, [3, 9]);
}

#[test]
fn a_commit_whose_rounds_end_otherwise_is_skipped() {
    let mut bisection = search(12);
    reach(&mut bisection, BisectPhase::Search, |commit| commit > 0);
    let BisectStep::Build(commit) = bisection.next() else {
        panic!("{:?}", bisection.next());
    };
    bisection.built(commit).unwrap();
    for _ in 0..6 {
        let other = BisectRound::Other;
        bisection
            .push(BisectPurpose::Search, commit, other)
            .unwrap();
        assert!(matches!(bisection.next(), BisectStep::Run { commit: at, .. } if at == commit));
    }
    let other = BisectRound::Other;
    bisection
        .push(BisectPurpose::Search, commit, other)
        .unwrap();
    assert!(matches!(bisection.next(), BisectStep::Build(at) if at != commit));
    let progress = bisection.progress();
    let group = progress.suspects[0];
    assert_eq!((group.first, group.last), (commit, commit + 1));
    let counts = progress
        .counts
        .iter()
        .find(|counts| counts.commit == commit);
    assert_eq!(counts.map(|counts| counts.other), Some(7));
}

#[test]
fn an_end_that_does_not_build_ends_the_search() {
    let mut bisection = search(5);
    assert_eq!(bisection.next(), BisectStep::Build(0));
    bisection.built(0).unwrap();
    assert_eq!(bisection.next(), BisectStep::Build(5));
    bisection.build_failed(5).unwrap();
    let answer = bisection.answer();
    assert_eq!(answer, Some(BisectAnswer::EndUntestable { commit: 5 }));
    assert!(bisection.built(6).is_err());
}

#[test]
fn an_end_that_builds_later_continues_the_search() {
    let mut bisection = search(5);
    bisection.build_failed(0).unwrap();
    // The other end was being built, too.
    bisection.build_failed(5).unwrap();
    bisection.retry(5).unwrap();
    let answer = bisection.answer();
    assert_eq!(answer, Some(BisectAnswer::EndUntestable { commit: 0 }));
    bisection.retry(0).unwrap();
    let answer = bisection.answer();
    assert_eq!(answer, Some(BisectAnswer::EndUntestable { commit: 5 }));
    bisection.retry(5).unwrap();
    while follow(&mut bisection, |commit| commit >= 3).is_some() {}
    assert_eq!(found(&bisection).suspect.first, 3);
}

#[test]
fn only_pairs_for_the_certificate_count_for_it() {
    let mut bisection = search(16);
    reach(&mut bisection, BisectPhase::Certificate, |commit| {
        commit >= 6
    });
    let before = bisection.progress().certificate.unwrap();
    assert_eq!(before.pairs, 0);
    let [parent, suspect] = before.commits;
    for purpose in [BisectPurpose::Search, BisectPurpose::Gate] {
        bisection.push(purpose, parent, BisectRound::Good).unwrap();
        bisection.push(purpose, suspect, BisectRound::Bad).unwrap();
    }
    assert_eq!(bisection.progress().certificate, Some(before));
    let certificate = BisectPurpose::Certificate;
    bisection
        .push(certificate, suspect, BisectRound::Bad)
        .unwrap();
    let BisectStep::Pairs { rounds, .. } = bisection.next() else {
        panic!("{:?}", bisection.next());
    };
    assert_eq!(rounds[0], rounds[1] + 1);
    bisection
        .push(certificate, parent, BisectRound::Good)
        .unwrap();
    let after = bisection.progress().certificate.unwrap();
    assert!(after.pairs == 1 && after.ln_e > 0.0);
}

#[test]
fn a_refuted_suspect_leads_back_to_the_search() {
    let mut bisection = search(16);
    reach(&mut bisection, BisectPhase::Certificate, |commit| {
        commit >= 6
    });
    let first = bisection.progress().certificate.unwrap();
    assert_eq!(first.commits, [5, 6]);
    // Commit 6 was bad in every round of the search, and is good from here on.
    reach(&mut bisection, BisectPhase::Search, |commit| commit >= 7);
    assert!(bisection.progress().suspects[0].first != 6);
    reach(&mut bisection, BisectPhase::Certificate, |commit| {
        commit >= 7
    });
    let second = bisection.progress().certificate.unwrap();
    assert_ne!(second.commits, first.commits);
    let spent = |state: PairState| (-state.ln_needed).exp();
    assert!((spent(first) - 0.04).abs() < 1e-12 && (spent(second) - 0.0075).abs() < 1e-12);
}

#[test]
fn coming_and_going_is_no_single_change() {
    let mut model = ChangeModel::new(32).unwrap();
    for (commit, bad, n) in [
        (0, 0, 60),
        (8, 17, 40),
        (16, 0, 40),
        (24, 20, 40),
        (32, 24, 60),
    ] {
        model.observe(commit, Counts::new(bad, n).unwrap());
    }
    assert!(model.evidence().ln_e_single() > 20_f64.ln());
}

#[test]
fn settings_out_of_range_are_errors() {
    let with = |change: fn(&mut BisectSettings)| {
        let mut settings = BisectSettings::new(8);
        change(&mut settings);
        Bisection::new(&settings)
    };
    assert!(with(|settings| settings.commits = 0).is_err());
    assert!(with(|settings| settings.error = 1.0).is_err());
    assert!(with(|settings| settings.built = vec![9]).is_err());
    assert!(with(|settings| settings.build_cost = f64::INFINITY).is_err());
    assert!(
        ChangeModel::new(3)
            .unwrap()
            .with_weights(&[1.0, -0.5])
            .is_err()
    );
    assert!(ChangeModel::new(3).unwrap().with_weights(&[]).is_err());
    assert!(
        ChangeModel::new(3)
            .unwrap()
            .with_priors([0.5, 0.0], [0.5; 2])
            .is_err()
    );
}

#[test]
fn a_pair_never_gains_on_average_unless_side_two_is_worse() {
    let mut process = PairProcess::default();
    for pair in [
        [false, true],
        [true, true],
        [false, false],
        [true, false],
        [false, true],
    ] {
        for one in 0..=10 {
            for two in 0..=one {
                let (one, two) = (f64::from(one) / 10.0, f64::from(two) / 10.0);
                assert!(
                    mean_factor(process, [one, two]) <= 1.0 + 1e-12,
                    "{process:?}"
                );
            }
        }
        process.push(pair);
    }
    assert!(mean_factor(process, [0.4, 0.6]) > 1.0);
}

/// The mean factor of the next pair if the sides are bad with these probabilities.
fn mean_factor(process: PairProcess, rates: [f64; 2]) -> f64 {
    let pairs = [[false, false], [false, true], [true, false], [true, true]];
    let factor = |bad: [bool; 2]| {
        let chance = |side: usize| {
            if bad[side] {
                rates[side]
            } else {
                1.0 - rates[side]
            }
        };
        let mut next = process;
        next.push(bad);
        chance(0) * chance(1) * (next.ln_e() - process.ln_e()).exp()
    };
    pairs.map(factor).iter().sum()
}
