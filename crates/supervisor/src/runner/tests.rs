//! A run in which a slot's thread panics.

use std::io;
use std::sync::Arc;

use super::*;
use crate::plan::{AttemptSpec, Plan, Selection};
use crate::process::{Start, Started};
use crate::suite::Suite;
use crate::worker::Workers;

struct Panicking;

impl Start for Panicking {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        panic!("cannot start {:?} in slot {slot}", spec.unit.argv)
    }
}

#[test]
fn a_panic_in_a_slot_ends_the_run_with_its_message() {
    let runs = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(runs.path(), "panic", None).unwrap();
    let suite = Suite::of_command(&["true".into()], 3).unwrap();
    let plan = Plan::new(suite, &Selection::default(), 1).unwrap();
    let guardian = ("/bin/sh".into(), &["-c", "exec sleep 60"] as &[&str]);
    let mut campaign = Campaign::new(plan, Workers::default(), guardian);
    campaign.bounds.slots = 2;

    let runtime = set_up::runtime().unwrap();
    let specs = SpecBuilder::new(&campaign.plan, folder.id(), &campaign.workers.by_variant);
    let programs = Programs::of(specs.units());
    let mut info = set_up::run_info_with(&campaign, &folder, &programs);
    set_up::prepare_folder(&folder, &campaign.plan, &info).unwrap();
    let resume = set_up::resume(&campaign, &folder, &specs, &info).unwrap();
    let mut context = set_up::run_context(&campaign, &folder, &mut info).unwrap();
    context.start = Arc::new(Panicking);
    let (slots, threads) = Slots::new(campaign.bounds.slots, &context).unwrap();
    let probes = Arc::new(Probes::new(&specs, &info.findings));
    let given = (&programs, Arc::clone(&probes));
    let finisher = Finisher::new(&folder, &specs, given, context.guardian, info.evidence);
    let journal = RunJournal::open(&folder).unwrap();
    let mut observer = |_: RunEvent<'_>| {};
    let runner = Runner::new(
        &campaign,
        specs,
        resume,
        slots,
        (&programs, probes),
        journal,
        &mut observer,
    );
    let coordinator = Coordinator::new(runner, finisher);
    let error = coordinator.run(&runtime, threads, info, None).unwrap_err();

    assert!(matches!(error, RunError::SlotPanicked { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("panicked: cannot start [\"true\"] in slot"),
        "{text}"
    );
}
