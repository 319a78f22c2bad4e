//! From what GStreamer posts to a [`SourceErrorKind`].

use gstreamer as gst;

use super::error::{SourceError, SourceErrorKind};

/// What an error message means to the fleet.
pub(super) fn classify(error: &gst::glib::Error, debug: Option<&str>) -> SourceError {
    let debug = debug.unwrap_or_default();
    let words = format!("{}\n{debug}", error.message()).to_lowercase();
    let kind = by_words(&words)
        .or_else(|| by_code(error))
        .unwrap_or(SourceErrorKind::Other);
    // The debug text begins with a source file's place, which helps nobody here; its last line
    // often is the reason.
    let reason = debug.lines().last().unwrap_or_default().trim();
    let text = if reason.is_empty() {
        error.message().to_owned()
    } else {
        format!("{} ({reason})", error.message())
    };
    SourceError::new(kind, &text)
}

/// `rtspsrc` gives many causes one code; its words tell them apart, and an operating system's.
pub(super) fn by_words(words: &str) -> Option<SourceErrorKind> {
    const WORDS: [(&str, SourceErrorKind); 15] = [
        ("unauthorized", SourceErrorKind::Unauthorized),
        ("forbidden", SourceErrorKind::Unauthorized),
        ("not found", SourceErrorKind::NotFound),
        ("no such file", SourceErrorKind::NotFound),
        ("connection refused", SourceErrorKind::Refused),
        ("unreachable", SourceErrorKind::Refused),
        ("no route to host", SourceErrorKind::Refused),
        ("could not resolve", SourceErrorKind::Refused),
        ("failed to lookup address", SourceErrorKind::Refused),
        ("timed out", SourceErrorKind::TimedOut),
        ("timeout", SourceErrorKind::TimedOut),
        ("could not receive any udp", SourceErrorKind::TimedOut),
        // After the timeouts: rtspsrc begins both with these words, and gives no cause here.
        ("failed to connect", SourceErrorKind::Refused),
        ("not-negotiated", SourceErrorKind::Unsupported),
        ("no supported stream", SourceErrorKind::Unsupported),
    ];
    WORDS
        .iter()
        .find(|(word, _)| words.contains(word))
        .map(|(_, kind)| *kind)
}

fn by_code(error: &gst::glib::Error) -> Option<SourceErrorKind> {
    use SourceErrorKind as Kind;
    if let Some(code) = error.kind::<gst::ResourceError>() {
        return Some(match code {
            gst::ResourceError::NotFound => Kind::NotFound,
            gst::ResourceError::NotAuthorized => Kind::Unauthorized,
            _ => Kind::Io,
        });
    }
    if let Some(code) = error.kind::<gst::StreamError>() {
        return Some(match code {
            gst::StreamError::TypeNotFound
            | gst::StreamError::WrongType
            | gst::StreamError::CodecNotFound
            | gst::StreamError::Format
            | gst::StreamError::NotImplemented => Kind::Unsupported,
            _ => Kind::Decode,
        });
    }
    match error.kind::<gst::CoreError>() {
        Some(
            gst::CoreError::MissingPlugin
            | gst::CoreError::Negotiation
            | gst::CoreError::Caps
            | gst::CoreError::NotImplemented,
        ) => Some(Kind::Unsupported),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &gst::glib::Error, debug: &str) -> SourceErrorKind {
        classify(error, Some(debug)).kind
    }

    #[test]
    fn rtsp_errors_are_told_apart_by_their_words() {
        let open = gst::glib::Error::new(gst::ResourceError::OpenRead, "Could not open resource");
        assert_eq!(
            kind(
                &open,
                "x.c(1): f ():\nFailed to connect. (Connection refused)"
            ),
            SourceErrorKind::Refused
        );
        assert_eq!(
            kind(&open, "Unauthorized (401)"),
            SourceErrorKind::Unauthorized
        );
        assert_eq!(kind(&open, "Not Found (404)"), SourceErrorKind::NotFound);
        assert_eq!(
            kind(&open, "Timeout while waiting"),
            SourceErrorKind::TimedOut
        );
        assert_eq!(kind(&open, ""), SourceErrorKind::Io);
    }

    #[test]
    fn codes_tell_when_words_do_not() {
        let stream = |code| gst::glib::Error::new(code, "odd");
        assert_eq!(
            kind(&stream(gst::StreamError::TypeNotFound), ""),
            SourceErrorKind::Unsupported
        );
        assert_eq!(
            kind(&stream(gst::StreamError::Decode), ""),
            SourceErrorKind::Decode
        );
        let core = gst::glib::Error::new(gst::CoreError::Negotiation, "odd");
        assert_eq!(kind(&core, ""), SourceErrorKind::Unsupported);
        let other = gst::glib::Error::new(gst::LibraryError::Failed, "odd");
        assert_eq!(kind(&other, ""), SourceErrorKind::Other);
    }

    #[test]
    fn the_reason_is_kept_and_the_source_place_is_not() {
        let open = gst::glib::Error::new(gst::ResourceError::OpenRead, "Could not open");
        let error = classify(
            &open,
            Some("rtspsrc.c(7): f ():\nserver rtsp://u:p@h/ is gone"),
        );
        assert_eq!(
            error.message,
            "Could not open (server rtsp://***@h/ is gone)"
        );
    }
}
