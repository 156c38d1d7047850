//! `[[sequence]]`.

use std::collections::{HashMap, HashSet};

use crate::toml_file::Spanned;

use super::super::{Chapter, Sequence, Timing, raw};
use super::Resolver;
use crate::names::unknown;
use crate::toml_file::Result;

impl Resolver<'_> {
    pub(super) fn sequences(&self, chapters: &[Chapter], timing: &Timing) -> Result<Vec<Sequence>> {
        let mut seen = HashSet::new();
        let by_id: HashMap<&str, &Chapter> = chapters.iter().map(|c| (c.id.as_str(), c)).collect();
        (self.file.sequence.iter())
            .map(|raw| {
                let id = self.source.new_id(&mut seen, "sequence", &raw.id)?;
                let whose = format!("sequence `{id}`");
                self.check_chapters(&whose, raw, chapters, &by_id)?;
                let env = self.merged_env(&raw.id, &raw.env)?;
                let command = (raw.command.as_ref())
                    .map(|command| self.command(&whose, command, &timing.directory, &env))
                    .transpose()?;
                let chapters = raw.chapters.get_ref().iter();
                Ok(Sequence {
                    rounds: self.rounds(raw.rounds.as_ref())?,
                    retries: self.retries(raw.retries.as_ref())?,
                    chapters: chapters.map(|chapter| chapter.get_ref().clone()).collect(),
                    spawning: self.spawning(&whose, &raw.spawn, &raw.zygote, &raw.command)?,
                    command,
                    env,
                    order: self.order(&whose, &raw.order)?,
                    timing: None,
                    group: None,
                    exit_codes: self.exit_codes(&whose, &raw.exit_codes)?,
                    id,
                })
            })
            .collect()
    }

    fn check_chapters(
        &self,
        whose: &str,
        raw: &raw::Sequence,
        chapters: &[Chapter],
        by_id: &HashMap<&str, &Chapter>,
    ) -> Result<()> {
        let wrong = |name: &Spanned<String>, problem: String| {
            self.source.refuse(name, format!("{whose}: {problem}"))
        };
        if raw.chapters.get_ref().is_empty() {
            let problem = format!("{whose}: `chapters` is empty; name a chapter");
            return self.source.refuse(&raw.chapters, problem);
        }
        let mut seen = HashSet::new();
        for name in raw.chapters.get_ref() {
            let id = name.get_ref().as_str();
            let Some(chapter) = by_id.get(id) else {
                let known = chapters.iter().map(|c| c.id.as_str());
                return wrong(name, unknown("chapter", id, known));
            };
            if !seen.insert(id) {
                return wrong(name, format!("names `{id}` twice"));
            }
            if raw.command.is_none() && chapter.command().is_some() {
                let problem = format!(
                    "`{id}` is a plain command, which cannot share a process; \
                     give the sequence its own `command` or leave the chapter out"
                );
                return wrong(name, problem);
            }
        }
        Ok(())
    }
}
