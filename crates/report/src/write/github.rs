//! GitHub Actions: a summary in Markdown, and an annotation for each kind of crash.

use std::cmp::Reverse;

use super::markdown;
use crate::clean::{SENTENCE, clean};
use crate::document::{first_seen, unexplained};
use crate::view::{CrashPlace, CrashRow, Reason, View};
use crate::words::first_line;
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
    let Some(room) = limit.checked_sub(remark.len()) else {
        return String::new();
    };
    let last_line_end = text.as_bytes()[..room].iter().rposition(|b| *b == b'\n');
    let kept = last_line_end.map_or("", |end| &text[..=end]);
    kept.to_owned() + remark
}

/// A workflow command for each kind of crash, the most frequent first. If there are too many, the
/// last one counts the rest.
pub fn github_annotations(view: &View) -> Vec<String> {
    let mut kinds: Vec<_> = view.crashes.iter().map(by_signature).collect();
    let unexplained = unexplained(view).into_iter();
    let bad = unexplained.filter(|(_, reason)| view.run.bad.contains(reason.outcome));
    kinds.extend(bad.map(|(row, reason)| by_reason(&row.name, reason)));
    kinds.sort_by_key(|(count, _)| Reverse(*count));
    let mut commands: Vec<_> = kinds.into_iter().map(|(_, command)| command).collect();
    if commands.len() > ANNOTATIONS {
        let rest = commands.split_off(ANNOTATIONS - 1);
        let more = count(rest.len() as u64);
        let message = format!("{more} more kinds of crash: see the summary");
        commands.push(command("more crashes", &message));
    }
    commands
}

/// The number of crashes with a signature, and their command.
fn by_signature(row: &CrashRow) -> (u32, String) {
    let place = |place: &CrashPlace| {
        let name = of_unit(&place.name, Some(place.mode), &place.variant);
        let rate = short_estimate(place.share, place.optional_stopping);
        format!("{name} {rate}, first in round {}", place.first)
    };
    let mut words: Vec<_> = row.places.iter().map(place).collect();
    if let Some(repeat) = &row.repeat {
        words.push(format!("again: {}", clean(repeat, SENTENCE)));
    }
    let title = clean(&row.signature, SENTENCE);
    (row.count(), command(&title, &words.join("; ")))
}

/// The same for a reason without a signature.
fn by_reason(name: &str, reason: &Reason) -> (u32, String) {
    let outcome = reason.outcome;
    let times = match reason.count {
        1 => "once".to_owned(),
        n => format!("{} times", count(n.into())),
    };
    let (text, place) = (first_line(&reason.text), first_seen(reason));
    let message = format!("{outcome} {times}: {text}{place}");
    (
        reason.count,
        command(&format!("{name} {outcome}"), &message),
    )
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
    fn text_cannot_end_a_command_early() {
        assert_eq!(
            command("a,b: 5%", "x\r\n::error::y, z"),
            "::error title=a%2Cb%3A 5%25::x%0D%0A::error::y, z"
        );
    }
}
