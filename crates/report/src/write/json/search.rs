//! The search for the smallest part of a sequence, as JSON. Chapters are named by their ids where
//! they are few, and by their positions, from 1, in the parts that were tried.

use crashrate_model::{Part, PartParams};
use serde_json::{Value, json};

use crate::view::{PartSeen, Search};

pub(super) fn search(search: &Search) -> Value {
    let found = search.found.as_ref();
    let certificate = found.and_then(|found| found.certificate.as_ref());
    json!({
        "sequence": search.sequence,
        "chapters": search.chapters,
        // Or a text in it; null while it is unknown.
        "signature": search.target,
        "answered": search.is_answered(),
        // Null before it is known.
        "rate": found.and_then(|found| found.rate),
        "level": found.and_then(|found| found.level),
        // The smallest part that is known to crash; null while the search runs.
        "smallest": found.map(|found| ids(search, &found.part)),
        "params": found.and_then(|found| found.part.params.as_ref()).map(|own| params(search, own)),
        // Null if it dies elsewhere, or not always in the same chapter.
        "victim": certificate.and(search.died_in()).flatten().map(|index| search.id(index)),
        "signatures": search.signatures.iter().map(|(signature, times)| json!({
            "signature": signature,
            "count": times,
        })).collect::<Vec<_>>(),
        "certificate": certificate.map(|it| json!({
            "rounds": it.rounds,
            "deaths": it.deaths,
            // An upper bound of the probability that the answer is wrong.
            "error": it.error,
            "without": it.without.iter().map(|without| json!({
                "chapter": search.id(without.chapter),
                "rounds": without.rounds,
                "deaths": without.deaths,
            })).collect::<Vec<_>>(),
        })),
        "suspects": found.map(|found| found.suspects.iter().map(|(chapter, posterior)| json!({
            "chapter": search.id(*chapter),
            "posterior": posterior,
        })).collect::<Vec<_>>()).unwrap_or_default(),
        "parts": search.parts.iter().map(|seen| part(search, seen)).collect::<Vec<_>>(),
    })
}

fn ids<'a>(search: &'a Search, part: &Part) -> Vec<&'a str> {
    part.chapters
        .iter()
        .map(|index| search.id(*index))
        .collect()
}

fn params(search: &Search, own: &PartParams) -> Value {
    json!({"chapter": search.id(own.chapter), "values": own.values})
}

fn part(search: &Search, seen: &PartSeen) -> Value {
    let positions = seen.part.chapters.iter().map(|index| u64::from(*index) + 1);
    json!({
        "positions": positions.collect::<Vec<_>>(),
        "params": seen.part.params.as_ref().map(|own| params(search, own)),
        "rounds": seen.rounds,
        "deaths": seen.deaths,
        // Rounds that ended badly in another way, and were drawn again.
        "others": seen.others,
    })
}
