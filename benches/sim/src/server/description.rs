//! A camera's session description (RFC 4566 with RFC 2326 appendix C).

use super::packets::Stream;
use super::recording::Codec;
use super::rtp::PAYLOAD_TYPE;

/// The only track's place below its camera's URL.
pub(super) const TRACK: &str = "stream=0";

/// The description of one video track.
pub(super) fn describe(name: &str, stream: &Stream) -> String {
    let encoding = match stream.codec {
        Codec::H264 => "H264",
        Codec::H265 => "H265",
    };
    let mut lines = vec![
        "v=0".to_owned(),
        "o=- 1 1 IN IP4 127.0.0.1".to_owned(),
        format!("s={name}"),
        "t=0 0".to_owned(),
        "a=control:*".to_owned(),
        "a=range:npt=now-".to_owned(),
        format!("m=video 0 RTP/AVP {PAYLOAD_TYPE}"),
        "c=IN IP4 0.0.0.0".to_owned(),
        format!("b=AS:{:.0}", stream.bitrate_kbps.max(1.0)),
        format!("a=rtpmap:{PAYLOAD_TYPE} {encoding}/90000"),
        format!("a=framerate:{:.3}", stream.fps),
        format!("a=control:{TRACK}"),
    ];
    if !stream.format.is_empty() {
        lines.push(format!("a=fmtp:{PAYLOAD_TYPE} {}", stream.format));
    }
    lines.push(String::new());
    lines.join("\r\n")
}
