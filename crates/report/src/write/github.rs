//! GitHub Actions: a summary in Markdown, and an annotation for each kind of crash.

use super::markdown;
use crate::clean::{SENTENCE, clean};
use crate::document::{first_seen, unexplained};
use crate::view::{CrashPlace, CrashRow, Reason, View};
use crate::words::{count, of_unit, short_estimate};

/// The most annotations that GitHub shows for a step.
const ANNOTATIONS: usize = 10;

/// The summary of a run in at most `limit` bytes. A longer one is cut at a line end, with a remark.
pub fn github_summary(view: &View, previous: Option<&View>, limit: usize) -> String {
    let text = markdown(view, previous);
    if text.len() <= limit {
        return text;
    }
    let remark = "\n**The rest is left out: a step's summary may have 1,024 KiB. The whole report \
        is in the run's folder.**\n";
    let room = limit.saturating_sub(remark.len());
    let lines = text.split_inclusive('\n');
    let mut kept = String::new();
    for line in lines {
        if kept.len() + line.len() > room {
            break;
        }
        kept.push_str(line);
    }
    match limit < remark.len() {
        true => String::new(),
        false => kept + remark,
    }
}

/// A workflow command for each kind of crash, the most frequent first. If there are too many, the
/// last one counts the rest.
pub fn github_annotations(view: &View) -> Vec<String> {
    let mut kinds: Vec<_> = view.crashes.iter().map(by_signature).collect();
    kinds.extend(without_signature(view));
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    let shown = match kinds.len() > ANNOTATIONS {
        true => ANNOTATIONS - 1,
        false => kinds.len(),
    };
    let shown_kinds = kinds.iter().take(shown);
    let mut lines: Vec<_> = shown_kinds
        .map(|kind| command(&kind.title, &kind.message))
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

/// Crashes grouped by signature.
struct Kind {
    count: u32,
    title: String,
    message: String,
}

fn by_signature(row: &CrashRow) -> Kind {
    let place = |place: &CrashPlace| {
        let name = of_unit(&place.name, Some(place.mode), &place.variant);
        let rate = short_estimate(place.share, place.optional_stopping);
        format!("{name} {rate}, first in round {}", place.first)
    };
    let places: Vec<_> = row.places.iter().map(place).collect();
    let again = match &row.repeat {
        Some(repeat) => format!("; again: {}", clean(repeat, SENTENCE)),
        None => String::new(),
    };
    Kind {
        count: row.count(),
        title: clean(&row.signature, SENTENCE),
        message: format!("{}{again}", places.join("; ")),
    }
}

/// Reasons without a signature.
fn without_signature(view: &View) -> Vec<Kind> {
    let bad = unexplained(view).into_iter();
    let bad = bad.filter(|(_, reason)| view.run.bad.contains(reason.outcome));
    bad.map(|(row, reason)| by_reason(&row.name, reason))
        .collect()
}

fn by_reason(name: &str, reason: &Reason) -> Kind {
    let times = match reason.count {
        1 => "once".to_owned(),
        n => format!("{} times", count(n.into())),
    };
    let place = first_seen(reason);
    Kind {
        count: reason.count,
        title: format!("{name} {}", reason.outcome),
        message: format!(
            "{} {times}: {}{place}",
            reason.outcome,
            clean(&reason.text, SENTENCE),
        ),
    }
}

fn command(title: &str, message: &str) -> String {
    format!("::error title={}::{}", property(title), data(message))
}

/// A command's message: line ends and `%` are escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A command's property: colons and commas are escaped, too.
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
