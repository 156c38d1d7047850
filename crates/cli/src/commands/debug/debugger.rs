//! The debuggers: how each is told to start the program, to stop at a crash, and to say how a try
//! ended.
//!
//! gdb and lldb find what they need in two variables, so that no path has to be quoted in their
//! languages. The program does not see these variables: [`START`] sets its whole environment.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::START;
use crate::error::Failure;

/// Names the folder of the start file.
const FOLDER: &str = "CRASHRATE_DEBUG_FOLDER";
/// Names this program.
const PROGRAM: &str = "CRASHRATE_DEBUG_PROGRAM";
/// Exists if the debugger stopped at a crash.
pub(super) const CRASHED: &str = "crashed";
/// Has the exit code, `signal` or `exited`, if the program ended.
pub(super) const ENDED: &str = "ended";
const SCRIPT: &str = "script";
const IS_HANDLED: &str = "is-handled";

/// Tests in a shell whether the program handles or ignores the signal of this number. Only then does
/// it survive the signal.
const HANDLED_SCRIPT: &str = "\
status=/proc/$(cat \"${0%/*}/pid\")/status
for set in SigCgt SigIgn; do
  mask=$(sed -n \"s/^$set:[[:space:]]*//p\" \"$status\")
  [ $(( (0x${mask:-0} >> ($1 - 1)) & 1 )) = 0 ] || exit 0
done
exit 1
";

/// The signals at which gdb stops. The others do what they would do without gdb.
const SIGNALS: &str =
    "SIGSEGV SIGBUS SIGILL SIGFPE SIGABRT SIGSYS SIGQUIT SIGTERM SIGPIPE SIGXCPU SIGXFSZ";

/// A debugger and its own words.
#[derive(Debug)]
pub(super) struct Debugger {
    words: Vec<OsString>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gdb,
    Lldb,
    /// Its words come before the command.
    Prefix,
}

impl Debugger {
    /// The user's choice; else the first that this machine has.
    pub(super) fn choose(chosen: Option<&str>) -> Result<Debugger, Failure> {
        let words = match chosen {
            Some(text) => shlex::split(text)
                .filter(|words| !words.is_empty())
                .ok_or_else(|| Failure::usage("--debugger: not the words of a command"))?,
            None => {
                let known = ["gdb", "lldb"].into_iter().find(|name| is_on_path(name));
                let known = known.ok_or_else(|| {
                    Failure::usage(
                        "neither gdb nor lldb is on the PATH: install one, or name another with \
                         --debugger",
                    )
                })?;
                vec![known.to_owned()]
            }
        };
        let kind = match Path::new(&words[0]).file_name().and_then(OsStr::to_str) {
            Some("gdb") => Kind::Gdb,
            Some("lldb") => Kind::Lldb,
            _ => Kind::Prefix,
        };
        if !words[0].contains('/') && !is_on_path(&words[0]) {
            return Err(Failure::usage(format!(
                "--debugger: there is no program `{}` on the PATH",
                words[0]
            )));
        }
        Ok(Debugger {
            words: words.into_iter().map(OsString::from).collect(),
            kind,
        })
    }

    pub(super) fn name(&self) -> String {
        self.words[0].to_string_lossy().into_owned()
    }

    /// Whether the words are only put before the command.
    pub(super) fn is_prefix(&self) -> bool {
        self.kind == Kind::Prefix
    }

    /// The command of a try. `crash_code`: the exit code with which the round crashed in its run.
    pub(super) fn command(
        &self,
        folder: &Path,
        program: &Path,
        command: &[OsString],
        is_interactive: bool,
        crash_code: Option<i32>,
    ) -> io::Result<Command> {
        if self.is_prefix() {
            let mut start = Command::new(program);
            start.args([OsStr::new(START), folder.as_os_str()]);
            start.args(&self.words).args(command);
            return Ok(start);
        }
        let mut debugger = Command::new(&self.words[0]);
        debugger
            .args(&self.words[1..])
            // gdb starts programs through this shell.
            .env("SHELL", "/bin/sh")
            .env(FOLDER, folder)
            .env(PROGRAM, program);
        if self.kind == Kind::Lldb {
            debugger.args(lldb_options(is_interactive));
            debugger.arg("--").arg(program).arg(START).arg(folder);
            debugger.args(command);
        } else {
            let script = folder.join(SCRIPT);
            fs::write(&script, gdb_script(is_interactive, crash_code))?;
            fs::write(folder.join(IS_HANDLED), HANDLED_SCRIPT)?;
            debugger.arg("-q");
            if !is_interactive {
                debugger.arg("-batch");
            }
            debugger.arg("-x").arg(script).arg("--args").args(command);
        }
        Ok(debugger)
    }
}

fn is_on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Starts the program, passes signals on that it handles, and stops at the first that kills it.
fn gdb_script(is_interactive: bool, crash_code: Option<i32>) -> String {
    let mut script = format!(
        "set confirm off\n\
         set pagination off\n\
         set breakpoint pending on\n\
         set disable-randomization off\n\
         set startup-with-shell on\n\
         set exec-wrapper \"${PROGRAM}\" {START} \"${FOLDER}\"\n\
         handle all nostop noprint pass\n\
         handle {SIGNALS} stop print pass\n"
    );
    if let (Some(code), Some(register)) = (crash_code, first_argument()) {
        // The stack is gone when the program has exited.
        let _ = writeln!(script, "break _exit if ${register} == {code}");
    }
    // SIGINT (2) is the user's Ctrl-C.
    let _ = write!(
        script,
        "run\n\
         while $_isvoid($_exitcode) && $_isvoid($_exitsignal)\n\
         if $_siginfo.si_signo == 2\n\
         loop_break\n\
         end\n\
         eval \"shell sh \\\"${FOLDER}/{IS_HANDLED}\\\" %d\", $_siginfo.si_signo\n\
         if $_shell_exitcode != 0\n\
         shell : > \"${FOLDER}/{CRASHED}\"\n\
         loop_break\n\
         end\n\
         continue\n\
         end\n\
         if $_isvoid($_exitcode) == 0\n\
         eval \"shell echo %d > \\\"${FOLDER}/{ENDED}\\\"\", $_exitcode\n\
         quit\n\
         end\n\
         if $_isvoid($_exitsignal) == 0\n\
         shell echo signal > \"${FOLDER}/{ENDED}\"\n\
         quit\n\
         end\n"
    );
    if !is_interactive {
        // A stack overflow has a hundred thousand frames.
        script += "bt 100\nkill\nquit\n";
    }
    script
}

/// The register of a function's first argument, in the calling conventions of Linux.
fn first_argument() -> Option<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Some("edi"),
        "aarch64" => Some("w0"),
        _ => None,
    }
}

/// In batch mode lldb quits at the end of its commands, except after a crash: there `-k` follows,
/// and then its prompt.
fn lldb_options(is_interactive: bool) -> Vec<String> {
    let mut options = vec!["--batch".to_owned()];
    let mut add = |option: &str, command: String| options.extend([option.to_owned(), command]);
    add(
        "-o",
        "settings set target.process.stop-on-exec false".into(),
    );
    add("-o", "process launch --disable-aslr false".into());
    add(
        "-o",
        format!("platform shell -h -- echo exited > \"${FOLDER}/{ENDED}\""),
    );
    add(
        "-k",
        format!("platform shell -h -- touch \"${FOLDER}/{CRASHED}\""),
    );
    if !is_interactive {
        add("-k", "bt 100".into());
        add("-k", "quit".into());
    }
    options
}
