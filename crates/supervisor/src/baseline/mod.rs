//! Published reports: reads one from a TOML file as the records of a run, so that runs can be
//! compared with it, and imports it as a run folder.
//!
//! `fixtures/recorded/README.md` describes the format.

pub mod import;
mod raw;
mod rounds;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use crashrate_model::{
    Baseline, ChapterFacts, Claim, Earlier, Finding, Hello, Imported, Level, Mode, OutcomeSet,
    Recommendation, RunInfo, Unit,
};
use toml::Spanned;

use crate::toml_file::{Result, Source, read_text};
use rounds::Rounds;

/// Reads the file of a published report. The run records it as `name`.
///
/// # Errors
/// The file cannot be read or is not a valid report: one message with file and line.
pub fn read(path: &Path, name: &str) -> Result<Baseline> {
    parse(&read_text(path, "published report")?, path, name)
}

/// Reads the text of a published report as if it were in the file `path`, which need not exist.
///
/// # Errors
/// It is not a valid report: one message with file and line.
pub fn parse(text: &str, path: &Path, name: &str) -> Result<Baseline> {
    let source = Source { path, text };
    let file: raw::File = source.parse()?;
    Reader { source }.baseline(file, name)
}

struct Reader<'a> {
    source: Source<'a>,
}

impl Reader<'_> {
    fn baseline(&self, mut file: raw::File, name: &str) -> Result<Baseline> {
        let wrong = |problem: &str| self.source.error(0..0, problem);
        let head = file.report.take().ok_or_else(|| {
            wrong("missing [report] with `number`, `suite`, `date` and `device` of the report")
        })?;
        let bad = (head.bad.as_ref())
            .map(|bad| self.source.bad("report.bad", bad))
            .transpose()?;
        let units = self.units(&file, bad.as_ref())?;
        if units.is_empty() {
            return Err(wrong(
                "the report has no rounds: add [[chapter.rounds]] or [[sequence.rounds]]",
            ));
        }
        let order_unknown = (0u32..)
            .zip(&units)
            .filter(|(_, unit)| unit.order_unknown)
            .map(|(place, _)| place);
        let imported = Imported {
            file: name.to_owned(),
            order_unknown: order_unknown.collect(),
            claims: self.claims(file.claim, &units)?,
        };
        let (units, ended): (Vec<_>, Vec<_>) = (0u32..)
            .zip(units)
            .map(|(place, rounds)| rounds.placed(place))
            .unzip();
        let run = RunInfo {
            number: self.number(&head.number)?,
            suite: self.source.id("report.suite", &head.suite)?,
            device: self.source.device("report.device", &head.device)?,
            // Published reports ran one attempt at a time, without retries.
            jobs: 1,
            bad: bad.unwrap_or_default(),
            machine: head.machine,
            chapters: file.chapter.into_iter().map(facts).collect(),
            findings: self.findings(file.finding)?,
            recommendations: file.recommendation.into_iter().map(recommended).collect(),
            imported: Some(imported),
            units,
            ..RunInfo::default()
        };
        Ok(Baseline {
            date: self.date(&head.date)?,
            hello: Hello {
                device: run.device.clone(),
                versions: head.versions,
            },
            run,
            rounds: ended.into_iter().flatten().collect(),
        })
    }

    fn units(&self, file: &raw::File, bad: Option<&OutcomeSet>) -> Result<Vec<Rounds>> {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut units = Vec::new();
        for chapter in &file.chapter {
            let id = self.source.chapter_id(&chapter.id)?;
            if !known.insert(chapter.id.get_ref()) {
                let problem = format!("chapter.id: there is another chapter `{id}`");
                return Err(self.source.error(chapter.id.span(), problem));
            }
            let unit = unit(&id, Mode::Isolated, vec![id.clone()]);
            units.extend(self.rounds(unit, chapter.in_order, &chapter.rounds, bad)?);
        }
        let mut sequences = HashSet::new();
        for sequence in &file.sequence {
            let id = self.source.id("sequence.id", &sequence.id)?;
            let chapters = self.chapters(&id, &sequence.chapters, &known)?;
            if !sequences.insert(id.clone()) {
                let problem = format!("sequence.id: there is another sequence `{id}`");
                return Err(self.source.error(sequence.id.span(), problem));
            }
            let unit = unit(&id, Mode::Sequential, chapters);
            units.extend(self.rounds(unit, sequence.in_order, &sequence.rounds, bad)?);
        }
        Ok(units)
    }

    fn chapters(
        &self,
        id: &str,
        names: &Spanned<Vec<Spanned<String>>>,
        known: &BTreeSet<&str>,
    ) -> Result<Vec<String>> {
        let wrong = |span, problem: String| {
            let problem = format!("sequence `{id}`: chapters: {problem}");
            Err(self.source.error(span, problem))
        };
        if names.get_ref().is_empty() {
            return wrong(names.span(), "must name at least one chapter".into());
        }
        let mut seen = HashSet::new();
        for name in names.get_ref() {
            let shown = name.get_ref().escape_debug();
            if !known.contains(name.get_ref().as_str()) {
                let known: Vec<_> = known.iter().copied().collect();
                let problem = format!(
                    "there is no chapter `{shown}`; there are: {}",
                    known.join(", ")
                );
                return wrong(name.span(), problem);
            }
            if !seen.insert(name.get_ref()) {
                return wrong(name.span(), format!("`{shown}` is named twice"));
            }
        }
        Ok(names
            .get_ref()
            .iter()
            .map(|n| n.get_ref().clone())
            .collect())
    }

    /// Report numbers are run numbers, which begin with 1.
    fn number(&self, number: &Spanned<i64>) -> Result<u32> {
        let given = *number.get_ref();
        u32::try_from(given).ok().filter(|n| *n > 0).ok_or_else(|| {
            let problem =
                format!("report.number: {given} is no report number; it must be at least 1");
            self.source.error(number.span(), problem)
        })
    }

    fn date(&self, date: &Spanned<String>) -> Result<String> {
        let text = date.get_ref();
        match text.parse::<jiff::civil::Date>() {
            Ok(date) => Ok(date.to_string()),
            Err(_) => {
                let problem = format!(
                    "report.date: `{}` is not a valid date: expected e.g. \"2025-12-22\"",
                    text.escape_debug()
                );
                Err(self.source.error(date.span(), problem))
            }
        }
    }

    fn findings(&self, raw: Vec<raw::Finding>) -> Result<Vec<Finding>> {
        let all = [Level::Ok, Level::Warning, Level::Blocker];
        raw.into_iter()
            .map(|finding| {
                let word = finding.level.get_ref();
                let level = all.into_iter().find(|level| level.word() == word);
                let level = level.ok_or_else(|| {
                    let problem = format!(
                        "finding.level: `{}` is no level; use ok, warning, blocker",
                        word.escape_debug()
                    );
                    self.source.error(finding.level.span(), problem)
                })?;
                Ok(Finding {
                    name: finding.name,
                    level,
                    found: finding.found,
                    advice: finding.advice,
                })
            })
            .collect()
    }

    /// A claim is about rounds in the report; without them it could not be checked.
    fn claims(&self, raw: Vec<raw::Claim>, units: &[Rounds]) -> Result<Vec<Claim>> {
        let has = |mode: Mode, chapter: &String| {
            let of_mode = |rounds: &&Rounds| rounds.unit.mode == mode;
            (units.iter().filter(of_mode)).any(|rounds| rounds.unit.chapters.contains(chapter))
        };
        raw.into_iter()
            .map(|claim| {
                let chapter = claim.chapter.get_ref();
                let wrong = |span, problem: String| Err(self.source.error(span, problem));
                let shown = chapter.escape_debug();
                if !has(Mode::Isolated, chapter) {
                    let problem =
                        format!("claim.chapter: the report has no isolated round of `{shown}`");
                    return wrong(claim.chapter.span(), problem);
                }
                if claim.before.is_none() && !has(Mode::Sequential, chapter) {
                    let problem = format!(
                        "claim.chapter: the report has no sequence with `{shown}`; give the \
                         rounds of an earlier report with `before`"
                    );
                    return wrong(claim.chapter.span(), problem);
                }
                let before = match claim.before {
                    None => None,
                    Some(raw) => {
                        let span = raw.span();
                        let raw::Earlier {
                            number,
                            bad,
                            rounds,
                        } = raw.into_inner();
                        if bad > rounds || rounds == 0 {
                            let problem =
                                format!("claim.before: {bad} of {rounds} rounds is not possible");
                            return wrong(span, problem);
                        }
                        Some(Earlier {
                            number,
                            bad,
                            rounds,
                        })
                    }
                };
                Ok(Claim {
                    text: claim.text,
                    chapter: claim.chapter.into_inner(),
                    before,
                })
            })
            .collect()
    }
}

fn unit(name: &str, mode: Mode, chapters: Vec<String>) -> Unit {
    Unit {
        name: name.to_owned(),
        mode,
        variant: crashrate_model::DEFAULT_VARIANT.to_owned(),
        spawn: crashrate_model::Spawn::Exec,
        chapters,
        rounds: 0,
    }
}

fn facts(chapter: raw::Chapter) -> ChapterFacts {
    ChapterFacts {
        id: chapter.id.into_inner(),
        worker: chapter.worker,
        params: chapter.params,
    }
}

fn recommended(raw: raw::Recommendation) -> Recommendation {
    Recommendation {
        text: raw.text,
        when: None,
    }
}
