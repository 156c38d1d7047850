//! Rates, intervals, comparisons and stopping rules: pure functions of numbers.
