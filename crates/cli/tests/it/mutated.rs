//! Thousands of inputs with small changes: suites, recorded reports and journals. Each is accepted
//! or refused, without a panic or a hang.

use std::fs;
use std::path::{Path, PathBuf};

use crashrate_model::{Lines, Record};
use crashrate_report::{Detail, TerminalOptions, ViewBuilder, csv, json, junit, terminal};
use crashrate_supervisor::baseline;
use crashrate_supervisor::journal::read_from;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::suite::Suite;

use crate::damaged_journal::Random;
use crate::util::{Place, records};

/// The number of inputs of each kind.
const INPUTS: usize = 2500;
/// The same number for `cargo xtask verify journals`.
const MANY: usize = 50_000;

/// Text inserted into inputs: numbers at the limits of their types, and tokens of TOML and JSON.
const PIECES: [&str; 16] = [
    "0",
    "-1",
    "1",
    "255",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "1e309",
    "nan",
    "\"",
    "[]",
    "{}",
    "null",
    "\u{202e}",
    "\u{0}",
    "a.b = 1\n",
];

/// Makes one to three changes: flips a bit, inserts a piece, removes or repeats a part, or replaces
/// a number.
fn mutated(input: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1));
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            2 => drop(bytes.splice(at..end, [])),
            3 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => number(&mut bytes, at, random),
        }
    }
    bytes
}

/// Replaces the next number with a piece.
fn number(bytes: &mut Vec<u8>, from: usize, random: &mut Random) {
    let is_digit = |b: &u8| b.is_ascii_digit();
    if let Some(begin) = bytes.iter().skip(from).position(is_digit) {
        let begin = from + begin;
        let digits = bytes[begin..].iter().take_while(|b| is_digit(b)).count();
        let piece = PIECES[random.below(PIECES.len())];
        drop(bytes.splice(begin..begin + digits, piece.bytes()));
    }
}

/// The files with this extension in a folder of the project.
fn shipped(folder: &str, extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", root.display());
    files
}

/// Calls `read` with mutations of these files and returns how many it accepted.
fn read_all(files: &[PathBuf], inputs: usize, mut read: impl FnMut(&str, &Path) -> bool) -> usize {
    let texts: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let mut random = Random::new(inputs as u64);
    let good = |_: &usize| {
        let which = random.below(texts.len());
        let text = mutated(&texts[which], &mut random);
        read(&String::from_utf8_lossy(&text), &files[which])
    };
    (0..inputs).filter(good).count()
}

/// Makes the JSON report; if `whole`, also the terminal, CSV and JUnit reports.
fn shown(records: &[Record], whole: bool) {
    let mut builder = ViewBuilder::with_attempts();
    if records
        .iter()
        .try_for_each(|record| builder.push(record))
        .is_err()
    {
        return;
    }
    let Ok(view) = builder.finish(crashrate_report::RunState::Ended) else {
        return;
    };
    assert!(json(&view).starts_with('{'));
    if !whole {
        return;
    }
    for detail in [Detail::Summary, Detail::Full] {
        let options = TerminalOptions {
            width: 80,
            color: false,
            detail,
            page: None,
            origin: None,
        };
        terminal(&view, &options);
    }
    for list in [csv, junit] {
        let mut ends = records;
        list(&view, &mut ends, &mut Vec::new()).unwrap();
    }
}

fn suites(inputs: usize) {
    let good = read_all(&shipped("configs", "toml"), inputs, |text, path| {
        let Ok(suite) = Suite::parse(text, path, &|_| Err("not listed".into())) else {
            return false;
        };
        if let Ok(plan) = Plan::new(suite, &Selection::default(), 7) {
            plan.fingerprint();
            plan.rounds().take(1000).for_each(drop);
        }
        true
    });
    assert!(good > inputs / 20, "{good}");
}

fn recorded_reports(inputs: usize) {
    let mut count = 0;
    let good = read_all(
        &shipped("fixtures/recorded", "toml"),
        inputs,
        |text, path| {
            let Ok(recorded) = baseline::parse(text, path, "record.toml") else {
                return false;
            };
            // A mutation may ask for hundreds of thousands of rounds, which would only take longer.
            let records: Vec<_> = recorded.records().take(500).collect();
            count += 1;
            shown(&records, count % 10 == 0);
            true
        },
    );
    assert!(good > inputs / 20, "{good}");
}

/// Mutates records and computes valid checksums for them, so that the records themselves are read.
fn journals(inputs: usize) {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 3
        [[chapter]]
        id = "passes"
        command = ["true"]
        [[chapter]]
        id = "crashes"
        command = ["sh", "-c", "kill -SEGV $$"]
        [[sequence]]
        id = "both"
        chapters = ["passes", "crashes"]
        command = ["sh", "-c", "exit 4"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let all: Vec<_> = records(&place.run());
    let objects: Vec<_> = all.iter().map(|r| serde_json::to_vec(r).unwrap()).collect();
    let mut random = Random::new(inputs as u64);
    let mut read = 0;
    for _ in 0..inputs {
        let changed = random.below(objects.len());
        let (mut lines, mut journal) = (Lines::default(), Vec::new());
        for (place, object) in objects.iter().enumerate() {
            match place == changed {
                true => lines.write_json(&mutated(object, &mut random), &mut journal),
                false => lines.write(&all[place], &mut journal).unwrap(),
            }
        }
        let records = read_from(journal.as_slice(), Path::new("journal.jsonl"));
        if let Ok(records) = records.collect::<Result<Vec<_>, _>>() {
            read += 1;
            shown(&records, read % 10 == 0);
        }
    }
    assert!(read > inputs / 20, "{read}");
}

#[test]
fn suites_are_planned_or_refused() {
    suites(INPUTS);
}

#[test]
fn recorded_reports_are_shown_or_refused() {
    recorded_reports(INPUTS);
}

#[test]
fn journals_are_shown_or_refused() {
    journals(INPUTS);
}

#[test]
#[ignore = "minutes without optimization: cargo xtask verify journals"]
fn many_of_each() {
    suites(MANY);
    recorded_reports(MANY);
    journals(MANY);
}
