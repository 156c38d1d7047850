//! Checks of a Linux machine, from /proc and /sys.

use std::fs;
use std::path::Path;

use crashrate_model::Finding;

use super::{ok, warning};
use crate::process::CoreFiles;

pub(super) fn examine() -> Vec<Finding> {
    vec![core_dumps(), cgroup()]
}

fn core_dumps() -> Finding {
    let found = match CoreFiles::find(false) {
        Ok(_) => "--evidence core works".to_owned(),
        Err(why) => format!("--evidence core does not work: {why}"),
    };
    ok("core dumps", found)
}

fn cgroup() -> Finding {
    let name = "cgroup";
    let own = read("/proc/self/cgroup");
    let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::")) else {
        return warning(
            name,
            "no cgroup v2",
            "an out-of-memory kill can then only be suspected, not proved",
        );
    };
    let folder = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    let controllers = read(folder.join("cgroup.controllers"));
    let found = match controllers.as_str() {
        "" => format!("no controllers in {path}"),
        some => format!("controllers in {path}: {some}"),
    };
    if controllers.split(' ').any(|c| c == "memory") {
        ok(name, found)
    } else {
        let advice = "without the memory controller an out-of-memory kill can only be suspected, \
                      not proved";
        warning(name, found, advice)
    }
}

/// Whether the dynamic loader ignores this variable for this program: it does for setuid programs.
pub(super) fn strips(name: &str, program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let set_id = fs::metadata(program).is_ok_and(|m| m.permissions().mode() & 0o6000 != 0);
    set_id && name.starts_with("LD_")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
