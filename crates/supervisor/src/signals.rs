//! Signals that stop this program, or ask what it does.

use std::io;

use crashrate_model::Exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::process;

/// A signal that stops a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as engines send it at a time limit.
    Terminate,
    /// SIGHUP, as a closed terminal sends it.
    Hangup,
    /// SIGUSR2, as jobs are stopped. A second one kills nothing: a job may be stopped by its watch,
    /// by its user, and shortly before its time limit.
    Engine,
}

impl StopSignal {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            StopSignal::Interrupt => "SIGINT",
            StopSignal::Terminate => "SIGTERM",
            StopSignal::Hangup => "SIGHUP",
            StopSignal::Engine => "SIGUSR2",
        }
    }

    /// The stop signal that a process died of. SIGUSR2 is none: only crashrate gets it. A shell whose
    /// command died of it exits with 128 + its number.
    pub(crate) fn killed(exit: &Exit) -> Option<StopSignal> {
        let all = [
            StopSignal::Interrupt,
            StopSignal::Terminate,
            StopSignal::Hangup,
        ];
        all.into_iter().find(|signal| match exit {
            Exit::Signal(name) => name == signal.name(),
            Exit::Code(code) => *code == 128 + signal.kind().as_raw_value(),
        })
    }

    /// As `tokio` names it.
    pub(crate) fn kind(self) -> SignalKind {
        match self {
            StopSignal::Interrupt => SignalKind::interrupt(),
            StopSignal::Terminate => SignalKind::terminate(),
            StopSignal::Hangup => SignalKind::hangup(),
            StopSignal::Engine => SignalKind::user_defined2(),
        }
    }
}

/// A signal that the program handles, unless it was started with it ignored (`nohup`).
#[derive(Debug)]
pub struct EndSignal(Option<Signal>);

impl EndSignal {
    /// Handles the signal in place of its default action.
    ///
    /// # Errors
    /// The handler cannot be installed.
    pub fn listen(kind: SignalKind) -> io::Result<EndSignal> {
        if process::is_ignored(kind.as_raw_value()) {
            return Ok(EndSignal(None));
        }
        signal(kind).map(|signal| EndSignal(Some(signal)))
    }

    /// Waits for the signal; forever if it is ignored.
    pub async fn received(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// The signals by which a user asks what runs now: SIGUSR1, and on macOS SIGINFO (Ctrl-T).
#[derive(Debug)]
pub struct StatusSignals {
    user: EndSignal,
    info: EndSignal,
}

impl StatusSignals {
    /// Handles the signals in place of their default actions, also after this is dropped.
    ///
    /// # Errors
    /// A handler cannot be installed.
    pub fn listen() -> io::Result<StatusSignals> {
        let info = process::STATUS_KEY_SIGNAL.map(SignalKind::from_raw);
        let info = info.map(EndSignal::listen).transpose()?;
        Ok(StatusSignals {
            user: EndSignal::listen(SignalKind::user_defined1())?,
            info: info.unwrap_or(EndSignal(None)),
        })
    }

    /// Waits for one of them.
    pub async fn received(&mut self) {
        tokio::select! {
            () = self.user.received() => {}
            () = self.info.received() => {}
        }
    }
}
