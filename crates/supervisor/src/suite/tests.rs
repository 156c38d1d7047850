//! Chapters that a test framework lists: `[[tests]]`, or `crashrate run --from`.

use std::collections::{BTreeSet, HashSet};

use crashrate_adapters::{ExitCodes, Framework, Group, Order, Select, Test, TestList};
use crashrate_model::{Gate, Mode, RateBound};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{Action, Chapter, DEFAULT_VARIANT, Sequence, Suite};

/// Where chapters come from: a command whose framework lists its tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestSource {
    /// The framework; `None` if the command tells it.
    pub framework: Option<Framework>,
    /// The command, as one would run its tests.
    pub command: Vec<String>,
    /// Which tests are chosen: patterns, those that begin with `-` exclude.
    pub select: Vec<String>,
    /// The id of the sequence that runs the tests in one process.
    pub sequence: Option<String>,
    /// The order of that sequence.
    pub order: ChapterOrder,
    /// Whether crashrate adds variables of its own to their environment.
    pub additions: bool,
    /// The settings of each of its chapters. Its id is empty, and its action is the command.
    pub chapter: Chapter,
}

/// In which order a sequence runs its chapters.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ChapterOrder {
    /// As the suite names them, or as the framework lists them.
    #[default]
    Given,
    /// The opposite.
    Reversed,
    /// A random order for each round, from the round's seed.
    Shuffled,
}

/// The test that a chapter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOf {
    /// Its framework.
    pub framework: Framework,
    /// The framework's name of it.
    pub name: String,
    /// Variables that are removed from its environment.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unset: BTreeSet<String>,
}

/// What listed tests become.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) sequences: Vec<Sequence>,
    /// The limits that marks of the tests declare, on their isolated rounds.
    pub(crate) gates: Vec<Gate>,
}

impl ChapterOrder {
    /// Whether it is the default.
    pub fn is_given(&self) -> bool {
        *self == ChapterOrder::Given
    }

    /// The order for a round with this seed.
    pub(crate) fn with_seed(self, seed: u64) -> Order {
        match self {
            ChapterOrder::Given => Order::Given,
            ChapterOrder::Reversed => Order::Reversed,
            ChapterOrder::Shuffled => Order::Shuffled { seed },
        }
    }
}

impl TestSource {
    /// The chapters, sequences and gates of the listed tests. The error is for people.
    pub(crate) fn expand(&self, list: &TestList) -> Result<Expanded, String> {
        let chosen = Select::new(&self.select)
            .choose(list)
            .map_err(|e| e.to_string())?;
        if chosen.is_empty() {
            let command = self.command.join(" ");
            return Err(format!("`{command}` lists no tests"));
        }
        let is_only = chosen.len() == 1;
        let mut expanded = Expanded::default();
        for (group, tests) in chosen {
            let chapters = tests.iter().map(|test| self.chapter(group, test));
            expanded.chapters.extend(chapters);
            if self.is_isolated() {
                let gates = tests.iter().filter_map(|test| gate(test));
                expanded.gates.extend(gates);
            } else if let Some(test) = tests.iter().find(|test| test.below.is_some()) {
                let problem = "limits isolated rounds, which this run has none of; it is no gate";
                tracing::warn!("the mark of `{}` {problem}", test.id);
            }
            if let Some(name) = &self.sequence {
                let id = match &group.name {
                    Some(program) if !is_only => format!("{name}: {program}"),
                    _ => name.clone(),
                };
                let sequence = self.sequence(id, group, &tests)?;
                expanded.sequences.push(sequence);
            }
        }
        Ok(expanded)
    }

    fn chapter(&self, group: &Group, test: &Test) -> Chapter {
        let process = group.isolated(test);
        let mut chapter = self.chapter.clone();
        chapter.id = test.id.clone();
        if let Some(timeout) = test.timeout {
            chapter.timing.timeout = timeout;
        }
        if let Some(directory) = process.directory {
            chapter.timing.directory = chapter.timing.directory.join(directory);
        }
        chapter.exit_codes = merged(&self.chapter.exit_codes, &test.exit_codes);
        chapter.env.extend(process.env);
        chapter.action = Action::Command(process.command);
        chapter.test = Some(TestOf {
            framework: group.framework,
            name: test.name.clone(),
            unset: process.unset,
        });
        chapter
    }

    fn sequence(&self, id: String, group: &Group, tests: &[&Test]) -> Result<Sequence, String> {
        // The seed is each round's own; whether the order is possible does not depend on it.
        let order = self.order.with_seed(0);
        let process = group.sequential(tests, order).map_err(|e| e.to_string())?;
        let mut timing = self.chapter.timing.clone();
        if let Some(directory) = &process.directory {
            timing.directory = timing.directory.join(directory);
        }
        let mut env = self.chapter.env.clone();
        env.extend(process.env);
        Ok(Sequence {
            id,
            rounds: self.chapter.rounds,
            retries: self.chapter.retries,
            chapters: tests.iter().map(|test| test.id.clone()).collect(),
            order: self.order,
            command: Some(process.command),
            group: Some(group.clone()),
            timing: Some(timing),
            spawning: self.chapter.spawning,
            env,
            exit_codes: self.chapter.exit_codes.clone(),
        })
    }

    /// Whether its chapters run in isolated mode.
    pub fn is_isolated(&self) -> bool {
        self.chapter.modes.contains(&Mode::Isolated)
    }
}

impl Suite {
    /// Leaves only these chapters in the sequences of tests. The error is for people.
    pub(crate) fn choose_tests(&mut self, chosen: &HashSet<String>) -> Result<(), String> {
        for sequence in &mut self.sequences {
            let Some(group) = &sequence.group else {
                continue;
            };
            sequence.chapters.retain(|id| chosen.contains(id));
            let kept: HashSet<&String> = sequence.chapters.iter().collect();
            let tests = group.tests.iter().filter(|test| kept.contains(&test.id));
            let tests: Vec<&Test> = tests.collect();
            if !tests.is_empty() {
                let process = group.sequential(&tests, sequence.order.with_seed(0));
                sequence.command = Some(process.map_err(|e| e.to_string())?.command);
            }
        }
        self.sequences
            .retain(|sequence| !sequence.chapters.is_empty());
        Ok(())
    }
}

/// The gate of a test that is marked with one.
fn gate(test: &Test) -> Option<Gate> {
    test.below.map(|below| Gate {
        name: test.id.clone(),
        mode: Mode::Isolated,
        variant: DEFAULT_VARIANT.into(),
        limit: RateBound {
            outcome: None,
            below,
        },
    })
}

/// The codes of the suite, and those that the framework's own files declare.
fn merged(suite: &ExitCodes, framework: &ExitCodes) -> ExitCodes {
    let mut codes = framework.clone();
    codes.crashed.extend(&suite.crashed);
    codes.skipped.extend(&suite.skipped);
    codes
}
