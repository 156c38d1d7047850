//! Counts add up even if the supervisor is killed and resumed, and no journal causes a panic.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

use crashrate_model::{
    ChapterEnd, ChapterFacts, DiedIn, Ended, Exit, Mode, Outcome, Record, StopReason, Unit,
};
use crashrate_report::{
    Results, RunPages, RunState, Share, View, csv, history, history_html, html, json, junit,
    junit_rounds, markdown,
};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::journal::{
    Journal, attempts, build, chapter, ended, full, info, isolated, listed, measure, sequence,
    summary,
};

/// What happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The attempt ends with this outcome. In a sequence, chapter `place` decides it.
    Ends { outcome: Outcome, place: usize },
    /// The supervisor is killed, and another one resumes the run.
    Killed,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let ends = |outcome| (0..3usize).prop_map(move |place| Fate::Ends { outcome, place });
    let fate = prop_oneof![
        6 => ends(Outcome::Passed),
        3 => ends(Outcome::Crashed),
        2 => ends(Outcome::Failed),
        1 => ends(Outcome::TimedOut),
        1 => ends(Outcome::OutOfMemory),
        1 => ends(Outcome::NotStarted),
        1 => ends(Outcome::Interrupted),
        1 => Just(Fate::Killed),
    ];
    prop::collection::vec(fate, 0..60)
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    let chapters = ["a", "b", "c"];
    let unit = (any::<bool>(), 1..=3usize, 1..=4u32).prop_map(move |(alone, n, rounds)| {
        if alone {
            isolated(chapters[n - 1], rounds)
        } else {
            sequence("s", &chapters[..n], rounds)
        }
    });
    prop::collection::vec(unit, 1..4)
}

/// Runs rounds in blocks, as a supervisor does, until the fates run out. Rounds without a result
/// are run again.
fn play(units: &[Unit], retries: u32, fates: &[Fate]) -> Vec<Record> {
    let mut info = info(units.to_vec());
    info.retries = retries;
    let mut journal = Journal::of(info);
    let planned: u32 = units.iter().map(|unit| unit.rounds).sum();
    let mut measured = BTreeSet::new();
    let mut fates = fates.iter().copied();
    'resumed: loop {
        for round in 1..=4 {
            for (place, unit) in (0..).zip(units) {
                if round > unit.rounds || measured.contains(&(place, round)) {
                    continue;
                }
                for attempt in 1..=1 + retries {
                    let Some(fate) = fates.next() else {
                        journal.start(place, round, attempt);
                        return journal.records;
                    };
                    journal.start(place, round, attempt);
                    let Fate::Ends { outcome, place: at } = fate else {
                        journal.open();
                        continue 'resumed;
                    };
                    journal.end(end_of(unit, place, (round, attempt), outcome, at));
                    if outcome.counts() {
                        measured.insert((place, round));
                    }
                    if outcome == Outcome::Passed || !outcome.counts() {
                        break;
                    }
                }
            }
        }
        if fates.len() == 0 || measured.len() as u32 == planned {
            journal.close(StopReason::Done);
            return journal.records;
        }
        journal.close(StopReason::Interrupted).open();
    }
}

fn end_of(
    unit: &Unit,
    place: u32,
    (round, attempt): (u32, u32),
    outcome: Outcome,
    at: usize,
) -> Ended {
    let mut end = ended(place, round, attempt, outcome, 1.5);
    if unit.mode == Mode::Sequential && outcome.counts() {
        let at = at % unit.chapters.len();
        let behind = match outcome {
            Outcome::Passed | Outcome::Failed => Outcome::Passed,
            _ => {
                end.died_in = Some(DiedIn::Chapter(unit.chapters[at].clone()));
                Outcome::Unreached
            }
        };
        end.chapters = (0..unit.chapters.len())
            .map(|chapter_at| match chapter_at.cmp(&at) {
                std::cmp::Ordering::Less => chapter(Outcome::Passed),
                std::cmp::Ordering::Equal => chapter(outcome),
                std::cmp::Ordering::Greater => chapter(behind),
            })
            .collect();
    }
    end
}

/// The outcomes of the first attempts of a unit by round; `Lost` for an attempt without an end.
fn firsts(records: &[Record], unit: u32) -> BTreeMap<u32, Vec<Outcome>> {
    let mut rounds: BTreeMap<u32, Vec<Outcome>> = BTreeMap::new();
    for record in records {
        match record {
            Record::Started(s) if s.unit == unit && s.attempt == 1 => {
                rounds.entry(s.round).or_default().push(Outcome::Lost);
            }
            Record::Ended(e) if e.unit == unit && e.attempt == 1 => {
                let firsts = rounds.get_mut(&e.round).expect("started before");
                *firsts.last_mut().expect("started before") = e.outcome;
            }
            _ => {}
        }
    }
    rounds
}

