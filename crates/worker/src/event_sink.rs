//! Reports results: events to the supervisor, or plain lines on standard output for people.

use std::cell::Cell;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use crashrate_protocol::{Event, EventWriter};

/// The shortest time between two progress events.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// The shortest time between two plain progress lines.
const PLAIN_PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Reports in order. Each report has left the process when the call returns.
#[derive(Debug)]
pub(crate) struct EventSink {
    writer: EventWriter,
    plain: bool,
    last_event: Cell<Option<Instant>>,
    last_line: Cell<Option<Instant>>,
}

/// The receiver is gone, so further work would be useless.
#[derive(Debug, thiserror::Error)]
#[error("cannot report what was measured: {0}")]
pub(crate) struct ReceiverGone(#[from] io::Error);

impl EventSink {
    /// For a task: events if a supervisor listens, otherwise plain lines.
    pub(crate) fn for_task() -> Result<Self, ReceiverGone> {
        let writer = EventWriter::from_env()?;
        let plain = !writer.is_connected();
        Ok(Self::new(writer, plain))
    }

    /// For manual use: plain lines, and also events if a supervisor listens.
    pub(crate) fn for_person() -> Result<Self, ReceiverGone> {
        Ok(Self::new(EventWriter::from_env()?, true))
    }

    fn new(writer: EventWriter, plain: bool) -> Self {
        EventSink {
            writer,
            plain,
            last_event: Cell::new(None),
            last_line: Cell::new(None),
        }
    }

    /// Sends one event.
    pub(crate) fn send(&self, event: &Event) -> Result<(), ReceiverGone> {
        self.writer.send(event)?;
        if self.plain {
            print(event)?;
        }
        Ok(())
    }

    /// Reports progress, at most ten times a second. The final value is always sent.
    pub(crate) fn progress(&self, done: f64, total: f64, unit: &str) -> Result<(), ReceiverGone> {
        let event = Event::Progress {
            done,
            total,
            unit: unit.to_owned(),
        };
        let ended = done >= total;
        if due(&self.last_event, PROGRESS_EVERY) || ended {
            self.writer.send(&event)?;
        }
        if self.plain && (due(&self.last_line, PLAIN_PROGRESS_EVERY) || ended) {
            print(&event)?;
        }
        Ok(())
    }

    /// Reports a measured value.
    pub(crate) fn measure(
        &self,
        name: &str,
        value: f64,
        unit: &str,
        label: &str,
    ) -> Result<(), ReceiverGone> {
        if !value.is_finite() {
            // JSON has no such number, and a substitute would be wrong.
            return self.send(&Event::Note {
                text: format!("{name} {label} is not a finite number ({value})"),
            });
        }
        self.send(&Event::Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            label: label.to_owned(),
        })
    }
}

/// Returns whether `every` has passed since `last`, and if so sets `last` to now.
fn due(last: &Cell<Option<Instant>>, every: Duration) -> bool {
    let now = Instant::now();
    let due = last.get().is_none_or(|last| now - last >= every);
    if due {
        last.set(Some(now));
    }
    due
}

fn print(event: &Event) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match event {
        Event::Hello { device, versions } => {
            let versions: Vec<_> = versions.iter().map(|(k, v)| format!("{k} {v}")).collect();
            writeln!(out, "device {device}, {}", versions.join(", "))
        }
        // The worker exits after this event and prints the reason to standard error.
        Event::Unavailable { .. } | Event::Unknown => Ok(()),
        Event::ChapterStarted { chapter } => writeln!(out, "{chapter}"),
        Event::ChapterPaused { .. } => writeln!(out, "  paused"),
        Event::Progress { done, total, unit } => {
            writeln!(out, "  {} of {} {unit}", number(*done), number(*total))
        }
        Event::Measure {
            name,
            value,
            unit,
            label,
        } => {
            let line = format!("  {name:<20} {:>12} {unit:<5} {label}", number(*value));
            writeln!(out, "{}", line.trim_end())
        }
        Event::ChapterPassed { .. } => writeln!(out, "passed"),
        Event::ChapterFailed { reason, .. } => writeln!(out, "failed: {reason}"),
        Event::ChapterSkipped { reason, .. } => writeln!(out, "skipped: {reason}"),
        Event::Note { text } => writeln!(out, "  note: {text}"),
    }
}

/// Formats a number with four significant digits.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        format!("{value:.0}")
    } else if size >= 1000.0 {
        format!("{value:.1}")
    } else if size >= 0.01 {
        let whole_digits = size.log10().floor().max(0.0) as usize + 1;
        format!("{value:.*}", 4 - whole_digits.min(3))
    } else {
        format!("{value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        let all = [160.0, 6232.41, 618.34, 12.345, 0.147, 1.2e-7, 0.0].map(number);
        assert_eq!(
            all,
            ["160", "6232.4", "618.3", "12.35", "0.147", "1.20e-7", "0"]
        );
    }

    #[test]
    fn progress_events_are_rate_limited() {
        let last = Cell::new(None);
        assert!(due(&last, Duration::from_secs(60)));
        assert!(!due(&last, Duration::from_secs(60)));
    }
}
