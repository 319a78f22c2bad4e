//! RTSP cameras by both clients.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use parapet::config::types::{RtspClient, SourceConfig, Transport};
use parapet::ingest::{Downstream, Session, Source, SourceErrorKind};
use parapet::model::time::ClockSource;

use super::rtsp_server::RtspServer;
use super::stage::{self, CLIENTS, Stage, has_element, rtsp};
use super::{assert_rising, run_to_end, source};
use crate::support::camera_for_test;

/// A camera, opened, and where its frames arrive.
fn watched(camera: SourceConfig) -> (Arc<Stage>, Box<dyn Session>) {
    let stage = Stage::new();
    let session = source()
        .open(
            &camera_for_test(camera),
            Downstream::unlimited(stage.clone()),
        )
        .expect("open");
    (stage, session)
}

#[test]
fn rtsp_streams_by_tcp_and_by_udp_with_audio_beside() {
    let server = RtspServer::start(None);
    let ways = [Transport::Tcp, Transport::Udp];
    for (client, transport) in CLIENTS.iter().flat_map(|c| ways.map(|way| (*c, way))) {
        for mount in ["h264", "h265", "with-audio"] {
            if mount == "h265" && !has_element("x265enc") {
                continue;
            }
            let (stage, session) = watched(rtsp(client, &server.url(mount), transport, None));
            stage.wait_for_frames(10);
            session.stop();
            assert_eq!(stage.ends(), [], "{mount} {transport:?} {client:?}");
            assert_rising(&stage);
        }
    }
}

fn clock_of_the_camera(client: RtspClient) {
    let server = RtspServer::start(None);
    let url = server.url("h264");
    let (stage, session) = watched(rtsp(client, &url, Transport::Tcp, None));
    stage.wait_until("a frame by the camera's clock", |seen| {
        seen.last_capture
            .is_some_and(|capture| capture.source == ClockSource::CameraNtp)
    });
    session.stop();
    let offset = stage.last_capture().expect("frame").offset_micros;
    // Same machine, same clock: the offset is the way through encoder, network and decoder.
    assert!((0..10_000_000).contains(&offset), "{offset} us");
}

#[test]
fn rtsp_frames_carry_the_cameras_own_clock_once_it_reported() {
    CLIENTS.into_iter().for_each(clock_of_the_camera);
}

fn digest(client: RtspClient) {
    let server = RtspServer::start(Some(("guard", "s3cret")));
    let url = server.url("h264");
    let login = Some(("guard", "s3cret"));
    let (right, session) = watched(rtsp(client, &url, Transport::Tcp, login));
    right.wait_for_frames(3);
    session.stop();
    for wrong in [Some(("guard", "hunter2")), None] {
        let failure = run_to_end(rtsp(client, &url, Transport::Tcp, wrong)).failure();
        assert_eq!(failure.kind, SourceErrorKind::Unauthorized, "{failure}");
        assert!(!failure.message.contains("hunter2"));
    }
}

#[test]
fn rtsp_digest_lets_in_who_knows_the_password() {
    CLIENTS.into_iter().for_each(digest);
}

fn kinds_of_failure(client: RtspClient) {
    let fails = |url: &str| run_to_end(rtsp(client, url, Transport::Tcp, None)).failure();
    let server = RtspServer::start(None);
    let unknown = fails(&server.url("nobody"));
    assert_eq!(unknown.kind, SourceErrorKind::NotFound, "{unknown}");

    let free = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = free.local_addr().expect("address").port();
    drop(free);
    let refused = fails(&format!("rtsp://127.0.0.1:{port}/x"));
    assert_eq!(refused.kind, SourceErrorKind::Refused, "{refused}");

    let silent = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = silent.local_addr().expect("address");
    let mute = fails(&format!("rtsp://{address}/x"));
    assert_eq!(mute.kind, SourceErrorKind::TimedOut, "{mute}");

    let rude = stage::answering(|stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 what\r\n\r\n");
    });
    let failure = fails(&rude);
    assert_ne!(failure.kind, SourceErrorKind::Panicked, "{failure}");

    let sound = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n\
        m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:a\r\n";
    let failure = fails(&stage::describing(sound));
    assert_eq!(failure.kind, SourceErrorKind::Unsupported, "{failure}");
}

#[test]
fn rtsp_failures_have_their_kind() {
    CLIENTS.into_iter().for_each(kinds_of_failure);
}

fn a_server_that_goes_away(client: RtspClient) {
    let server = RtspServer::start(None);
    let url = server.url("h264");
    let (stage, session) = watched(rtsp(client, &url, Transport::Tcp, None));
    stage.wait_for_frames(3);
    server.drop_clients();
    stage.wait_for_end();
    session.stop();
    assert_eq!(stage.ends().len(), 1);
}

#[test]
fn a_server_that_goes_away_ends_the_session_once() {
    CLIENTS.into_iter().for_each(a_server_that_goes_away);
}

#[test]
fn a_codec_that_nothing_reads_is_refused_before_it_is_sent() {
    let jpeg = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 26\r\na=rtpmap:26 JPEG/90000\r\na=control:a\r\n";
    let url = stage::describing(jpeg);
    let camera = rtsp(RtspClient::Retina, &url, Transport::Tcp, None);
    let failure = run_to_end(camera).failure();
    assert_eq!(failure.kind, SourceErrorKind::Unsupported, "{failure}");
    assert!(failure.message.contains("jpeg"), "{failure}");
}