fn adds_up(results: &Results) -> Result<(), TestCaseError> {
    let again = results.run_again.sum();
    prop_assert_eq!(results.outcomes.sum(), results.rounds + again);
    prop_assert_eq!(results.outcomes.counted(), results.first_attempt.n);
    prop_assert_eq!(results.run_again.counted(), 0);
    let uncounted = results.outcomes.sum() - results.outcomes.counted() - again;
    prop_assert_eq!(results.first_attempt.n + uncounted, results.rounds);
    prop_assert!(results.first_attempt.bad <= results.first_attempt.n);
    prop_assert!(results.first_attempt.n <= results.ended);
    prop_assert!(results.ended <= results.rounds && results.rounds <= results.planned);
    prop_assert!(
        results.passed_after_retries + results.after_retries.bad <= results.after_retries.n
    );
    prop_assert!(results.flaky_rounds.len() as u32 <= results.passed_after_retries);
    prop_assert!(results.after_retries.n >= results.first_attempt.n);
    let secs = results.secs.map_or(0, |secs| secs.n);
    prop_assert_eq!(secs, results.first_attempt.n);
    Ok(())
}

fn whole_units(view: &View) -> impl Iterator<Item = &Results> {
    let isolated = view.chapters.iter().filter(|row| row.sequence.is_none());
    let sequences = view.sequences.iter().map(|row| &row.results);
    isolated.map(|row| &row.results).chain(sequences)
}

proptest! {
    #[test]
    fn counts_add_up(units in units(), retries in 0..3u32, fates in fates()) {
        let records = play(&units, retries, &fates);
        let view = build(&records, RunState::Ended).unwrap();
        for results in whole_units(&view).chain(view.chapters.iter().map(|row| &row.results)) {
            adds_up(results)?;
        }
        for row in &view.sequences {
            let deaths: u32 = row.died_in.chapters.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(deaths + row.died_in.between + row.died_in.exit, row.results.first_attempt.bad);
        }
        let totals = whole_units(&view).fold(Share::default(), |sum, results| Share {
            bad: sum.bad + results.first_attempt.bad,
            n: sum.n + results.first_attempt.n,
        });
        prop_assert_eq!(view.totals.first_attempt, totals);
        prop_assert_eq!(view.run.complete, totals.n == view.totals.planned);
    }

    #[test]
    fn first_attempts_are_those_of_the_journal(units in units(), retries in 0..3u32, fates in fates()) {
        let records = play(&units, retries, &fates);
        let view = build(&records, RunState::Ended).unwrap();
        let (mut isolated, mut sequences) = (
            view.chapters.iter().filter(|row| row.sequence.is_none()).map(|row| &row.results),
            view.sequences.iter().map(|row| &row.results),
        );
        for (place, unit) in (0..).zip(&units) {
            let results = match unit.mode {
                Mode::Isolated => isolated.next(),
                Mode::Sequential => sequences.next(),
            }.unwrap();
            let firsts = firsts(&records, place);
            for outcome in Outcome::ALL {
                let n = firsts.values().flatten().filter(|o| **o == outcome).count();
                prop_assert_eq!(results.outcomes.get(outcome) as usize, n);
            }
            for (round, outcomes) in firsts {
                let cell = results.cells[round as usize - 1];
                prop_assert_eq!(cell.first, outcomes.last().copied());
            }
        }
    }

    /// Adding up the attempts in the CSV gives the rates of the report.
    #[test]
    fn attempts_add_up_to_the_rates(units in units(), retries in 0..3u32, fates in fates()) {
        let records = play(&units, retries, &fates);
        let view = attempts(&records, RunState::Ended).unwrap();
        let lines = lines(&listed(csv, &view, &records));
        let yes = |line: &[String], column: usize| u32::from(line[column] == "true");
        let mut sums: BTreeMap<[String; 4], (u32, u32)> = BTreeMap::new();
        for line in &lines[1..] {
            let key = [4, 5, 7, 8].map(|column| line[column].clone());
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + yes(line, 13), sum.1 + yes(line, 12));
        }
        let mut rows: BTreeMap<[String; 4], (u32, u32)> = BTreeMap::new();
        let chapters = view.chapters.iter().map(|row| {
            let position = row.position.map_or_else(String::new, |p| p.to_string());
            let sequence = row.sequence.clone().unwrap_or_default();
            ([row.mode.word().to_owned(), sequence, row.chapter.clone(), position], &row.results)
        });
        let sequences = view.sequences.iter().map(|row| {
            let mode = Mode::Sequential.word().to_owned();
            ([mode, row.sequence.clone(), String::new(), String::new()], &row.results)
        });
        for (key, results) in chapters.chain(sequences).filter(|(_, results)| results.rounds > 0) {
            // A plan that lists a unit twice has two rows with the same name.
            let sum = rows.entry(key).or_default();
            *sum = (sum.0 + results.first_attempt.bad, sum.1 + results.first_attempt.n);
        }
        prop_assert_eq!(sums, rows);
    }
}

