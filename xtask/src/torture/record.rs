//! Checks that the journal and the report of a run have every round exactly once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
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

#[derive(Deserialize)]
struct Line {
    rec: String,
    #[serde(default)]
    run: Option<Run>,
    #[serde(default)]
    unit: usize,
    #[serde(default)]
    round: u64,
    #[serde(default)]
    attempt: u64,
    #[serde(default)]
    outcome: String,
}

#[derive(Deserialize)]
struct Run {
    units: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    name: String,
}

/// Checks the journal of a complete run: each planned attempt has exactly one result, the right
/// one, and each started attempt has an end.
pub(super) fn check_journal(folder: &Path) -> Result<Counts> {
    let text = fs::read_to_string(folder.join("journal.jsonl")).context("no journal")?;
    let mut counts = Counts::default();
    let mut names: Vec<String> = Vec::new();
    let mut open: BTreeMap<(usize, u64, u64), i64> = BTreeMap::new();
    let mut ends: BTreeMap<(String, u64, u64), u64> = BTreeMap::new();
    for line in text.lines() {
        let record: Line = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let key = (record.unit, record.round, record.attempt);
        match record.rec.as_str() {
            "opened" => {
                counts.opened += 1;
                names = (record.run.into_iter().flat_map(|run| run.units))
                    .map(|unit| unit.name)
                    .collect();
            }
            "started" => *open.entry(key).or_default() += 1,
            "ended" => {
                *open.entry(key).or_default() -= 1;
                if record.outcome == "lost" {
                    counts.lost += 1;
                    continue;
                }
                let name = names.get(record.unit).context("an unknown unit")?;
                let planned = PLANNED.iter().find(|planned| planned.0 == name);
                let outcome = planned.context("an unknown chapter")?.3;
                ensure!(record.outcome == outcome, "not {outcome}: {line}");
                *ends.entry((name.clone(), key.1, key.2)).or_default() += 1;
            }
            _ => {}
        }
    }
    let unended = open.iter().find(|(_, open)| **open != 0);
    ensure!(unended.is_none(), "not one end for each start: {unended:?}");
    let mut planned = BTreeMap::new();
    for (name, rounds, attempts, _) in PLANNED {
        for round in 1..=rounds {
            planned.extend((1..=attempts).map(|attempt| ((name.to_owned(), round, attempt), 1)));
        }
    }
    let differing = planned
        .iter()
        .find(|(key, _)| ends.get(key) != Some(&1))
        .or_else(|| ends.iter().find(|(key, n)| planned.get(key) != Some(n)));
    ensure!(
        differing.is_none(),
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
