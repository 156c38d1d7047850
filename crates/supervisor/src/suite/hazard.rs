//! The `[hazard]` section: which fault the worker is told to inject.

use crashrate_protocol::{Hazard, HazardKind};
use toml::Spanned;

use super::error::Source;
use super::{SuiteError, raw};

/// The most writes that are taken: beyond it a worker would do little else.
const MAX_WRITES: i64 = 1_000_000;

impl Source<'_> {
    pub(super) fn hazard(
        &self,
        raw: Option<Spanned<raw::Hazard>>,
    ) -> Result<Option<Hazard>, SuiteError> {
        let Some(raw) = raw.map(Spanned::into_inner) else {
            return Ok(None);
        };
        let kind = match raw.kind.get_ref().as_str() {
            "tensor-lifetime" => HazardKind::TensorLifetime,
            other => {
                let problem = format!(
                    "hazard.kind: `{}` is no kind of hazard; use tensor-lifetime",
                    other.escape_debug()
                );
                return Err(self.error(raw.kind.span(), problem));
            }
        };
        Ok(Some(Hazard {
            kind,
            writes: self.writes(&raw.writes)?,
            carry_over: raw.carry_over.unwrap_or(true),
            on: self.hazard_devices(raw.on)?,
        }))
    }

    fn writes(&self, writes: &Spanned<i64>) -> Result<u32, SuiteError> {
        let given = *writes.get_ref();
        u32::try_from(given)
            .ok()
            .filter(|_| given <= MAX_WRITES)
            .ok_or_else(|| {
                let problem = format!(
                    "hazard.writes: {given} is no number of writes; it must be from 0 to {MAX_WRITES}"
                );
                self.error(writes.span(), problem)
            })
    }

    /// The race lives in the memory of the CPU; on other devices there is nothing to inject.
    fn hazard_devices(&self, on: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, SuiteError> {
        let Some(on) = on else {
            return Ok(vec!["cpu".to_owned()]);
        };
        if let Some(other) = on.iter().find(|device| device.get_ref() != "cpu") {
            let problem = format!(
                "hazard.on: tensor-lifetime cannot be injected on `{}`; use cpu",
                other.get_ref().escape_debug()
            );
            return Err(self.error(other.span(), problem));
        }
        Ok(on.into_iter().map(Spanned::into_inner).collect())
    }
}
