//! Adds what follows from the results of all units.

use crashrate_model::RunInfo;

use super::{advice, devices, machines, order};
use crate::view::View;

/// Adds tests, verdicts and recommendations to a view.
pub(super) fn judge(view: &mut View, info: &RunInfo) {
    view.device_tests = devices::tests(view);
    order::mark_gates(view);
    machines::add(view);
    view.recommendations = advice::that_holds(&info.recommendations, view);
}
