//! Small journals, as a supervisor would write them.

use std::collections::BTreeMap;
use std::io::Write;

use crashrate_model::{
    ChapterEnd, Closed, DiedIn, Ended, Exit, Hello, JOURNAL_VERSION, Measure, Mode, Opened,
    Outcome, OutcomeSet, Record, RunInfo, Started, StopReason, Unit,
};
use crashrate_report::{
    Detail, Ends, ListError, RunState, TerminalOptions, View, ViewBuilder, ViewError, terminal,
};

pub(crate) struct Journal {
    pub(crate) records: Vec<Record>,
    info: RunInfo,
    at: f64,
}

pub(crate) fn isolated(name: &str, rounds: u32) -> Unit {
    Unit {
        name: name.into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        perturb: Default::default(),
        spawn: crashrate_model::Spawn::Exec,
        chapters: vec![name.into()],
        rounds,
    }
}

pub(crate) fn sequence(name: &str, chapters: &[&str], rounds: u32) -> Unit {
    Unit {
        name: name.into(),
        mode: Mode::Sequential,
        variant: "default".into(),
        perturb: Default::default(),
        spawn: crashrate_model::Spawn::Exec,
        chapters: chapters.iter().map(|id| (*id).to_owned()).collect(),
        rounds,
    }
}

pub(crate) fn info(units: Vec<Unit>) -> RunInfo {
    RunInfo {
        id: "20251222-101500-story".into(),
        number: 1973,
        suite: "story".into(),
        seed: 7,
        device: "auto".into(),
        jobs: 1,
        retries: 0,
        bad: OutcomeSet::default(),
        fault: None,
        machine: BTreeMap::from([
            ("cpu".into(), "Apple M4 Max".into()),
            ("os".into(), "macOS 15.7.3".into()),
        ]),
        units,
        ..RunInfo::default()
    }
}

impl Journal {
    pub(crate) fn new(units: Vec<Unit>) -> Self {
        Self::of(info(units))
    }

    pub(crate) fn of(info: RunInfo) -> Self {
        let mut journal = Journal {
            records: Vec::new(),
            info,
            at: 0.0,
        };
        journal.open();
        journal
    }

    /// Appends the record of a supervisor that starts or resumes the run.
    pub(crate) fn open(&mut self) -> &mut Self {
        self.at = 0.0;
        self.records.push(Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: "2025-12-22T10:15:00Z".into(),
            run: self.info.clone(),
        })));
        self
    }

    pub(crate) fn hello(&mut self, device: &str) -> &mut Self {
        self.records.push(Record::Hello(Hello {
            device: device.into(),
            versions: BTreeMap::from([("libtorch".into(), "2.11.0".into())]),
        }));
        self
    }

    pub(crate) fn start(&mut self, unit: u32, round: u32, attempt: u32) -> &mut Self {
        self.records.push(Record::Started(Started {
            unit,
            round,
            attempt,
            at: self.at,
            opened: None,
        }));
        self
    }

    pub(crate) fn end(&mut self, ended: Ended) -> &mut Self {
        self.records.push(Record::Ended(Box::new(ended)));
        self
    }

    /// Appends the start and the end of an attempt.
    pub(crate) fn attempt(
        &mut self,
        unit: u32,
        round: u32,
        attempt: u32,
        outcome: Outcome,
    ) -> &mut Self {
        self.attempt_with(unit, round, attempt, outcome, |_| {})
    }

    pub(crate) fn attempt_with(
        &mut self,
        unit: u32,
        round: u32,
        attempt: u32,
        outcome: Outcome,
        change: impl FnOnce(&mut Ended),
    ) -> &mut Self {
        self.start(unit, round, attempt);
        let secs = 1.0 + f64::from(round) / 10.0;
        self.at += secs;
        let mut end = ended(unit, round, attempt, outcome, secs);
        end.at = self.at;
        change(&mut end);
        self.end(end)
    }

    pub(crate) fn close(&mut self, why: StopReason) -> &mut Self {
        self.records.push(Record::Closed(Closed {
            time: "2025-12-22T10:18:20Z".into(),
            at: self.at,
            why,
            reason: None,
        }));
        self
    }

    pub(crate) fn view(&self) -> View {
        build(&self.records, RunState::Ended).unwrap()
    }

    pub(crate) fn live(&self) -> View {
        build(&self.records, RunState::Running).unwrap()
    }
}

/// The terminal summary.
pub(crate) fn summary(view: &View, width: usize) -> String {
    on_terminal(view, width, Detail::Summary)
}

/// The full terminal report.
pub(crate) fn full(view: &View, width: usize) -> String {
    on_terminal(view, width, Detail::Full)
}

fn on_terminal(view: &View, width: usize, detail: Detail) -> String {
    let options = TerminalOptions {
        width,
        color: false,
        detail,
        page: None,
        origin: None,
    };
    terminal(view, &options)
}

pub(crate) fn build(records: &[Record], state: RunState) -> Result<View, ViewError> {
    build_with(ViewBuilder::new(), records, state)
}

/// Builds a view that can list single attempts.
pub(crate) fn attempts(records: &[Record], state: RunState) -> Result<View, ViewError> {
    build_with(ViewBuilder::with_attempts(), records, state)
}

