//! The report on a terminal: what was run, tables by chapter and sequence, measures, notes, and a summary last.

mod history;
mod table;
mod text;

pub use history::{history_terminal, runs_terminal};

pub(super) use text::width;
use text::{Screen, Style};

use crate::clean::{NAME, clean};
use crate::compare::{Comparisons, cautions, comparisons, gates, intro, lines};
use crate::layout::{self, Block, ChapterColumns, Table, Tone};
use crate::view::View;
use crate::words::{
    duration, exposure, flaky, independence, leading, notes, of_unit, recommendations, summary,
};

/// Narrower than this nothing is readable, so lines are this long however narrow the terminal is.
const NARROWEST: usize = 40;

/// The report for a terminal of this many columns, in colour or plain.
pub fn terminal(view: &View, width: usize, color: bool) -> String {
    let screen = Screen {
        width: width.max(NARROWEST),
        color,
    };
    let mut out = head(view, screen);
    section(&mut out, screen, "chapters", &chapters(view, screen));
    section(&mut out, screen, "sequences", &sequences(view, screen));
    if let Some(modes) = layout::modes(view) {
        let drawn = table::draw(&modes, screen);
        section(&mut out, screen, "isolated beside sequential", &drawn);
    }
    for all in &comparisons(view) {
        section(&mut out, screen, "comparisons", &compared(all, screen));
    }
    if let Some(part) = layout::baseline_section(view) {
        let name = part.heading.to_lowercase();
        section(&mut out, screen, &name, &blocks(&part.blocks, screen));
    }
    let told = list(&layout::told(view), screen);
    section(&mut out, screen, "what the report says", &told);
    section(&mut out, screen, "gates", &list(&gates(view), screen));
    let independence = list(&independence(view), screen);
    section(&mut out, screen, "independence", &independence);
    for part in layout::parts(view) {
        let name = part.heading.to_lowercase();
        section(&mut out, screen, &name, &blocks(&part.blocks, screen));
    }
    section(&mut out, screen, "measures", &measures(view, screen));
    section(
        &mut out,
        screen,
        "why",
        &list(&layout::reasons(view), screen),
    );
    if let Some(part) = layout::crashes(view) {
        section(
            &mut out,
            screen,
            &part.heading,
            &blocks(&part.blocks, screen),
        );
    }
    section(&mut out, screen, "by time", &list(&exposure(view), screen));
    let blockers = layout::blockers(view);
    section(
        &mut out,
        screen,
        "blockers",
        &blocks(blockers.as_slice(), screen),
    );
    section(
        &mut out,
        screen,
        "recommendations",
        &list(&recommendations(view), screen),
    );
    section(
        &mut out,
        screen,
        "running",
        &list(&layout::running(view), screen),
    );
    section(&mut out, screen, "notes", &list(&notes(view), screen));
    out.push('\n');
    if let Some(flaky) = flaky(view) {
        out.push_str(&screen.paragraph(&flaky, 0, 0, Style::Tone(Tone::Doubtful)));
    }
    out.push_str(&screen.paragraph(&summary(view).join(" "), 0, 0, Style::Plain));
    out
}

/// Comparisons for a terminal of this many columns, in colour or plain.
pub fn compare_terminal(all: &Comparisons, width: usize, color: bool) -> String {
    let screen = Screen {
        width: width.max(NARROWEST),
        color,
    };
    let warn = |warning: &String| {
        let style = Style::Tone(Tone::Doubtful);
        screen.paragraph(&format!("warning: {warning}"), 0, 2, style)
    };
    let warnings: String = all.warnings.iter().map(warn).collect();
    warnings + &compared(all, screen)
}

fn compared(all: &Comparisons, screen: Screen) -> String {
    let cautions: String = (cautions(all).iter())
        .map(|caution| screen.paragraph(caution, 2, 2, Style::Dim))
        .collect();
    screen.paragraph(&intro(all), 2, 2, Style::Dim) + &list(&lines(all), screen) + &cautions
}

fn head(view: &View, screen: Screen) -> String {
    let run = &view.run;
    let suite = clean(&run.suite, NAME);
    let device = clean(&run.device, NAME);
    let seed = run
        .seed
        .map_or_else(String::new, |seed| format!(", seed {seed}"));
    let title = format!("N={} {suite}, device {device}{seed}", run.number);
    let state = if run.live { "running for" } else { "took" };
    let jobs = match run.jobs {
        1 => String::new(),
        jobs => format!(", {jobs} attempts at a time"),
    };
    let times = format!(
        "run {}, started {}, {state} {}{jobs}",
        clean(&run.id, NAME),
        clean(&run.started, NAME),
        duration(run.secs)
    );
    let warnings = leading(view).into_iter();
    let warnings = warnings.map(|warning| {
        let style = Style::Tone(Tone::Doubtful);
        screen.paragraph(&warning, 0, 0, style)
    });
    let title = screen.paragraph(&title, 0, 0, Style::Bold);
    title + &screen.paragraph(&times, 0, 0, Style::Dim) + &warnings.collect::<String>()
}

fn section(out: &mut String, screen: Screen, name: &str, body: &str) {
    if !body.is_empty() {
        out.push('\n');
        out.push_str(&screen.paint(name, Style::Bold));
        out.push('\n');
        out.push_str(body);
    }
}

/// The chapters in the widest form that fits.
fn chapters(view: &View, screen: Screen) -> String {
    if view.chapters.is_empty() {
        return String::new();
    }
    let one_table = [true, false].map(|time| {
        let columns = ChapterColumns { mode: true, time };
        layout::chapters(view, columns)
    });
    match one_table.iter().find(|one| table::fits(one, screen)) {
        Some(one) => table::draw(one, screen),
        None => tables(&layout::groups(view), screen),
    }
}

fn tables(tables: &[Table], screen: Screen) -> String {
    let drawn: Vec<_> = tables.iter().map(|t| table::draw(t, screen)).collect();
    drawn.join("\n")
}

fn sequences(view: &View, screen: Screen) -> String {
    if view.sequences.is_empty() {
        return String::new();
    }
    let mut out = table::draw(&layout::sequences(view), screen);
    for row in &view.sequences {
        if let Some(order) = layout::order(row) {
            let name = of_unit(&row.sequence, None, &row.variant);
            let line = format!("order of {name}: {order}");
            out.push_str(&screen.paragraph(&line, 2, 4, Style::Plain));
        }
    }
    let legend = layout::order_legend(view);
    if !legend.is_empty() {
        out.push_str(&screen.paragraph(&legend, 2, 4, Style::Dim));
    }
    out
}

fn measures(view: &View, screen: Screen) -> String {
    tables(&layout::measures(view), screen)
}

fn blocks(blocks: &[Block], screen: Screen) -> String {
    let drawn = blocks.iter().map(|block| match block {
        Block::Line(line) => screen.paragraph(line, 2, 4, Style::Plain),
        Block::Table(one) => table::draw(one, screen),
    });
    drawn.collect::<Vec<_>>().join("\n")
}

fn list(lines: &[String], screen: Screen) -> String {
    let drawn = lines
        .iter()
        .map(|line| screen.paragraph(line, 2, 4, Style::Plain));
    drawn.collect()
}
