//! `crashrate crashes`: the crashes of a run by signature, and one of them whole.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::EvidenceMode;
use crashrate_postmortem::{Crash, Frame, Thread};
use crashrate_report::{CrashPlace, CrashRow, View, estimate, one_line};
use crashrate_supervisor::crashes::{CrashFile, read};
use crashrate_supervisor::journal;

use crate::crash_report;
use crate::exit::{Exit, Failure};
use crate::inspect::view;
use crate::screen::print;

/// The frames of a stack that stand in a report.
const EXCERPT: usize = 6;
/// Signatures whose stacks stand in a report.
const EXCERPTS: usize = 10;

#[derive(Args, Debug)]
pub(crate) struct CrashesArguments {
    /// A run's folder, its id, its number, or `latest`
    #[arg(default_value = "latest")]
    run: String,

    /// Show this one whole: its number in the list, or any part of its signature that no other has
    signature: Option<String>,

    /// Show a macOS crash report (.ips or .crash) in place of a run's crashes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "signature"])]
    import: Option<PathBuf>,
}

pub(crate) fn crashes(runs: &Path, arguments: &CrashesArguments) -> Result<Exit, Failure> {
    if let Some(file) = &arguments.import {
        print(&crash_report::show(file)?)?;
        return Ok(Exit::Passed);
    }
    let folder = journal::find(runs, &arguments.run).map_err(Failure::usage)?;
    let view = view(&folder, journal::is_live(&folder))?;
    let text = match &arguments.signature {
        None => list(&view),
        Some(asked) => {
            let row = find(&view.crashes, asked)?;
            whole(row, &folder)?
        }
    };
    print(&text)?;
    Ok(Exit::Passed)
}

/// Reads the beginning of the stack of each signature into a view. What cannot be read is not shown.
pub(crate) fn add_excerpts(folder: &Path, view: &mut View) {
    for row in view.crashes.iter_mut().take(EXCERPTS) {
        let file = row.file.as_deref().and_then(|file| read(folder, file).ok());
        let thread = file.as_ref().and_then(|file| file.crash.main_thread());
        if let Some(thread) = thread {
            row.excerpt = thread
                .frames
                .iter()
                .take(EXCERPT)
                .map(Frame::short_place)
                .collect();
        }
    }
}

fn list(view: &View) -> String {
    let mut text = String::new();
    if view.crashes.is_empty() {
        let _ = writeln!(text, "{}", none(view));
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

/// Where a crash was seen, and how often.
fn place_line(place: &CrashPlace) -> String {
    let CrashPlace {
        mode,
        share,
        first,
        last,
        ..
    } = place;
    let (name, variant) = (one_line(&place.name), one_line(&place.variant));
    let whose = match &place.role.descendant {
        Some(program) => format!(", its descendant `{}`", one_line(program)),
        None => String::new(),
    };
    let often = match place.role.in_evidence_rounds {
        true => format!(
            "seen in {} of {} evidence rounds, not counted",
            share.bad, share.n
        ),
        false => estimate(share.bad, share.n, place.by_data),
    };
    format!("{name} ({mode}, {variant}){whose}: {often}, rounds {first} to {last}")
}

/// Why there is nothing to show.
fn none(view: &View) -> &'static str {
    let run = &view.run;
    match (
        &run.imported,
        run.evidence != EvidenceMode::None || run.evidence_rounds,
    ) {
        (Some(_), _) => "an imported run has no evidence of its crashes",
        (None, true) => "no crash has a signature",
        (None, false) => "no crash has a signature: the run took no evidence (--evidence)",
    }
}

/// By number, or by a part of the signature that only one has.
fn find<'a>(rows: &'a [CrashRow], asked: &str) -> Result<&'a CrashRow, Failure> {
    let numbered = asked.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    if let Some(row) = numbered.and_then(|n| rows.get(n)) {
        return Ok(row);
    }
    if let Some(row) = rows.iter().find(|row| row.signature == asked) {
        return Ok(row);
    }
    let mut fitting = rows.iter().filter(|row| row.signature.contains(asked));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(row),
        _ if rows.is_empty() => Err(Failure::usage("no crash of the run has a signature")),
        (None, _) => Err(Failure::usage(format!(
            "no crash of the run has `{asked}` in its signature"
        ))),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "`{asked}` is in several signatures; say more of it, or its number in the list"
        ))),
    }
}

fn whole(row: &CrashRow, folder: &Path) -> Result<String, Failure> {
    let Some(name) = &row.file else {
        return Err(Failure::usage(
            "no crash with this signature was kept whole",
        ));
    };
    let path = folder.join(name);
    let file = read(folder, name).map_err(|e| {
        let what = "the evidence of this crash cannot be read, its counts are not touched by that";
        Failure::usage(format!("{}: {what}: {e}", path.display()))
    })?;
    let crash = &file.crash;
    let mut text = head(&file);
    describe(&mut text, crash);
    let _ = writeln!(text, "\nfile: {}", one_line(&path.to_string_lossy()));
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
        text.push_str("seen in an evidence round, which is in no rate\n");
    }
    text
}

/// What is known of a crash, besides its signature and who crashed.
pub(crate) fn describe(text: &mut String, crash: &Crash) {
    if let Some(signal) = &crash.signal {
        let code = crash.code.as_deref().unwrap_or("no code");
        let _ = writeln!(text, "{signal}, {code}");
    }
    if let Some(fault) = &crash.fault {
        let how = match fault.access {
            Some(crashrate_postmortem::Access::Read) => " (read)",
            Some(crashrate_postmortem::Access::Write) => " (written)",
            Some(crashrate_postmortem::Access::Exec) => " (executed)",
            None => "",
        };
        let what = fault
            .mapping
            .as_deref()
            .unwrap_or("nothing is mapped there");
        let _ = writeln!(text, "at {}{how}: {}", fault.address, one_line(what));
    }
    if let Some(message) = &crash.message {
        let _ = writeln!(text, "message: {}", one_line(message));
    }
    for note in &crash.notes {
        let _ = writeln!(text, "note: {}", one_line(note));
    }
    for (at, thread) in crash.threads.iter().enumerate() {
        stack(text, thread, at == 0 && !thread.registers.is_empty());
    }
    let _ = writeln!(text, "\nmodules");
    for module in &crash.modules {
        let id = module.build_id.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "  {}-{}  {id}  {}",
            module.start,
            module.end,
            one_line(&module.path)
        );
    }
}

fn stack(text: &mut String, thread: &Thread, registers: bool) {
    let of = thread
        .pid
        .map(|pid| format!(" of process {pid}"))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "\nthread {}{of} `{}`",
        thread.tid,
        one_line(&thread.name)
    );
    for (number, frame) in thread.frames.iter().enumerate() {
        let _ = writeln!(
            text,
            "  #{number:<3} {}  {}",
            frame.address,
            one_line(&frame.place())
        );
    }
    if !thread.complete {
        let _ = writeln!(
            text,
            "  (the stack could not be followed further, or is too deep)"
        );
    }
    if registers {
        let all: Vec<_> = thread
            .registers
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        for line in all.chunks(4) {
            let _ = writeln!(text, "  {}", line.join(" "));
        }
    }
}
