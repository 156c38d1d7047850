//! Markdown of the READMEs as plain text: aligned tables, indented code, and no links.

const WIDTH: usize = 100;
/// Columns between two cells.
const GAP: usize = 2;

/// The part of a text from one heading up to another, or to the end.
pub(super) fn sections<'t>(text: &'t str, from: &str, to: Option<&str>) -> &'t str {
    let at = |heading: &str| text.find(&format!("\n{heading}\n")).map(|at| at + 1);
    let begin = at(from).unwrap_or(0);
    let end = to.and_then(at).unwrap_or(text.len());
    &text[begin..end]
}

pub(super) fn to_text(markdown: &str) -> String {
    let mut out = String::new();
    let mut table: Vec<Vec<String>> = Vec::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            out += &format!("    {line}\n");
        } else if let Some(row) = line.strip_prefix('|') {
            if !row.starts_with("---") {
                let cells = row.trim_end_matches('|').split(" | ");
                table.push(cells.map(|cell| without_markup(cell.trim())).collect());
            }
        } else {
            push_table(&mut out, &mut table);
            match line.trim_start_matches('#') {
                heading if heading.len() < line.len() => {
                    out += &format!("{}\n", heading.trim().to_uppercase());
                }
                _ => push_wrapped(&mut out, String::new(), 0, &without_markup(line)),
            }
        }
    }
    push_table(&mut out, &mut table);
    out
}

/// Writes the rows and clears them. The last column wraps.
fn push_table(out: &mut String, rows: &mut Vec<Vec<String>>) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.saturating_sub(1)).map(width).collect();
    let indent: usize = widths.iter().map(|width| width + GAP).sum::<usize>() + GAP;
    for row in rows.drain(..) {
        let mut line = " ".repeat(GAP);
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:width$}  ");
        }
        let last = row.get(widths.len()).map_or("", String::as_str);
        push_wrapped(out, line, indent, last);
    }
}

/// Appends a text to a line that has begun, and continues on indented lines.
fn push_wrapped(out: &mut String, mut line: String, indent: usize, text: &str) {
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
        }
        line += word;
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Replaces `[text](target)` by its text and removes `**`.
fn without_markup(line: &str) -> String {
    let mut parts = line.split("](");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(open) = out.rfind('[') {
            out.remove(open);
        }
        out += part.split_once(')').map_or(part, |(_, behind)| behind);
    }
    out.replace("**", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_links_are_text() {
        let markdown = "\n## A\n\n| key | meaning |\n|---|---|\n| `id` | its [name](x.md) |\n\n\
                        ```toml\n[[chapter]]\n```\n## B\n";
        let text = to_text(sections(markdown, "## A", Some("## B")));
        let lines: Vec<_> = text.lines().collect();
        let expected = [
            "A",
            "",
            "  key   meaning",
            "  `id`  its name",
            "",
            "    [[chapter]]",
        ];
        assert_eq!(lines, expected);
    }
}
