//! What was run, where and when.

use super::{Table, Text};
use crate::view::View;
use crate::words::duration;

/// Facts in two columns, a name and what it is.
pub(crate) fn environment(view: &View) -> Table {
    let run = &view.run;
    let device = match run.device == run.device_asked {
        true => run.device.clone(),
        false => format!("{} ({} asked for)", run.device, run.device_asked),
    };
    let state = if run.live { "running for" } else { "took" };
    let bad: Vec<_> = run.bad.iter().map(|outcome| outcome.word()).collect();
    let mut rows = vec![
        (
            "date",
            format!("{}, {state} {}", run.started, duration(run.secs)),
        ),
        ("device", device),
    ];
    let versions = run.versions.iter().map(|(k, v)| (k.as_str(), v.clone()));
    rows.extend(versions);
    let machine = run.machine.iter().map(|(k, v)| (k.as_str(), v.clone()));
    rows.extend(machine);
    if let Some(seed) = run.seed {
        rows.push(("seed", seed.to_string()));
        rows.push(("jobs", run.jobs.to_string()));
    }
    if run.retries > 0 {
        rows.push(("retries", run.retries.to_string()));
    }
    rows.push(("counted in the crash rate", bad.join(", ")));
    rows.push(("run", run.id.clone()));
    let mut table = Table::default().text("fact").text("value");
    for (name, value) in &rows {
        table.rows.push(vec![Text::plain(name), Text::long(value)]);
    }
    table
}
