//! What the commands that measure have in common: from arguments to a campaign.

mod args;
mod begin;
mod campaign;
mod lock;
mod repeat;
mod request;
mod session;

pub(crate) use args::{HowArguments, MeasureArguments};
pub(crate) use begin::begin;
pub(crate) use campaign::campaign;
pub(crate) use lock::lock_devices;
pub(crate) use repeat::quoted;
pub(crate) use request::{how_options, of_variants, options, request, resume, suite_here};
pub(crate) use session::Session;
