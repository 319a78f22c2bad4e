//! Where a viewer's packets go: into its RTSP connection, or to its UDP ports.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UdpSocket;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Mutex;

use super::rtp;

/// A viewer that takes nothing for this long is hung up on.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The writing half of a connection; answers and packets take turns.
pub(super) type Writer = Arc<Mutex<OwnedWriteHalf>>;

/// Writes all of it, or gives the viewer up.
pub(super) async fn write(writer: &Writer, bytes: &[u8]) -> io::Result<()> {
    let all = async { writer.lock().await.write_all(bytes).await };
    tokio::time::timeout(WRITE_TIMEOUT, all)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The server's UDP ports: RTP leaves from an even one, RTCP from the next (RFC 3550 section 11).
#[derive(Debug)]
pub(super) struct UdpPorts {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
}

impl UdpPorts {
    /// Takes two free ports that follow each other.
    ///
    /// # Errors
    /// The operating system's, when it finds none in a hundred tries.
    pub(super) async fn bind(address: IpAddr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..100 {
            let rtp = UdpSocket::bind((address, 0)).await?;
            let port = rtp.local_addr()?.port();
            if port % 2 == 1 || port == u16::MAX {
                continue;
            }
            match UdpSocket::bind((address, port + 1)).await {
                Ok(rtcp) => return Ok(Self { rtp, rtcp }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Reads what viewers send, receiver reports and hole punches, and lets it go.
    pub(super) async fn drain(&self) {
        let (mut one, mut other) = ([0_u8; 2_048], [0_u8; 2_048]);
        loop {
            // Errors are ports unreachable of viewers that went; there is nothing to do.
            let _ = tokio::select! {
                read = self.rtp.recv_from(&mut one) => read,
                read = self.rtcp.recv_from(&mut other) => read,
            };
        }
    }
}

/// A viewer's end.
#[derive(Clone, Debug)]
pub(super) enum PacketWriter {
    /// Interleaved in its connection.
    Tcp { writer: Writer, rtp: u8, rtcp: u8 },
    /// Datagrams.
    Udp {
        ports: Arc<UdpPorts>,
        rtp: SocketAddr,
        rtcp: SocketAddr,
    },
}

/// RTP packets of one picture, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    interleaved: Option<u8>,
}

impl Batch {
    /// An empty batch for an packet_writer; keeps its memory.
    pub(super) fn clear(&mut self, packet_writer: &PacketWriter) {
        self.bytes.clear();
        self.ends.clear();
        self.interleaved = match packet_writer {
            PacketWriter::Tcp { rtp, .. } => Some(*rtp),
            PacketWriter::Udp { .. } => None,
        };
    }

    pub(super) fn push(
        &mut self,
        payload: &[u8],
        write_header: impl FnOnce(&mut Vec<u8>),
    ) -> &mut [u8] {
        if let Some(channel) = self.interleaved {
            rtp::interleave(&mut self.bytes, channel, payload.len() + 12);
        }
        write_header(&mut self.bytes);
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len());
        self.bytes.get_mut(begin..).unwrap_or_default()
    }
}

impl PacketWriter {
    /// Sends a picture's packets.
    ///
    /// # Errors
    /// The connection's; datagrams that nobody takes are no error.
    pub(super) async fn send(&self, batch: &Batch) -> io::Result<()> {
        match self {
            Self::Tcp { writer, .. } => write(writer, &batch.bytes).await,
            Self::Udp { ports, rtp, .. } => {
                let mut begin = 0;
                for end in &batch.ends {
                    let packet = batch.bytes.get(begin..*end).unwrap_or_default();
                    let _ = ports.rtp.send_to(packet, rtp).await;
                    begin = *end;
                }
                Ok(())
            }
        }
    }

    /// Sends a sender report.
    ///
    /// # Errors
    /// As [`PacketWriter::send`].
    pub(super) async fn send_report(&self, report: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp { writer, rtcp, .. } => {
                let mut bytes = Vec::with_capacity(report.len() + 4);
                rtp::interleave(&mut bytes, *rtcp, report.len());
                bytes.extend_from_slice(report);
                write(writer, &bytes).await
            }
            Self::Udp { ports, rtcp, .. } => {
                let _ = ports.rtcp.send_to(report, rtcp).await;
                Ok(())
            }
        }
    }
}
