//! The program `crashrate` as its users have it: the real binary with real children, in folders of their own.

mod catalogue;
mod commands;
mod util;
