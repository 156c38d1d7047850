//! Whether runs measured the same.

use super::MergeError;
use super::index::{Index, can_pool};

/// Checks that all runs measured the same plan and the same programs, in a comparable way.
pub(super) fn check(indexes: &[Index]) -> Result<(), MergeError> {
    let Some((first, others)) = indexes.split_first() else {
        return Err(MergeError::Nothing);
    };
    others.iter().try_for_each(|other| pair(first, other))
}

fn pair(one: &Index, two: &Index) -> Result<(), MergeError> {
    let evidence = |index: &Index| index.sources.first().map(|source| source.run.evidence);
    let is_pooled = match (evidence(one), evidence(two)) {
        (Some(one), Some(two)) => can_pool(one, two),
        _ => true,
    };
    let parts = [
        ("plans", one.info.plan == two.info.plan),
        ("numbers of shards", one.count == two.count),
        ("commands", one.info.identities == two.info.identities),
        ("stopping rules", one.info.stopping == two.info.stopping),
        ("margins", one.info.not_worse_by == two.info.not_worse_by),
        ("kinds of evidence (one was traced)", is_pooled),
    ];
    if let Some((what, _)) = parts.into_iter().find(|(_, is_same)| !is_same) {
        return Err(MergeError::OtherPlan {
            one: one.name(),
            two: two.name(),
            what,
        });
    }
    programs(one, two)
}

fn programs(one: &Index, two: &Index) -> Result<(), MergeError> {
    let (of_one, of_two) = (&one.info.programs, &two.info.programs);
    let mut all = of_one.keys().chain(of_two.keys());
    let Some(program) = all.find(|path| of_one.get(*path) != of_two.get(*path)) else {
        return Ok(());
    };
    let short = |hash: Option<&String>| match hash {
        Some(hash) => format!("sha256 {}...", hash.chars().take(12).collect::<String>()),
        None => "no such program".to_owned(),
    };
    Err(MergeError::OtherProgram {
        program: program.clone(),
        one: one.name(),
        hash_of_one: short(of_one.get(program)),
        two: two.name(),
        hash_of_two: short(of_two.get(program)),
    })
}
