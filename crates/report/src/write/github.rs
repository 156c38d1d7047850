//! What GitHub Actions shows of a run: a summary in Markdown, and an annotation for each kind of crash.

use crashrate_model::{Mode, Outcome};

use super::markdown;
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{CrashPlace, CrashRow, Reason, View, is_hang};
use crate::words::{count, of_chapter, of_unit, short_estimate};

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
    let mut kinds: Vec<_> = view.crashes.iter().map(by_signature).collect();
    kinds.extend(without_signature(view));
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    let shown = match kinds.len() > ANNOTATIONS {
        true => ANNOTATIONS - 1,
        false => kinds.len(),
    };
    let told = kinds.iter().take(shown);
    let mut lines: Vec<_> = told
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

/// Bad ends that have something in common.
struct Kind {
    count: u32,
    title: String,
    message: String,
}

fn by_signature(row: &CrashRow) -> Kind {
    let place = |place: &CrashPlace| {
        let name = of_unit(&place.name, Some(place.mode), &place.variant);
        let rate = short_estimate(place.share.bad, place.share.n, place.by_data);
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

/// Bad ends of what has no signature: those of the same kind have the same words.
fn without_signature(view: &View) -> Vec<Kind> {
    // Whether it has signatures of crashes, and of hangs.
    let has = |name: &str, mode: Mode, variant: &str| {
        [false, true].map(|hangs| {
            let rows = (view.crashes.iter()).filter(|row| is_hang(&row.signature) == hangs);
            let mut places = rows.flat_map(|row| &row.places);
            places.any(|p| (p.name.as_str(), p.mode, p.variant.as_str()) == (name, mode, variant))
        })
    };
    let chapters = view.chapters.iter().map(|row| {
        let unit = row.sequence.as_ref().unwrap_or(&row.chapter);
        (
            of_chapter(row),
            &row.results,
            has(unit, row.mode, &row.variant),
        )
    });
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        let has = has(&row.sequence, Mode::Sequential, &row.variant);
        (name, &row.results, has)
    });
    let mut kinds = Vec::new();
    for (name, results, [has_crashes, has_hangs]) in chapters.chain(sequences) {
        let told = |reason: &Reason| match reason.outcome {
            Outcome::Crashed => has_crashes,
            Outcome::TimedOut => has_hangs,
            _ => false,
        };
        let bad = results
            .reasons
            .iter()
            .filter(|r| view.run.bad.contains(r.outcome));
        kinds.extend(
            bad.filter(|r| !told(r))
                .map(|reason| by_reason(&name, reason)),
        );
    }
    kinds
}

fn by_reason(name: &str, reason: &Reason) -> Kind {
    let times = match reason.count {
        1 => "once".to_owned(),
        n => format!("{} times", count(n.into())),
    };
    let output = match &reason.output {
        Some(output) => format!(", {}", clean(output, NAME)),
        None => String::new(),
    };
    Kind {
        count: reason.count,
        title: format!("{name} {}", reason.outcome),
        message: format!(
            "{} {times}: {} (first in round {}{output})",
            reason.outcome,
            clean(&reason.text, SENTENCE),
            reason.round
        ),
    }
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
