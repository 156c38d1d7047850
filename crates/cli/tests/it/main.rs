//! End-to-end tests: the real `crashrate` binary runs real children, each test in its own temporary
//! folder.

mod ab;
mod again;
mod bisect;
#[cfg(target_os = "linux")]
mod browser;
#[cfg(target_os = "linux")]
mod c_programs;
mod calibrate;
mod calibrating;
mod catalogue;
mod children;
mod ci_steps;
mod commands;
mod compare;
mod completions;
#[cfg(target_os = "linux")]
mod containers;
mod crash_reports;
mod damaged_journal;
#[cfg(target_os = "linux")]
mod debug;
mod decided;
#[cfg(target_os = "linux")]
mod descendants;
mod devices;
mod engines;
mod environments;
#[cfg(target_os = "linux")]
mod evidence;
#[cfg(target_os = "linux")]
mod evidence_modes;
#[cfg(target_os = "linux")]
mod evidence_right;
mod exit_codes;
mod floods;
mod foreign_files;
#[cfg(target_os = "linux")]
mod forks;
mod frameworks;
mod full_disk;
mod harmful_text;
mod help;
mod histories;
mod hostile;
mod identity;
mod import;
mod jobs;
mod journal;
mod junit;
mod keeping;
mod kills;
mod kubernetes;
mod limits;
mod live;
mod locations;
mod made_journal;
mod merge;
#[cfg(target_os = "linux")]
mod merge_again;
mod merge_warnings;
mod minimize;
mod mutated;
mod names;
mod pages;
mod past;
#[cfg(target_os = "linux")]
mod perturb;
mod places;
#[cfg(target_os = "linux")]
mod plan_files;
mod planted;
mod provoke;
mod python;
mod readme;
mod reports;
mod resources;
mod resume;
mod scale;
mod schemas;
mod self_test;
mod shards;
#[cfg(target_os = "linux")]
mod signatures;
#[cfg(target_os = "linux")]
mod slurm;
mod slurm_commands;
#[cfg(target_os = "linux")]
mod source_lines;
mod stopped_runs;
mod stops;
mod submission;
mod suite_file;
mod suites;
mod summary;
mod terminal;
mod util;
mod verdicts;
mod wrong;
