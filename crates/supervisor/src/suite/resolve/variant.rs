//! `[[variant]]`.

use std::collections::{BTreeMap, HashSet};

use super::super::{DEFAULT_VARIANT, Variant, raw};
use super::{Resolver, default_variant};
use crate::build::{Origin, Repository};
use crate::program;
use crate::toml_file::{Result, Spanned};

impl Resolver<'_> {
    pub(super) fn variants(&self) -> Result<Vec<Variant>> {
        let mut seen = HashSet::new();
        let mut variants = vec![default_variant()];
        for variant in &self.file.variant {
            let id = self.source.new_id(&mut seen, "variant", &variant.id)?;
            self.env(&variant.id, &variant.env)?;
            if id == DEFAULT_VARIANT {
                let problem = "variant.id: `default` is the variant that changes nothing; choose \
                               another name";
                return self.source.refuse(&variant.id, problem);
            }
            let whose = format!("variant `{id}`");
            variants.push(Variant {
                worker: self.worker_path(variant.worker.as_deref()),
                env: variant.env.clone(),
                command: self.command_of_variant(&whose, variant)?,
                directory: match &variant.directory {
                    None => None,
                    given => Some(self.timing(&None, &None, given)?.directory),
                },
                origin: self.origin(&whose, variant)?,
                perturb: self.perturb(variant.perturb.as_ref())?,
                id,
            });
        }
        Ok(variants)
    }

    /// Whether a variant may build the program of a command, so that it need not exist yet.
    pub(super) fn may_be_built(&self) -> bool {
        let mut variants = self.file.variant.iter();
        variants.any(|variant| variant.revision.is_some() || variant.command.is_some())
    }

    /// Its command takes the place of the suite's only one.
    fn command_of_variant(
        &self,
        whose: &str,
        variant: &raw::Variant,
    ) -> Result<Option<Vec<String>>> {
        let Some(command) = &variant.command else {
            return Ok(None);
        };
        let chapters = self.file.chapter.iter().filter_map(|c| c.command.as_ref());
        let sequences = self.file.sequence.iter().filter_map(|s| s.command.as_ref());
        let commands = chapters.chain(sequences).count() + self.file.tests.len();
        if commands != 1 || !self.file.tests.is_empty() {
            let problem = format!(
                "{whose}: `command` takes the place of the suite's only command, and the suite \
                 has {commands}; use `directory` or `env`"
            );
            return self.source.refuse(command, problem);
        }
        let words = command.get_ref();
        let problem = match words.first() {
            None => "`command` is empty; name a program",
            Some(_) if words.iter().any(|word| word.contains('\0')) => {
                "`command` contains a NUL character"
            }
            Some(_) if variant.revision.is_some() || variant.pip.is_some() => {
                return Ok(Some(words.clone()));
            }
            Some(program) => {
                let directory = self.timing(&None, &None, &variant.directory)?.directory;
                return match program::find(program, &directory, &BTreeMap::new()) {
                    Ok(_) => Ok(Some(words.clone())),
                    Err(error) => self.not_found(whose, command, &error),
                };
            }
        };
        self.source.refuse(command, format!("{whose}: {problem}"))
    }

    fn origin(&self, whose: &str, variant: &raw::Variant) -> Result<Option<Origin>> {
        match (&variant.revision, &variant.build, &variant.pip) {
            (None, None, None) => Ok(None),
            (None, Some(build), _) => {
                let problem = format!("{whose}: `build` needs a `revision` that it builds");
                self.source.refuse(build, problem)
            }
            (Some(_), _, Some(pip)) => {
                let problem = format!("{whose}: has both `revision` and `pip`; keep one");
                self.source.refuse(pip, problem)
            }
            (None, None, Some(pip)) if pip.get_ref().is_empty() => self
                .source
                .refuse(pip, format!("{whose}: `pip` is empty; name a package")),
            (None, None, Some(pip)) => Ok(Some(Origin::Packages {
                requirements: pip.get_ref().clone(),
            })),
            (Some(revision), build, None) => {
                self.revision(whose, revision, build.as_ref()).map(Some)
            }
        }
    }

    fn revision(
        &self,
        whose: &str,
        revision: &Spanned<String>,
        build: Option<&Spanned<Vec<String>>>,
    ) -> Result<Origin> {
        if let Some(build) = build.filter(|build| build.get_ref().is_empty()) {
            let problem = format!("{whose}: `build` is empty; name a program");
            return self.source.refuse(build, problem);
        }
        let found = Repository::find(&self.directory).and_then(|repository| {
            let commit = repository.commit(revision.get_ref())?;
            let build = build.map(|build| build.get_ref().clone());
            Ok(repository.origin(&commit, build.unwrap_or_default()))
        });
        found.or_else(|problem| {
            let problem = format!("{whose}: revision: {problem}");
            self.source.refuse(revision, problem)
        })
    }
}
