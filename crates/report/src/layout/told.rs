//! What an imported report tells besides its numbers: its own findings, and its claims with what its numbers say of them.

use crashrate_model::Level;

use crate::clean::{SENTENCE, clean};
use crate::compare::{claimed, claims};
use crate::view::View;

/// A line each; none for a run that crashrate measured.
pub(crate) fn told(view: &View) -> Vec<String> {
    if view.run.imported.is_none() {
        return Vec::new();
    }
    // The others are blockers, and shown as such.
    let findings = view.run.findings.iter().filter(|f| f.level == Level::Ok);
    let findings = findings.map(|finding| {
        let (name, found) = (&finding.name, &finding.found);
        format!("{}: {}", clean(name, SENTENCE), clean(found, SENTENCE))
    });
    let claims = claims(view).into_iter().map(|claim| claimed(&claim));
    claims.chain(findings).collect()
}
