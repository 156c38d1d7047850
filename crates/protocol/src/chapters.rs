//! The built-in chapters of the worker, and how reports show what they measure.

/// A built-in chapter.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its name in a suite: `worker = "..."`.
    pub worker: &'static str,
    /// The heading of its measurements in a report.
    pub heading: &'static str,
    /// What a report shows of it in detail.
    pub figures: Figures,
    /// The one figure that a report's summary shows.
    pub headline: Headline,
}

/// The shape of a chapter's measurements.
#[derive(Debug)]
pub enum Figures {
    /// A row for each figure, and a column for each mode, sequence and variant.
    Sheet(&'static [Figure]),
    /// A row for each label such as `threads=8`, and a table for each mode, sequence and variant.
    ByLabel,
}

/// A row of a sheet, with its head.
#[derive(Debug)]
#[expect(missing_docs, reason = "the variants describe their fields")]
pub enum Figure {
    /// A parameter.
    Param {
        head: &'static str,
        key: &'static str,
    },
    /// The product of two parameters, such as threads x iterations.
    Times {
        head: &'static str,
        keys: [&'static str; 2],
    },
    /// A measure.
    Measure {
        head: &'static str,
        name: &'static str,
    },
    /// A measure and its expected value.
    Of {
        head: &'static str,
        done: &'static str,
        expected: &'static str,
    },
    /// How each round ended, in order.
    Order,
}

/// The figure of a chapter that a summary shows.
#[derive(Debug)]
pub struct Headline {
    /// Its name there. `{id}` becomes the chapter's id, `{label}` the measure's label in short, and
    /// `{threads}` the label's number of threads.
    pub name: &'static str,
    /// The measure. Of several labels, the one with the most threads.
    pub measure: &'static str,
}

/// Measures that are amounts of work per second.
pub const THROUGHPUTS: [&str; 2] = ["throughput", "samples_per_second"];

/// The measure that is drawn as a curve over its labels.
pub const EFFICIENCY: &str = "efficiency";

/// The measure that compares a throughput with that of one thread.
pub const SPEEDUP: &str = "speedup";

/// The ends of the names of measures that are ratios of two others, without `-`, `_` and spaces.
pub const RATIOS: [&str; 4] = [SPEEDUP, EFFICIENCY, "ratio", "advantage"];

/// The parameters that describe what a chapter computes.
pub const MODEL_PARAMS: [&str; 7] = [
    "d_model",
    "heads",
    "feed_forward",
    "layers",
    "batch",
    "sequence",
    "intra_op_threads",
];

/// The built-in chapter of this name.
pub fn built_in(worker: &str) -> Option<&'static BuiltIn> {
    CHAPTERS.iter().find(|chapter| chapter.worker == worker)
}

/// The column heading of a measure in a built-in chapter's own table; nothing if it is the
/// measure's name.
pub fn short_head<'a>(measure: &str, unit: &'a str) -> Option<&'a str> {
    match (measure, unit) {
        ("throughput", unit) if !unit.is_empty() => Some(unit),
        ("samples_per_second", "1/s") => Some("samples/s"),
        (SPEEDUP, _) => Some("speed-up"),
        _ => None,
    }
}

/// The built-in chapters.
const CHAPTERS: [BuiltIn; 9] = [
    sheet("matmul-soak", "Matmul soak", SOAK),
    sheet("encoder-layer", "Encoder layer", ENCODER_LAYER),
    by_label("efficiency-ceiling", "Efficiency ceiling", AT_MOST_THREADS),
    by_label("scaling", "Scaling", AT_MOST_THREADS),
    sheet("multi-model", "Multi-model", MULTI_MODEL),
    sheet("layer-norm-stress", "Layer-norm stress", STRESS),
    sheet("thread-safety", "Thread safety", STRESS),
    by_label("batching-advantage", "Batching advantage", BATCHING_RATIO),
    BuiltIn {
        headline: headline("{id}, largest error", "difference_max"),
        ..sheet("correctness", "Correctness", CORRECTNESS)
    },
];

const AT_MOST_THREADS: Headline = headline("efficiency at {threads} threads", EFFICIENCY);
const BATCHING_RATIO: Headline = headline("batching, {label}", "ratio");

const SOAK: &[Figure] = &[
    THREADS,
    product("matrices", ["size", "size"]),
    param("duration asked for", "duration"),
    measure("duration", "elapsed"),
    measure("ops", "operations"),
    THROUGHPUT,
    ERRORS,
];

const STRESS: &[Figure] = &[
    THREADS_X_ITERATIONS,
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
];

const ENCODER_LAYER: &[Figure] = &[
    THREADS_X_ITERATIONS,
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
    Figure::Order,
];

const MULTI_MODEL: &[Figure] = &[
    param("models", "models"),
    THREADS,
    param("iterations", "iterations"),
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
];

const CORRECTNESS: &[Figure] = &[
    param("inputs", "inputs"),
    measure("mean difference from the CPU", "difference_mean"),
    measure("largest difference from the CPU", "difference_max"),
    TOLERANCE,
];

const THREADS: Figure = param("threads", "threads");
const THREADS_X_ITERATIONS: Figure = product("threads x iterations", ["threads", "iterations"]);
const COMPLETED: Figure = Figure::Of {
    head: "completed",
    done: "operations",
    expected: "operations_expected",
};
const TIME: Figure = measure("time", "elapsed");
const THROUGHPUT: Figure = measure("throughput", "throughput");
const ERRORS: Figure = measure("errors", "errors");
const LARGEST: Figure = measure("largest difference", "difference_max");
const TOLERANCE: Figure = param("tolerance", "tolerance");

/// A chapter with a sheet. Its headline is its throughput.
const fn sheet(worker: &'static str, heading: &'static str, figures: &'static [Figure]) -> BuiltIn {
    BuiltIn {
        worker,
        heading,
        figures: Figures::Sheet(figures),
        headline: headline("{id}", "throughput"),
    }
}

const fn by_label(worker: &'static str, heading: &'static str, headline: Headline) -> BuiltIn {
    BuiltIn {
        worker,
        heading,
        figures: Figures::ByLabel,
        headline,
    }
}

const fn headline(name: &'static str, measure: &'static str) -> Headline {
    Headline { name, measure }
}

const fn param(head: &'static str, key: &'static str) -> Figure {
    Figure::Param { head, key }
}

const fn product(head: &'static str, keys: [&'static str; 2]) -> Figure {
    Figure::Times { head, keys }
}

const fn measure(head: &'static str, name: &'static str) -> Figure {
    Figure::Measure { head, name }
}
