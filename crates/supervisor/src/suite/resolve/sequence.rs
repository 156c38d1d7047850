//! `[[sequence]]`.

use std::collections::{HashMap, HashSet};

use super::super::{Chapter, Sequence, Timing, raw};
use super::Resolver;
use crate::names::unknown;
use crate::toml_file::Result;

impl Resolver<'_> {
    pub(super) fn sequences(&self, chapters: &[Chapter], timing: &Timing) -> Result<Vec<Sequence>> {
        let mut seen = HashSet::new();
        let by_id: HashMap<&str, &Chapter> = chapters.iter().map(|c| (c.id.as_str(), c)).collect();
        let sequence = |raw: &raw::Sequence| {
            let id = self.source.id("sequence.id", &raw.id)?;
            self.unique(&mut seen, "sequence", &id, &raw.id)?;
            let whose = format!("sequence `{id}`");
            self.check_chapters(&whose, raw, chapters, &by_id)?;
            self.sequence(id, &whose, raw, timing)
        };
        self.file.sequence.iter().map(sequence).collect()
    }

    fn check_chapters(
        &self,
        whose: &str,
        raw: &raw::Sequence,
        chapters: &[Chapter],
        by_id: &HashMap<&str, &Chapter>,
    ) -> Result<()> {
        let wrong =
            |span, problem: String| Err(self.source.error(span, format!("{whose}: {problem}")));
        if raw.chapters.get_ref().is_empty() {
            return wrong(
                raw.chapters.span(),
                "`chapters` is empty; name a chapter".into(),
            );
        }
        let mut seen = HashSet::new();
        for name in raw.chapters.get_ref() {
            let id = name.get_ref().as_str();
            let Some(chapter) = by_id.get(id) else {
                let known = chapters.iter().map(|c| c.id.as_str());
                return wrong(name.span(), unknown("chapter", id, known));
            };
            if !seen.insert(id) {
                return wrong(name.span(), format!("names `{id}` twice"));
            }
            if raw.command.is_none() && !chapter.is_worker() {
                let problem = format!(
                    "`{id}` is a plain command, which cannot share a process; \
                     give the sequence its own `command` or leave the chapter out"
                );
                return wrong(name.span(), problem);
            }
        }
        Ok(())
    }

    fn sequence(
        &self,
        id: String,
        whose: &str,
        raw: &raw::Sequence,
        timing: &Timing,
    ) -> Result<Sequence> {
        let env = self.merged_env(&raw.id, &raw.env)?;
        let command = (raw.command.as_ref())
            .map(|command| self.command(whose, command, &timing.directory, &env))
            .transpose()?;
        let (spawn, zygote) = (raw.spawn.as_ref(), raw.zygote.as_ref());
        let chapters = raw.chapters.get_ref().iter();
        Ok(Sequence {
            rounds: self.rounds(raw.rounds.as_ref())?,
            retries: self.retries(raw.retries.as_ref())?,
            chapters: chapters.map(|chapter| chapter.get_ref().clone()).collect(),
            spawning: match command {
                Some(_) => self.command_spawning(whose, spawn, zygote)?,
                None => self.worker_spawning(whose, spawn, zygote)?,
            },
            command,
            env,
            id,
        })
    }
}
