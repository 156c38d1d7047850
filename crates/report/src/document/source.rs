//! The input of sections.

use crate::view::View;

/// What sections are made from.
pub(super) struct Source<'a> {
    pub(super) view: &'a View,
    /// The run before this one.
    pub(super) previous: Option<&'a View>,
}
