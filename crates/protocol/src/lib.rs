//! Task and events between supervisor and worker: versioned JSON lines.
