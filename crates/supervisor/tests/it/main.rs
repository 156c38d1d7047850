//! The engine's parts joined, without processes.

mod campaigns;
