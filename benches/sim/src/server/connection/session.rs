//! From DESCRIBE to PLAY: what a session is agreed upon.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rtsp_types::headers::{
    self, RtpLowerTransport, RtpProfile, RtpTransport, Transport, Transports,
};
use rtsp_types::{Request, StatusCode};
use tokio_util::sync::CancellationToken;

use super::super::camera::{Camera, count};
use super::super::description::{TRACK, describe};
use super::super::packet_writer::PacketWriter;
use super::super::playing::{Beginning, Player};
use super::{RtspConnection, Then};
use parapet::base::tasks::TaskSet;

impl RtspConnection {
    /// Answers with the session description of what the camera shows now.
    pub(super) async fn describe(
        &mut self,
        request: &Request<Vec<u8>>,
        camera: &Camera,
    ) -> io::Result<Then> {
        let picture = self.effect().picture;
        let Some(stream) = camera.stream(picture) else {
            return self
                .answer(request, StatusCode::ServiceUnavailable, &[], None)
                .await;
        };
        let url = request.request_uri().map_or("", |url| url.as_str());
        let head = [
            (headers::CONTENT_TYPE, "application/sdp".to_owned()),
            (
                headers::CONTENT_BASE,
                format!("{}/", url.trim_end_matches('/')),
            ),
        ];
        let body = describe(&camera.mount, &stream);
        self.answer(request, StatusCode::Ok, &head, Some(body))
            .await
    }

    /// Takes the first transport offered that this server speaks.
    pub(super) async fn setup(&mut self, request: &Request<Vec<u8>>) -> io::Result<Then> {
        let offered = request.typed_header::<Transports>().ok().flatten();
        let chosen = offered
            .iter()
            .flat_map(|offered| offered.iter())
            .find_map(|offer| {
                let Transport::Rtp(offer) = offer else {
                    return None;
                };
                self.accept(offer)
            });
        let Some((packet_writer, transport)) = chosen else {
            return self
                .answer(request, StatusCode::UnsupportedTransport, &[], None)
                .await;
        };
        self.packet_writer = Some(packet_writer);
        let head = [(headers::TRANSPORT, transport)];
        self.answer_in_session(request, &head).await
    }

    /// The packet_writer that a client's offer leads to, and how the answer names it.
    fn accept(&self, offer: &RtpTransport) -> Option<(PacketWriter, String)> {
        if offer.profile != RtpProfile::Avp || offer.params.multicast {
            return None;
        }
        if offer.lower_transport == Some(RtpLowerTransport::Tcp) {
            let (rtp, rtcp) = offer.params.interleaved.unwrap_or((0, Some(1)));
            let rtcp = rtcp.unwrap_or(rtp.wrapping_add(1));
            let packet_writer = PacketWriter::Tcp {
                writer: Arc::clone(&self.writer),
                rtp,
                rtcp,
            };
            let words = format!("RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}");
            return Some((packet_writer, words));
        }
        let (rtp, rtcp) = offer.params.client_port?;
        let rtcp = rtcp.or(rtp.checked_add(1))?;
        let server = self.state.udp.rtp.local_addr().ok()?.port();
        let packet_writer = PacketWriter::Udp {
            ports: Arc::clone(&self.state.udp),
            rtp: SocketAddr::new(self.peer.ip(), rtp),
            rtcp: SocketAddr::new(self.peer.ip(), rtcp),
        };
        let words = format!(
            "RTP/AVP;unicast;client_port={rtp}-{rtcp};server_port={server}-{}",
            server + 1
        );
        Some((packet_writer, words))
    }

    /// Begins to send, after the answer that tells with which numbers.
    pub(super) async fn play(
        &mut self,
        request: &Request<Vec<u8>>,
        camera: &Arc<Camera>,
    ) -> io::Result<Then> {
        let Some(packet_writer) = self.packet_writer.clone() else {
            let wrong = StatusCode::MethodNotValidInThisState;
            return self.answer(request, wrong, &[], None).await;
        };
        if self.player.is_some() {
            return self.answer_in_session(request, &[]).await;
        }
        let begin = Beginning::random(&mut self.random);
        let url = request.request_uri().map_or("", |url| url.as_str());
        let info = format!(
            "url={}/{TRACK};seq={};rtptime={}",
            url.trim_end_matches('/'),
            begin.sequence,
            begin.ticks
        );
        let head = [
            (headers::RANGE, "npt=now-".to_owned()),
            (headers::RTP_INFO, info),
        ];
        self.answer_in_session(request, &head).await?;
        count(&camera.counts.sessions, 1);
        let player = Player::new(
            Arc::clone(camera),
            packet_writer,
            Arc::clone(&self.state.clock),
            begin,
            self.random.fork(),
        );
        let mut tasks = TaskSet::under(&CancellationToken::new());
        tasks.spawn(format!("viewer {}", camera.mount), player.run());
        self.player = Some(tasks);
        Ok(Then::GoOn)
    }
}
