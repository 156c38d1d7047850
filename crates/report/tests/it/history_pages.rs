//! The pages of several runs: a history as one matrix, and the list of runs.

use std::collections::HashMap;
use std::slice::from_ref;

use crashrate_model::{Finding, Level, Outcome, RunInfo, StopReason};
use crashrate_report::{
    InShort, RunLine, RunPages, RunState, View, history, history_html, index_parts,
};

use crate::journal::{Journal, info, isolated};

/// A run whose first chapter crashed in the first `bad` of 20 rounds. The other chapters passed.
fn run(number: u32, bad: u32, chapters: &[&str], change: impl FnOnce(&mut RunInfo)) -> Journal {
    let units: Vec<_> = chapters.iter().map(|id| isolated(id, 20)).collect();
    let mut info = info(units);
    info.number = number;
    info.id = format!("{number}-a b");
    change(&mut info);
    let mut journal = Journal::of(info);
    for unit in (0..).take(chapters.len()) {
        for round in 1..=20 {
            let outcome = match unit == 0 && round <= bad {
                true => Outcome::Crashed,
                false => Outcome::Passed,
            };
            journal.attempt(unit, round, 1, outcome);
        }
    }
    journal.close(StopReason::Done);
    journal
}

fn runs(numbers: std::ops::RangeInclusive<u32>, chapters: &[&str]) -> Vec<View> {
    let bad = |number| if number < 8 { 0 } else { 20 };
    numbers
        .map(|number| run(number, bad(number), chapters, |_| {}).view())
        .collect()
}

fn page(views: &[View], pages: &RunPages) -> String {
    history_html(from_ref(&history("story", views)), pages)
}

/// The part of a page between two texts.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(start).expect(start);
    rest.split_once(end).expect(end).0
}

#[test]
fn a_change_is_marked_in_the_cell_of_its_run() {
    let page = page(&runs(1..=10, &["shaky", "calm"]), &RunPages::Served);
    let matrix = between(&page, "<table class=\"matrix\">", "</table>");
    assert_eq!(matrix.matches("\u{25b2}").count(), 1, "{matrix}");
    let cell = between(matrix, "title=\"N=8: ", "</td>");
    assert!(
        cell.contains("<a href=\"/runs/8-a%20b\">20/20</a>"),
        "{cell}"
    );
    assert!(cell.contains("rate rose"), "{cell}");
    assert_eq!(matrix.matches("<polyline ").count(), 2);
    // The row with the change is first, and its sentence is below the matrix.
    assert!(matrix.find("shaky (isolated)") < matrix.find("calm (isolated)"));
    let said = between(&page, "<ul class=\"plain turns\">", "</ul>");
    assert!(said.contains("Crash rate rose from 0%"), "{said}");
    assert!(!said.contains("calm"), "{said}");
}

#[test]
fn the_last_runs_have_columns_and_all_are_in_the_numbers() {
    let page = page(&runs(1..=25, &["shaky"]), &RunPages::None);
    let heads = between(&page, "<table class=\"matrix\"><thead>", "</thead>");
    assert_eq!(heads.matches("N=").count(), 20, "{heads}");
    assert!(heads.contains("N=6<") && !heads.contains("N=5<"), "{heads}");
    assert!(page.contains("lines and numbers also have 5 older"));
    let line = between(&page, "<polyline points=\"", "\"");
    assert_eq!(line.split(' ').count(), 25);
    let numbers = between(&page, "<details class=\"row\"", "</details>");
    assert!(
        numbers.contains("N=1<") && numbers.contains("0/20 (&lt;14%)"),
        "{numbers}"
    );
    assert!(!page.contains("href=\"/runs/"));
}

