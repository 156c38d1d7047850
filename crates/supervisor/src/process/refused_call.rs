//! A system call that is refused on this machine.

/// A system call that is needed and refused here.
#[derive(Clone, Debug)]
pub struct RefusedCall {
    /// Its name.
    pub name: &'static str,
    /// The error that it returns.
    pub error: String,
    /// What crashrate does without it. `None`: it cannot measure at all.
    pub without: Option<&'static str>,
}

impl RefusedCall {
    /// The problem as a sentence.
    pub fn sentence(&self) -> String {
        let RefusedCall { name, error, .. } = self;
        format!(
            "{name}(2) is refused here ({error}), probably by the seccomp profile of a container"
        )
    }
}