fn lines(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let lines = reader.records().map(|line| line.unwrap());
    lines
        .map(|line| line.iter().map(str::to_owned).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_journal_causes_a_panic(
        records in prop::collection::vec(any_records(), 0..12),
        workers in prop::sample::subsequence(WORKERS.to_vec(), 2),
        width in 0..150usize,
    ) {
        let mut info = info(vec![isolated("a", 3), sequence("s", &["a", "b"], 3)]);
        info.chapters = worked(&workers);
        let mut all = Journal::of(info).records;
        all.extend(records.into_iter().flatten());
        for state in [RunState::Ended, RunState::Running] {
            if let Ok(view) = attempts(&all, state) {
                let text = full(&view, width) + &summary(&view, width);
                prop_assert!(text.lines().all(|line| line.width() <= width.max(40)), "{}", text);
                let _ = markdown(&view, Some(&view));
                let parsed: serde_json::Value = serde_json::from_str(&json(&view)).unwrap();
                prop_assert_eq!(parsed["schema"].as_u64(), Some(1));
                for page in [
                    html(&view, Some(&view)),
                    history_html(from_ref(&history("story", &[view.clone(), view.clone()])), &RunPages::Served),
                ] {
                    prop_assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
                }
                for form in [junit, junit_rounds] {
                    let xml = listed(form, &view, &all);
                    prop_assert!(quick_junit::Report::deserialize_from_str(&xml).is_ok(), "{}", xml);
                }
                let lines = lines(&listed(csv, &view, &all));
                let formula = |cell: &String| cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
                prop_assert!(!lines.iter().flatten().any(formula), "{:?}", lines);
            }
        }
    }
}

const WORKERS: [&str; 5] = [
    "matmul-soak",
    "encoder-layer",
    "batching-advantage",
    "correctness",
    "of-tomorrow",
];

/// The workers and parameters of the chapters `a` and `b`.
fn worked(workers: &[&str]) -> Vec<ChapterFacts> {
    let facts = ["a", "b"].into_iter().zip(workers).map(|(id, worker)| {
        let params =
            serde_json::json!({"threads": 8, "iterations": "x\u{1b}", "size": [1, 2.5, null]});
        ChapterFacts {
            id: id.to_owned(),
            worker: Some((*worker).to_owned()),
            params: params.as_object().unwrap().clone(),
        }
    });
    facts.collect()
}

/// Random records. An attempt has both a start and an end in most cases, because an end without a
/// start is always an error.
fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let attempt = (
        0..2u32,
        1..4u32,
        prop_oneof![4 => 1..9u32, 1 => Just(u32::MAX)],
    );
    let text = prop_oneof![
        Just(String::new()),
        any::<String>(),
        Just("threads=8,batch=x".to_owned())
    ];
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    let value = prop_oneof![any::<f64>(), Just(0.5), Just(100.0)];
    let kind = prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(2)];
    (
        kind,
        attempt,
        outcome,
        prop::collection::vec((text, value), 0..4),
    )
        .prop_map(|(kind, (unit, round, attempt), outcome, said)| match kind {
            0 => {
                let end = any_end(unit, round, attempt, outcome, &said);
                let mut journal = Journal::new(vec![]);
                journal.start(unit, round, attempt).end(end);
                journal.records.split_off(1)
            }
            1 => {
                let mut journal = Journal::new(vec![]);
                journal.start(unit, round, attempt);
                journal.records.split_off(1)
            }
            _ => {
                let mut journal = Journal::new(vec![]);
                journal.close(StopReason::Interrupted);
                journal.records.split_off(1)
            }
        })
}

fn any_end(unit: u32, round: u32, attempt: u32, outcome: Outcome, said: &[(String, f64)]) -> Ended {
    let mut end = ended(unit, round, attempt, outcome, said.len() as f64);
    end.reason = said.first().map(|(text, _)| text.clone());
    end.notes = said.iter().map(|(text, _)| text.clone()).collect();
    end.exit = said.get(1).map(|(text, _)| Exit::Signal(text.clone()));
    end.measures = said
        .iter()
        .zip(["operations", "elapsed", "throughput", "m"])
        .map(|((text, value), name)| measure(name, text, text, *value))
        .collect();
    let chapters = if unit == 1 { 2 } else { 0 };
    end.chapters = said
        .iter()
        .cycle()
        .take(chapters)
        .map(|(text, value)| ChapterEnd {
            outcome,
            secs: Some(*value),
            reason: Some(text.clone()),
            measures: end.measures.clone(),
        })
        .collect();
    end.died_in = (unit == 1).then_some(DiedIn::Exit);
    end
}
