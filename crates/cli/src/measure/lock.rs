//! The locks of a run on its devices.

use crashrate_supervisor::device::DeviceLocks;
use crashrate_supervisor::runner::Campaign;

use super::HowArguments;
use crate::output::note;

/// Locks the devices that the campaign uses, and waits for other runs on them. Ctrl-C ends the
/// program meanwhile: nothing has begun.
pub(crate) fn lock_devices(campaign: &Campaign, how: &HowArguments) -> DeviceLocks {
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
