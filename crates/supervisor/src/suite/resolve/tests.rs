//! `[[tests]]`.

use std::collections::HashSet;

use crate::toml_file::Spanned;
use crashrate_adapters::Framework;
use crashrate_model::Mode;
use strum::VariantArray;

use super::super::{
    Action, Chapter, ChapterOrder, Expanded, ProcessOptions, ResourceLimits, Sequence, Spawning,
    TestSource, raw,
};
use super::Resolver;
use crate::names::unknown;
use crate::toml_file::Result;

/// The word by which the command tells the framework.
const AUTO: &str = "auto";

impl Resolver<'_> {
    pub(super) fn tests(
        &self,
        limits: ResourceLimits,
        process: ProcessOptions,
    ) -> Result<Vec<TestSource>> {
        let source = |raw| self.test_source(raw, limits, process);
        self.file.tests.iter().map(source).collect()
    }

    fn test_source(
        &self,
        raw: &raw::Tests,
        limits: ResourceLimits,
        process: ProcessOptions,
    ) -> Result<TestSource> {
        let whose = "tests";
        let is_isolated = raw.isolated.unwrap_or(true);
        if !is_isolated && raw.sequence.is_none() {
            let problem = "tests: nothing to run: with `isolated = false`, name a `sequence`";
            return self.source.refuse(&raw.from, problem);
        }
        let command = raw.command.get_ref();
        if command.is_empty() || command.iter().any(|word| word.contains('\0')) {
            let problem = "tests: `command` must name a program or its tests";
            return self.source.refuse(&raw.command, problem);
        }
        let sequence = raw.sequence.as_ref();
        let sequence = sequence.map(|id| self.source.free_id("tests.sequence", id));
        let mut modes = Vec::new();
        modes.extend(is_isolated.then_some(Mode::Isolated));
        modes.extend(raw.sequence.is_some().then_some(Mode::Sequential));
        Ok(TestSource {
            framework: self.framework(&raw.from)?,
            command: command.clone(),
            select: raw.select.clone(),
            sequence: sequence.transpose()?,
            order: self.order(whose, &raw.order)?,
            additions: self.additions(),
            chapter: Chapter {
                id: String::new(),
                modes,
                rounds: self.rounds(raw.rounds.as_ref())?,
                retries: self.retries(raw.retries.as_ref())?,
                timing: self.timing(&raw.timeout, &raw.grace, &raw.directory)?,
                limits: (self.limits("tests: limits", raw.limits.as_ref())?).or(limits),
                env: self.merged_env(&raw.from, &raw.env)?,
                expect: Vec::new(),
                action: Action::Command(command.clone()),
                exit_codes: self.exit_codes(whose, &raw.exit_codes)?,
                test: None,
                process: ProcessOptions {
                    descendants: (self.descendants(&raw.descendants)?).or(process.descendants),
                    pty: raw.pty.as_ref().is_some_and(|pty| *pty.get_ref()),
                    fresh_directory: raw.fresh_directory.unwrap_or(process.fresh_directory),
                },
                spawning: Spawning::default(),
            },
        })
    }

    /// Whether the suite allows additions to the environment.
    pub(super) fn additions(&self) -> bool {
        let head = self.file.suite.as_ref();
        head.and_then(|head| head.additions).unwrap_or(true)
    }

    fn framework(&self, from: &Spanned<String>) -> Result<Option<Framework>> {
        let word = from.get_ref();
        if word == AUTO {
            return Ok(None);
        }
        if let Ok(framework) = word.parse() {
            return Ok(Some(framework));
        }
        let known: Vec<String> = Framework::VARIANTS
            .iter()
            .map(ToString::to_string)
            .collect();
        let known = known.iter().map(String::as_str).chain([AUTO]);
        self.source.refuse(
            from,
            format!("tests.from: {}", unknown("framework", word, known)),
        )
    }

    /// In which order a sequence runs its chapters.
    pub(super) fn order(
        &self,
        whose: &str,
        order: &Option<Spanned<String>>,
    ) -> Result<ChapterOrder> {
        let choices = [
            ChapterOrder::Given,
            ChapterOrder::Reversed,
            ChapterOrder::Shuffled,
        ];
        let key = format!("{whose}: order");
        let order = order.as_ref();
        let order = order.map(|word| self.source.one_of(&key, "order", word, &choices));
        Ok(order.transpose()?.unwrap_or_default())
    }

    /// Lists the tests, and adds theirs to these chapters and sequences.
    pub(super) fn with_tests(
        &self,
        sources: &[TestSource],
        chapters: Vec<Chapter>,
        sequences: Vec<Sequence>,
    ) -> Result<Expanded> {
        let mut seen: HashSet<String> = chapters.iter().map(|c| c.id.clone()).collect();
        let mut seen_sequences: HashSet<String> = sequences.iter().map(|s| s.id.clone()).collect();
        let mut all = Expanded {
            chapters,
            sequences,
            gates: Vec::new(),
        };
        for (raw, source) in self.file.tests.iter().zip(sources) {
            let refuse =
                |problem: String| self.source.refuse(&raw.from, format!("tests: {problem}"));
            let expanded = (self.lister)(source).and_then(|list| source.expand(&list));
            let more = match expanded {
                Ok(expanded) => expanded,
                Err(problem) => return refuse(problem),
            };
            if let Some(twice) = more
                .chapters
                .iter()
                .find(|chapter| !seen.insert(chapter.id.clone()))
            {
                return refuse(format!("there is another chapter `{}`", twice.id));
            }
            let is_new = |sequence: &&Sequence| !seen_sequences.insert(sequence.id.clone());
            if let Some(twice) = more.sequences.iter().find(is_new) {
                return refuse(format!("there is another sequence `{}`", twice.id));
            }
            all.chapters.extend(more.chapters);
            all.sequences.extend(more.sequences);
            all.gates.extend(more.gates);
        }
        Ok(all)
    }
}
