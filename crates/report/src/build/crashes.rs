//! Deaths by their signature, gathered for a unit and put together for a run.

use std::collections::BTreeMap;

use crashrate_model::{Ended, Mode, Unit};

use crate::view::{CrashPlace, CrashRow, Results};

/// The most signatures that are told apart in a unit: a program that dies elsewhere each time has no more to say.
const MAX_SIGNATURES: usize = 200;

/// The signatures of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashTally(BTreeMap<String, Seen>);

#[derive(Clone, Debug)]
struct Seen {
    count: u32,
    first: u32,
    last: u32,
    file: Option<String>,
}

impl CrashTally {
    /// A first attempt that counts.
    pub(super) fn add(&mut self, ended: &Ended) {
        let Some(crash) = &ended.crash else {
            return;
        };
        if !self.0.contains_key(&crash.signature) && self.0.len() == MAX_SIGNATURES {
            return;
        }
        let seen = self.0.entry(crash.signature.clone()).or_insert(Seen {
            count: 0,
            first: ended.round,
            last: ended.round,
            file: None,
        });
        seen.count += 1;
        seen.first = seen.first.min(ended.round);
        seen.last = seen.last.max(ended.round);
        if seen.file.is_none() {
            seen.file.clone_from(&crash.file);
        }
    }

    /// Adds them to those of the run.
    pub(super) fn put(
        &self,
        unit: &Unit,
        results: &Results,
        command: Option<&str>,
        rows: &mut Vec<CrashRow>,
    ) {
        for (signature, seen) in &self.0 {
            let place = CrashPlace {
                name: unit.name.clone(),
                mode: unit.mode,
                variant: unit.variant.clone(),
                share: crate::view::Share {
                    bad: seen.count,
                    n: results.first_attempt.n,
                },
                by_data: results.by_data,
                first: seen.first,
                last: seen.last,
            };
            match rows.iter_mut().find(|row| row.signature == *signature) {
                Some(row) => row.places.push(place),
                None => rows.push(CrashRow {
                    signature: signature.clone(),
                    places: vec![place],
                    file: seen.file.clone(),
                    repeat: command.map(|command| repeat(command, unit)),
                    excerpt: Vec::new(),
                }),
            }
        }
    }
}

/// The most frequent first.
pub(super) fn sorted(mut rows: Vec<CrashRow>) -> Vec<CrashRow> {
    rows.sort_by(|a, b| (b.count(), &a.signature).cmp(&(a.count(), &b.signature)));
    rows
}

/// The run's command, narrowed to the unit and stopped at its first crash, as far as the command does not say so itself.
fn repeat(command: &str, unit: &Unit) -> String {
    let (own, rest) = match command.split_once(" -- ") {
        Some((own, rest)) => (own, Some(rest)),
        None => (command, None),
    };
    let says = |option: &str| {
        own.split_whitespace().any(|word| {
            word == option
                || word
                    .strip_prefix(option)
                    .is_some_and(|r| r.starts_with('='))
        })
    };
    let mut words = own.to_owned();
    if rest.is_none() && !says("--mode") {
        words += &format!(" --mode {}", unit.mode);
    }
    if rest.is_none() && unit.mode == Mode::Isolated && !says("--chapter") {
        words += &format!(" --chapter {}", unit.name);
    }
    if !says("--until") && !says("--gate") {
        words += " --until first-crash";
    }
    match rest {
        Some(rest) => format!("{words} -- {rest}"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_repeated_by_the_runs_own_command() {
        let unit = |mode| Unit {
            name: "a".into(),
            mode,
            variant: "default".into(),
            spawn: crashrate_model::Spawn::Exec,
            chapters: vec!["a".into()],
            rounds: 1,
        };
        for (command, mode, expected) in [
            (
                "crashrate run s.toml --seed 7",
                Mode::Isolated,
                "crashrate run s.toml --seed 7 --mode isolated --chapter a --until first-crash",
            ),
            (
                "crashrate run s.toml --mode=sequential --until decided",
                Mode::Sequential,
                "crashrate run s.toml --mode=sequential --until decided",
            ),
            (
                "crashrate run --seed 7 -- prog --mode x",
                Mode::Isolated,
                "crashrate run --seed 7 --until first-crash -- prog --mode x",
            ),
        ] {
            assert_eq!(repeat(command, &unit(mode)), expected);
        }
    }
}
