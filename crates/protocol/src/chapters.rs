//! The built-in chapters of the worker, and how reports show what they measure.

use Figure::{Measure, Of, Order, Param, Times};

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

const THROUGHPUT_PER_ID: Headline = Headline {
    name: "{id}",
    measure: "throughput",
};

const EFFICIENCY_AT_MOST: Headline = Headline {
    name: "efficiency at {threads} threads",
    measure: EFFICIENCY,
};

/// The built-in chapters.
pub const CHAPTERS: [BuiltIn; 9] = [
    BuiltIn {
        worker: "matmul-soak",
        heading: "Matmul soak",
        figures: Figures::Sheet(SOAK),
        headline: THROUGHPUT_PER_ID,
    },
    BuiltIn {
        worker: "encoder-layer",
        heading: "Encoder layer",
        figures: Figures::Sheet(ENCODER_LAYER),
        headline: THROUGHPUT_PER_ID,
    },
    BuiltIn {
        worker: "efficiency-ceiling",
        heading: "Efficiency ceiling",
        figures: Figures::ByLabel,
        headline: EFFICIENCY_AT_MOST,
    },
    BuiltIn {
        worker: "scaling",
        heading: "Scaling",
        figures: Figures::ByLabel,
        headline: EFFICIENCY_AT_MOST,
    },
    BuiltIn {
        worker: "multi-model",
        heading: "Multi-model",
        figures: Figures::Sheet(MULTI_MODEL),
        headline: THROUGHPUT_PER_ID,
    },
    BuiltIn {
        worker: "layer-norm-stress",
        heading: "Layer-norm stress",
        figures: Figures::Sheet(STRESS),
        headline: THROUGHPUT_PER_ID,
    },
    BuiltIn {
        worker: "thread-safety",
        heading: "Thread safety",
        figures: Figures::Sheet(STRESS),
        headline: THROUGHPUT_PER_ID,
    },
    BuiltIn {
        worker: "batching-advantage",
        heading: "Batching advantage",
        figures: Figures::ByLabel,
        headline: Headline {
            name: "batching, {label}",
            measure: "ratio",
        },
    },
    BuiltIn {
        worker: "correctness",
        heading: "Correctness",
        figures: Figures::Sheet(CORRECTNESS),
        headline: Headline {
            name: "{id}, largest error",
            measure: "difference_max",
        },
    },
];

const THREADS: Figure = Param {
    head: "threads",
    key: "threads",
};
const THREADS_X_ITERATIONS: Figure = Times {
    head: "threads x iterations",
    keys: ["threads", "iterations"],
};
const COMPLETED: Figure = Of {
    head: "completed",
    done: "operations",
    expected: "operations_expected",
};
const TIME: Figure = Measure {
    head: "time",
    name: "elapsed",
};
const THROUGHPUT: Figure = Measure {
    head: "throughput",
    name: "throughput",
};
const ERRORS: Figure = Measure {
    head: "errors",
    name: "errors",
};
const LARGEST: Figure = Measure {
    head: "largest difference",
    name: "difference_max",
};
const TOLERANCE: Figure = Param {
    head: "tolerance",
    key: "tolerance",
};

const SOAK: &[Figure] = &[
    THREADS,
    Times {
        head: "matrices",
        keys: ["size", "size"],
    },
    Param {
        head: "duration asked for",
        key: "duration",
    },
    Measure {
        head: "duration",
        name: "elapsed",
    },
    Measure {
        head: "ops",
        name: "operations",
    },
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
    Order,
];

const MULTI_MODEL: &[Figure] = &[
    Param {
        head: "models",
        key: "models",
    },
    THREADS,
    Param {
        head: "iterations",
        key: "iterations",
    },
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
];

const CORRECTNESS: &[Figure] = &[
    Param {
        head: "inputs",
        key: "inputs",
    },
    Measure {
        head: "mean difference from the CPU",
        name: "difference_mean",
    },
    Measure {
        head: "largest difference from the CPU",
        name: "difference_max",
    },
    TOLERANCE,
];
