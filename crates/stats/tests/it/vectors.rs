//! Compares the library with the expected values of the fixtures.

use crate::oracle;

fn check(fixture: &str, count: usize) {
    let results = oracle::results(fixture).expect("the fixture is valid");
    assert_eq!(results.len(), count);
    let wrong: Vec<String> = results
        .iter()
        .filter_map(|result| Some(format!("{}: {}", result.name, result.difference.as_ref()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_vector_of_the_fixture_matches() {
    check(
        include_str!("../../../../fixtures/statistics_vectors.json"),
        108,
    );
}

/// The output of `scripts/make_vectors.py`.
#[test]
fn every_vector_of_the_second_fixture_matches() {
    check(
        include_str!("../../../../fixtures/statistics_vectors_more.json"),
        57,
    );
}

#[test]
fn every_case_of_a_bisection_matches() {
    check(include_str!("../../../../fixtures/bisect_vectors.json"), 31);
}
