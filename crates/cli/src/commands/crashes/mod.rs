//! `crashrate crashes`: the crashes of a run by signature, or one crash in full.

mod apple;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::EvidenceMode;
use crashrate_postmortem::Crash;
use crashrate_report::{CrashPlace, CrashRow, Share, View, estimate, one_line};
use crashrate_supervisor::crashes::{CrashFile, core_file, read};

use crate::error::{Exit, Failure};
use crate::output::answer;
use crate::run_folder::{LinesOf, evidence, find, source_lines, state, view};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate crashes                          the signatures of the latest run
  crashrate crashes 12 1                     stacks and modules of its first signature
  crashrate crashes --import Demo.ips        a crash report of macOS")]
pub(crate) struct CrashesArguments {
    /// A run's folder, id or number, or `latest`
    #[arg(default_value = "latest")]
    run: String,

    /// The crash to show in full: its number in the list, or a unique part of its signature
    signature: Option<String>,

    /// Show a macOS crash report (.ips or .crash) instead of a run's crashes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "signature"])]
    import: Option<PathBuf>,
}

pub(crate) fn crashes(runs: &Path, arguments: &CrashesArguments) -> Result<Exit, Failure> {
    if let Some(file) = &arguments.import {
        return answer(&apple::show(file, |text, crash| {
            describe(text, crash, &mut |_, _| Vec::new());
        })?);
    }
    let folder = find(runs, &arguments.run)?;
    let view = view(&folder, state(&folder))?;
    answer(&match &arguments.signature {
        None => list(&view),
        Some(signature) => full(select(&view.crashes, signature)?, &folder)?,
    })
}

fn list(view: &View) -> String {
    let mut text = String::new();
    if view.crashes.is_empty() {
        let _ = writeln!(text, "{}", why_none(view));
    }
    for (number, row) in (1..).zip(&view.crashes) {
        let _ = writeln!(text, "{number}  {}", one_line(&row.signature));
        for place in &row.places {
            let _ = writeln!(text, "   {}", place_line(place));
        }
        if let Some(repeat) = &row.repeat {
            let _ = writeln!(text, "   again: {}", one_line(repeat));
        }
    }
    text
}

/// The unit in which a crash was seen, and how often.
fn place_line(place: &CrashPlace) -> String {
    let (name, variant) = (one_line(&place.name), one_line(&place.variant));
    let owner = match &place.role.descendant {
        Some(program) => format!(", its descendant `{}`", one_line(program)),
        None => String::new(),
    };
    let Share { bad, n } = place.share;
    let rate = if place.role.in_evidence_rounds {
        format!("seen in {bad} of {n} evidence rounds, not counted")
    } else {
        estimate(bad, n, place.optional_stopping)
    };
    format!(
        "{name} ({}, {variant}){owner}: {rate}, rounds {} to {}",
        place.mode, place.first, place.last
    )
}

fn why_none(view: &View) -> &'static str {
    let run = &view.run;
    if run.imported.is_some() {
        "an imported run has no evidence of its crashes"
    } else if run.evidence != EvidenceMode::None || run.evidence_rounds {
        "no crash has a signature"
    } else if view.search.is_some() || view.bisection.is_some() || view.provocation.is_some() {
        "no crash has a signature: the run took no evidence. A search makes no evidence rounds, so \
         that without core dumps only `--evidence trace` takes any; `crashrate doctor` says what \
         core dumps lack here"
    } else {
        "no crash has a signature: the run took no evidence (--evidence)"
    }
}

/// The crash with this number in the list, or with this unique part of its signature.
fn select<'a>(rows: &'a [CrashRow], name: &str) -> Result<&'a CrashRow, Failure> {
    let index = name.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let by_number = index.and_then(|index| rows.get(index));
    let exact = || rows.iter().find(|row| row.signature == name);
    if let Some(row) = by_number.or_else(exact) {
        return Ok(row);
    }
    let mut matching = rows.iter().filter(|row| row.signature.contains(name));
    Err(Failure::usage(match (matching.next(), matching.next()) {
        (Some(row), None) => return Ok(row),
        _ if rows.is_empty() => "no crash of the run has a signature".to_owned(),
        (None, _) => format!("no crash of the run has `{name}` in its signature"),
        (Some(_), Some(_)) => format!(
            "`{name}` is in several signatures; give a longer part, or the number in the list"
        ),
    }))
}

fn full(row: &CrashRow, folder: &Path) -> Result<String, Failure> {
    let kept = row.file.as_deref();
    let name =
        kept.ok_or_else(|| Failure::usage("the run kept no crash file of this signature"))?;
    let path = folder.join(name);
    let file = read(folder, name).map_err(|e| {
        let what = "the crash file cannot be read; the counts of the run are not affected";
        Failure::usage(format!("{}: {what}: {e}", path.display()))
    })?;
    let crash = &file.crash;
    let mut text = head(&file);
    let mut lines = source_lines(&path);
    describe(&mut text, crash, &mut |index, frame| {
        lines.of(crash, index, frame)
    });
    let _ = writeln!(text, "\nfile: {}", one_line(&path.to_string_lossy()));
    let core = folder.join(core_file(&crash.signature));
    if core.is_file() {
        let _ = writeln!(text, "core: {}", one_line(&core.to_string_lossy()));
    }
    if let Some(repeat) = &row.repeat {
        let _ = writeln!(text, "again: {}", one_line(repeat));
    }
    Ok(text)
}

fn head(file: &CrashFile) -> String {
    let crash = &file.crash;
    let mut text = format!(
        "{}\n{} ({}, {}), round {}, attempt {}, process {}\n",
        one_line(&crash.signature),
        one_line(&file.name),
        file.mode,
        one_line(&file.variant),
        file.round,
        file.attempt,
        crash.pid
    );
    if let Some(program) = &file.descendant {
        let _ = writeln!(text, "crash of its descendant `{}`", one_line(program));
    }
    if file.evidence_round {
        text.push_str("seen in an evidence round, not counted\n");
    }
    text
}

/// Appends signal, address, messages, stacks and modules of a crash.
fn describe(text: &mut String, crash: &Crash, lines: &mut LinesOf<'_>) {
    for (place, part) in evidence(crash, lines).iter().enumerate() {
        // The first part is about the crash as a whole.
        let indent = if place == 0 { "" } else { "  " };
        if place > 0 {
            let _ = writeln!(text, "\n{}", one_line(&part.title));
        }
        for line in &part.lines {
            let _ = writeln!(text, "{indent}{}", one_line(line));
        }
    }
}
