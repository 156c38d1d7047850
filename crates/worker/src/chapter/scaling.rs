//! `scaling`: the efficiency table of a small model, with more threads.

use super::{Chapter, efficiency, stress};
use crate::params::{iterations, size, thread_counts};

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "scaling",
    about: "throughput of a small encoder stack for each number of threads, a model for each thread: \
            efficiency is throughput(n) / throughput(1) / n",
    params: &[
        thread_counts(&[1, 2, 4, 8, 16]),
        iterations(20),
        stress::TOLERANCE,
        size("d_model", 64),
        size("feed_forward", 256),
    ],
    unused: &[],
    run: efficiency::run,
};
