//! What tells the series of one metric apart.

/// A label set: name and value pairs.
pub type Labels = Vec<(&'static str, String)>;
