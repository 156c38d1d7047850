//! The parts of a verification report: tables in the shape that suits what a built-in chapter of the worker measures.
//!
//! Which part a chapter belongs to is decided by the worker's chapter that it runs, whatever its own id is.

mod model;
mod sheet;

use sheet::Line;

use super::measures::{Heads, tables};
use super::{Block, Section, Table};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, View};
use crate::words::{of_chapter, sums};

/// A built-in chapter, and how its measures are shown.
struct Kind {
    worker: &'static str,
    heading: &'static str,
    shape: Shape,
}

enum Shape {
    /// A line for each figure, and a column for each mode, sequence and variant.
    Sheet(&'static [Line]),
    /// A row for each label such as `threads=8`, and a table for each mode, sequence and variant.
    ByLabel,
}

/// In no order: a report has them in that of its chapters.
const KINDS: [Kind; 9] = [
    Kind {
        worker: "matmul-soak",
        heading: "Matmul soak",
        shape: Shape::Sheet(sheet::SOAK),
    },
    Kind {
        worker: "encoder-layer",
        heading: "Encoder layer",
        shape: Shape::Sheet(sheet::ENCODER_LAYER),
    },
    Kind {
        worker: "efficiency-ceiling",
        heading: "Efficiency ceiling",
        shape: Shape::ByLabel,
    },
    Kind {
        worker: "scaling",
        heading: "Scaling",
        shape: Shape::ByLabel,
    },
    Kind {
        worker: "multi-model",
        heading: "Multi-model",
        shape: Shape::Sheet(sheet::MULTI_MODEL),
    },
    Kind {
        worker: "layer-norm-stress",
        heading: "Layer-norm stress",
        shape: Shape::Sheet(sheet::STRESS),
    },
    Kind {
        worker: "thread-safety",
        heading: "Thread safety",
        shape: Shape::Sheet(sheet::STRESS),
    },
    Kind {
        worker: "batching-advantage",
        heading: "Batching advantage",
        shape: Shape::ByLabel,
    },
    Kind {
        worker: "correctness",
        heading: "Correctness",
        shape: Shape::Sheet(sheet::CORRECTNESS),
    },
];

/// The part that the chapter of this id belongs to.
fn kind(view: &View, chapter: &str) -> Option<&'static Kind> {
    let worker = view.run.chapter(chapter)?.worker.as_deref()?;
    KINDS.iter().find(|kind| kind.worker == worker)
}

/// Whether what the chapter measured is shown in a part of its own.
pub(super) fn has_part(view: &View, row: &ChapterRow) -> bool {
    kind(view, &row.chapter).is_some()
}

/// The parts, in the order in which their first chapter comes.
pub(crate) fn parts(view: &View) -> Vec<Section> {
    let mut parts: Vec<(&str, Section)> = Vec::new();
    let by_chapter = ByChapter::of(view);
    for id in by_chapter.ids() {
        let Some(kind) = kind(view, id) else {
            continue;
        };
        let blocks = blocks(view, kind, id, by_chapter.rows(id));
        match parts.iter_mut().find(|(worker, _)| *worker == kind.worker) {
            Some((_, part)) => part.blocks.extend(blocks),
            None => {
                let heading = kind.heading.to_owned();
                parts.push((kind.worker, Section { heading, blocks }));
            }
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// What is shown of the chapter of this id, over all the ways in which it ran.
fn blocks(view: &View, kind: &Kind, id: &str, rows: &[&ChapterRow]) -> Vec<Block> {
    let params = view.run.chapter(id).map(|facts| &facts.params);
    let about = params.and_then(model::about);
    let name = clean(id, NAME);
    let title = match about {
        Some(about) => format!("{name}: {about}"),
        None => name,
    };
    match kind.shape {
        Shape::Sheet(lines) => {
            let retries = view.run.retries > 0;
            let (sheet, rest) = sheet::draw(lines, rows, params, retries);
            let several = rows.iter().flat_map(|row| &row.results.measures);
            let title = match several.clone().any(|stat| stat.spread.n > 1) {
                true => format!("{title}; medians (smallest to largest)"),
                false => title,
            };
            let sheet = Block::Table(Table { title, ..sheet });
            std::iter::once(sheet).chain(rest).collect()
        }
        Shape::ByLabel => {
            let by_label = rows.iter().flat_map(|row| by_label(row));
            std::iter::once(Block::Line(title))
                .chain(by_label)
                .collect()
        }
    }
}

fn by_label(row: &ChapterRow) -> Vec<Block> {
    let name = format!("{}, {}", of_chapter(row), sums(&row.results));
    let stats: Vec<_> = row.results.measures.iter().collect();
    if stats.is_empty() {
        return vec![Block::Line(format!("{name}: nothing was measured"))];
    }
    tables(&name, &stats, Heads::Short)
        .into_iter()
        .map(Block::Table)
        .collect()
}
