//! The arguments of commands that plan all rounds of a suite: which, how many, and until when.

use clap::Args;
use crashrate_model::{Mode, RateBound};
use crashrate_supervisor::plan::Selection;
use crashrate_supervisor::request::{Overrides, RunOptions, Until};

use crate::values::{one_of, open_rate};

/// Which rounds are planned.
#[derive(Args, Debug)]
pub(crate) struct RoundsArguments {
    /// isolated: one process per chapter and round. sequential: one per sequence and round
    #[arg(
        long,
        conflicts_with = "resume",
        default_value = "both",
        value_parser = one_of([
            ("isolated", Some(Mode::Isolated)),
            ("sequential", Some(Mode::Sequential)),
            ("both", None),
        ])
    )]
    // With its full path, clap takes the type as the value that the parser returns.
    pub(crate) mode: std::option::Option<Mode>,

    /// Rounds of each unit, instead of the suite's [for a command: 10]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "resume")]
    pub(crate) rounds: Option<u32>,

    /// Retries of a round that did not pass, instead of the suite's
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) retries: Option<u32>,

    /// Stop when each comparison of modes or variants has a verdict, or at the first bad round; at
    /// the latest after --rounds [10000] of each unit, or --for
    #[arg(
        long,
        conflicts_with_all = ["gate", "resume"],
        value_parser = one_of([("decided", Until::Decided), ("first-crash", Until::FirstBad)])
    )]
    pub(crate) until: Option<Until>,

    /// Stop when each rate is shown to be below or above a limit, such as 'crashed < 1%'; at the
    /// latest after --rounds [10000] of each unit, or --for
    #[arg(long, value_name = "LIMIT", conflicts_with = "resume")]
    pub(crate) gate: Option<RateBound>,

    /// With --until decided: also stop when the second side's bad rate is shown to be higher by
    /// less than this, such as 2%
    #[arg(long, value_name = "MARGIN", value_parser = open_rate, requires = "until")]
    pub(crate) not_worse_by: Option<f64>,

    /// Do not start if the planned rounds are too few to show a gate
    #[arg(long, conflicts_with = "resume")]
    pub(crate) strict: bool,
}

impl RoundsArguments {
    /// Adds what these arguments stand for.
    pub(crate) fn apply(&self, options: RunOptions) -> RunOptions {
        RunOptions {
            selection: Selection {
                mode: self.mode,
                rounds: self.rounds,
                ..options.selection
            },
            overrides: Overrides {
                retries: self.retries,
                ..options.overrides
            },
            until: match &self.gate {
                Some(limit) => Until::Gate(limit.clone()),
                None => self.until.clone().unwrap_or_default(),
            },
            not_worse_by: self.not_worse_by,
            strict: self.strict,
            ..options
        }
    }

    /// The options that are given.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("--mode", self.mode.is_some()),
            ("--rounds", self.rounds.is_some()),
            ("--retries", self.retries.is_some()),
            ("--until", self.until.is_some()),
            ("--gate", self.gate.is_some()),
            ("--not-worse-by", self.not_worse_by.is_some()),
            ("--strict", self.strict),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}
