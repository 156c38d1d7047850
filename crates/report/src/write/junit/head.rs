//! What every test case has: its class, file and time.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::clean::{NAME, clean};
use crate::view::View;
use crate::write::xml::Xml;

/// The attributes common to a suite's cases.
pub(super) struct Head<'a> {
    pub(super) view: &'a View,
    class: String,
    file: Option<&'a str>,
}

impl<'a> Head<'a> {
    pub(super) fn new(view: &'a View, suite: &str, file: Option<&'a str>) -> Head<'a> {
        Head {
            view,
            class: format!("{}.{suite}", clean(&view.run.suite, NAME)),
            file,
        }
    }

    /// An empty case.
    pub(super) fn empty(&self, xml: &mut Xml<'_>, name: &str, time: Duration) -> io::Result<()> {
        self.with(name, time, |attributes| xml.empty("testcase", attributes))
    }

    pub(super) fn open(&self, xml: &mut Xml<'_>, name: &str, time: Duration) -> io::Result<()> {
        self.with(name, time, |attributes| xml.open("testcase", attributes))
    }

    fn with(
        &self,
        name: &str,
        time: Duration,
        write: impl FnOnce(&[(&str, &dyn Display)]) -> io::Result<()>,
    ) -> io::Result<()> {
        let time = Seconds(time);
        let mut attributes: Vec<(&str, &dyn Display)> =
            vec![("name", &name), ("classname", &self.class), ("time", &time)];
        if let Some(file) = &self.file {
            attributes.push(("file", file));
        }
        write(&attributes)
    }
}

/// Seconds in JUnit's format.
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}", self.0.as_secs_f64())
    }
}

pub(super) fn time(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or_default()
}
