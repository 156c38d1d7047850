//! Checks that the journal and the report of a run have every round exactly once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Name of the unit, rounds, attempts of each round, outcome of each attempt.
const PLANNED: [(&str, u64, u64, &str); 5] = [
    ("passes", 40, 1, "passed"),
    ("crashes", 40, 1, "crashed"),
    ("fails-twice", 40, 2, "failed"),
    ("leaves-others", 40, 1, "passed"),
    ("shares", 40, 1, "crashed"),
];

#[derive(Default)]
pub(super) struct Counts {
    /// Supervisors that opened the journal.
    pub(super) opened: u64,
    /// Attempts lost with a supervisor.
    pub(super) lost: u64,
}

/// Checks the journal of a complete run: each planned attempt has exactly one result, the right
/// one, and each started attempt has an end.
pub(super) fn check_journal(folder: &Path) -> Result<Counts> {
    let text = fs::read_to_string(folder.join("journal.jsonl")).context("no journal")?;
    let mut counts = Counts::default();
    let mut units = Value::Null;
    let mut open: BTreeMap<_, i64> = BTreeMap::new();
    let mut ends: BTreeMap<_, u64> = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let number = |key: &str| record[key].as_u64().unwrap_or_default();
        let (unit, round, attempt) = (number("unit"), number("round"), number("attempt"));
        match record["rec"].as_str() {
            Some("opened") => {
                counts.opened += 1;
                units = record["run"]["units"].clone();
            }
            Some("started") => *open.entry((unit, round, attempt)).or_default() += 1,
            Some("ended") => {
                *open.entry((unit, round, attempt)).or_default() -= 1;
                if record["outcome"] == "lost" {
                    counts.lost += 1;
                    continue;
                }
                let name = &units[usize::try_from(unit)?]["name"];
                let planned = PLANNED.into_iter().find(|planned| name == planned.0);
                let (name, _, _, outcome) = planned.context("an unknown chapter")?;
                ensure!(record["outcome"] == outcome, "not {outcome}: {line}");
                *ends.entry((name, round, attempt)).or_default() += 1;
            }
            _ => {}
        }
    }
    let unended = open.iter().find(|(_, open)| **open != 0);
    ensure!(unended.is_none(), "not one end for each start: {unended:?}");
    let mut planned = BTreeMap::new();
    for (name, rounds, attempts, _) in PLANNED {
        for round in 1..=rounds {
            planned.extend((1..=attempts).map(|attempt| ((name, round, attempt), 1)));
        }
    }
    let differing = Vec::from_iter(planned.iter().filter(|(key, n)| ends.get(*key) != Some(n)));
    ensure!(
        differing.is_empty() && ends.len() == planned.len(),
        "not exactly once: {differing:?}, {} ends for {} planned",
        ends.len(),
        planned.len()
    );
    Ok(counts)
}

/// Checks the JSON report of a complete run: each unit has as many first attempts as rounds.
pub(super) fn check_report(report: &Value) -> Result<()> {
    ensure!(report["run"]["complete"] == true, "not complete");
    for (name, rounds, _, _) in PLANNED {
        let (list, key) = match name {
            "shares" => ("sequences", "sequence"),
            _ => ("chapters", "chapter"),
        };
        let rows = report[list].as_array().into_iter().flatten();
        let of_unit = |row: &&Value| row[key] == name && row["mode"] != "sequential";
        let row = rows.clone().find(of_unit);
        let row = row.with_context(|| format!("no row of {name}"))?;
        let n = &row["first_attempt"]["n"];
        ensure!(
            *n == rounds,
            "{name}: {n} first attempts for {rounds} rounds"
        );
    }
    Ok(())
}
