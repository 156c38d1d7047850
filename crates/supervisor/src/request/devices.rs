//! The devices of a run that has a slot for each.

use crashrate_model::{Perturbation, RunInfo, Stopping, Unit};

use super::{RequestError, RunOptions, RunRequest};
use crate::device::{ALL_CUDA, DeviceSet};
use crate::plan::Plan;
use crate::process;
use crate::provoke::CROWD;
use crate::suite::Suite;

/// Which devices have slots, where the device is `cuda:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// These of this machine.
    Here(LocalDevices),
    /// Each machine that runs the plan chooses its own.
    Later,
}

impl Default for DeviceChoice {
    fn default() -> Self {
        DeviceChoice::Here(LocalDevices::default())
    }
}

/// Devices of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalDevices {
    /// Their names, such as `cuda:1`; all CUDA devices if empty.
    pub names: Vec<String>,
    /// Which processors their attempts may use.
    pub cpus: CpuUse,
}

/// Which processors the attempts of several devices may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CpuUse {
    /// Each device has a part of them.
    #[default]
    Divided,
    /// All of them.
    All,
}

impl RunOptions {
    /// Leaves the choice of devices to each machine that runs the plan. If this machine's are named,
    /// the plan is for all devices, as that of a run on them.
    pub fn leave_devices(&mut self) {
        if let DeviceChoice::Here(local) = &self.devices
            && !local.names.is_empty()
        {
            self.overrides.device = Some(ALL_CUDA.to_owned());
        }
        self.devices = DeviceChoice::Later;
    }
}

/// The devices that the suite or the user asks for. The suite then says `cuda:*`: which devices of
/// a machine are used changes nothing in the plan.
pub(super) fn chosen(suite: &mut Suite, choice: &DeviceChoice) -> Result<DeviceSet, RequestError> {
    let local = match choice {
        DeviceChoice::Here(local) => local,
        DeviceChoice::Later => return Ok(DeviceSet::default()),
    };
    if !local.names.is_empty() {
        ALL_CUDA.clone_into(&mut suite.device);
    }
    here(&suite.device, local)
}

/// The devices of this machine for a plan.
fn here(device: &str, local: &LocalDevices) -> Result<DeviceSet, RequestError> {
    let set = match (device, &local.names[..]) {
        (ALL_CUDA, []) => DeviceSet::all()?,
        (ALL_CUDA, names) => DeviceSet::named(names)?,
        (_, []) => DeviceSet::default(),
        (device, _) => return Err(RequestError::OneDevice(device.to_owned())),
    };
    Ok(match local.cpus {
        CpuUse::Divided => set.with_cpus(&process::cpus()),
        CpuUse::All => set,
    })
}

impl RunRequest {
    /// Whether each machine that runs the plan chooses its devices, and so how many attempts run
    /// at the same time and how a device is asked whether it works.
    pub fn chooses_devices(&self) -> bool {
        self.plan.suite.device == ALL_CUDA
    }

    /// Chooses the devices of this machine, for a plan that was made with
    /// [`DeviceChoice::Later`]. Its number of jobs is for each device, and `asked` is for all.
    ///
    /// # Errors
    /// They cannot be used, or the plan is for one device.
    pub fn use_devices(
        &mut self,
        local: &LocalDevices,
        asked: Option<u32>,
    ) -> Result<(), RequestError> {
        self.devices = here(&self.plan.suite.device, local)?;
        let asked = asked.filter(|_| self.chooses_devices());
        self.jobs = jobs(asked, self.jobs, &self.devices)?;
        Ok(())
    }
}

/// The devices of a run that is resumed, as far as they are here.
pub(super) fn again(run: &RunInfo) -> Result<DeviceSet, RequestError> {
    let mut set = DeviceSet::again(&run.devices)?;
    if set.devices.iter().any(|device| !device.cpus.is_empty()) {
        // This machine may have other processors.
        set = set.with_cpus(&process::cpus());
    }
    for &missing in &set.missing {
        let name = &set.devices[missing as usize].name;
        tracing::warn!("{name} is not here any more: the rounds left run on the other devices");
    }
    Ok(set)
}

/// How many attempts run at the same time: by default this many, on each device.
pub(super) fn jobs(asked: Option<u32>, default: u32, set: &DeviceSet) -> Result<u32, RequestError> {
    let devices = set.count().max(1);
    let jobs = asked.unwrap_or(default.saturating_mul(devices));
    match jobs.is_multiple_of(devices) {
        true => Ok(jobs),
        false => Err(RequestError::Jobs { jobs, devices }),
    }
}

/// Refuses several devices to a search.
pub(super) fn unless_search(
    set: DeviceSet,
    stopping: &Stopping,
) -> Result<DeviceSet, RequestError> {
    match stopping.is_search() && set.count() > 0 {
        true => Err(RequestError::SearchOnDevices),
        false => Ok(set),
    }
}

/// How many attempts run at the same time if the user does not say.
pub(super) fn default_jobs(plan: &Plan) -> u32 {
    let is_crowded = |unit: &Unit| unit.perturb.contains(Perturbation::Crowd);
    match plan.units.iter().any(is_crowded) {
        true => CROWD,
        false => 1,
    }
}
