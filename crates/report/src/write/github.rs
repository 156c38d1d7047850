//! What GitHub Actions shows of a run: a summary in Markdown, and an annotation for each kind of crash.

use super::markdown;
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Reason, View};
use crate::words::{count, of_chapter, of_unit};

/// So many annotations a step may have.
const ANNOTATIONS: usize = 10;

/// The summary of a run, of at most so many bytes: a longer one is cut at the end of a line, and says so.
pub fn github_summary(view: &View, previous: Option<&View>, limit: usize) -> String {
    let text = markdown(view, previous);
    if text.len() <= limit {
        return text;
    }
    let said = "\n**The rest is left out: a step's summary may have 1,024 KiB. The whole report is in the run's folder.**\n";
    let room = limit.saturating_sub(said.len());
    let lines = text.split_inclusive('\n');
    let mut kept = String::new();
    for line in lines {
        if kept.len() + line.len() > room {
            break;
        }
        kept.push_str(line);
    }
    match limit < said.len() {
        true => String::new(),
        false => kept + said,
    }
}

/// A workflow command for each kind of bad end, the most frequent first; of more kinds than a step may have, the last
/// says how many more there are.
pub fn github_annotations(view: &View) -> Vec<String> {
    let mut kinds = kinds(view);
    kinds.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.count));
    let shown = match kinds.len() > ANNOTATIONS {
        true => ANNOTATIONS - 1,
        false => kinds.len(),
    };
    let mut lines: Vec<_> = kinds
        .iter()
        .take(shown)
        .map(|(name, r)| annotation(name, r))
        .collect();
    if kinds.len() > shown {
        let more = count((kinds.len() - shown) as u64);
        lines.push(command(
            "more crashes",
            &format!("{more} more kinds of crash: see the summary"),
        ));
    }
    lines
}

/// The reasons of bad ends by row. Ends of the same kind have the same words.
fn kinds(view: &View) -> Vec<(String, &Reason)> {
    let chapters = view
        .chapters
        .iter()
        .map(|row| (of_chapter(row), &row.results));
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        (name, &row.results)
    });
    let all = chapters.chain(sequences).flat_map(|(name, results)| {
        let bad = results
            .reasons
            .iter()
            .filter(|reason| view.run.bad.contains(reason.outcome));
        bad.map(move |reason| (name.clone(), reason))
    });
    all.collect()
}

fn annotation(name: &str, reason: &Reason) -> String {
    let times = match reason.count {
        1 => "once".to_owned(),
        n => format!("{} times", count(n.into())),
    };
    let output = match &reason.output {
        Some(output) => format!(", {}", clean(output, NAME)),
        None => String::new(),
    };
    let message = format!(
        "{} {times}: {} (first in round {}{output})",
        reason.outcome,
        clean(&reason.text, SENTENCE),
        reason.round
    );
    command(&format!("{name} {}", reason.outcome), &message)
}

fn command(title: &str, message: &str) -> String {
    format!("::error title={}::{}", property(title), data(message))
}

/// A command's message. What would end the line, or be taken for an escape, is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A command's property: what would end it is escaped, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(
            command("a,b: 5%", "x\r\n::error::y, z"),
            "::error title=a%2Cb%3A 5%25::x%0D%0A::error::y, z"
        );
    }
}
