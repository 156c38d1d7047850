//! Published reports: reads one from a TOML file as the records of a run, so that runs can be
//! compared with it, and imports it as a run folder.
//!
//! `fixtures/recorded/README.md` describes the format.

pub mod import;
mod raw;
mod rounds;

use std::collections::HashSet;
use std::path::Path;

use crate::toml_file::Spanned;
use crashrate_model::{
    Baseline, ChapterFacts, Claim, Earlier, Finding, Hello, Imported, Level, Mode, OutcomeSet,
    Recommendation, RunInfo, Unit,
};

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
    source.baseline(source.parse()?, name)
}

impl Source<'_> {
    fn baseline(&self, mut file: raw::File, name: &str) -> Result<Baseline> {
        let wrong = |problem: &str| self.error(0..0, problem);
        let head = file.report.take().ok_or_else(|| {
            wrong("missing [report] with `number`, `suite`, `date` and `device` of the report")
        })?;
        let bad = (head.bad.as_ref())
            .map(|bad| self.bad("report.bad", bad))
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
        let (units, ended): (Vec<_>, Vec<_>) = (units.into_iter())
            .map(|rounds| (rounds.unit, rounds.ended))
            .unzip();
        let run = RunInfo {
            number: self.report_number(&head.number)?,
            suite: self.id("report.suite", &head.suite)?,
            device: self.device("report.device", &head.device)?,
            // Published reports ran one attempt at a time, without retries.
            jobs: 1,
            bad: bad.unwrap_or_default(),
            machine: head.machine,
            chapters: file.chapter.into_iter().map(facts).collect(),
            findings: self.findings(file.finding)?,
            recommendations: (file.recommendation.into_iter())
                .map(|raw| Recommendation {
                    text: raw.text,
                    when: None,
                })
                .collect(),
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
        let mut known = HashSet::new();
        let mut units = Vec::new();
        for chapter in &file.chapter {
            let id = self.new_id(&mut known, "chapter", &chapter.id)?;
            let unit = unit(&id, Mode::Isolated, vec![id.clone()]);
            let place = units.len();
            units.extend(self.rounds(unit, place, chapter.in_order, &chapter.rounds, bad)?);
        }
        let mut sequences = HashSet::new();
        for sequence in &file.sequence {
            let id = self.new_id(&mut sequences, "sequence", &sequence.id)?;
            let chapters = self.chapters(&id, &sequence.chapters, &known)?;
            let unit = unit(&id, Mode::Sequential, chapters);
            let place = units.len();
            units.extend(self.rounds(unit, place, sequence.in_order, &sequence.rounds, bad)?);
        }
        Ok(units)
    }

    fn chapters(
        &self,
        id: &str,
        names: &Spanned<Vec<Spanned<String>>>,
        known: &HashSet<&str>,
    ) -> Result<Vec<String>> {
        let key = format!("sequence `{id}`: chapters");
        if names.get_ref().is_empty() {
            return self.refuse(names, format!("{key}: must name at least one chapter"));
        }
        let mut chapters = Vec::new();
        for name in names.get_ref() {
            let shown = name.get_ref().escape_debug();
            if !known.contains(name.get_ref().as_str()) {
                let mut known: Vec<_> = known.iter().copied().collect();
                known.sort_unstable();
                let known = known.join(", ");
                let problem = format!("{key}: there is no chapter `{shown}`; there are: {known}");
                return self.refuse(name, problem);
            }
            if chapters.contains(name.get_ref()) {
                return self.refuse(name, format!("{key}: `{shown}` is named twice"));
            }
            chapters.push(name.get_ref().clone());
        }
        Ok(chapters)
    }

    /// Report numbers are run numbers, which begin with 1.
    fn report_number(&self, number: &Spanned<i64>) -> Result<u32> {
        let given = *number.get_ref();
        match u32::try_from(given) {
            Ok(number) if number > 0 => Ok(number),
            _ => self.refuse(
                number,
                format!("report.number: {given} is no report number; it must be at least 1"),
            ),
        }
    }

    fn date(&self, date: &Spanned<String>) -> Result<String> {
        let parsed: Option<jiff::civil::Date> = date.get_ref().parse().ok();
        let date = self.valid(parsed, "report.date", date, "date", "e.g. \"2025-12-22\"")?;
        Ok(date.to_string())
    }

    fn findings(&self, raw: Vec<raw::Finding>) -> Result<Vec<Finding>> {
        raw.into_iter()
            .map(|finding| {
                let word = finding.level.get_ref();
                let Ok(level) = word.parse::<Level>() else {
                    let problem = format!(
                        "finding.level: `{}` is no level; use ok, warning, blocker",
                        word.escape_debug()
                    );
                    return self.refuse(&finding.level, problem);
                };
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
                let shown = chapter.escape_debug();
                if !has(Mode::Isolated, chapter) {
                    let problem =
                        format!("claim.chapter: the report has no isolated round of `{shown}`");
                    return self.refuse(&claim.chapter, problem);
                }
                if claim.before.is_none() && !has(Mode::Sequential, chapter) {
                    let problem = format!(
                        "claim.chapter: the report has no sequence with `{shown}`; give the \
                         rounds of an earlier report with `before`"
                    );
                    return self.refuse(&claim.chapter, problem);
                }
                if let Some(before) = &claim.before {
                    let Earlier { bad, rounds, .. } = before.get_ref();
                    if bad > rounds || *rounds == 0 {
                        let problem =
                            format!("claim.before: {bad} of {rounds} rounds is not possible");
                        return self.refuse(before, problem);
                    }
                }
                Ok(Claim {
                    text: claim.text,
                    chapter: claim.chapter.into_inner(),
                    before: claim.before.map(Spanned::into_inner),
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
        perturb: Default::default(),
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
