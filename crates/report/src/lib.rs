//! One view of a journal, several writers.
