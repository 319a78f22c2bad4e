//! Why a source is over, in kinds the fleet can act upon.

/// What went wrong, in kinds that lead to different words and waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// Nobody listens, or the host cannot be reached.
    Refused,
    /// The server wants other credentials (RTSP 401, 403), or the file may not be read.
    Unauthorized,
    /// No such stream (RTSP 404) or file.
    NotFound,
    /// The other side did not answer in time.
    TimedOut,
    /// A container, codec or pixel format that nothing here handles.
    Unsupported,
    /// The stream is broken.
    Decode,
    /// Reading failed after it had begun.
    Io,
    /// A callback panicked.
    Panicked,
    /// Anything else.
    Other,
}

impl SourceErrorKind {
    /// The name used in logs, metrics and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::TimedOut => "timed_out",
            Self::Unsupported => "unsupported",
            Self::Decode => "decode",
            Self::Io => "io",
            Self::Panicked => "panicked",
            Self::Other => "other",
        }
    }
}

/// Why a source is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub struct SourceError {
    /// The kind.
    pub kind: SourceErrorKind,
    /// What happened, in words; credentials in URLs are blotted out.
    pub message: String,
}

impl SourceError {
    /// An error whose message holds no credentials any more.
    #[must_use]
    pub fn new(kind: SourceErrorKind, message: &str) -> Self {
        Self {
            kind,
            message: redacted(message),
        }
    }
}

/// Replaces what stands between `://` and `@` of every URL in the text.
fn redacted(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::with_capacity(text.len());
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        clean.push_str(head);
        let end = tail
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(tail.len());
        // The last `@` of the authority ends the credentials: a password may hold others.
        match tail[..end].rfind('@') {
            Some(sign) => {
                clean.push_str("***");
                rest = &tail[sign..];
            }
            None => rest = tail,
        }
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_never_reach_a_message() {
        let error = SourceError::new(
            SourceErrorKind::Unauthorized,
            "rtsp://root:p@ss@10.0.0.1/live failed, http://a:b@c and rtsp://plain/x",
        );
        assert_eq!(
            error.to_string(),
            "unauthorized: rtsp://***@10.0.0.1/live failed, http://***@c and rtsp://plain/x"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_password_it_is_gone(
            password in "[a-z0-9!$%&*+=@]{6,20}",
            before in "[a-zA-Z ]{0,12}",
        ) {
            let text = format!("{before} rtsp://USER:{password}@HOST/PATH");
            let clean = SourceError::new(SourceErrorKind::Other, &text).message;
            prop_assert_eq!(clean, format!("{before} rtsp://***@HOST/PATH"));
        }
    }
}
