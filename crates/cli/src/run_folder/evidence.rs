//! Everything that is known of a crash, as titles and lines.

use std::path::Path;

use crashrate_postmortem::{Access, Crash, Frame, Thread};
use crashrate_report::{EvidencePart, View};
use crashrate_supervisor::crashes;

use super::outputs::read_output;

/// Signatures with evidence on a page.
const SHOWN: usize = 10;
/// Lines of output beside a crash.
const OUTPUT_LINES: usize = 40;

/// Finds the source lines of a frame by its place in its stack.
pub(crate) type LinesOf<'a> = dyn FnMut(usize, &Frame) -> Vec<String> + 'a;

/// Adds the evidence of the first signatures to a view. A file that cannot be read has none.
pub(super) fn add_evidence(folder: &Path, view: &mut View) {
    for row in view.crashes.iter_mut().take(SHOWN) {
        if let Some(file) = row.file.as_deref()
            && let Ok(file) = crashes::read(folder, file)
        {
            row.evidence = parts(&file.crash, &mut |_, _| Vec::new());
        }
        if let Some(output) = row.output.as_deref()
            && let Some(streams) = read_output(folder, output)
        {
            let titles = ["standard output", "standard error"];
            let parts = titles.iter().zip(&streams);
            let parts = parts.filter(|(_, text)| !text.trim().is_empty());
            row.evidence.extend(parts.map(|(title, text)| EvidencePart {
                title: (*title).to_owned(),
                lines: last_lines(text),
            }));
        }
    }
}

fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let last = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
    last.iter().map(|line| (*line).to_owned()).collect()
}

/// Signal, address and messages; the stacks; the modules.
pub(crate) fn parts(crash: &Crash, lines: &mut LinesOf<'_>) -> Vec<EvidencePart> {
    let part = |title: &str, lines| EvidencePart {
        title: title.to_owned(),
        lines,
    };
    let mut parts = vec![part("signal", signal(crash))];
    let python = crash.python.iter().enumerate();
    let python = python.map(|(number, frame)| format!("#{number:<3} {frame}"));
    parts.push(part("Python", python.collect()));
    for (index, thread) in crash.threads.iter().enumerate() {
        parts.push(stack(thread, lines));
        if index == 0 {
            parts.push(part("registers", registers(thread)));
        }
    }
    let modules = crash.modules.iter().map(|module| {
        let id = module.build_id.as_deref().unwrap_or("-");
        format!("{}-{}  {id}  {}", module.start, module.end, module.path)
    });
    parts.push(part("modules", modules.collect()));
    parts.retain(|part| !part.lines.is_empty());
    parts
}

fn signal(crash: &Crash) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(signal) = &crash.signal {
        let code = crash.code.as_deref().unwrap_or("no code");
        lines.push(format!("{signal}, {code}"));
    }
    if let Some(fault) = &crash.fault {
        let how = match fault.access {
            Some(Access::Read) => " (read)",
            Some(Access::Write) => " (written)",
            Some(Access::Exec) => " (executed)",
            None => "",
        };
        let mapping = fault.mapping.as_deref();
        let mapping = mapping.unwrap_or("nothing is mapped there");
        lines.push(format!("at {}{how}: {mapping}", fault.address));
    }
    let message = crash.message.iter();
    lines.extend(message.map(|message| format!("message: {message}")));
    lines.extend(crash.notes.iter().map(|note| format!("note: {note}")));
    lines
}

fn stack(thread: &Thread, lines: &mut LinesOf<'_>) -> EvidencePart {
    let of = match thread.pid {
        Some(pid) => format!(" of process {pid}"),
        None => String::new(),
    };
    let frames = thread.frames.iter().enumerate().map(|(number, frame)| {
        let mut line = format!("#{number:<3} {}  {}", frame.address, frame.place());
        for (depth, source) in lines(number, frame).iter().enumerate() {
            line += if depth == 0 { "  " } else { ", inlined at " };
            line += source;
        }
        line
    });
    let mut frames: Vec<_> = frames.collect();
    if !thread.complete {
        frames.push("(unwinding stopped here, or the stack is too deep)".to_owned());
    }
    EvidencePart {
        title: format!("thread {}{of} `{}`", thread.tid, thread.name),
        lines: frames,
    }
}

fn registers(thread: &Thread) -> Vec<String> {
    let registers = thread.registers.iter();
    let registers: Vec<_> = registers
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    registers.chunks(4).map(|line| line.join(" ")).collect()
}
