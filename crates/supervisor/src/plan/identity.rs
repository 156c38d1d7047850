//! What each unit runs, as a hash: rounds of different runs are compared only if it agrees.

use std::path::Path;

use crashrate_model::{GivenCommand, Unit};
use serde_json::{Value, json};

use super::Plan;
use crate::hash;
use crate::suite::{Action, ById, Chapter, Suite, UnitSettings};

/// Hexadecimal digits of an identity: 64 bits, far more than needed for the units of all runs.
const DIGITS: usize = 16;
/// Hexadecimal digits that cargo appends to the names of test programs.
const BUILD_DIGITS: usize = 16;

impl Plan {
    /// The identity of each unit, in their order.
    ///
    /// It covers the mode, the command or the worker chapters with their parameters, the directory,
    /// and the changes to the environment. Paths below the suite's folder are relative to it, so
    /// that a suite keeps its history when it is moved. The content of programs is not covered: a
    /// new build is what a history shows the effect of.
    pub fn identities(&self) -> Vec<String> {
        let by_id = ById::of(&self.suite);
        let base = base(&self.suite);
        let of = |unit| {
            let Some(settings) = by_id.settings(unit) else {
                return String::new();
            };
            let mut text = self.described(unit, &by_id, &settings, base);
            // The order of keys in a suite does not matter.
            text.sort_all_objects();
            let mut hash = hash::of_bytes(text.to_string().as_bytes());
            hash.truncate(DIGITS);
            hash
        };
        self.units.iter().map(of).collect()
    }

    /// The command that was given in place of a suite file.
    pub fn given(&self) -> Option<GivenCommand> {
        let suite = &self.suite;
        let words = match (&suite.file, suite.tests.first()) {
            (Some(_), _) => return None,
            (None, Some(tests)) => &*tests.command,
            (None, None) => suite.chapters.first()?.command()?,
        };
        let line = shlex::try_join(words.iter().map(String::as_str));
        Some(GivenCommand {
            line: line.unwrap_or_else(|_| words.join(" ")),
            directory: suite.sequence_timing.directory.display().to_string(),
        })
    }

    fn described(
        &self,
        unit: &Unit,
        by_id: &ById<'_>,
        settings: &UnitSettings<'_>,
        base: Option<&str>,
    ) -> Value {
        let short = |word: &String| shortened(word, base);
        let mut env = settings.env.clone();
        let mut variants = self.suite.variants.iter();
        let variant = variants.find(|variant| variant.id == unit.suite_variant());
        let variant = variant.cloned().unwrap_or_default();
        env.extend(variant.env);
        env.values_mut().for_each(|value| *value = short(value));
        let directory = match (settings.process.fresh_directory, &self.suite.file) {
            (true, _) => "new".to_owned(),
            (false, Some(_)) => relative(&settings.timing.directory, base),
            (false, None) => settings.timing.directory.display().to_string(),
        };
        let directory = match &variant.directory {
            Some(own) => relative(own, base),
            None => directory,
        };
        let own = settings.command.and(variant.command.as_deref());
        let command = own.or(settings.command).unwrap_or_default().iter();
        let chapters = unit.chapters.iter().filter_map(|id| by_id.chapter(id));
        let mut described = json!({
            "mode": unit.mode,
            "command": command.map(short).collect::<Vec<_>>(),
            "chapters": chapters.map(task_of).collect::<Vec<_>>(),
            "order": settings.order,
            "directory": directory,
            "env": env,
            "unset": settings.unset,
        });
        // Only where there is one: units keep their identity of earlier versions.
        if !unit.perturb.is_none() {
            described["perturb"] = json!(unit.perturb);
        }
        described
    }
}

/// What decides how a process runs a chapter.
fn task_of(chapter: &Chapter) -> Value {
    let test = chapter.test.as_ref().map(|test| &test.name);
    match &chapter.action {
        Action::Worker {
            chapter: of,
            params,
        } => json!([chapter.id, of, params]),
        Action::Command(_) => json!([chapter.id, test]),
    }
}

