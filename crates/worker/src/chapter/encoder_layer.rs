//! `encoder-layer`: one TransformerEncoderLayer under threads. In the published reports it passes
//! about nine times in ten.

use super::{Chapter, stress, thread_safety};
use crate::params::{iterations, size, threads};

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "encoder-layer",
    about: "threads x iterations forward passes of one TransformerEncoderLayer, one for each thread: \
            none may be lost, fail or come out wrong",
    params: &[
        threads(8),
        iterations(20),
        stress::TOLERANCE,
        size("layers", 1),
    ],
    unused: &[],
    run: thread_safety::run,
};
