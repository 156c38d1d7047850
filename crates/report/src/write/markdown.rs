//! The report in Markdown (GitHub's), as people keep it.

use crate::clean::{NAME, SENTENCE, clean, is_unseen};
use crate::compare::{
    Comparisons, History, cautions, comparisons, gates, history_intro, intro, lines,
};
use crate::layout::{self, Block, ChapterColumns, Table};
use crate::view::View;
use crate::words::{findings, independence, leading, notes, of_unit, recommendations, summary};

/// The report in Markdown. With the run before it, the numbers of both stand side by side.
pub fn markdown(view: &View, previous: Option<&View>) -> String {
    let run = &view.run;
    let suite = escaped(&clean(&run.suite, NAME));
    let mut out = format!("# Report N={}: {suite}\n\n", run.number);
    for warning in leading(view) {
        out.push_str(&format!("**{}**\n\n", escaped(&warning)));
    }
    out.push_str(&table(&layout::environment(view)));
    section(&mut out, "Summary", &summary_of(view));
    for part in layout::parts(view) {
        section(&mut out, &part.heading, &blocks(&part.blocks));
    }
    section(&mut out, "Sequences", &sequences(view));
    let modes = layout::modes(view).as_ref().map(table);
    section(
        &mut out,
        "Isolated beside sequential",
        &modes.unwrap_or_default(),
    );
    for all in &comparisons(view) {
        section(&mut out, "Comparisons", &compared(all));
    }
    if let Some(part) = layout::baseline_section(view) {
        section(&mut out, &part.heading, &blocks(&part.blocks));
    }
    section(&mut out, "What the report says", &list(&layout::told(view)));
    section(&mut out, "Gates", &list(&gates(view)));
    section(&mut out, "Independence", &list(&independence(view)));
    section(&mut out, "Chapters", &chapters(view));
    section(&mut out, "Measures", &tables(&layout::measures(view)));
    section(&mut out, "Findings", &list(&findings(view)));
    if let Some(previous) = previous {
        let part = layout::previous(view, previous);
        section(&mut out, &part.heading, &blocks(&part.blocks));
    }
    let reasons = list(&layout::reasons(view));
    section(&mut out, "Why rounds did not pass", &reasons);
    if let Some(part) = layout::crashes(view) {
        section(&mut out, "Crashes by signature", &blocks(&part.blocks));
    }
    let blockers = layout::blockers(view);
    section(&mut out, "Blockers", &blocks(blockers.as_slice()));
    section(&mut out, "Recommendations", &list(&recommendations(view)));
    section(&mut out, "Notes", &list(&notes(view)));
    section(&mut out, "How to repeat it", &command(view));
    out
}

/// Comparisons in Markdown.
pub fn compare_markdown(all: &Comparisons) -> String {
    let mut out = "# Comparison\n".to_owned();
    section(&mut out, "Before believing it", &list(&all.warnings));
    section(&mut out, "Comparisons", &compared(all));
    out
}

/// The history of a suite in Markdown.
pub fn history_markdown(history: &History) -> String {
    let suite = escaped(&clean(&history.suite, NAME));
    let intro = escaped(&history_intro(history));
    let mut out = format!("# History of {suite}\n\n{intro}\n");
    section(&mut out, "Runs", &table(&layout::past_runs(history)));
    for trend in layout::trends(history) {
        // The title is the section's heading already.
        let mut numbers = trend.table;
        numbers.title.clear();
        let said = escaped(&trend.said.join(" "));
        let body = format!("{said}\n\n{}", table(&numbers));
        section(&mut out, &escaped(&trend.name), &body);
    }
    out
}

fn compared(all: &Comparisons) -> String {
    let cautions: String = (cautions(all).iter())
        .map(|caution| format!("\n{}\n", escaped(caution)))
        .collect();
    format!(
        "{}\n\n{}{cautions}",
        escaped(&intro(all)),
        list(&lines(all))
    )
}

fn summary_of(view: &View) -> String {
    escaped(&summary(view).join(" ")) + "\n"
}

fn chapters(view: &View) -> String {
    if view.chapters.is_empty() {
        return String::new();
    }
    let (mode, time) = (true, true);
    table(&layout::chapters(view, ChapterColumns { mode, time }))
}

fn sequences(view: &View) -> String {
    if view.sequences.is_empty() {
        return String::new();
    }
    let mut out = table(&layout::sequences(view));
    let orders: Vec<_> = view
        .sequences
        .iter()
        .filter_map(|row| {
            let name = of_unit(&row.sequence, None, &row.variant);
            Some(format!("order of {name}: {}", layout::order(row)?))
        })
        .collect();
    if !orders.is_empty() {
        let legend = escaped(&layout::order_legend(view));
        out += &format!("\n{}\n{legend}\n", list(&orders));
    }
    out + "\n" + &tables(&layout::hazard(view))
}

fn tables(tables: &[Table]) -> String {
    let tables: Vec<_> = tables.iter().map(table).collect();
    tables.join("\n")
}

fn blocks(blocks: &[Block]) -> String {
    let drawn = blocks.iter().map(|block| match block {
        Block::Line(line) => format!("{}\n", escaped(line)),
        Block::Table(one) => table(one),
    });
    drawn.collect::<Vec<_>>().join("\n")
}

fn command(view: &View) -> String {
    let Some(command) = &view.command else {
        return String::new();
    };
    let command = clean(command, 10 * SENTENCE);
    // A fence that the command cannot close.
    let longest = command.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}sh\n{command}\n{fence}\n")
}

fn section(out: &mut String, name: &str, body: &str) {
    if !body.is_empty() {
        out.push_str(&format!("\n## {name}\n\n{body}"));
    }
}

fn list(lines: &[String]) -> String {
    let items = lines.iter().map(|line| format!("- {}\n", escaped(line)));
    items.collect()
}

fn table(table: &Table) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        out.push_str(&format!("{}\n\n", escaped(&table.title)));
    }
    let heads: Vec<_> = table.columns.iter().map(|c| escaped(&c.head)).collect();
    let rules: Vec<_> = table
        .columns
        .iter()
        .map(|column| if column.number { "---:" } else { "---" })
        .collect();
    out.push_str(&format!(
        "| {} |\n|{}|\n",
        heads.join(" | "),
        rules.join("|")
    ));
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(|cell| escaped(&cell.text)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// The text with every character that Markdown or HTML would act on made plain.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    for (place, c) in chars.iter().enumerate() {
        let beside = [place.checked_sub(1), Some(place + 1)];
        let inside = beside.iter().all(|at| {
            at.and_then(|at| chars.get(at))
                .is_some_and(|c| c.is_alphanumeric())
        });
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An underscore within a word means nothing, and names are full of them.
            '_' if inside => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(*c);
            }
            // Line ends have been made visible before; one that was not must not start a block.
            c if is_unseen(*c) => out.push(' '),
            c => out.push(*c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_in_markdown() {
        assert_eq!(
            escaped("<b>|`x`|</b> [a](b) *c* _d_"),
            "&lt;b&gt;\\|\\`x\\`\\|&lt;/b&gt; \\[a\\](b) \\*c\\* \\_d\\_"
        );
        assert_eq!(
            escaped("samples_per_second & a\nb"),
            "samples_per_second &amp; a b"
        );
    }
}
