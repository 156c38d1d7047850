#![doc = include_str!("../README.md")]

mod clean;
mod compare;
mod document;
mod error;
mod tally;
mod view;
mod words;
mod write;

pub use clean::{lines, one_line};
pub use compare::{
    BaselineRow, BesideBaseline, Change, Claimed, Compared, Comparisons, DEFAULT_DETECT,
    Difference, Doubt, Evidence, FixedTest, History, How, NotWorse, POWER, PastRun, Planned, Point,
    Side, Strata, Stratum, Trend, Untested, What, axes, compare_runs, compare_strata,
    compare_within, history,
};
pub use document::{Detail, RunPages, add_details, search_in_words};
pub use error::{ReportError, ViewError};
pub use tally::ViewBuilder;
pub use view::{
    Advice, Bisection, Bounds, Cell, ChapterRow, CommitSeen, CountedRounds, CrashPlace, CrashRole,
    CrashRow, DeviceRow, DeviceUnit, DiedInCounts, Disturbances, Ends, EvidencePart, ExitClass,
    Exposure, GateSeen, Held, InShort, Judgement, Machine, MachineUnit, Machines, MeasureStat,
    Missed, MissingBlocks, Note, OptionalStopping, Outcomes, Pace, PairsSeen, PartSeen,
    Provocation, RateTest, Reason, Results, RoundOrder, RoundRange, RunFacts, RunLine, RunState,
    Running, Search, SequenceRow, ShardState, Share, Spread, Totals, UnitDisturbances, View,
    exit_class,
};
pub use words::{count, estimate, percent, plural, quantity, rate, seconds, share, units};
pub use write::{
    LIVE_SCRIPT, ListError, PageHost, PageParts, SERVED_POLICY, TerminalOptions, compare_json,
    compare_markdown, compare_terminal, csv, doctor_json, doctor_terminal, error_html,
    github_annotations, github_summary, history_html, history_json, history_markdown,
    history_parts, history_terminal, html, index_parts, json, json_schema, junit, junit_rounds,
    markdown, report_parts, runs_terminal, strata_json, strata_text, terminal, waiting_parts,
};
