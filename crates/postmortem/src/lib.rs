//! From a dead process to a cause and a signature.
