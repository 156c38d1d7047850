//! The locks of a run on its devices, and what needs them.

use crashrate_supervisor::device::DeviceLocks;
use crashrate_supervisor::doctor;
use crashrate_supervisor::runner::Campaign;

use super::HowArguments;
use crate::output::note;

/// Locks the devices that the campaign uses, waits for other runs on them, and then examines the
/// machine. Ctrl-C ends the program meanwhile: nothing has begun.
pub(crate) fn lock_devices(campaign: &mut Campaign, how: &HowArguments) -> DeviceLocks {
    let locks = locks(campaign, how);
    // A worker that lists its devices computes on them, which would disturb the run that has them.
    let examined = doctor::examine_for(&campaign.plan, &campaign.workers);
    campaign.findings.splice(..0, examined);
    locks
}

fn locks(campaign: &Campaign, how: &HowArguments) -> DeviceLocks {
    if how.no_device_lock {
        return DeviceLocks::default();
    }
    let devices = campaign.devices.in_use(campaign.plan.device_in_use());
    let locks = DeviceLocks::take(&devices, |device, holder| {
        let holder = holder.map_or("another crashrate".to_owned(), ToString::to_string);
        note(format_args!("waiting for {device}: in use by {holder}"));
    });
    locks.unwrap_or_else(|error| {
        // The locks are advisory: without them the run measures all the same.
        tracing::warn!("{error}; another crashrate may use the device at the same time");
        DeviceLocks::default()
    })
}
