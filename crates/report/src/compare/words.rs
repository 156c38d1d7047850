//! Sentences about comparisons, used by every format; verdicts are in `verdict.rs`.

use crashrate_model::{Axis, Mode};

use super::claims::Claimed;
use super::verdict::verdict;
use super::{Compared, Comparisons, Evidence, How, What};
use crate::clean::{NAME, SENTENCE, clean};
use crate::words::{count, estimate, in_bounds, of_unit, p_value, percent_of, plural};

/// What was compared, and by which method.
pub(crate) fn intro(all: &Comparisons) -> String {
    let mut sides = match all.what {
        What::Within(Axis::Mode) => {
            "Sequential v isolated: a sequence as a whole against blocks of its isolated \
             chapters, bad if any chapter was"
        }
        What::Within(Axis::Variant) => "Each variant v the first",
        What::Within(Axis::Spawn) => "Forked v executed",
        What::Runs => "The second run v the first",
        What::Baseline => "This run v the baseline",
        What::Claim => "The claim of the report",
    }
    .to_owned();
    if all.list.iter().any(|one| one.censored) {
        sides += "; chapters in a sequence count only rounds that got this far";
    }
    let how = match all.how {
        How::FixedRounds => "Exact tests; a difference is shown only if its interval agrees",
        How::Pairs => "Tested block by block, valid whenever the run stops",
        How::Untested => "No test is valid",
    };
    format!("{sides}. First attempts. {how}{}.", shared_error(all))
}

/// How the comparisons share their error budget.
fn shared_error(all: &Comparisons) -> String {
    let takes_part =
        |one: &&Compared| !matches!(&one.evidence, Evidence::Fixed(test) if test.apart);
    let of = |primary: bool| {
        let same = all.list.iter().filter(|one| one.primary == primary);
        same.filter(takes_part).count() as u64
    };
    let error = percent_of(all.alpha);
    let apart = match all.list.len() as u64 - of(true) - of(false) {
        0 => String::new(),
        n => format!("; {} with too few rounds left out", count(n)),
    };
    let share = |n: u64| {
        format!(
            "; {} comparisons share an error of {error} (Holm)",
            count(n)
        )
    };
    let primary = match (of(true), of(false)) {
        (0, 0 | 1) | (1, 0) => return apart,
        (0, n) => share(n),
        (1, _) => format!("; the whole is tested first at {error}"),
        (n, _) => share(n),
    };
    let then = match (of(true), of(false)) {
        (0, _) | (_, 0) => "",
        _ => ", and its chapters only if it differs",
    };
    format!("{primary}{then}{apart}")
}

/// A claim of a report, and what its rounds show.
pub(crate) fn claimed(claim: &Claimed) -> String {
    format!(
        "The report claims \"{}\": {}. {}",
        clean(&claim.text, SENTENCE),
        shown_of(claim),
        lines(&claim.comparison).join("; ")
    )
}

/// The same in short, for the line above the comparison itself.
pub(crate) fn claimed_in_short(claim: &Claimed, number: u32) -> String {
    let about = (claim.comparison.list.iter())
        .map(|one| format!("{}: {}{}.", name(one), shown_of(claim), p_words(one)));
    let about: Vec<_> = about.collect();
    let text = clean(&claim.text, SENTENCE);
    format!("N={number} claims \"{text}\" of {}", about.join(" "))
}

/// The p-value of a test, if it is one: ` (p = 0.02)`.
pub(crate) fn p_words(one: &Compared) -> String {
    match &one.evidence {
        Evidence::Fixed(test) => format!(" (p = {})", p_value(test.p)),
        _ => String::new(),
    }
}

fn shown_of(claim: &Claimed) -> &'static str {
    match claim.is_shown() {
        true => "the two differ",
        false => "not shown",
    }
}

/// A line for each comparison.
pub(crate) fn lines(all: &Comparisons) -> Vec<String> {
    let line = |one: &Compared| format!("{}: {}: {}", name(one), rates(one), verdict(all, one));
    all.list.iter().map(line).collect()
}

/// The comparisons that show a difference, or a line saying that none does.
pub(crate) fn shown(all: &Comparisons) -> Vec<String> {
    let differ = all.list.iter().filter(|one| one.differs());
    let sentence = |one: &Compared| format!("{}: {}.", name(one), verdict(all, one));
    let sentences: Vec<_> = differ.map(sentence).collect();
    if !sentences.is_empty() {
        return sentences;
    }
    vec![match all.list.len() as u64 {
        1 => "The comparison shows no difference.".to_owned(),
        n => format!("None of {} comparisons shows a difference.", count(n)),
    }]
}

/// What is compared.
pub(crate) fn name(one: &Compared) -> String {
    let variant = one.variant.as_deref().unwrap_or("default");
    row_name(&one.chapter, &one.sequence, one.mode, variant)
}

/// A chapter, alone or in a sequence, or a sequence as a whole.
pub(super) fn row_name(
    chapter: &Option<String>,
    sequence: &Option<String>,
    mode: Option<Mode>,
    variant: &str,
) -> String {
    match (chapter, sequence) {
        (Some(chapter), Some(sequence)) => {
            let chapter = clean(chapter, NAME);
            format!("{chapter} in {}", of_unit(sequence, None, variant))
        }
        (Some(chapter), None) => of_unit(chapter, mode, variant),
        (None, Some(sequence)) => format!("{} as a whole", of_unit(sequence, None, variant)),
        (None, None) => "all".to_owned(),
    }
}

/// Both sides with their rates.
fn rates(one: &Compared) -> String {
    let of_blocks = one.chapter.is_none() && one.mode.is_none();
    let sides = one.sides.each_ref().map(|side| {
        let rate = match side.share.n {
            0 if of_blocks => "no complete block".to_owned(),
            0 => "no rounds".to_owned(),
            n => estimate(side.share.bad, n, side.optional_stopping),
        };
        format!("{} {rate}{}", side.name(), in_bounds(side.bounds))
    });
    sides.join(", ")
}

/// The lost rounds of both sides, if there are any.
fn missing_words(one: &Compared) -> Option<String> {
    let missing = one.sides.each_ref().map(|side| {
        let bounds = side.bounds;
        // A round that was run again counts once.
        bounds.map_or((0, side.share.n), |bounds| (bounds.missing, bounds.worst.n))
    });
    let [(first, of_first), (second, of_second)] = missing;
    if first == 0 && second == 0 {
        return None;
    }
    let [one_side, other] = [0, 1].map(|side| {
        let (missing, all) = missing[side];
        let label = one.sides[side].name();
        format!(
            "{} of {} of {label}",
            count(missing.into()),
            plural(all, "round")
        )
    });
    let is_equal =
        u64::from(first) * u64::from(of_second) == u64::from(second) * u64::from(of_first);
    let differ = match is_equal {
        true => "",
        false => "; the sides differ in that, possibly not by chance",
    };
    Some(format!(
        "{}: missing {one_side} and {other}{differ}.",
        name(one)
    ))
}

/// Warnings shown above a comparison.
pub(crate) fn cautions(all: &Comparisons) -> Vec<String> {
    let primary = all.list.iter().filter(|one| one.primary);
    let mut cautions: Vec<String> = primary.filter_map(missing_words).collect();
    if all.list.iter().any(|one| one.censored) {
        cautions.push(
            "A chapter in a sequence counts only rounds that got this far. Processes that \
             survived the earlier chapters may be healthier, so the sequence as a whole is the \
             primary result."
                .to_owned(),
        );
    }
    cautions
}
