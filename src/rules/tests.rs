//! The rules as a camera sees them: tracks in, findings out.
