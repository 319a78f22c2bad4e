//! From what `retina` says to a [`SourceErrorKind`]. Its error is opaque but for a response's
//! status; the rest is told apart by the words that it begins with.

use super::super::classify::by_words;
use super::super::error::{SourceError, SourceErrorKind};

/// What an error means to the fleet.
pub(super) fn classify(error: &retina::Error) -> SourceError {
    describe(&error.to_string(), error.status_code())
}

fn describe(text: &str, status: Option<u16>) -> SourceError {
    use SourceErrorKind as Kind;
    // What follows are addresses and bytes of the packet, for a reader of captures.
    let line = text.lines().next().unwrap_or_default().trim();
    let kind = match status {
        Some(401 | 403) => Kind::Unauthorized,
        Some(404 | 410) => Kind::NotFound,
        Some(408 | 504) => Kind::TimedOut,
        Some(415 | 461 | 551) => Kind::Unsupported,
        Some(_) => Kind::Io,
        None => by_beginning(line),
    };
    SourceError::new(kind, line)
}

fn by_beginning(line: &str) -> SourceErrorKind {
    use SourceErrorKind as Kind;
    let words = by_words(&line.to_lowercase());
    if line.starts_with("Unable to connect") {
        return words.unwrap_or(Kind::Refused);
    }
    if line.starts_with("Unsupported") {
        return Kind::Unsupported;
    }
    if line.starts_with("Error reading") || line.starts_with("Error writing") {
        return match words {
            Some(Kind::TimedOut) => Kind::TimedOut,
            _ => Kind::Io,
        };
    }
    match line {
        "Timeout" => Kind::TimedOut,
        _ if line.starts_with("RTSP framing error") => Kind::Io,
        _ if line.starts_with("Invalid argument") => Kind::Other,
        _ => Kind::Decode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SourceErrorKind as Kind;

    #[test]
    fn a_response_is_told_apart_by_its_status() {
        let kind = |status| describe("454 odd", Some(status)).kind;
        assert_eq!(kind(401), Kind::Unauthorized);
        assert_eq!(kind(403), Kind::Unauthorized);
        assert_eq!(kind(404), Kind::NotFound);
        assert_eq!(kind(461), Kind::Unsupported);
        assert_eq!(kind(454), Kind::Io);
    }

    #[test]
    fn what_is_no_response_is_told_apart_by_its_words() {
        let kind = |text| describe(text, None).kind;
        let refused = "Unable to connect to RTSP server: Connection refused (os error 111)";
        assert_eq!(kind(refused), Kind::Refused);
        let late = "Unable to connect to RTSP server: Connection timed out (os error 110)";
        assert_eq!(kind(late), Kind::TimedOut);
        let nameless = "Unable to connect to RTSP server: failed to lookup address information";
        assert_eq!(kind(nameless), Kind::Refused);
        let reset = "Error reading from RTSP peer: Connection reset by peer\n\nconn: timed out";
        assert_eq!(kind(reset), Kind::Io);
        let silent = "Error reading from RTSP peer: Server failed to respond: timed out";
        assert_eq!(kind(silent), Kind::TimedOut);
        assert_eq!(kind("RTSP framing error: Invalid RTSP message"), Kind::Io);
        assert_eq!(kind("FU-A pkt with MARK && !END"), Kind::Decode);
    }

    #[test]
    fn addresses_and_bytes_stay_out_of_the_message() {
        let error = describe("bad NAL\n\nconn: 10.0.0.1:9(me)->10.0.0.2:554\n00 01", None);
        assert_eq!(error.message, "bad NAL");
    }
}
