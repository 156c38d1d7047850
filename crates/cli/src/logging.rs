//! The program's log, on standard error.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::time::Instant;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::output;

/// Starts the log: warnings, and with each `-v` one level more.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(console::colors_enabled_stderr())
        .event_format(Line {
            started: Instant::now(),
            has_time: verbose > 0,
        })
        .with_writer(|| Notes)
        .init();
}

/// `warning: message`, or with `-v` also the time since the start and the spans:
/// ` 12.345 info slot 0 soak round 2 attempt 1: message key=value`.
struct Line {
    started: Instant,
    has_time: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (level, color) = match *event.metadata().level() {
            Level::ERROR => ("error", 31),
            Level::WARN => ("warning", 33),
            Level::INFO => ("info", 32),
            Level::DEBUG => ("debug", 34),
            Level::TRACE => ("trace", 35),
        };
        let mut head = String::new();
        if self.has_time {
            write!(head, "{:7.3} ", self.started.elapsed().as_secs_f64())?;
        }
        if out.has_ansi_escapes() {
            write!(head, "\x1b[{color}m{level}\x1b[0m")?;
        } else {
            head += level;
        }
        if self.has_time {
            for span in context
                .event_scope()
                .into_iter()
                .flat_map(|s| s.from_root())
            {
                let extensions = span.extensions();
                let fields = extensions.get::<FormattedFields<N>>();
                // Each span has one field: `n=2`, `name="soak"`.
                let value = fields.and_then(|fields| Some(fields.fields.split_once('=')?.1));
                let value = value.unwrap_or_default().trim_matches('"');
                match span.name() {
                    // All lines are of the same run.
                    "run" => {}
                    "unit" => write!(head, " {value}")?,
                    name => write!(head, " {name} {value}")?,
                }
            }
        }
        write!(out, "{head}: ")?;
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// Hands lines to the writer of notes: a log event may come while the run's state is locked, and
/// must not wait for a terminal.
struct Notes;

impl Write for Notes {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        output::log(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
