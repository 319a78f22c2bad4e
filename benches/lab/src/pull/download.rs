//! A file over HTTP, gone on with where it was broken off (RFC 9110, sections 13.1.5 and 14).

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use super::work::{CHUNK, Origin, Work};
use super::{Entry, Progress, PullError};

/// A connection that breaks is tried so often without a new byte.
const TRIES: u32 = 4;
/// No model is larger.
const MOST_BYTES: u64 = 4 << 30;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A server that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30);

pub(super) struct Download<'d> {
    entry: &'d Entry,
    work: &'d Work,
    wait: Duration,
}

/// What one connection came to.
enum Turn {
    /// All bytes are there.
    Complete,
    /// What is there is of no use and gone.
    Anew,
    /// It broke.
    Broken { total: Option<u64>, why: String },
}

impl<'d> Download<'d> {
    pub(super) fn new(entry: &'d Entry, work: &'d Work, wait: Duration) -> Self {
        Self { entry, work, wait }
    }

    /// Until all bytes are there.
    pub(super) fn run(&self, progress: &mut Progress<'_>) -> Result<(), PullError> {
        let agent = self.agent()?;
        let mut idle = 0;
        loop {
            let before = self.work.len();
            let (total, why) = match self.turn(&agent, progress)? {
                Turn::Complete => return Ok(()),
                Turn::Anew => (None, "the server has another file now".to_owned()),
                Turn::Broken { total, why } => (total, why),
            };
            idle = if self.work.len() > before {
                1
            } else {
                idle + 1
            };
            if idle >= TRIES {
                return Err(PullError::BrokenOff {
                    url: self.entry.url.to_string(),
                    have: self.work.len(),
                    total: total.map_or_else(|| "unknown".to_owned(), |total| total.to_string()),
                    why,
                });
            }
            std::thread::sleep(self.wait * (1 << (idle - 1)));
        }
    }

    fn agent(&self) -> Result<Agent, PullError> {
        let secure = self.entry.url.scheme() == "https";
        let mut config = Agent::config_builder()
            .https_only(secure)
            .http_status_as_error(false)
            .max_redirects(5)
            .user_agent(concat!("parapet/", env!("CARGO_PKG_VERSION")))
            // Ranges are of the bytes as they lie there.
            .accept_encoding("identity")
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        if secure {
            config = config.tls_config(self.tls()?);
        }
        Ok(config.build().new_agent())
    }

