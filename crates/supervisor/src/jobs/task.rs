//! What an engine says of a shard.

/// The task of a shard that an engine still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// Its state, such as `PENDING`.
    pub(super) state: String,
    /// Why it waits until someone releases it, if it does.
    pub(super) held: Option<String>,
}
