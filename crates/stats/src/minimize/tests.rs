//! The reference vectors, and how the searches behave step by step.

use serde::Deserialize;

use super::prefix::Prefixes;
use super::rates::Rates;
use super::tally::{Seen, Tally};
use super::*;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

/// A case of `scripts/make_minimize_vectors.py`.
#[derive(Deserialize)]
struct Case {
    chapters: usize,
    kept: Vec<usize>,
    whole: [u64; 2],
    rounds: Vec<Part>,
    level: f64,
    background: f64,
    posterior: Vec<f64>,
    gains: Vec<f64>,
    test: [u64; 2],
    ln_ratio: f64,
}

#[derive(Deserialize)]
struct Part {
    part: Vec<usize>,
    deaths: u64,
    survived: u64,
}

fn near(got: f64, expected: f64, case: usize) {
    let limit = 1e-9 * expected.abs().max(1.0);
    assert!(
        (got - expected).abs() <= limit,
        "case {case}: {got:e}, expected {expected:e}"
    );
}

fn seen([deaths, survived]: [u64; 2]) -> Seen {
    Seen { deaths, survived }
}

#[test]
fn agrees_with_exact_fractions() {
    let text = include_str!("../../../../fixtures/minimize_vectors.json");
    let vectors: Vectors = serde_json::from_str(text).unwrap();
    assert!(vectors.cases.len() >= 50);
    for (number, case) in vectors.cases.iter().enumerate() {
        let rates = Rates::of(seen(case.whole), None);
        near(rates.level, case.level, number);
        near(rates.background, case.background, number);
        near(rates.ln_ratio(seen(case.test)), case.ln_ratio, number);
        let mut tally = Tally::default();
        for Part {
            part,
            deaths,
            survived,
        } in &case.rounds
        {
            (0..*deaths).for_each(|_| tally.add(part, Death::Target(None)));
            (0..*survived).for_each(|_| tally.add(part, Death::None));
        }
        let prefixes = Prefixes::new(&case.kept, case.chapters);
        let posterior = prefixes.posterior(&rates, &prefixes.evidence(&tally, None, &[]));
        assert_eq!(posterior.len(), case.posterior.len());
        let mut chance = 0.0;
        for (got, expected) in posterior.iter().zip(&case.posterior) {
            near(*got, *expected, number);
        }
        for (share, expected) in posterior.iter().zip(&case.gains) {
            chance += share;
            near(rates.information(chance), *expected, number);
        }
        let best = case.gains[prefixes.most_informative(&rates, &posterior)];
        let from = usize::from(case.kept.is_empty());
        assert!(
            case.gains[from..].iter().all(|gain| *gain <= best + 1e-9),
            "case {number}"
        );
    }
}

/// Runs a program that crashes whenever `needed` are all in the part, at the last of them.
fn certain(chapters: usize, needed: &[usize]) -> (Answer, u64) {
    let mut search = Minimizer::new(chapters, 0.05).unwrap();
    while let Some(part) = search.next(&[]) {
        let crashes = needed.iter().all(|c| part.contains(c));
        let at = needed.last().copied();
        search.push(
            &part,
            if crashes {
                Death::Target(at)
            } else {
                Death::None
            },
        );
        assert!(search.progress().runs < 200);
    }
    (search.answer().unwrap(), search.progress().runs)
}

#[test]
fn a_crash_that_always_comes_is_found_at_once() {
    for (chapters, needed, most) in [
        (1, vec![0], 8),
        (2, vec![0, 1], 20),
        (16, vec![0], 8),
        (200, vec![199], 40),
        (200, vec![17, 18], 40),
        (64, vec![3, 60], 35),
        (64, vec![3, 31, 60], 80),
    ] {
        let (answer, runs) = certain(chapters, &needed);
        assert_eq!(answer.kept, needed);
        assert_eq!(answer.is_alone, needed.len() == 1);
        assert_eq!(answer.victim, needed.last().copied());
        assert!(answer.error <= 0.05);
        assert!(
            runs <= most,
            "{chapters} chapters, {needed:?}: {runs} rounds"
        );
    }
}

#[test]
fn other_deaths_are_counted_and_drawn_again() {
    let mut search = Minimizer::new(4, 0.05).unwrap();
    for _ in 0..5 {
        search.push(&[0, 1, 2, 3], Death::Target(Some(3)));
    }
    let before = search.progress();
    let part = search.next(&[]).unwrap();
    (0..50).for_each(|_| search.push(&part, Death::Other));
    let after = search.progress();
    assert_eq!(search.next(&[]), Some(part));
    assert_eq!((after.runs, after.others), (before.runs + 50, 50));
    assert_eq!((after.phase, after.level), (before.phase, before.level));
}

#[test]
fn several_parts_run_at_once_without_repeating_what_is_decided() {
    let mut search = Minimizer::new(8, 0.05).unwrap();
    let mut running: Vec<Vec<usize>> = Vec::new();
    let mut ended = 0;
    while !search.is_answered() {
        loop {
            let parts: Vec<&[usize]> = running.iter().map(Vec::as_slice).collect();
            match search.next(&parts) {
                Some(part) if running.len() < 4 => running.push(part),
                _ => break,
            }
        }
        let part = running.remove(0);
        let crashes = part.contains(&2) && part.contains(&6);
        search.push(
            &part,
            if crashes {
                Death::Target(Some(6))
            } else {
                Death::None
            },
        );
        ended += 1;
        assert!(ended < 100);
    }
    assert_eq!(search.answer().unwrap().kept, [2, 6]);
    assert_eq!(search.next(&[]), None);
}

#[test]
fn the_best_part_shrinks_to_the_answer() {
    let mut search = Minimizer::new(32, 0.05).unwrap();
    let mut smallest = 32;
    while let Some(part) = search.next(&[]) {
        let crashes = part.contains(&4) && part.contains(&20);
        search.push(
            &part,
            if crashes {
                Death::Target(None)
            } else {
                Death::None
            },
        );
        assert!(search.best().len() <= smallest);
        smallest = search.best().len();
    }
    assert_eq!(search.best(), [4, 20]);
}

#[test]
fn numbers_are_reduced() {
    for (values, least) in [
        (vec![8, 20], vec![2, 3]),
        (vec![8, 20], vec![8, 20]),
        (vec![1, 1], vec![1, 1]),
        (vec![1000], vec![1]),
        (vec![u64::MAX], vec![12345]),
    ] {
        let mut search = Reducer::new(&values, 0.7, 0.05).unwrap();
        let mut runs = 0;
        while let Some(tried) = search.next(&[]) {
            let crashes = tried
                .iter()
                .zip(&least)
                .all(|(value, least)| value >= least);
            search.push(
                &tried,
                if crashes {
                    Death::Target(None)
                } else {
                    Death::None
                },
            );
            runs += 1;
            assert!(runs < 2000);
        }
        assert_eq!(search.answer().unwrap().values, least);
        assert_eq!(search.best(), least);
    }
    assert!(Reducer::new(&[], 0.5, 0.05).is_err());
    assert!(Reducer::new(&[0], 0.5, 0.05).is_err());
    assert!(Minimizer::new(0, 0.05).is_err());
    assert!(Minimizer::new(1, 0.0).is_err());
}
