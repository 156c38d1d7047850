//! Deaths by signature, in JSON.

use crashrate_model::Mode;
use serde::Serialize;

use super::values::Estimated;
use crate::view::{CrashRow, Share};

#[derive(Serialize)]
pub(super) struct Crashed<'a> {
    signature: &'a str,
    count: u32,
    places: Vec<CrashUnit<'a>>,
    /// Relative to the run folder.
    file: Option<&'a str>,
    repeat: Option<&'a str>,
    /// The innermost frames of its first kept crash, if requested.
    excerpt: &'a [String],
}

#[derive(Serialize)]
struct CrashUnit<'a> {
    name: &'a str,
    mode: Mode,
    variant: &'a str,
    first_attempt: Share,
    rate: Option<Estimated>,
    first_round: u32,
    last_round: u32,
}

impl<'a> Crashed<'a> {
    pub(super) fn of(row: &'a CrashRow) -> Self {
        Crashed {
            signature: &row.signature,
            count: row.count(),
            places: (row.places.iter())
                .map(|place| CrashUnit {
                    name: &place.name,
                    mode: place.mode,
                    variant: &place.variant,
                    first_attempt: place.share,
                    rate: Estimated::of(place.share, place.optional_stopping),
                    first_round: place.first,
                    last_round: place.last,
                })
                .collect(),
            file: row.file.as_deref(),
            repeat: row.repeat.as_deref(),
            excerpt: &row.excerpt,
        }
    }
}
