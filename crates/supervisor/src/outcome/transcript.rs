//! What a child said: its events folded into the state of each chapter, in bounded memory.

use crashrate_model::{Hello, Measure};
use crashrate_protocol::Event;

/// The most measures of one attempt that are kept.
const MAX_MEASURES: usize = 4096;
/// The most notes of one attempt that are kept, and the most bytes of each text.
const MAX_NOTES: usize = 20;
const MAX_TEXT: usize = 2000;

/// What a child said so far.
#[derive(Clone, Debug)]
pub struct Transcript {
    pub(super) chapters: Vec<Told>,
    /// The chapter that has started and not ended.
    pub(super) running: Option<usize>,
    /// In isolated mode everything said is about the one chapter.
    only_one: bool,
    pub(super) unavailable: Option<String>,
    pub(super) hello: Option<Hello>,
    pub(super) notes: Vec<String>,
    measures: usize,
    dropped: Dropped,
}

/// What was said of one chapter.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) measures: Vec<Measure>,
    started: f64,
    ended: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Waiting,
    Running,
    Passed,
    Failed(String),
}

#[derive(Clone, Copy, Debug, Default)]
struct Dropped {
    measures: usize,
    notes: usize,
}

/// What the supervisor wants to act on while the child runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A chapter began for the first time: its time limit counts from now.
    ChapterStarted(usize),
    /// A chapter ended: the time limit outside of chapters counts from now.
    ChapterEnded,
    /// How far it is.
    Progress {
        /// How many are done.
        done: f64,
        /// Of how many.
        total: f64,
        /// Of what.
        unit: String,
    },
}

impl Told {
    /// From its start to its end (or to `end` if it never ended), seconds.
    pub(super) fn secs(&self, end: f64) -> Option<f64> {
        (self.state != State::Waiting).then(|| self.ended.unwrap_or(end) - self.started)
    }
}

impl Transcript {
    /// Of an attempt of these chapters. `only_one`: everything said is about the first.
    pub fn new(chapters: impl IntoIterator<Item = String>, only_one: bool) -> Self {
        let told = |id| Told {
            id,
            ..Told::default()
        };
        Transcript {
            chapters: chapters.into_iter().map(told).collect(),
            running: None,
            only_one,
            unavailable: None,
            hello: None,
            notes: Vec::new(),
            measures: 0,
            dropped: Dropped::default(),
        }
    }

    /// Takes an event, `at` seconds after the attempt's start.
    pub fn push(&mut self, event: Event, at: f64) -> Option<Note> {
        match event {
            Event::Hello { device, versions } => self.hello = Some(Hello { device, versions }),
            Event::Unavailable { reason } => self.unavailable = Some(capped(reason)),
            Event::Note { text } => self.note(text),
            Event::Progress { done, total, unit } => {
                return Some(Note::Progress { done, total, unit });
            }
            Event::Measure {
                name,
                value,
                unit,
                label,
            } => self.measure(Measure {
                name: capped(name),
                label: capped(label),
                unit: capped(unit),
                value,
            }),
            Event::ChapterStarted { chapter } => return self.started(&chapter, at),
            Event::ChapterPassed { chapter } => return self.ended(&chapter, State::Passed, at),
            Event::ChapterFailed { chapter, reason } => {
                return self.ended(&chapter, State::Failed(capped(reason)), at);
            }
        }
        None
    }

    /// What it said it runs on.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Its notes, with a word on those that were too many.
    pub(super) fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let Dropped { measures, notes: n } = self.dropped;
        if n > 0 {
            notes.push(format!("{n} more notes of the child were not kept"));
        }
        if measures > 0 {
            notes.push(format!(
                "{measures} measures were not kept: an attempt has room for {MAX_MEASURES}"
            ));
        }
        notes
    }

    fn started(&mut self, id: &str, at: f64) -> Option<Note> {
        let index = self.find(id)?;
        if self.running == Some(index) {
            return None;
        }
        if let Some(before) = self.running.take() {
            let before = &mut self.chapters[before];
            before.ended = Some(at);
            before.state = State::Failed(format!("`{id}` started before it had a verdict"));
        }
        let told = &mut self.chapters[index];
        if told.state != State::Waiting {
            self.note(format!("chapter `{id}` said that it started after its end"));
            return None;
        }
        told.state = State::Running;
        told.started = at;
        self.running = Some(index);
        Some(Note::ChapterStarted(index))
    }

    fn ended(&mut self, id: &str, state: State, at: f64) -> Option<Note> {
        let index = self.find(id)?;
        let told = &mut self.chapters[index];
        // A process that is there for one chapter alone has reached it. In a sequence nobody knows what it was about.
        if told.state == State::Waiting && !self.only_one {
            self.note(format!(
                "chapter `{id}` had a verdict before it started: not counted"
            ));
            return None;
        }
        let first = matches!(told.state, State::Waiting | State::Running);
        // A chapter that said no stays so, whatever it says later.
        if !matches!(told.state, State::Failed(_)) {
            told.state = state;
        }
        told.ended = Some(at);
        if self.running == Some(index) {
            self.running = None;
        }
        // Only the first time: a child must not gain time by repeating itself.
        first.then_some(Note::ChapterEnded)
    }

    fn find(&mut self, id: &str) -> Option<usize> {
        if self.only_one {
            return Some(0);
        }
        let found = self.chapters.iter().position(|c| c.id == id);
        if found.is_none() {
            let id = capped(id.to_owned());
            self.note(format!(
                "the child spoke of a chapter `{id}` that it was not given"
            ));
        }
        found
    }

    fn measure(&mut self, measure: Measure) {
        let last = if self.only_one { Some(0) } else { self.running };
        match last {
            Some(index) if self.measures < MAX_MEASURES => {
                self.measures += 1;
                self.chapters[index].measures.push(measure);
            }
            Some(_) => self.dropped.measures += 1,
            None => self.note(format!(
                "measure `{}` came outside of a chapter",
                measure.name
            )),
        }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(capped(text));
        } else {
            self.dropped.notes += 1;
        }
    }
}

fn capped(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|&i| text.is_char_boundary(i));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
