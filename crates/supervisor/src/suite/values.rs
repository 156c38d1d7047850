//! The single values of a suite file: what each key may be, and the message when it is something else.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crashrate_model::{Mode, Outcome, OutcomeSet};
use toml::Spanned;

use super::error::Source;
use super::{Expect, SuiteError, is_device, raw};

const ROUNDS: u32 = 10;

type Result<T> = std::result::Result<T, SuiteError>;

impl Source<'_> {
    pub(crate) fn device(&self, key: &str, device: Option<&Spanned<String>>) -> Result<String> {
        let Some(device) = device else {
            return Ok("auto".into());
        };
        if is_device(device.get_ref()) {
            return Ok(device.get_ref().clone());
        }
        let problem = format!(
            "{key}: `{}` is no device; use auto, mps, cuda, cuda:N or cpu",
            device.get_ref()
        );
        Err(self.error(device.span(), problem))
    }

    pub(crate) fn bad(
        &self,
        key: &str,
        bad: Option<Vec<Spanned<String>>>,
    ) -> Result<Option<OutcomeSet>> {
        let Some(bad) = bad else {
            return Ok(None);
        };
        let outcomes = bad.iter().map(|word| {
            Outcome::from_word(word.get_ref())
                .filter(|o| o.counts() && *o != Outcome::Passed)
                .ok_or_else(|| {
                    let problem = format!(
                        "{key}: `{}` cannot be counted; use failed, crashed, timed-out, out-of-memory",
                        word.get_ref()
                    );
                    self.error(word.span(), problem)
                })
        });
        Ok(Some(OutcomeSet::new(outcomes.collect::<Result<Vec<_>>>()?)))
    }

    pub(super) fn modes(
        &self,
        id: &str,
        raw: Option<&Spanned<Vec<Spanned<String>>>>,
        in_sequence: bool,
    ) -> Result<Vec<Mode>> {
        let Some(raw) = raw else {
            let both = [Mode::Isolated, Mode::Sequential];
            return Ok(both[..1 + usize::from(in_sequence)].to_vec());
        };
        let mut modes = Vec::new();
        for word in raw.get_ref() {
            let mode = match word.get_ref().as_str() {
                "isolated" => Mode::Isolated,
                "sequential" => Mode::Sequential,
                other => {
                    let problem = format!(
                        "chapter `{id}`: modes: `{other}` is no mode; use isolated, sequential"
                    );
                    return Err(self.error(word.span(), problem));
                }
            };
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        let problem = match (modes.contains(&Mode::Sequential), in_sequence) {
            _ if modes.is_empty() => "modes is empty; leave it out or name one",
            (true, false) => "modes has sequential, but no [[sequence]] names it",
            (false, true) => "a [[sequence]] names it, but modes lacks sequential",
            _ => return Ok(modes),
        };
        Err(self.error(raw.span(), format!("chapter `{id}`: {problem}")))
    }

    pub(super) fn expect(&self, id: &str, raw: &Spanned<raw::Expect>) -> Result<Expect> {
        let e = raw.get_ref();
        let wrong = |problem: String| {
            Err(self.error(raw.span(), format!("chapter `{id}`: expect: {problem}")))
        };
        if e.at_most.is_none() && e.at_least.is_none() {
            return wrong("give `at_most`, `at_least` or both".into());
        }
        if [e.at_most, e.at_least].iter().flatten().any(|x| x.is_nan()) {
            return wrong("a limit is not a number".into());
        }
        if let (Some(most), Some(least)) = (e.at_most, e.at_least)
            && least > most
        {
            return wrong(format!("nothing is at least {least} and at most {most}"));
        }
        if let Some(other) =
            e.on.iter()
                .find(|d| !matches!(d.as_str(), "mps" | "cuda" | "cpu"))
        {
            return wrong(format!(
                "on: `{other}` is no kind of device; use mps, cuda, cpu"
            ));
        }
        Ok(Expect {
            measure: e.measure.clone(),
            label: e.label.clone(),
            at_most: e.at_most,
            at_least: e.at_least,
            on: e.on.clone(),
        })
    }

    pub(super) fn duration(
        &self,
        text: Option<&Spanned<String>>,
        key: &str,
        default: Duration,
    ) -> Result<Duration> {
        let Some(text) = text else {
            return Ok(default);
        };
        match humantime::parse_duration(text.get_ref()) {
            Ok(d) if !d.is_zero() || key == "grace" => Ok(d),
            Ok(_) => Err(self.error(text.span(), format!("{key}: must be more than 0"))),
            Err(e) => Err(self.error(
                text.span(),
                format!(
                    "{key}: `{}` is no duration ({e}); write it as 90s, 10m or 1h 30m",
                    text.get_ref()
                ),
            )),
        }
    }

    pub(super) fn rounds(&self, rounds: Option<&Spanned<i64>>) -> Result<u32> {
        let Some(rounds) = rounds else {
            return Ok(ROUNDS);
        };
        match u32::try_from(*rounds.get_ref()) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(self.error(
                rounds.span(),
                format!(
                    "rounds: {} is no number of rounds; it must be at least 1",
                    rounds.get_ref()
                ),
            )),
        }
    }

    pub(super) fn retries(&self, retries: Option<&Spanned<i64>>) -> Result<u32> {
        let Some(retries) = retries else {
            return Ok(0);
        };
        u32::try_from(*retries.get_ref()).map_err(|_| {
            let problem = format!(
                "retries: {} is no number of retries; it must be 0 or more",
                retries.get_ref()
            );
            self.error(retries.span(), problem)
        })
    }

    /// The id of a chapter: reports name places outside of chapters `between` and `exit`.
    pub(crate) fn chapter_id(&self, id: &Spanned<String>) -> Result<String> {
        let text = self.id(id, "chapter.id")?;
        if matches!(text.as_str(), "between" | "exit") {
            let problem = format!("chapter.id: `{text}` is taken: it is a place in a sequence");
            return Err(self.error(id.span(), problem));
        }
        Ok(text)
    }

    pub(crate) fn id(&self, id: &Spanned<String>, key: &str) -> Result<String> {
        let text = id.get_ref();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.starts_with(plain)
            && text
                .chars()
                .all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
            && text.len() <= 100
        {
            return Ok(text.clone());
        }
        let problem = format!(
            "{key}: `{}` is no name; use at most 100 of a-z 0-9 . _ - and begin with a letter or digit",
            text.escape_debug()
        );
        Err(self.error(id.span(), problem))
    }

    /// What a process cannot be given as its environment, or what crashrate sets itself.
    pub(super) fn env(&self, at: Range<usize>, env: &BTreeMap<String, String>) -> Result<()> {
        for (name, value) in env {
            let shown = name.escape_debug();
            let problem = if name.is_empty() || name.contains(['=', '\0']) {
                format!("env: `{shown}` cannot be the name of a variable")
            } else if value.contains('\0') {
                format!("env: the value of `{shown}` holds a NUL")
            } else if name.starts_with("CRASHRATE_") {
                format!("env: `{shown}` is set by crashrate itself; choose another name")
            } else {
                continue;
            };
            return Err(self.error(at, problem));
        }
        Ok(())
    }
}
