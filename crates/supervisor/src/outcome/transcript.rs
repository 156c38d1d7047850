//! The events of a child, folded into the state of each chapter in bounded memory.

use crashrate_model::{Hello, Measure, Mode};
use crashrate_protocol::Event;

/// Largest number of measures kept of one attempt.
const MAX_MEASURES: usize = 4096;
/// Largest number of notes kept of one attempt.
const MAX_NOTES: usize = 20;
/// Largest number of bytes kept of a text.
const MAX_TEXT: usize = 2000;

/// What a child has reported so far.
#[derive(Clone, Debug)]
pub struct Transcript {
    pub(super) chapters: Vec<ChapterLog>,
    /// The indices of the chapters that have started, in their order.
    pub(super) order: Vec<u32>,
    /// The chapter that has started and not ended.
    pub(super) running: Option<usize>,
    /// In isolated mode all events are about the only chapter.
    mode: Mode,
    pub(super) unavailable: Option<String>,
    pub(super) hello: Option<Hello>,
    pub(super) notes: Vec<String>,
    measures: usize,
    dropped_measures: usize,
    dropped_notes: usize,
}

/// What a child has reported of one chapter.
#[derive(Clone, Debug, Default)]
pub(super) struct ChapterLog {
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
    Skipped(String),
}

/// An event that the supervisor acts on while the child runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A chapter began for the first time: its time limit counts from now.
    ChapterStarted(usize),
    /// A chapter ended: the time limit outside of chapters counts from now.
    ChapterEnded,
    /// The chapter progressed.
    Progress {
        /// Amount done.
        done: f64,
        /// Total amount.
        total: f64,
        /// Unit of both.
        unit: String,
    },
}

impl ChapterLog {
    /// Seconds from its start to its end, or to `end` if it never ended.
    pub(super) fn secs(&self, end: f64) -> Option<f64> {
        (self.state != State::Waiting).then(|| self.ended.unwrap_or(end) - self.started)
    }
}

impl Transcript {
    /// The transcript of an attempt of these chapters.
    pub fn new(chapters: impl IntoIterator<Item = String>, mode: Mode) -> Self {
        let chapter = |id| ChapterLog {
            id,
            ..ChapterLog::default()
        };
        Transcript {
            chapters: chapters.into_iter().map(chapter).collect(),
            order: Vec::new(),
            running: None,
            mode,
            unavailable: None,
            hello: None,
            notes: Vec::new(),
            measures: 0,
            dropped_measures: 0,
            dropped_notes: 0,
        }
    }

    /// Applies an event that came `at` seconds after the attempt's start.
    pub fn push(&mut self, event: Event, at: f64) -> Option<Note> {
        match event {
            Event::Hello { device, versions } => self.hello = Some(Hello { device, versions }),
            Event::Unavailable { reason } => self.unavailable = Some(capped(reason)),
            Event::Note { text } => self.note(text),
            Event::Unknown => {}
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
            Event::ChapterPaused { chapter } => self.paused(&chapter),
            Event::ChapterPassed { chapter } => return self.ended(&chapter, State::Passed, at),
            Event::ChapterFailed { chapter, reason } => {
                return self.ended(&chapter, State::Failed(capped(reason)), at);
            }
            Event::ChapterSkipped { chapter, reason } => {
                return self.ended(&chapter, State::Skipped(capped(reason)), at);
            }
        }
        None
    }

    /// The device and libraries that the child reported.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// The notes, and how many were dropped.
    pub(super) fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let (dropped, measures) = (self.dropped_notes, self.dropped_measures);
        if dropped > 0 {
            notes.push(format!("{dropped} more notes of the child were dropped"));
        }
        if measures > 0 {
            notes.push(format!(
                "{measures} measures were dropped: at most {MAX_MEASURES} are kept of an attempt"
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
        let chapter = &mut self.chapters[index];
        if chapter.state != State::Waiting {
            self.note(format!(
                "chapter `{id}` was reported as started after its end"
            ));
            return None;
        }
        chapter.state = State::Running;
        chapter.started = at;
        self.order.push(index as u32);
        self.running = Some(index);
        Some(Note::ChapterStarted(index))
    }

    /// A chapter that waits is as good as not started: a death is another's.
    fn paused(&mut self, id: &str) {
        if let Some(index) = self.find(id).filter(|index| self.running == Some(*index)) {
            self.running = None;
            self.order.retain(|started| *started != index as u32);
            self.chapters[index].state = State::Waiting;
        }
    }

    fn ended(&mut self, id: &str, state: State, at: f64) -> Option<Note> {
        let index = self.find(id)?;
        let chapter = &mut self.chapters[index];
        // A process with only one chapter has reached it. In a sequence the verdict could be about
        // another chapter.
        if chapter.state == State::Waiting && self.mode == Mode::Sequential {
            self.note(format!(
                "chapter `{id}` had a verdict before it started: not counted"
            ));
            return None;
        }
        let first = matches!(chapter.state, State::Waiting | State::Running);
        // A failed chapter stays failed, whatever the child reports later.
        if !matches!(chapter.state, State::Failed(_)) {
            chapter.state = state;
        }
        chapter.ended = Some(at);
        if self.running == Some(index) {
            self.running = None;
        }
        // Only the first time: a child must not extend its time limit by repeating itself.
        first.then_some(Note::ChapterEnded)
    }

    fn find(&mut self, id: &str) -> Option<usize> {
        if self.mode == Mode::Isolated {
            return Some(0);
        }
        let found = self.chapters.iter().position(|c| c.id == id);
        if found.is_none() {
            let id = capped(id.to_owned());
            self.note(format!(
                "the child reported a chapter `{id}` that is not in its task"
            ));
        }
        found
    }

    fn measure(&mut self, measure: Measure) {
        let index = match self.mode {
            Mode::Isolated => Some(0),
            Mode::Sequential => self.running,
        };
        match index {
            Some(index) if self.measures < MAX_MEASURES => {
                self.measures += 1;
                self.chapters[index].measures.push(measure);
            }
            Some(_) => self.dropped_measures += 1,
            None => self.note(format!(
                "measure `{}` was reported outside of a chapter",
                measure.name
            )),
        }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(capped(text));
        } else {
            self.dropped_notes += 1;
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
