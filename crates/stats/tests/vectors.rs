//! Compares the library with the expected values of the fixtures.

mod oracle;

fn check(fixture: &str, count: usize) {
    let vectors = oracle::parse(fixture).expect("the fixture is valid");
    assert_eq!(vectors.len(), count);
    let wrong: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let difference = vector.check().err()?;
            Some(format!("{} {}: {difference}", vector.kind, vector.inputs()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_vector_of_the_fixture_matches() {
    check(
        include_str!("../../../fixtures/statistics_vectors.json"),
        108,
    );
}

/// The output of `scripts/make_vectors.py`.
#[test]
fn every_vector_of_the_second_fixture_matches() {
    check(
        include_str!("../../../fixtures/statistics_vectors_more.json"),
        57,
    );
}
