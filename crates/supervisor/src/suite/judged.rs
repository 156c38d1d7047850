//! What a suite says of its own results: the gates they have to pass, and what is recommended when they do not.

use std::collections::HashSet;

use crashrate_model::{Condition, Gate, Mode, Recommendation};
use toml::Spanned;

use super::resolve::{Resolver, Result};
use super::{Chapter, DEFAULT_VARIANT, Sequence, raw};

impl Resolver<'_> {
    pub(super) fn gates(
        &self,
        raw: &[raw::Gate],
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<Vec<Gate>> {
        let isolated = chapters
            .iter()
            .filter(|c| c.modes.contains(&Mode::Isolated));
        let isolated: HashSet<&str> = isolated.map(|c| c.id.as_str()).collect();
        raw.iter()
            .map(|gate| {
                let wrong =
                    |span, problem: String| self.source.error(span, format!("gate: {problem}"));
                let (name, mode) = match (&gate.chapter, &gate.sequence) {
                    (Some(chapter), None) => (chapter, Mode::Isolated),
                    (None, Some(sequence)) => (sequence, Mode::Sequential),
                    _ => {
                        let problem = "name either a `chapter` or a `sequence`".to_owned();
                        return Err(wrong(gate.require.span(), problem));
                    }
                };
                let id = name.get_ref();
                let known = match mode {
                    Mode::Isolated => isolated.contains(id.as_str()),
                    Mode::Sequential => sequences.iter().any(|s| s.id == *id),
                };
                if !known {
                    let problem =
                        format!("there is nothing called `{id}` that runs in {mode} mode");
                    return Err(wrong(name.span(), problem));
                }
                let limit = gate.require.get_ref().parse();
                Ok(Gate {
                    name: id.clone(),
                    mode,
                    variant: DEFAULT_VARIANT.into(),
                    limit: limit.map_err(|problem| wrong(gate.require.span(), problem))?,
                })
            })
            .collect()
    }

    pub(super) fn recommendations(
        &self,
        raw: Vec<raw::Recommendation>,
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<Vec<Recommendation>> {
        let condition = |when: &Spanned<String>| {
            let wrong = |problem| {
                let problem = format!("recommendation.when: {problem}");
                self.source.error(when.span(), problem)
            };
            let condition: Condition = when.get_ref().parse().map_err(wrong)?;
            let name = &condition.name;
            let known =
                chapters.iter().any(|c| c.id == *name) || sequences.iter().any(|s| s.id == *name);
            match known {
                true => Ok(condition),
                false => Err(wrong(format!("there is no chapter or sequence `{name}`"))),
            }
        };
        raw.into_iter()
            .map(|r| {
                Ok(Recommendation {
                    when: r.when.as_ref().map(condition).transpose()?,
                    text: r.text,
                })
            })
            .collect()
    }
}
