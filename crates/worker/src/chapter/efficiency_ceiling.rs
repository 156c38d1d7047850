//! `efficiency-ceiling`: how much of its speed a thread keeps as more threads are added.

use super::{Chapter, efficiency, stress};
use crate::params::{iterations, thread_counts};

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "efficiency-ceiling",
    about: "throughput of an encoder stack for each number of threads, a model for each thread: \
            efficiency is throughput(n) / throughput(1) / n",
    params: &[
        thread_counts(&[1, 2, 4, 8]),
        iterations(20),
        stress::TOLERANCE,
    ],
    unused: &[],
    run: efficiency::run,
};
