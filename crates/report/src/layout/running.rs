//! What is running now.

use crate::view::{Running, View};
use crate::words::of_unit;

/// A line for each attempt that is running; none unless the run is live.
pub(crate) fn running(view: &View) -> Vec<String> {
    let line = |now: &Running| {
        let name = of_unit(&now.name, Some(now.mode), &now.variant);
        match now.attempt {
            1 => format!("{name} round {}", now.round),
            attempt => format!("{name} round {}, attempt {attempt}", now.round),
        }
    };
    view.running.iter().map(line).collect()
}