/// The folder that relative paths start from: that of the suite file, or the one of the command.
fn base(suite: &Suite) -> Option<&str> {
    let folder = match &suite.file {
        Some(file) => file.parent()?,
        None => &*suite.sequence_timing.directory,
    };
    // Every absolute path is below the root.
    folder.file_name()?;
    folder.to_str()
}

fn relative(path: &Path, base: Option<&str>) -> String {
    let below = base.and_then(|base| path.strip_prefix(base).ok());
    below.unwrap_or(path).display().to_string()
}

/// A word with the paths in it relative to `base`, and without the digits that distinguish
/// cargo's builds of a test program.
fn shortened(word: &str, base: Option<&str>) -> String {
    let word = match base {
        Some(base) => word.replace(&format!("{base}/"), "./"),
        None => word.to_owned(),
    };
    let of_build = word.rsplit_once('-').filter(|(name, digits)| {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex && digits.len() == BUILD_DIGITS && name.contains("/deps/")
    });
    of_build.map_or(word.clone(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plan::Selection;

    /// The identities of a suite of these chapters, in a new folder.
    fn identities(chapters: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("suite.toml");
        let program = folder.path().join("p").display().to_string();
        fs::copy("/bin/true", &program).unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        let text = format!(
            "[suite]\nname = \"s\"\n{}",
            chapters.replace("PROGRAM", &program)
        );
        fs::write(&file, text).unwrap();
        let suite = Suite::read(&file, &|_| unreachable!()).unwrap();
        let plan = Plan::new(suite, &Selection::default(), 7).unwrap();
        plan.identities()
    }

    #[test]
    fn an_identity_covers_command_directory_and_environment() {
        let chapter = "[[chapter]]\nid = \"x\"\n";
        let with = |rest: &str| identities(&format!("{chapter}{rest}")).remove(0);
        let plain = with("command = [\"PROGRAM\", \"a\"]");
        assert_eq!(plain.len(), DIGITS);
        for same in ["rounds = 3\n", "timeout = \"3s\"\n", "retries = 1\n"] {
            let rest = format!("{same}command = [\"PROGRAM\", \"a\"]");
            assert_eq!(with(&rest), plain, "{same}");
        }
        for other in [
            "command = [\"PROGRAM\", \"b\"]",
            "command = [\"PROGRAM\", \"a\"]\ndirectory = \"d\"",
            "command = [\"PROGRAM\", \"a\"]\nenv = { A = \"1\" }",
            "worker = \"w\"",
        ] {
            assert_ne!(with(other), plain, "{other}");
        }
        let params = |text: &str| with(&format!("worker = \"w\"\nparams = {{ {text} }}"));
        assert_eq!(params("a = 1, b = 2"), params("b = 2, a = 1"));
        assert_ne!(params("a = 1"), params("a = 2"));
    }

    #[test]
    fn a_sequence_is_identified_by_its_chapters_in_order() {
        let of = |order: &str, param: u32| {
            let text = format!(
                "[[chapter]]\nid = \"a\"\nworker = \"w\"\nparams = {{ n = {param} }}\n\
                 [[chapter]]\nid = \"b\"\nworker = \"w\"\n\
                 [[sequence]]\nid = \"s\"\nchapters = {order}\n"
            );
            identities(&text).pop().unwrap()
        };
        let plain = of("[\"a\", \"b\"]", 1);
        assert_eq!(of("[\"a\", \"b\"]", 1), plain);
        assert_ne!(of("[\"b\", \"a\"]", 1), plain);
        assert_ne!(of("[\"a\", \"b\"]", 2), plain);
    }

    #[test]
    fn a_build_of_a_test_program_is_not_told_apart_by_name() {
        let word = |word| shortened(word, Some("/home/u/p"));
        assert_eq!(
            word("/home/u/p/target/debug/deps/it-0123456789abcdef"),
            "./target/debug/deps/it"
        );
        assert_eq!(word("--log=/home/u/p/log"), "--log=./log");
        assert_eq!(
            word("/other/it-0123456789abcdef"),
            "/other/it-0123456789abcdef"
        );
    }
}
