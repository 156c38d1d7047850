//! Settings of the manifests of Kubernetes.

use super::{Submission, check};
use crate::jobs::template::Settings;
use crate::jobs::{JobError, Resources};

/// The folder of a job in the containers of Kubernetes.
const MOUNTED: &str = "/job";

impl Submission {
    pub(super) fn kubernetes(&self) -> Result<Settings, JobError> {
        let Resources {
            image,
            volume,
            namespace,
            workdir,
            ..
        } = &self.resources;
        let missing = |option, what| JobError::Missing {
            engine: "kubernetes",
            option,
            what,
        };
        let needs_image = || {
            missing(
                "--image",
                "the container image with crashrate and the suite",
            )
        };
        let image = image.as_deref().ok_or_else(needs_image)?;
        let needs_volume = || {
            missing(
                "--volume",
                "the persistent volume claim on which the shards write their runs",
            )
        };
        let volume = volume.as_deref().ok_or_else(needs_volume)?;
        check::image(image)?;
        check::name("--volume", volume)?;
        if let Some(namespace) = namespace {
            check::namespace(namespace)?;
        }
        let own = [
            "crashrate",
            "run",
            "--plan-file",
            &format!("{MOUNTED}/plan.json"),
            "--shard",
            "auto",
            "--continue",
            "--report-only",
            "--quiet",
            "--runs-dir",
            &format!("{MOUNTED}/runs"),
        ];
        let mut command: Vec<String> = own.map(str::to_owned).into();
        command.extend_from_slice(&self.run_words);
        command.extend_from_slice(&self.plan_words);
        Ok(self
            .common()
            .text("image", image)
            .text("volume", volume)
            .text("folder", &*self.volume_folder)
            .option("namespace", namespace.as_deref())
            .option("workdir", workdir.as_deref())
            .number("seconds", self.time.map(|time| time.as_secs()))
            .list("command", &command)
            .yaml("limits", self.limits()?))
    }

    /// The resources of a pod, as a map of YAML.
    fn limits(&self) -> Result<Option<String>, JobError> {
        let Resources {
            cpus, memory, gpus, ..
        } = &self.resources;
        let mut limits = Vec::new();
        if let Some(cpus) = cpus {
            limits.push(format!("cpu: {cpus}"));
        }
        if let Some(memory) = memory {
            check::kubernetes_memory(memory)?;
            limits.push(format!("memory: {memory}"));
        }
        if let Some(gpus) = gpus {
            let count: u32 = gpus.parse().map_err(|_| JobError::Value {
                option: "--gpus",
                value: gpus.clone(),
                problem: "expected the number of GPUs of a shard",
            })?;
            limits.push(format!("nvidia.com/gpu: {count}"));
        }
        Ok((!limits.is_empty()).then(|| format!("{{{}}}", limits.join(", "))))
    }
}
