//! Collects deaths by signature per unit, and merges them for the run.

use std::collections::BTreeMap;

use crashrate_model::{CrashRef, Descendant, Ended, EvidenceRound, Outcome, Unit};

use crate::view::{CrashPlace, CrashRole, CrashRow, Results, Share, is_hang};

/// The most signatures kept per unit. More would not help: such a program dies somewhere else each
/// time.
const MAX_SIGNATURES: usize = 200;
/// The most rounds kept per signature and unit.
const MAX_ROUNDS: usize = 40;

/// Where a crash was seen.
struct At<'a> {
    round: u32,
    /// The attempt's kept output.
    output: Option<&'a String>,
    in_evidence_rounds: bool,
}

/// The signatures of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashTally {
    seen: BTreeMap<(String, CrashRole), Seen>,
    evidence_rounds: u32,
}

#[derive(Clone, Debug)]
struct Seen {
    count: u32,
    first: u32,
    last: u32,
    /// The first of them, at most [`MAX_ROUNDS`].
    rounds: Vec<u32>,
    file: Option<String>,
    output: Option<String>,
}

impl CrashTally {
    /// Adds a first attempt that counts.
    pub(super) fn add(&mut self, ended: &Ended) {
        // A crash in response to the time limit's signal is not a crash of the chapter.
        let own = (ended.crash.as_ref())
            .filter(|crash| ended.outcome != Outcome::TimedOut || is_hang(&crash.signature));
        let seen = At {
            round: ended.round,
            output: ended.output.as_ref(),
            in_evidence_rounds: false,
        };
        self.add_all(seen, &ended.descendants, own);
    }

    /// Adds an evidence round.
    pub(super) fn add_evidence(&mut self, round: &EvidenceRound) {
        self.evidence_rounds += 1;
        let seen = At {
            round: round.round,
            output: None,
            in_evidence_rounds: true,
        };
        self.add_all(seen, &round.descendants, round.crash.as_ref());
    }

    fn add_all(&mut self, at: At, descendants: &[Descendant], own: Option<&CrashRef>) {
        // If a descendant's crash caused this one, the signature is the descendant's.
        let own = own.filter(|own| descendants.iter().all(|d| d.crash != **own));
        let role = |descendant| CrashRole {
            descendant,
            in_evidence_rounds: at.in_evidence_rounds,
        };
        if let Some(crash) = own {
            self.add_one(&at, crash, role(None));
        }
        for descendant in descendants {
            let role = role(Some(descendant.program.clone()));
            self.add_one(&at, &descendant.crash, role);
        }
    }

    fn add_one(&mut self, at: &At, crash: &CrashRef, role: CrashRole) {
        let round = at.round;
        let key = (crash.signature.clone(), role);
        if !self.seen.contains_key(&key) && self.seen.len() == MAX_SIGNATURES {
            return;
        }
        let seen = self.seen.entry(key).or_insert(Seen {
            count: 0,
            first: round,
            last: round,
            rounds: Vec::new(),
            file: None,
            output: None,
        });
        seen.count += 1;
        seen.first = seen.first.min(round);
        seen.last = seen.last.max(round);
        if seen.rounds.len() < MAX_ROUNDS && seen.rounds.last() != Some(&round) {
            seen.rounds.push(round);
        }
        seen.file = seen.file.take().or_else(|| crash.file.clone());
        seen.output = seen.output.take().or_else(|| at.output.cloned());
    }

    /// Adds them to the run's signatures.
    pub(super) fn put(
        &self,
        unit: &Unit,
        results: &Results,
        command: Option<&str>,
        rows: &mut Vec<CrashRow>,
    ) {
        for ((signature, role), seen) in &self.seen {
            let n = match role.in_evidence_rounds {
                true => self.evidence_rounds,
                false => results.first_attempt.n,
            };
            let place = CrashPlace {
                name: unit.name.clone(),
                mode: unit.mode,
                variant: unit.variant.clone(),
                role: role.clone(),
                share: Share { bad: seen.count, n },
                optional_stopping: results.optional_stopping,
                first: seen.first,
                last: seen.last,
                rounds: seen.rounds.clone(),
            };
            match rows.iter_mut().find(|row| row.signature == *signature) {
                Some(row) => row.places.push(place),
                None => rows.push(CrashRow {
                    signature: signature.clone(),
                    places: vec![place],
                    file: seen.file.clone(),
                    output: seen.output.clone(),
                    repeat: command.map(|command| repeat(command, seen.first)),
                    excerpt: Vec::new(),
                    source: Vec::new(),
                    python: Vec::new(),
                    evidence: Vec::new(),
                }),
            }
        }
    }
}

/// Sorts the most frequent first.
pub(super) fn sorted(mut rows: Vec<CrashRow>) -> Vec<CrashRow> {
    rows.sort_by(|a, b| (b.count(), &a.signature).cmp(&(a.count(), &b.signature)));
    rows
}

/// The run's command, restricted to one round.
fn repeat(command: &str, round: u32) -> String {
    let all = words(command);
    // The words after `--` belong to the user's command.
    let end = all.iter().position(|(_, word)| *word == "--");
    let own = &all[..end.unwrap_or(all.len())];
    let says_it = |word: &str| word == "--round" || word.starts_with("--round=");
    if own.iter().any(|(_, word)| says_it(word)) {
        return command.to_owned();
    }
    let place = end.map_or(command.len(), |end| all[end].0);
    let (own, rest) = command.split_at(place);
    let own = own.trim_end();
    match rest {
        "" => format!("{own} --round {round}"),
        rest => format!("{own} --round {round} {rest}"),
    }
}

/// The words of a shell command as they are written, each with its place. A quoted space, such as
/// one in a chapter's id, does not end a word.
fn words(command: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut begin = 0;
    let (mut quote, mut is_ansi, mut escaped) = (None, false, false);
    let mut before = ' ';
    for (at, c) in command.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            // Between plain single quotes, a backslash has no meaning.
            Some('\'') if !is_ansi && c != '\'' => {}
            _ if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => {
                quote = Some(c);
                is_ansi = before == '$';
            }
            None if c == ' ' => {
                words.push((begin, &command[begin..at]));
                begin = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    words.push((begin, &command[begin..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_repeat_a_round() {
        for (command, expected) in [
            (
                "crashrate run s.toml --seed 7 --until decided",
                "crashrate run s.toml --seed 7 --until decided --round 3",
            ),
            (
                "crashrate run --seed 7 -- prog --round x",
                "crashrate run --seed 7 --round 3 -- prog --round x",
            ),
            (
                "crashrate run s.toml --seed 7 --round=3",
                "crashrate run s.toml --seed 7 --round=3",
            ),
            (
                r#"crashrate run s.toml --chapter 'a -- \' --chapter "it's -- --round" --chapter $'\' -- b'"#,
                r#"crashrate run s.toml --chapter 'a -- \' --chapter "it's -- --round" --chapter $'\' -- b' --round 3"#,
            ),
            (
                r"crashrate run --name 'x -- y' -- sh -c 'a -- b'",
                r"crashrate run --name 'x -- y' --round 3 -- sh -c 'a -- b'",
            ),
        ] {
            assert_eq!(repeat(command, 3), expected);
        }
    }
}
