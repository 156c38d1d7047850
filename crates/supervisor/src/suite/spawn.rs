//! Whether processes are executed or forked: what a suite asks for, and what its programs can do.

use crashrate_model::Spawn;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::error::Source;
use super::{Action, Chapter, Sequence, SuiteError, raw};

/// How processes come to be, and whether they could come to be otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawning {
    /// How.
    pub spawn: Spawn,
    /// For a command: whether its program can be a zygote. The worker always can.
    pub zygote: bool,
}

impl Spawning {
    /// Whether it is what a suite without a word about it has.
    pub fn is_usual(&self) -> bool {
        *self == Spawning::default()
    }
}

impl Chapter {
    /// Whether its isolated processes can be forked.
    pub fn can_fork(&self) -> bool {
        self.spawning.zygote || matches!(self.action, Action::Worker { .. })
    }
}

impl Sequence {
    /// Whether its processes can be forked.
    pub fn can_fork(&self) -> bool {
        self.spawning.zygote || self.command.is_none()
    }
}

impl Source<'_> {
    /// What a chapter or sequence says, which runs a command or the worker. `[defaults]` speak to those that can.
    pub(super) fn spawning(
        &self,
        whose: &str,
        is_command: bool,
        spawn: Option<&Spanned<String>>,
        zygote: Option<&Spanned<bool>>,
        defaults: &raw::Settings,
    ) -> Result<Spawning, SuiteError> {
        let wrong = |span, problem: &str| Err(self.error(span, format!("{whose}: {problem}")));
        if let Some(zygote) = zygote.filter(|_| !is_command) {
            let problem = "`zygote` is for commands; the worker can always be one";
            return wrong(zygote.span(), problem);
        }
        let is_zygote = zygote.is_some_and(|zygote| *zygote.get_ref());
        let can_fork = is_zygote || !is_command;
        let own = spawn.map(|spawn| self.spawn(spawn)).transpose()?;
        if let (Some(Spawn::Fork), Some(spawn), false) = (own, spawn, can_fork) {
            let problem = "a command is forked only if its program links crashrate-zygote: say so with `zygote = true`";
            return wrong(spawn.span(), problem);
        }
        let common = (defaults.spawn.as_ref())
            .map(|spawn| self.spawn(spawn))
            .transpose()?;
        let common = common.filter(|_| can_fork);
        Ok(Spawning {
            spawn: own.or(common).unwrap_or_default(),
            zygote: is_zygote,
        })
    }

    fn spawn(&self, word: &Spanned<String>) -> Result<Spawn, SuiteError> {
        match word.get_ref().as_str() {
            "exec" => Ok(Spawn::Exec),
            "fork" => Ok(Spawn::Fork),
            other => {
                let problem = format!("spawn: `{other}` is neither `exec` nor `fork`");
                Err(self.error(word.span(), problem))
            }
        }
    }
}