    /// The machine's own authorities, so that a site's own one may stand between.
    fn tls(&self) -> Result<TlsConfig, PullError> {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let first = found.errors.first().map(ToString::to_string);
            let why = first.unwrap_or_else(|| "install ca-certificates".to_owned());
            return Err(self.unreachable(&format!("this machine trusts no authority: {why}")));
        }
        let certs = found
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::from(certs))
            .build())
    }

    fn unreachable(&self, why: &str) -> PullError {
        PullError::Unreachable {
            host: self.entry.url.authority().to_owned(),
            why: why.to_owned(),
            url: self.entry.url.to_string(),
        }
    }

    fn turn(&self, agent: &Agent, progress: &mut Progress<'_>) -> Result<Turn, PullError> {
        let url = self.entry.url.as_str();
        let origin = self.work.origin();
        let mut have = self.work.len();
        // Bytes of which nobody can say whether they are of the same version are of use only where
        // the SHA-256 will tell.
        if origin.url != url || (origin.etag.is_empty() && self.entry.sha256.is_none()) {
            have = 0;
        }
        if have > 0 && self.entry.bytes == Some(have) {
            return Ok(Turn::Complete);
        }
        let mut request = agent.get(url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if !origin.etag.is_empty() {
                request = request.header(header::IF_RANGE, &origin.etag);
            }
        }
        let mut response = match request.call() {
            Ok(response) => response,
            // A connection that breaks while it is used is tried again, one that is not there is not.
            Err(error) if have > 0 && is_break(&error) => return Ok(broken(None, &error)),
            Err(error) => return Err(self.unreachable(&error.to_string())),
        };
        let (start, total) = match response.status().as_u16() {
            200 => (0, length(response.headers())),
            206 => match range(response.headers()) {
                Some((start, total)) if start == have => (start, total),
                _ => return self.anew(),
            },
            416 if have > 0 => return self.beyond(&response, have),
            status => return Err(self.refused(status)),
        };
        self.check_size(total)?;
        let anew = (start == 0).then(|| Origin {
            url: url.to_owned(),
            etag: strong_etag(response.headers()),
        });
        self.take(&mut response, anew.as_ref(), (start, total), progress)
    }

    /// Writes what comes.
    fn take(
        &self,
        response: &mut Response<Body>,
        anew: Option<&Origin>,
        (start, total): (u64, Option<u64>),
        progress: &mut Progress<'_>,
    ) -> Result<Turn, PullError> {
        let mut file = self.work.write(anew)?;
        let most = self.entry.bytes.unwrap_or(MOST_BYTES);
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        let (mut chunk, mut have) = (vec![0; CHUNK], start);
        progress(have, total);
        loop {
            let read = match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return Ok(broken(total, &error)),
            };
            have += read as u64;
            self.check_size(Some(have).filter(|have| *have > most))?;
            file.write_all(&chunk[..read])
                .map_err(PullError::disk(&self.work.weights()))?;
            progress(have, total);
        }
        if total.or(self.entry.bytes).is_some_and(|total| have < total) {
            return Ok(broken(total, &"the connection was closed"));
        }
        Ok(Turn::Complete)
    }

    fn anew(&self) -> Result<Turn, PullError> {
        self.work.write(Some(&Origin::default()))?;
        Ok(Turn::Anew)
    }

    /// The server says that there is nothing behind what is there: all of it, or another file.
    fn beyond(&self, response: &Response<Body>, have: u64) -> Result<Turn, PullError> {
        let value = response.headers().get(header::CONTENT_RANGE);
        let total =
            value.and_then(|value| value.to_str().ok()?.strip_prefix("bytes */")?.parse().ok());
        if total == Some(have) {
            return Ok(Turn::Complete);
        }
        self.anew()
    }

    /// Refuses a number of bytes that is not the registry's, and throws away what is there.
    fn check_size(&self, found: Option<u64>) -> Result<(), PullError> {
        let expected = self.entry.bytes;
        let Some(found) = found else { return Ok(()) };
        if expected.map_or(found <= MOST_BYTES, |expected| found == expected) {
            return Ok(());
        }
        self.work.write(Some(&Origin::default()))?;
        Err(PullError::Size {
            url: self.entry.url.to_string(),
            found,
            expected: expected.unwrap_or(MOST_BYTES),
        })
    }

    fn refused(&self, status: u16) -> PullError {
        PullError::Refused {
            url: self.entry.url.to_string(),
            status,
            hint: match status {
                401 | 403 | 407 => ": this machine, or its proxy, is not let through",
                404 | 410 => ": the file is not there any more; the registry is out of date",
                429 | 500..=599 => ": try again later",
                _ => "",
            },
        }
    }
}

fn broken(total: Option<u64>, why: &dyn std::fmt::Display) -> Turn {
    Turn::Broken {
        total,
        why: why.to_string(),
    }
}

fn is_break(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ureq::Error::Io(error) => matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        ),
        ureq::Error::Timeout(_) => true,
        _ => false,
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// First byte and whole length of `Content-Range: bytes first-last/length`.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (span, whole) = value.strip_prefix("bytes ")?.split_once('/')?;
    let first = span.split_once('-')?.0.trim().parse().ok()?;
    Some((first, whole.trim().parse().ok()))
}

/// The ETag if it vouches for every byte; a weak one does not.
fn strong_etag(headers: &HeaderMap) -> String {
    let value = headers.get(header::ETAG).and_then(|v| v.to_str().ok());
    let strong = value.filter(|tag| tag.starts_with('"') && !tag.contains('\n'));
    strong.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
    }

    #[test]
    fn ranges_and_tags_are_read_as_the_standard_writes_them() {
        let of = |value| range(&headers(header::CONTENT_RANGE, value));
        assert_eq!(of("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(of("bytes 5-9/*"), Some((5, None)));
        assert_eq!(of("bytes */10"), None);
        assert_eq!(of("lines 1-2/3"), None);
        let tag = |value| strong_etag(&headers(header::ETAG, value));
        assert_eq!(tag("\"abc\""), "\"abc\"");
        assert_eq!(tag("W/\"abc\""), "");
    }
}
