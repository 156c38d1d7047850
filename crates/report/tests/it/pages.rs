//! HTML pages: what they contain, and what they must never contain.

use crashrate_model::{Outcome, StopReason};
use crashrate_report::{
    InShort, PageHost, Results, RunLine, RunPages, View, error_html, history, history_html, html,
    index_parts, report_parts,
};
use std::slice::from_ref;

use crate::journal::{Journal, isolated, story};
use crate::recorded::verification;
use crate::writers::{flaky, hostile, killed};

fn page(view: &View) -> String {
    html(view, None)
}

/// The text between the tags, one piece per line.
fn text(page: &str) -> String {
    let (_, body) = page.split_once("</head>").unwrap();
    let pieces = body.split('<').filter_map(|piece| piece.split_once('>'));
    let texts = pieces
        .map(|(_, text)| text.trim())
        .filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n")
}

/// Counts the squares of single rounds with this outcome.
fn squares(page: &str, outcome: Outcome) -> usize {
    let (_, body) = page.split_once("</head>").unwrap();
    let class = format!("<td class=\"o {}", outcome.word());
    let after = body
        .match_indices(&class)
        .map(|(at, found)| &body[at + found.len()..]);
    after.filter(|rest| rest.starts_with(['"', ' '])).count()
}

#[test]
fn a_killed_run_as_a_page() {
    insta::assert_snapshot!("killed_page", text(&page(&killed().view())));
}

#[test]
fn a_square_for_every_round() {
    for view in [
        story().view(),
        flaky().view(),
        killed().view(),
        verification().view(),
    ] {
        let page = page(&view);
        let rows = view.chapters.iter().map(|row| &row.results);
        let rows: Vec<&Results> = rows
            .chain(view.sequences.iter().map(|row| &row.results))
            .collect();
        for outcome in Outcome::ALL {
            let cells = rows.iter().flat_map(|results| &results.cells);
            let n = cells.filter(|cell| cell.first == Some(outcome)).count();
            assert_eq!(squares(&page, outcome), n, "{outcome}");
        }
    }
}

#[test]
fn every_part_of_the_recorded_report_is_on_its_page() {
    let page = page(&verification().view());
    let headings = [
        "Verdict",
        "Crashes",
        "Rates",
        "Rounds",
        "Where sequences die",
        "Efficiency",
        "Durations",
        "Measurements",
        "Comparisons",
        "Recommendations",
        "Warnings",
        "How to repeat it",
        "Environment",
        "Notes",
    ];
    let places = headings.map(|heading| page.find(&format!(">{heading}</h2>")));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}"
    );
    for part in ["Matmul soak", "Batching advantage"] {
        assert!(page.contains(&format!("<h3>{part}</h3>")), "{part}");
    }
    assert!(page.contains("crashrate run configs/verification.toml --seed 7"));
    // The efficiency curve and its numbers.
    assert!(page.contains("<polyline ") && page.contains("14.7%"));
}

/// Even if escaping failed, the content security policy of a file blocks loading and all scripts but
/// the page's own.
#[test]
fn a_page_loads_nothing_and_runs_only_its_own_script() {
    let page = page(&verification().view());
    assert!(
        page.contains("default-src 'none'; style-src 'sha256-"),
        "{page}"
    );
    assert!(page.contains("; script-src 'sha256-") && page.matches("<script").count() == 1);
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn text_from_children_is_escaped_on_every_page() {
    let view = hostile().view();
    let lines = [RunLine {
        id: "<img src=x onerror=x>".into(),
        known: Some(InShort::from(&view)),
    }];
    let both = history("<svg onload=x>", &[view.clone(), view.clone()]);
    let pages = [
        page(&view),
        html(&view, Some(&view)),
        history_html(from_ref(&both), &RunPages::None),
        index_parts(&lines).page(),
        error_html("x", "\x1b[2J<script>"),
    ];
    for page in &pages {
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
        for tag in ["<img", "<svg onload", "<b>"] {
            assert!(!page.contains(tag), "{tag} in {page}");
        }
        // The page's own script, and that of the server.
        let own =
            page.matches("<script>").count() + page.matches("<script src=\"/live.js\"").count();
        assert_eq!(page.matches("<script").count(), own, "{page}");
        assert!(own <= 2, "{page}");
    }
    assert!(pages[0].contains("\\x1b[2J&lt;script&gt;"), "{}", pages[0]);
    assert!(pages[0].len() < 60_000);
}

#[test]
fn only_served_pages_of_running_runs_refresh() {
    let served = |view: &View| report_parts(view, None, PageHost::Served).page();
    assert!(served(&killed().live()).contains("<body data-live"));
    assert!(!served(&killed().view()).contains("<body data-live"));
    assert!(!html(&killed().live(), None).contains("<body data-live"));
}

/// Each square stands for several rounds, and no round is left out.
#[test]
fn a_long_run_groups_its_rounds_into_squares() {
    let mut journal = Journal::new(vec![isolated("long", 10_000)]);
    for round in 1..=10_000 {
        let outcome = if round % 1000 == 0 {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        journal.attempt(0, round, 1, outcome);
    }
    let page = page(&journal.close(StopReason::Done).view());
    assert!(page.contains("A square stands for 200 rounds, and none is left out"));
    assert_eq!(page.matches("rounds 1 to 200: 200 passed").count(), 1);
    assert_eq!(page.matches(": 199 passed, 1 crashed\"").count(), 10);
    assert!(page.len() < 40_000, "{}", page.len());
}
