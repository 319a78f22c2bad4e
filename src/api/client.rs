//! The other end of the API, for the command line and for tests.

use std::time::Duration;

use axum::http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use super::convert::{self, ConvertError};
use crate::access::TlsError;
use crate::config::types::ClientTls;
use crate::journal::Filter;
use crate::model::camera::CameraStatus;
use crate::model::entry::Gap;
use crate::model::event::{Event, Record};
use crate::model::ids::{ConsumerName, Sequence};
use crate::proto::v1;
use crate::proto::v1::admin_client::AdminClient;
use crate::proto::v1::cameras_client::CamerasClient;
use crate::proto::v1::events_client::EventsClient;
use crate::proto::v1::subscribe_request::Start;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server could not be reached.
    #[error("cannot reach {server}: is the daemon running there?")]
    Connect {
        /// Its address as given.
        server: String,
        /// The transport's words.
        source: tonic::transport::Error,
    },
    /// A certificate or key is no good.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// Certificates without `https`, or the other way round.
    #[error("{server}: {problem}")]
    Address {
        /// The address as given.
        server: String,
        /// What does not fit.
        problem: &'static str,
    },
    /// The server refused or the connection broke.
    #[error("the server says: {} ({:?})", .0.message(), .0.code())]
    Refused(Box<Status>),
    /// The server speaks another version.
    #[error("the server sent something this program does not understand")]
    Convert(#[from] ConvertError),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Where a subscription starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscribeFrom {
    /// After this sequence; 0 is the beginning.
    After(Sequence),
    /// After what this consumer last acknowledged.
    Consumer(ConsumerName),
}

/// What a subscription brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A wanted event.
    Record(Box<Record>),
    /// Everything wanted up to here was sent.
    Position(Sequence),
    /// Nothing comes for these sequences.
    Gap(Gap),
    /// A wanted event that the node's failing disk does not take yet; it comes again as a record.
    Provisional(Box<Event>),
}

/// A connection to one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    events: EventsClient<Channel>,
    cameras: CamerasClient<Channel>,
    admin: AdminClient<Channel>,
}

impl Client {
    /// Connects to `http://host:port`, in plain text.
    ///
    /// # Errors
    /// [`ClientError::Connect`] for a bad address or no answer within five seconds.
    pub async fn connect(server: &str) -> Result<Self, ClientError> {
        Self::connect_with(server, None).await
    }

    /// Connects to `https://host:port` with certificates, or to `http://host:port` without.
    ///
    /// # Errors
    /// [`ClientError::Connect`] as above; [`ClientError::Tls`] for files that are no good, and
    /// where the address and the certificates do not fit together.
    pub async fn connect_with(server: &str, tls: Option<&ClientTls>) -> Result<Self, ClientError> {
        let channel = channel(server, tls).await?;
        Ok(Self {
            events: EventsClient::new(channel.clone()),
            cameras: CamerasClient::new(channel.clone()),
            admin: AdminClient::new(channel),
        })
    }

    /// The administrative methods.
    pub fn admin(&mut self) -> &mut AdminClient<Channel> {
        &mut self.admin
    }

    /// Follows everything after a sequence; 0 is the beginning.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn subscribe_after(&mut self, sequence: u64) -> Result<Subscription, ClientError> {
        self.subscribe(SubscribeFrom::After(Sequence(sequence)), &Filter::default())
            .await
    }

    /// Follows what the filter's cameras, kinds and severity want.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn subscribe(
        &mut self,
        from: SubscribeFrom,
        filter: &Filter,
    ) -> Result<Subscription, ClientError> {
        let start = match from {
            SubscribeFrom::After(sequence) => Start::AfterSequence(sequence.0),
            SubscribeFrom::Consumer(name) => Start::Consumer(name.to_string()),
        };
        let request = v1::SubscribeRequest {
            start: Some(start),
            filter: Some(convert::filter_to_wire(filter)),
        };
        let stream = self.events.subscribe(request).await?.into_inner();
        Ok(Subscription { stream })
    }

    /// Moves a consumer's position forward; returns where it now is.
    ///
    /// # Errors
    /// [`ClientError::Refused`], OUT_OF_RANGE beyond the journal's end.
    pub async fn acknowledge(
        &mut self,
        consumer: &ConsumerName,
        sequence: Sequence,
    ) -> Result<Sequence, ClientError> {
        let request = v1::AcknowledgeRequest {
            consumer: consumer.to_string(),
            sequence: sequence.0,
        };
        let answer = self.events.acknowledge(request).await?.into_inner();
        Ok(Sequence(answer.acknowledged_sequence))
    }

    /// One page of stored events, and where the next page starts, if there is one.
    ///
    /// # Errors
    /// [`ClientError::Refused`], INVALID_ARGUMENT for a page of more than 256.
    pub async fn query(
        &mut self,
        filter: &Filter,
        page_size: u32,
    ) -> Result<(Vec<Record>, Option<Sequence>), ClientError> {
        let request = v1::QueryRequest {
            filter: Some(convert::filter_to_wire(filter)),
            from_utc_micros: filter.from.map(|time| time.0),
            to_utc_micros: filter.to.map(|time| time.0),
            after_sequence: filter.after_sequence.0,
            page_size,
        };
        let answer = self.events.query(request).await?.into_inner();
        let records = answer.events.into_iter().map(convert::from_wire);
        let next = Some(Sequence(answer.next_after_sequence)).filter(|next| next.0 > 0);
        Ok((records.collect::<Result<_, _>>()?, next))
    }

    /// Every camera of the server.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn cameras(&mut self) -> Result<Vec<CameraStatus>, ClientError> {
        let answer = self
            .cameras
            .list_cameras(v1::ListCamerasRequest {})
            .await?
            .into_inner();
        Ok(answer
            .cameras
            .into_iter()
            .map(convert::camera_from_wire)
            .collect::<Result<_, _>>()?)
    }
}

