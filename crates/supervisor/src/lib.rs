//! The engine: suite, plan, schedule, process, outcome, journal.
