//! The words of crashrate as types: no I/O, no clock.