/// A connection for any generated client; with certificates it speaks TLS 1.3.
///
/// # Errors
/// See [`Client::connect_with`].
pub async fn channel(server: &str, tls: Option<&ClientTls>) -> Result<Channel, ClientError> {
    let endpoint = Endpoint::from_shared(server.to_owned()).map_err(|source| {
        let server = server.to_owned();
        ClientError::Connect { server, source }
    })?;
    let endpoint = endpoint
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(20));
    dial(endpoint, tls).await
}

/// As [`channel`], with settings of the caller's own.
pub(super) async fn dial(
    endpoint: Endpoint,
    tls: Option<&ClientTls>,
) -> Result<Channel, ClientError> {
    let server = endpoint.uri().to_string();
    let failed = |source| ClientError::Connect {
        server: server.clone(),
        source,
    };
    let wrong = |problem| ClientError::Address {
        server: server.clone(),
        problem,
    };
    let secure = endpoint.uri().scheme_str() == Some("https");
    let Some(tls) = tls else {
        if secure {
            return Err(wrong(
                "https needs certificates: say --tls-ca, --tls-cert and --tls-key",
            ));
        }
        return endpoint.connect().await.map_err(failed);
    };
    if !secure {
        return Err(wrong("certificates need an https address"));
    }
    let host = endpoint.uri().host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
    let name = ServerName::try_from(name).map_err(|_| wrong("this is no host's name"))?;
    let connector = TlsConnector::from(tls.load()?);
    let connect = tower::service_fn(move |uri: Uri| {
        let (connector, name) = (connector.clone(), name.clone());
        async move {
            let host = uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let socket = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
            socket.set_nodelay(true)?;
            let stream = connector.connect(name, socket).await?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    endpoint
        .connect_with_connector(connect)
        .await
        .map_err(failed)
}

/// A running subscription; dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    stream: Streaming<v1::SubscribeResponse>,
}

impl Subscription {
    /// The next thing told; `None` when the server ended the stream without an error.
    pub async fn told(&mut self) -> Option<Result<Told, ClientError>> {
        use crate::proto::v1::subscribe_response::Message;
        loop {
            let message = match self.stream.message().await {
                Ok(message) => message?.message,
                Err(status) => return Some(Err(status.into())),
            };
            return Some(Ok(match message {
                Some(Message::Event(event)) => match convert::from_wire(event) {
                    Ok(record) => Told::Record(Box::new(record)),
                    Err(error) => return Some(Err(error.into())),
                },
                Some(Message::Position(at)) => Told::Position(Sequence(at.sequence)),
                Some(Message::Gap(gap)) => match convert::gap_from_wire(gap) {
                    Ok(gap) => Told::Gap(gap),
                    Err(error) => return Some(Err(error.into())),
                },
                Some(Message::Provisional(event)) => match convert::event_from_wire(event) {
                    Ok(event) => Told::Provisional(Box::new(event)),
                    Err(error) => return Some(Err(error.into())),
                },
                // A newer server's message; the contract lets us pass over it.
                None => continue,
            }));
        }
    }

    /// The next stored event; a gap is logged.
    pub async fn next(&mut self) -> Option<Result<Record, ClientError>> {
        loop {
            match self.told().await? {
                Ok(Told::Record(record)) => return Some(Ok(*record)),
                Ok(Told::Gap(gap)) => {
                    let (first, last, reason) = (gap.first.0, gap.last.0, gap.reason.name());
                    tracing::warn!(first, last, reason, "events are missing");
                }
                Ok(Told::Position(_) | Told::Provisional(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
