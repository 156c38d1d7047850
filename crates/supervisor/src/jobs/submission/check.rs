//! Checks of names and sizes, which an engine would refuse only after the job was written.

use std::path::Path;

use crate::jobs::JobError;

/// Units of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity
const UNITS: [&str; 13] = [
    "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E",
];

fn error(option: &'static str, value: &str, problem: &'static str) -> JobError {
    JobError::Value {
        option,
        value: value.to_owned(),
        problem,
    }
}

/// A quantity of memory of Kubernetes.
pub(super) fn kubernetes_memory(text: &str) -> Result<(), JobError> {
    let (number, unit) = divided(text);
    match is_number(number) && UNITS.contains(&unit) {
        true => Ok(()),
        false => Err(error(
            "--memory",
            text,
            "expected a quantity of Kubernetes, such as 4Gi or 512Mi",
        )),
    }
}

/// The folder of a job of Slurm, in which it writes the output of the parts.
pub(super) fn slurm_folder(path: &Path) -> Result<(), JobError> {
    let text = path.to_string_lossy();
    match text.contains(['%', '\\']) {
        true => Err(error(
            "--job",
            &text,
            "Slurm replaces `%` and `\\` in the names of output files; choose another folder",
        )),
        false => Ok(()),
    }
}

/// A size of `sbatch --mem`: megabytes, or with a unit.
pub(super) fn slurm_memory(text: Option<&str>) -> Result<(), JobError> {
    let Some(text) = text else {
        return Ok(());
    };
    let (number, unit) = divided(text);
    let is_unit = ["", "K", "M", "G", "T"].contains(&unit.to_ascii_uppercase().as_str());
    match is_unit && number.parse::<u64>().is_ok() {
        true => Ok(()),
        false => Err(error(
            "--memory",
            text,
            "expected a size of Slurm, such as 4G or 500M",
        )),
    }
}

fn divided(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    text.split_at(end.unwrap_or(text.len()))
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// The name of a container image.
pub(super) fn image(text: &str) -> Result<(), JobError> {
    let is_plain = |c: char| c.is_ascii_graphic();
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(()),
        false => Err(error(
            "--image",
            text,
            "expected a name such as registry.example/crashrate:1",
        )),
    }
}

/// A namespace: a label of DNS.
pub(super) fn namespace(text: &str) -> Result<(), JobError> {
    match is_label(text) && text.len() <= 63 {
        true => Ok(()),
        false => Err(error(
            "--namespace",
            text,
            "expected at most 63 lower-case letters, digits and `-`, such as team-a",
        )),
    }
}

/// The name of an object: labels of DNS with dots between them.
pub(super) fn name(option: &'static str, text: &str) -> Result<(), JobError> {
    match text.split('.').all(is_label) && text.len() <= 253 {
        true => Ok(()),
        false => Err(error(
            option,
            text,
            "expected lower-case letters, digits, `-` and `.`, such as shared-runs",
        )),
    }
}

fn is_label(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.chars().all(|c| is_plain(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_their_engine() {
        for good in ["4Gi", "512Mi", "1.5G", "1000000"] {
            assert!(kubernetes_memory(good).is_ok(), "{good}");
        }
        for wrong in ["4X", "4GB", "Gi", "", ".5Gi", "1.2.3Gi", "4 Gi"] {
            assert!(kubernetes_memory(wrong).is_err(), "{wrong}");
        }
        assert!(slurm_memory(Some("4G")).is_ok());
        assert!(slurm_memory(Some("4000")).is_ok());
        assert!(slurm_memory(Some("4Gi")).is_err());
    }

    #[test]
    fn names_are_those_of_dns() {
        assert!(namespace("team-a").is_ok());
        for wrong in ["Bad_NS", "-a", "a-", "", "a.b"] {
            assert!(namespace(wrong).is_err(), "{wrong}");
        }
        assert!(name("--volume", "a.b-c").is_ok());
        assert!(name("--volume", "a..b").is_err());
    }
}
