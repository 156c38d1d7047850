//! Writes a document in GitHub's Markdown.

use crate::clean::is_unseen;
use crate::compare::{Comparisons, History};
use crate::document::{
    Block, Detail, Document, RunPages, Table, Tone, comparison_document, history_document, report,
};
use crate::view::View;

/// The report in Markdown, compared with the previous run if given.
pub fn markdown(view: &View, previous: Option<&View>) -> String {
    draw(&report(view, previous))
}

/// Comparisons in Markdown.
pub fn compare_markdown(all: &Comparisons) -> String {
    draw(&comparison_document(all))
}

/// The histories of a name in Markdown: one for a suite, one for each command.
pub fn history_markdown(histories: &[History]) -> String {
    draw(&history_document(histories, &RunPages::None))
}

fn draw(document: &Document) -> String {
    let mut out = format!("# {}\n", escaped(&document.title));
    if !document.facts.is_empty() {
        out.push_str(&format!("\n{}\n", escaped(&document.facts)));
    }
    for section in document.sections(Detail::Full) {
        let blocks: Vec<_> = section.blocks.iter().filter_map(block).collect();
        if blocks.is_empty() {
            continue;
        }
        out.push('\n');
        if !section.heading.is_empty() {
            out.push_str(&format!("## {}\n\n", escaped(&section.heading)));
        }
        out.push_str(&blocks.join("\n"));
    }
    out
}

fn block(block: &Block) -> Option<String> {
    let drawn = match block {
        Block::Verdict(verdict) => {
            let lines: Vec<_> = verdict.lines.iter().map(|line| escaped(line)).collect();
            // A backslash forces a line break.
            format!("**{}** {}\n", verdict.word, lines.join("\\\n"))
        }
        Block::Heading(heading) => format!("### {}\n", escaped(heading)),
        Block::Line(line) => match line.tone {
            Tone::Plain | Tone::Good => format!("{}\n", escaped(&line.text)),
            Tone::Bad | Tone::Doubtful => format!("**{}**\n", escaped(&line.text)),
        },
        Block::List(lines) => {
            let items = lines.iter().map(|line| format!("- {}\n", escaped(line)));
            items.collect()
        }
        Block::Signature(signature) => format!(
            "- {} {} {} ({})\n",
            escaped(&signature.what),
            escaped(&signature.at),
            escaped(&signature.callers),
            escaped(&signature.command)
        ),
        Block::Output(lines) => fenced(&lines.join("\n"), ""),
        Block::Command(command) => fenced(command, "sh"),
        Block::Crash(crash) => joined(&crash.plain()),
        Block::Matrix(matrix) => joined(&matrix.plain()),
        Block::Fold(title, blocks) => format!("### {}\n\n{}", escaped(title), joined(blocks)),
        // Markdown has no pictures, and the verdict already shows the progress.
        other => table(other.as_table()?),
    };
    Some(drawn)
}

fn joined(blocks: &[Block]) -> String {
    let blocks: Vec<_> = blocks.iter().filter_map(block).collect();
    blocks.join("\n")
}

/// Text in a fence longer than any inside it.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn table(table: &Table) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        out.push_str(&format!("{}\n\n", escaped(&table.title)));
    }
    let mut rules = String::new();
    for column in &table.columns {
        out.push_str(&format!("| {} ", escaped(&column.full_head())));
        rules.push_str(if column.number { "|---:" } else { "|---" });
    }
    out.push_str(&format!("|\n{rules}|\n"));
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(|cell| escaped(&cell.text)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// Escapes every character with a meaning in Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let beside = [before.replace(c), chars.peek().copied()];
        let inside = beside.iter().all(|c| c.is_some_and(char::is_alphanumeric));
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An underscore within a word has no meaning, and names have many.
            '_' if inside => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Line ends are made visible earlier. A remaining one must not start a block.
            c if is_unseen(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
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
