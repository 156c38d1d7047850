//! Synthetic journals, for runs that would take too long.

use std::fs;

use crashrate_model::{
    ChapterEnd, Closed, DiedIn, Ended, JOURNAL_VERSION, Mode, Opened, Outcome, Record, RunInfo,
    Spawn, Started, StopReason, Unit,
};
use serde_json::Value;

use crate::util::{Place, journal_of};

/// Builds a journal record by record.
pub(crate) struct Made {
    pub(crate) info: RunInfo,
    pub(crate) records: Vec<Record>,
}

pub(crate) fn unit(name: &str, mode: Mode, variant: &str, chapters: &[&str], rounds: u32) -> Unit {
    Unit {
        name: name.into(),
        mode,
        variant: variant.into(),
        perturb: Default::default(),
        spawn: Spawn::Exec,
        chapters: chapters.iter().map(|id| (*id).into()).collect(),
        rounds,
    }
}

pub(crate) fn alone(name: &str, variant: &str, rounds: u32) -> Unit {
    unit(name, Mode::Isolated, variant, &[name], rounds)
}

pub(crate) fn sequence(chapters: &[&str], rounds: u32) -> Unit {
    unit("s", Mode::Sequential, "default", chapters, rounds)
}

impl Made {
    pub(crate) fn new(units: Vec<Unit>) -> Made {
        Made::of(RunInfo {
            units,
            ..RunInfo::default()
        })
    }

    pub(crate) fn of(info: RunInfo) -> Made {
        let info = RunInfo {
            number: 1,
            suite: "made".into(),
            id: "1-made".into(),
            device: "cpu".into(),
            jobs: info.jobs.max(1),
            ..info
        };
        let mut made = Made {
            info,
            records: Vec::new(),
        };
        made.open();
        made
    }

    pub(crate) fn open(&mut self) {
        self.records.push(Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: "2026-01-01T00:00:00Z".into(),
            run: self.info.clone(),
        })));
    }

    pub(crate) fn start(&mut self, unit: u32, round: u32) {
        self.records.push(Record::Started(Started {
            unit,
            round,
            attempt: 1,
            at: 0.0,
            opened: None,
        }));
    }

    pub(crate) fn end(&mut self, unit: u32, round: u32, outcome: Outcome) {
        self.end_of(unit, round, outcome, 1.0, &[]);
    }

    /// Ends an attempt of a sequence with the outcomes of its chapters. Starts the attempt first if
    /// it is not running.
    pub(crate) fn end_of(
        &mut self,
        unit: u32,
        round: u32,
        outcome: Outcome,
        secs: f64,
        ends: &[Outcome],
    ) {
        let runs = self.records.last().is_some_and(
            |last| matches!(last, Record::Started(s) if (s.unit, s.round) == (unit, round)),
        );
        if !runs {
            self.start(unit, round);
        }
        let died_in = ends.iter().position(|end| *end == outcome).map(|place| {
            let chapters = &self.info.units[unit as usize].chapters;
            DiedIn::Chapter(chapters[place].clone())
        });
        let chapter = |outcome: &Outcome| ChapterEnd {
            outcome: *outcome,
            secs: None,
            reason: None,
            measures: Vec::new(),
        };
        self.records.push(Record::Ended(Box::new(Ended {
            secs: Some(secs),
            chapters: ends.iter().map(chapter).collect(),
            died_in: died_in.filter(|_| outcome == Outcome::Crashed),
            ..Ended::of(unit, round, 1, outcome)
        })));
    }

    pub(crate) fn close(&mut self, why: StopReason) {
        self.records.push(Record::Closed(Closed {
            time: "2026-01-01T01:00:00Z".into(),
            at: 3600.0,
            why,
            reason: None,
        }));
    }

    /// Writes the journal into a place as the run with this number.
    pub(crate) fn put(&self, place: &Place, number: u32) {
        let id = format!("{number}-made");
        let folder = place.runs_dir().join(&id);
        fs::create_dir_all(&folder).unwrap();
        let numbered = |record: &Record| match record {
            Record::Opened(opened) => {
                let mut opened = opened.clone();
                (opened.run.id, opened.run.number) = (id.clone(), number);
                Record::Opened(opened)
            }
            other => other.clone(),
        };
        let records: Vec<_> = self.records.iter().map(numbered).collect();
        fs::write(folder.join("journal.jsonl"), journal_of(&records)).unwrap();
    }

    /// Writes the journal into a place. Returns its report as JSON, and as text on one line.
    pub(crate) fn reported(&self, place: &Place) -> (Value, String) {
        self.put(place, 1);
        let report = |format| {
            let done = place.crashrate(&["report", "1-made", "--full", "--format", format]);
            done.expect(0).stdout
        };
        let words = report("terminal");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        (serde_json::from_str(&report("json")).unwrap(), words)
    }
}
