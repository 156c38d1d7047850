//! The program `crashrate` as its users have it: the real binary with real children, in folders of their own.

mod calibrate;
mod catalogue;
mod children;
mod commands;
mod compare;
mod decided;
#[cfg(target_os = "linux")]
mod evidence;
mod floods;
#[cfg(target_os = "linux")]
mod forks;
mod full_disk;
mod harmful_text;
mod hostile;
mod import;
mod journal;
mod keeping;
mod kills;
mod limits;
mod locations;
mod pages;
mod past;
mod places;
mod reports;
mod resources;
mod resume;
mod scale;
mod stops;
mod suites;
mod util;
mod verdicts;
mod wrong;
