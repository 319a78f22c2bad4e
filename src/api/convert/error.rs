//! What is wrong with a message of the wire.

/// Why a wire message is no domain value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ConvertError {
    /// The field on the wire.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

pub(super) fn wrong(field: &'static str, problem: impl ToString) -> ConvertError {
    ConvertError {
        field,
        problem: problem.to_string(),
    }
}
