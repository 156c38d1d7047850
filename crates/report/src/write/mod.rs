//! The writers: each says what is in the view, in one format.

mod json;
mod markdown;
mod terminal;

pub use json::json;
pub use markdown::markdown;
pub use terminal::terminal;
