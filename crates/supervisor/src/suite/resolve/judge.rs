//! `[[gate]]` and `[[recommendation]]`.

use std::collections::BTreeSet;

use crate::toml_file::Spanned;
use crashrate_model::{Condition, Gate, Mode, Recommendation};

use super::super::{Chapter, DEFAULT_VARIANT, Sequence, raw};
use super::Resolver;
use crate::names::unknown;
use crate::toml_file::Result;

impl Resolver<'_> {
    pub(super) fn gates(&self, chapters: &[Chapter], sequences: &[Sequence]) -> Result<Vec<Gate>> {
        let isolated = chapters
            .iter()
            .filter(|c| c.modes.contains(&Mode::Isolated));
        let isolated: BTreeSet<&str> = isolated.map(|c| c.id.as_str()).collect();
        let sequences: BTreeSet<&str> = sequences.iter().map(|s| s.id.as_str()).collect();
        let gate = |gate| self.gate(gate, &isolated, &sequences);
        self.file.gate.iter().map(gate).collect()
    }

    fn gate(
        &self,
        raw: &raw::Gate,
        isolated: &BTreeSet<&str>,
        sequences: &BTreeSet<&str>,
    ) -> Result<Gate> {
        let (key, name, mode, known) = match (&raw.chapter, &raw.sequence) {
            (Some(chapter), None) => ("chapter", chapter, Mode::Isolated, isolated),
            (None, Some(sequence)) => ("sequence", sequence, Mode::Sequential, sequences),
            _ => {
                let problem = "gate: name either a `chapter` or a `sequence`";
                return self.source.refuse(&raw.require, problem);
            }
        };
        let id = name.get_ref();
        if !known.contains(id.as_str()) {
            let kind = match mode {
                Mode::Isolated => "isolated chapter",
                Mode::Sequential => "sequence",
            };
            let problem = format!("gate.{key}: {}", unknown(kind, id, known.iter().copied()));
            return self.source.refuse(name, problem);
        }
        let limit = raw.require.get_ref().parse().map_err(|problem| {
            let problem = format!("gate.require: {problem}");
            self.source.error(raw.require.span(), problem)
        })?;
        Ok(Gate {
            name: id.clone(),
            mode,
            variant: DEFAULT_VARIANT.into(),
            limit,
        })
    }

    pub(super) fn recommendations(
        &self,
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<Vec<Recommendation>> {
        let chapters = chapters.iter().map(|c| c.id.as_str());
        let known: Vec<&str> = chapters
            .chain(sequences.iter().map(|s| s.id.as_str()))
            .collect();
        let recommendation = |raw: &raw::Recommendation| {
            let condition = |when| self.condition(when, &known);
            Ok(Recommendation {
                when: raw.when.as_ref().map(condition).transpose()?,
                text: raw.text.clone(),
            })
        };
        self.file
            .recommendation
            .iter()
            .map(recommendation)
            .collect()
    }

    fn condition(&self, when: &Spanned<String>, known: &[&str]) -> Result<Condition> {
        let wrong = |problem: String| {
            let problem = format!("recommendation.when: {problem}");
            self.source.error(when.span(), problem)
        };
        let condition: Condition = when.get_ref().parse().map_err(wrong)?;
        if !known.contains(&condition.name.as_str()) {
            let known = known.iter().copied();
            return Err(wrong(unknown(
                "chapter or sequence",
                &condition.name,
                known,
            )));
        }
        Ok(condition)
    }
}