#[test]
fn rows_that_never_crashed_are_folded_if_there_are_many() {
    let names: Vec<_> = (0..30).map(|n| format!("chapter-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = page(&runs(7..=9, &names), &RunPages::None);
    assert!(all.contains("29 others: no crash and no change"));
    let shown = between(&all, "<table class=\"matrix\">", "</table>");
    assert_eq!(shown.matches("<th scope=\"row\">").count(), 1, "{shown}");
    let few = page(&runs(7..=9, &names[..20]), &RunPages::None);
    assert!(!few.contains("others: no crash"));
    let quiet = page(&runs(1..=3, &names), &RunPages::None);
    assert!(quiet.contains("No row has a crash or a change in these runs."));
    assert!(quiet.contains("30 others: no crash and no change"));
}

#[test]
fn a_run_without_a_chapter_has_an_empty_cell() {
    let mut views = runs(1..=2, &["shaky", "old"]);
    views.extend(runs(3..=4, &["shaky"]));
    let page = page(&views, &RunPages::None);
    let matrix = between(&page, "<table class=\"matrix\">", "</table>");
    assert_eq!(matrix.matches("<td class=\"none\">").count(), 2, "{matrix}");
    assert_eq!(matrix.matches(">no rounds</span>").count(), 2, "{matrix}");
}

#[test]
fn a_page_in_a_file_links_only_to_pages_that_exist() {
    let paths = HashMap::from([("2-a b".into(), "my runs/2-a b/report.html".into())]);
    let page = page(&runs(1..=2, &["shaky"]), &RunPages::Files(paths));
    let link = "<a href=\"my%20runs/2-a%20b/report.html\">";
    // The list of runs, the column, and the cell.
    assert_eq!(page.matches(link).count(), 3, "{page}");
    assert!(!page.contains("1-a%20b"));
}

#[test]
fn what_changed_is_listed_with_the_latest_run_first() {
    let load = |level, found: &str| Finding {
        name: "load".into(),
        level,
        found: found.into(),
        advice: None,
    };
    let git = |revision: &str, load: Finding| {
        let revision = revision.to_owned();
        move |info: &mut RunInfo| {
            info.machine.insert("git".into(), revision);
            info.findings = vec![load];
        }
    };
    let low = || load(Level::Ok, "0.1 on 2 cores");
    let other = || load(Level::Ok, "0.7 on 2 cores");
    let high = || load(Level::Warning, "4.3 on 2 cores");
    let views = [
        run(1, 0, &["x"], git("aaaa", low())).view(),
        run(2, 0, &["x"], git("aaaa", other())).view(),
        run(3, 0, &["x"], git("bbbb", other())).view(),
        run(4, 0, &["x"], git("bbbb", high())).view(),
    ];
    let page = page(&views, &RunPages::None);
    let changes = between(&page, "<table class=\"changes\">", "</table>");
    let (load, git) = (changes.find("load: "), changes.find("git revision: "));
    assert!(load.is_some() && load < git, "{changes}");
    assert_eq!(
        changes.matches("<th scope=\"row\">").count(),
        2,
        "{changes}"
    );
    assert!(
        changes.contains("<strong>4.3 on 2 cores</strong>"),
        "{changes}"
    );
    let same = history_html(from_ref(&history("story", &views[..2])), &RunPages::None);
    assert!(same.contains("Nothing on record changed"), "{same}");
}

#[test]
fn each_run_of_the_list_has_a_link_and_a_damaged_one_says_so() {
    let failed = {
        let mut journal = Journal::new(vec![isolated("x", 1)]);
        journal.attempt(0, 1, 1, Outcome::Failed);
        journal.close(StopReason::Done).view()
    };
    let line = |id: &str, view: Option<&View>| RunLine {
        id: id.into(),
        known: view.map(InShort::from),
    };
    let running = run(3, 1, &["x"], |info| info.suite = "a/b".into());
    let mut running = running.view();
    running.run.state = RunState::Running;
    let page = index_parts(&[
        line("1-story", Some(&failed)),
        line("2-<b>", None),
        line("3-story", Some(&running)),
    ])
    .page();
    let table = between(&page, "<tbody>", "</tbody>");
    assert!(
        table.find("/runs/3-story") < table.find("/runs/2-%3Cb%3E"),
        "{table}"
    );
    assert!(table.contains("its journal cannot be read"), "{table}");
    assert!(
        table.contains("<a href=\"/history/a%2Fb\">a/b</a>"),
        "{table}"
    );
    assert!(table.contains(">running</td>"), "{table}");
    // A failed round is not bad by default, but no good sign either.
    assert!(
        table.contains("<td class=\"doubt\" data-h=\"passed\">0/1</td>"),
        "{table}"
    );
}
