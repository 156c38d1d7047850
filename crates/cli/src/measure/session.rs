//! A run from its request to its end, for commands that answer a question.

use std::path::Path;

use crashrate_report::{Detail, ExitClass, RunState, TerminalOptions, View, exit_class, terminal};
use crashrate_supervisor::build::Origin;
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::runner::{Campaign, RunError};
use crashrate_supervisor::suite::Variant;

use super::{HowArguments, begin, campaign, lock_devices};
use crate::error::{Exit, Failure};
use crate::output::{print, report_options};
use crate::progress::{ProgressOptions, run_campaign};
use crate::run_folder::{page_view, report_page, write_reports};
use crate::signals::StopWatch;

/// A run that has ended. Its folder is still locked.
pub(crate) struct Session {
    pub(crate) plan: Plan,
    pub(crate) folder: RunFolder,
    ended: Result<(), RunError>,
}

impl Session {
    /// Runs a request to its end; `adjust` changes the campaign before that.
    pub(crate) fn run(
        runs: &Path,
        (request, resumed): (RunRequest, Option<RunFolder>),
        how: &HowArguments,
        worker: Option<&Path>,
        adjust: impl FnOnce(&mut Campaign),
    ) -> Result<Session, Failure> {
        let mut campaign = campaign(runs, request, how, worker)?;
        adjust(&mut campaign);
        let mut locks = lock_devices(&mut campaign, how);
        let folder = match resumed {
            Some(folder) => folder,
            None => RunFolder::create(runs, &campaign.plan.suite.name, how.number)?,
        };
        locks.describe(&folder);
        let watch = StopWatch::new(&campaign.plan);
        let progress = ProgressOptions {
            is_quiet: how.quiet,
            tells_time: false,
        };
        let seed = campaign.plan.seed;
        begin(&mut campaign, &folder, &watch, progress, Some(seed))?;
        if !folder.is_resumed() {
            campaign.workers.facts.extend(revisions(&campaign.plan));
        }
        let number = folder.number();
        let stopped_later =
            format!("stopped while the report was printed; `crashrate report {number}` shows it");
        let ended = run_campaign(&campaign, &folder, &watch, stopped_later, progress);
        Ok(Session {
            ended: ended.map(drop),
            plan: campaign.plan,
            folder,
        })
    }

    /// Writes the reports, lets `write` add files to the folder, and prints the report and what
    /// `write` returns. The first error decides the exit code.
    pub(crate) fn conclude(
        self,
        how: &HowArguments,
        is_full: bool,
        write: impl FnOnce(&Session, &View) -> Result<Option<String>, Failure>,
    ) -> Result<Exit, Failure> {
        let concluded = self.report(how, is_full, write);
        // Report what the journal has so far.
        self.ended?;
        concluded
    }

    /// Writes the reports and prints nothing.
    pub(crate) fn conclude_quietly(self) -> Result<View, Failure> {
        let view = self.write_reports();
        self.ended?;
        view
    }

    fn write_reports(&self) -> Result<View, Failure> {
        let folder = self.folder.path();
        // The lock is still held, but the run is over.
        let view = page_view(folder, RunState::Ended).map_err(|failure| Failure {
            exit: Exit::Journal,
            ..failure
        })?;
        write_reports(folder, &view, None);
        Ok(view)
    }

    fn report(
        &self,
        how: &HowArguments,
        is_full: bool,
        write: impl FnOnce(&Session, &View) -> Result<Option<String>, Failure>,
    ) -> Result<Exit, Failure> {
        let view = self.write_reports()?;
        let added = write(self, &view)?;
        let page = report_page(self.folder.path());
        let mut options: TerminalOptions<'_> = report_options(is_full, page.as_deref());
        if how.quiet {
            options.detail = Detail::Headline;
            options.page = None;
        }
        print(&terminal(&view, &options))?;
        added.map_or(Ok(()), |line| print(&line))?;
        Ok(match exit_class(&view) {
            ExitClass::Incomplete => Exit::Incomplete,
            ExitClass::Undecided => Exit::Undecided,
            ExitClass::Refuted | ExitClass::NotPassed | ExitClass::Passed => Exit::Passed,
        })
    }
}

/// The commits of the variants that are revisions. A bisection has its own list.
fn revisions(plan: &Plan) -> Vec<(String, String)> {
    const MOST: usize = 4;
    let commit = |variant: &Variant| match &variant.origin {
        Some(Origin::Revision { commit, .. }) => {
            Some((format!("commit of {}", variant.id), commit.clone()))
        }
        _ => None,
    };
    let all: Vec<_> = plan.suite.variants.iter().filter_map(commit).collect();
    if all.len() > MOST { Vec::new() } else { all }
}