/// Writes the attempts in a format that lists them, such as CSV.
pub(crate) fn listed(
    list: fn(&View, &mut dyn Ends, &mut dyn Write) -> Result<(), ListError>,
    view: &View,
    mut records: &[Record],
) -> String {
    let mut text = Vec::new();
    list(view, &mut records, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn build_with(
    mut builder: ViewBuilder,
    records: &[Record],
    state: RunState,
) -> Result<View, ViewError> {
    for record in records {
        builder.push(record)?;
    }
    builder.finish(state)
}

pub(crate) fn ended(unit: u32, round: u32, attempt: u32, outcome: Outcome, secs: f64) -> Ended {
    let exit = match outcome {
        Outcome::Passed => Some(Exit::Code(0)),
        Outcome::Failed => Some(Exit::Code(1)),
        Outcome::Crashed => Some(Exit::Signal("SIGSEGV".into())),
        Outcome::TimedOut | Outcome::Interrupted | Outcome::OutOfMemory => {
            Some(Exit::Signal("SIGKILL".into()))
        }
        _ => None,
    };
    Ended {
        secs: Some(secs),
        exit,
        ..Ended::of(unit, round, attempt, outcome)
    }
}

/// Makes a sequence die in the chapter at `place`: earlier chapters passed, later ones were not
/// reached.
pub(crate) fn died_at(unit: &Unit, place: usize) -> impl FnOnce(&mut Ended) {
    let chapters = unit.chapters.clone();
    move |ended| {
        ended.died_in = Some(DiedIn::Chapter(chapters[place].clone()));
        ended.chapters = (0..chapters.len())
            .map(|at| match at.cmp(&place) {
                std::cmp::Ordering::Less => chapter(Outcome::Passed),
                std::cmp::Ordering::Equal => chapter(ended.outcome),
                std::cmp::Ordering::Greater => chapter(Outcome::Unreached),
            })
            .collect();
    }
}

/// Makes all chapters of a sequence pass.
pub(crate) fn all_passed(unit: &Unit) -> impl FnOnce(&mut Ended) {
    let chapters = unit.chapters.len();
    move |ended| ended.chapters = vec![chapter(Outcome::Passed); chapters]
}

pub(crate) fn chapter(outcome: Outcome) -> ChapterEnd {
    ChapterEnd {
        outcome,
        secs: (outcome != Outcome::Unreached).then_some(0.5),
        reason: None,
        measures: vec![],
    }
}

pub(crate) fn measure(name: &str, label: &str, unit: &str, value: f64) -> Measure {
    Measure {
        name: name.into(),
        label: label.into(),
        unit: unit.into(),
        value,
    }
}

const STORY: [&str; 4] = [
    "thread-safety",
    "efficiency-ceiling",
    "batching-advantage",
    "correctness",
];

/// The recorded report N=1972: 3 isolated rounds of each chapter, and 10 rounds of the sequence.
pub(crate) fn story() -> Journal {
    let sequence = sequence("complete-story", &STORY, 10);
    let mut units: Vec<_> = STORY.iter().map(|id| isolated(id, 3)).collect();
    units.push(sequence.clone());
    let mut journal = Journal::new(units);
    journal.hello("mps");
    for round in 1..=10 {
        for unit in (0..4).filter(|_| round <= 3) {
            let crashes = unit == 2 && round == 2;
            let outcome = if crashes {
                Outcome::Crashed
            } else {
                Outcome::Passed
            };
            journal.attempt_with(unit, round, 1, outcome, |end| {
                end.measures = story_measures(unit, f64::from(round));
                if crashes {
                    end.measures.clear();
                    end.output = Some("output/batching-advantage-2-1.txt".into());
                }
            });
        }
        if [1, 5, 7, 10].contains(&round) {
            journal.attempt_with(4, round, 1, Outcome::Passed, all_passed(&sequence));
        } else {
            journal.attempt_with(4, round, 1, Outcome::Crashed, died_at(&sequence, 2));
        }
    }
    journal.close(StopReason::Done);
    journal
}

fn story_measures(unit: u32, round: f64) -> Vec<Measure> {
    match unit {
        0 => vec![
            measure("completed", "", "ops", 160.0),
            measure("expected", "", "ops", 160.0),
        ],
        1 => [(8, 726.1), (1, 618.3), (2, 1025.7), (4, 959.9)]
            .into_iter()
            .flat_map(|(threads, ops)| {
                let label = format!("threads={threads}");
                [
                    measure("throughput", &label, "ops/s", ops + round - 2.0),
                    measure("speedup", &label, "x", ops / 618.3),
                    measure("efficiency", &label, "", ops / 618.3 / f64::from(threads)),
                ]
            })
            .collect(),
        2 => vec![
            measure(
                "samples_per_second",
                "threads=1,batch=8",
                "1/s",
                1020.4 + round,
            ),
            measure(
                "samples_per_second",
                "threads=8,batch=1",
                "1/s",
                525.2 + round,
            ),
            measure(
                "samples_per_second",
                "threads=4,batch=2",
                "1/s",
                610.0 + round,
            ),
            measure("ratio", "threads=1,batch=8 / threads=8,batch=1", "", 1.94),
        ],
        _ => vec![
            measure("difference_max", "", "", 1.2e-6 * round),
            measure("difference_mean", "", "", 0.0),
        ],
    }
}
