//! What the commands that measure have in common: from arguments to a campaign.

mod args;
mod begin;
mod campaign;
mod earlier;
mod lock;
mod plan_file;
mod repeat;
mod request;
mod rounds;
mod session;
mod shard;

pub(crate) use args::{HowArguments, JOBS_HELP, MeasureArguments, SUITE_HELP, is_of_run};
pub(crate) use begin::begin;
pub(crate) use campaign::{campaign, places};
pub(crate) use earlier::earlier;
pub(crate) use lock::lock_devices;
pub(crate) use plan_file::{Planned, ShardArguments, plan_file, planned};
pub(crate) use repeat::quoted;
pub(crate) use request::{
    how_options, of_variants, options, refuse_plan, request, resume, suite_here,
};
pub(crate) use rounds::RoundsArguments;
pub(crate) use session::Session;
