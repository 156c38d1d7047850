//! What the commands that measure have in common: from arguments to a campaign.

mod args;
mod begin;
mod campaign;
mod repeat;
mod request;

pub(crate) use args::MeasureArguments;
pub(crate) use begin::begin;
pub(crate) use campaign::campaign;
pub(crate) use request::{options, request, suite_here};
