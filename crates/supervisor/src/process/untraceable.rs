//! The units whose outcome a tracer changes. They are not traced again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::plan::UnitSpec;

/// The units that are not traced, and why.
#[derive(Default)]
pub(super) struct Untraceable(Mutex<HashMap<usize, String>>);

impl Untraceable {
    pub(super) fn why(&self, unit: &Arc<UnitSpec>) -> Option<String> {
        let units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        units.get(&key(unit)).cloned()
    }

    pub(super) fn add(&self, unit: &Arc<UnitSpec>, why: String) {
        let mut units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        units.entry(key(unit)).or_insert(why);
    }
}

/// Identifies a unit by the address of its spec, which lives as long as its run.
pub(super) fn key(unit: &Arc<UnitSpec>) -> usize {
    Arc::as_ptr(unit) as usize
}
