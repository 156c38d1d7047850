//! The expected values of the fixture.

mod oracle;

const FIXTURE: &str = include_str!("../../../fixtures/statistics_vectors.json");

#[test]
fn every_vector_of_the_fixture_is_met() {
    let vectors = oracle::parse(FIXTURE).expect("the fixture is valid");
    assert_eq!(vectors.len(), 132);
    let wrong: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let difference = vector.check().err()?;
            Some(format!("{} {}: {difference}", vector.kind, vector.inputs()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
