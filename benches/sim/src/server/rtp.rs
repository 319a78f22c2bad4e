//! What stands before a payload on the wire: RTP and RTCP headers (RFC 3550). Pure.

/// The dynamic payload type that every camera of a server uses.
pub(super) const PAYLOAD_TYPE: u8 = 96;
/// Seconds from the NTP epoch (1900) to the Unix epoch (1970), RFC 5905 section 6.
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;

/// Nanoseconds as RTP ticks, 90,000 a second for every video payload (RFC 6184, RFC 7798). They
/// wrap, both ways.
pub(super) fn ticks(nanos: i128) -> u32 {
    (nanos * 9 / 100_000) as u32
}

/// Appends one RTP header (RFC 3550 section 5.1).
pub(super) fn header(out: &mut Vec<u8>, marker: bool, sequence: u16, ticks: u32, ssrc: u32) {
    out.push(0x80);
    out.push(u8::from(marker) << 7 | PAYLOAD_TYPE);
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&ticks.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
}

/// Appends the head of an interleaved packet (RFC 2326 section 10.12).
pub(super) fn interleave(out: &mut Vec<u8>, channel: u8, length: usize) {
    out.push(b'$');
    out.push(channel);
    // A payloader's packets are far below 64 KiB.
    out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

/// What a sender report says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    /// The camera's clock, microseconds since 1970.
    pub(super) utc_micros: i64,
    /// The same moment in RTP ticks.
    pub(super) ticks: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// A compound RTCP packet: sender report and source description (RFC 3550 sections 6.4.1, 6.5).
pub(super) fn sender_report(report: &Report) -> Vec<u8> {
    let mut out = Vec::with_capacity(48);
    out.extend_from_slice(&[0x80, 200, 0, 6]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    let micros = report.utc_micros + NTP_TO_UNIX_SECONDS * 1_000_000;
    let seconds = micros.div_euclid(1_000_000);
    let fraction = (micros.rem_euclid(1_000_000) << 32) / 1_000_000;
    out.extend_from_slice(&(seconds as u32).to_be_bytes());
    out.extend_from_slice(&(fraction as u32).to_be_bytes());
    out.extend_from_slice(&report.ticks.to_be_bytes());
    out.extend_from_slice(&report.packets.to_be_bytes());
    out.extend_from_slice(&report.octets.to_be_bytes());
    // One chunk: the source, CNAME (1), its length and text, and zeroes up to a word's end.
    out.extend_from_slice(&[0x81, 202, 0, 3]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out.extend_from_slice(&[1, 4, b'w', b'a', b'l', b'l', 0, 0]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_marker_sequence_time_and_source() {
        let mut out = Vec::new();
        header(&mut out, true, 0x0102, 0x0304_0506, 0x0708_090A);
        assert_eq!(out, [0x80, 0xE0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn ticks_count_ninety_thousand_a_second_and_wrap() {
        assert_eq!(ticks(1_000_000_000), 90_000);
        let seconds = (1_i128 << 32) / 90_000 + 1;
        assert!(ticks(seconds * 1_000_000_000) < 90_000);
        assert_eq!(ticks(-1_000_000_000), 90_000_u32.wrapping_neg());
    }

    #[test]
    fn a_report_tells_the_cameras_clock_in_ntp_and_its_lengths_are_whole_words() {
        let report = sender_report(&Report {
            ssrc: 1,
            utc_micros: 500_000,
            ticks: 7,
            packets: 2,
            octets: 3,
        });
        assert_eq!(report.len(), 28 + 16);
        let word = |at: usize| u32::from_be_bytes(report[at..at + 4].try_into().expect("4"));
        assert_eq!(i64::from(word(8)), NTP_TO_UNIX_SECONDS);
        assert_eq!(word(12), 1 << 31);
        assert_eq!(word(16), 7);
        let words = |at: usize| u16::from_be_bytes(report[at..at + 2].try_into().expect("2"));
        assert_eq!(usize::from(words(2)) * 4 + 4, 28);
        assert_eq!(usize::from(words(30)) * 4 + 4, 16);
    }
}
