//! The schedule and the stopping rule together, without processes.

mod campaigns;
