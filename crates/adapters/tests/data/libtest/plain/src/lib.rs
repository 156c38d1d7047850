//! Has a test without libtest.
